// Whether a command gets slower with the number of containers that are there.

package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// scaleRounds is how often each command runs at each step, with each runtime in turn.
const scaleRounds = 15

var scaleCommands = []string{"run", "state", "list", "list --quiet"}

// scale is the idle containers of every runtime, and what was measured among them.
type scale struct {
	*bench
	idle string              // bundle
	ids  map[string][]string // by runtime
	took map[string][]time.Duration
}

// measureScale brings every runtime to the same number of idle containers, then measures them
// interleaved, and goes on to the next number.
func (b *bench) measureScale() (table string, err error) {
	s := &scale{bench: b, ids: map[string][]string{}}
	if s.idle, err = b.idleBundle(); err != nil {
		return "", err
	}
	defer func() {
		if rerr := s.remove(); err == nil {
			err = rerr
		}
	}()
	var out strings.Builder
	fmt.Fprintf(&out, "| idle containers of each | runtime | %s |\n|---|---|%s\n",
		strings.Join(scaleCommands, ", ms | ")+", ms", strings.Repeat("---|", len(scaleCommands)))
	for _, n := range slices.Sorted(slices.Values(b.scaleTo)) {
		if err := s.fill(n); err != nil {
			return "", err
		}
		s.took = map[string][]time.Duration{}
		for round := range scaleRounds {
			if err := s.round(round); err != nil {
				return "", err
			}
			runtime.GC()
		}
		for i := range b.runtimes {
			name := b.runtimes[i].name
			fmt.Fprintf(&out, "| %d | %s |", n, name)
			for _, c := range scaleCommands {
				t := s.took[name+" "+c]
				fmt.Fprintf(&out, " %s / %s |", ms(slices.Min(t)), ms(median(t)))
			}
			out.WriteString("\n")
		}
	}
	return fmt.Sprintf("%s. Minimum / median of %d, interleaved. %s\n\n%s", machine(), scaleRounds, load(), out.String()), nil
}

// fill starts containers until each runtime has n. It is not measured, so four at a time do it.
func (s *scale) fill(n int) error {
	for i := range s.runtimes {
		r := &s.runtimes[i]
		var ids []string
		for have := len(s.ids[r.name]); have+len(ids) < n; {
			ids = append(ids, s.id())
		}
		s.ids[r.name] = append(s.ids[r.name], ids...)
		if err := s.all(ids, func(id string) []string {
			return r.args("run", "--detach", "--bundle", s.idle, "--pid-file", s.pidFile(r, id), id)
		}); err != nil {
			return err
		}
	}
	return nil
}

// all runs a command for every id, and returns the first error.
func (s *scale) all(ids []string, command func(id string) []string) error {
	var first error
	var once sync.Once
	var wg sync.WaitGroup
	next := make(chan string)
	for range 4 {
		wg.Go(func() {
			for id := range next {
				argv := command(id)
				c := exec.Command(argv[0], argv[1:]...)
				c.Stderr = s.stderr
				if err := c.Run(); err != nil {
					once.Do(func() { first = fmt.Errorf("%s %s: %w: %s", filepath.Base(argv[0]), id, err, s.lastError()) })
				}
			}
		})
	}
	for _, id := range ids {
		next <- id
	}
	close(next)
	wg.Wait()
	return first
}

// round runs every command once with every runtime, beginning with another one each time.
func (s *scale) round(n int) error {
	for i := range s.runtimes {
		r := &s.runtimes[(i+n)%len(s.runtimes)]
		ids := s.ids[r.name]
		for _, c := range scaleCommands {
			argv := r.args(strings.Fields(c)...)
			switch c {
			case "run":
				argv = r.args("run", "--bundle", s.bundle, s.id())
			case "state":
				argv = r.args("state", ids[len(ids)/2])
			}
			cost, err := s.spawner.run(argv...)
			if err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
			key := r.name + " " + c
			s.took[key] = append(s.took[key], cost.Wall)
		}
	}
	return nil
}

// remove deletes all idle containers, and reaps their inits, which have become our children.
func (s *scale) remove() error {
	var first error
	for i := range s.runtimes {
		r := &s.runtimes[i]
		if err := s.all(s.ids[r.name], func(id string) []string { return r.args("delete", "--force", id) }); err != nil && first == nil {
			first = err
		}
		for _, id := range s.ids[r.name] {
			if pid, err := readPid(s.pidFile(r, id)); err == nil {
				_, _ = reap(pid)
			}
		}
	}
	return first
}
