// Command sabotage proves that tests bite: it weakens the source in one place at a time, builds the
// runtime or a test program from it, and wants the test that guards the place to fail.
//
// usage: sabotage [-top DIR] [-runtime FILE] [-jobs N] [-f PATTERN] [-apply] TABLE...
//
// The source in the tree is not touched: the changed files are given to the compiler with -overlay.
// The result is TAP, one test for each sabotage. A sabotage counts when
//
//   - its text is in the source exactly once, and the changed source compiles;
//   - its test passes without it (where that is skipped on this host, so is the sabotage);
//   - a plain `run` still works with it: a runtime that can do nothing fails any test;
//   - every test that its pattern selects fails with it.
//
// With -apply nothing is built or run: it is checked that the sabotages apply and the tests exist.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
)

func main() {
	top := flag.String("top", ".", "the source tree")
	runtime := flag.String("runtime", "sandbox-runtime", "the runtime built without sabotage")
	jobs := flag.Int("jobs", 1, "how many at a time")
	filter := flag.String("f", "", "only sabotages whose name, or test, matches this regular expression")
	apply := flag.Bool("apply", false, "only check that the sabotages apply")
	flag.Parse()
	if err := run(*top, *runtime, *jobs, *filter, *apply, flag.Args()); err != nil {
		fmt.Printf("Bail out! %v\n", err)
		os.Exit(1)
	}
}

func run(top, runtime string, jobs int, filter string, apply bool, paths []string) error {
	t := tables{none: map[string]string{}}
	for _, path := range paths {
		if err := t.read(path); err != nil {
			return err
		}
	}
	pattern, err := regexp.Compile(filter)
	if err != nil {
		return err
	}
	var rows []sabotage
	for _, r := range t.rows {
		if pattern.MatchString(r.name) || pattern.MatchString(r.test.String()) {
			rows = append(rows, r)
		}
	}
	l, err := newLab(top, runtime)
	if err != nil {
		return err
	}
	defer l.close()
	try := l.try
	if apply {
		try = l.applies
	} else if err := l.prepare(); err != nil {
		return err
	}
	if filter == "" {
		fmt.Printf("1..%d\n", len(rows)+1)
	} else {
		fmt.Printf("1..%d\n", len(rows))
	}
	report(rows, jobs, try)
	if filter == "" {
		say(len(rows)+1, verdict{err: t.uncovered(top)}, "every bats file has a sabotage or a reason why not")
	}
	return nil
}

// report tries all rows, several at a time, and prints each as it ends.
func report(rows []sabotage, jobs int, try func(*sabotage) verdict) {
	var wg sync.WaitGroup
	var lock sync.Mutex
	slots := make(chan struct{}, max(jobs, 1))
	n := 0
	for i := range rows {
		slots <- struct{}{}
		wg.Go(func() {
			v := try(&rows[i])
			lock.Lock()
			n++
			say(n, v, rows[i].name+" ("+rows[i].test.String()+")")
			lock.Unlock()
			<-slots
		})
	}
	wg.Wait()
}

// verdict is the outcome of one: neither field set means that the test bites.
type verdict struct {
	err  error
	skip string
}

func say(n int, v verdict, name string) {
	name = strings.ReplaceAll(name, "#", "no.") // TAP's directives begin with it
	switch {
	case v.err != nil:
		fmt.Printf("not ok %d %s\n# %s\n", n, name, strings.ReplaceAll(strings.TrimSpace(v.err.Error()), "\n", "\n# "))
	case v.skip != "":
		fmt.Printf("ok %d %s # skip %s\n", n, name, v.skip)
	default:
		fmt.Printf("ok %d %s\n", n, name)
	}
}

// uncovered names the bats files that no sabotage is aimed at.
func (t *tables) uncovered(top string) error {
	aimed := map[string]bool{}
	for _, r := range t.rows {
		aimed[r.test.file] = true
	}
	var missing []string
	for _, dir := range []string{"tests/integration", "tests/security"} {
		files, err := filepath.Glob(filepath.Join(top, dir, "*.bats"))
		if err != nil {
			return err
		}
		for _, f := range files {
			name := filepath.Join(dir, filepath.Base(f))
			if !aimed[name] && t.none[name] == "" {
				missing = append(missing, name)
			}
		}
	}
	if missing != nil {
		return fmt.Errorf("no sabotage for: %s", strings.Join(missing, ", "))
	}
	return nil
}
