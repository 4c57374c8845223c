// Command tally reads a test run's machine-readable output, shows people how it goes and counts.
//
// usage: tally go|tap NAME
//
// The input is `go test -json` or TAP on stdin. The counts go to build/results/NAME as
// "passed failed skipped", what failed tests said to build/results/NAME.failed. The exit code is 1
// when anything failed or nothing ran at all.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// counts is the outcome of one suite.
type counts struct{ passed, failed, skipped int }

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: tally go|tap NAME")
		os.Exit(2)
	}
	var c counts
	var err error
	var failures bytes.Buffer
	switch os.Args[1] {
	case "go":
		c, err = readGo(os.Stdin, os.Stdout, &failures)
	case "tap":
		c, err = readTAP(os.Stdin, os.Stdout, &failures)
	default:
		err = fmt.Errorf("unknown format %q", os.Args[1])
	}
	if err == nil {
		err = c.write(filepath.Join("build", "results", os.Args[2]), failures.Bytes())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "tally:", err)
		os.Exit(1)
	}
	fmt.Printf("%s: %d passed, %d failed, %d skipped\n", os.Args[2], c.passed, c.failed, c.skipped)
	if c.failed > 0 || c.passed+c.skipped == 0 {
		os.Exit(1)
	}
}

// write stores the counts for run-suites.sh to add up, and the failures for it to repeat at the end:
// nobody should have to search thousands of lines for the one that matters.
func (c counts) write(path string, failures []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path+".failed", failures, 0o644); err != nil {
		return err
	}
	text := fmt.Sprintf("%d %d %d\n", c.passed, c.failed, c.skipped)
	return os.WriteFile(path, []byte(text), 0o644)
}

// event is one line of `go test -json` (see `go doc test2json`).
type event struct {
	Action, Package, Test, Output, ImportPath string
	Elapsed                                   float64
}

// readGo counts leaf tests: a test with sub-tests is their sum, not one more. A package that fails
// without a failing test of its own (it does not build, or it panics) is one failure.
func readGo(in io.Reader, out, failures io.Writer) (counts, error) {
	both := io.MultiWriter(out, failures)
	var c counts
	log := map[string]*strings.Builder{} // output of tests and packages still running
	parent := map[string]bool{}          // has sub-tests
	failedBelow := map[string]bool{}     // a test or package in which a test has failed already
	scan := bufio.NewScanner(in)
	scan.Buffer(nil, 16<<20)
	for scan.Scan() {
		var e event
		if json.Unmarshal(scan.Bytes(), &e) != nil {
			fmt.Fprintln(out, scan.Text())
			continue
		}
		if e.Action == "build-output" {
			fmt.Fprint(both, e.Output)
			continue
		}
		key := e.Package + "\x00" + e.Test
		above := e.Package + "\x00"
		if i := strings.LastIndex(e.Test, "/"); i >= 0 {
			above += e.Test[:i]
			parent[above] = true
		}
		switch e.Action {
		case "output":
			if log[key] == nil {
				log[key] = &strings.Builder{}
			}
			log[key].WriteString(e.Output)
			continue
		case "pass", "fail", "skip":
		default:
			continue
		}
		text := ""
		if b := log[key]; b != nil {
			text = b.String()
			delete(log, key)
		}
		if e.Test == "" {
			c.endPackage(out, both, e, text, failedBelow[key])
			continue
		}
		if e.Action == "fail" {
			failedBelow[above] = true
			failedBelow[e.Package+"\x00"] = true
			fmt.Fprintf(both, "FAIL %s %s\n%s", e.Package, e.Test, text)
		}
		// A parent that fails by itself must not vanish from the sum.
		if parent[key] && (e.Action != "fail" || failedBelow[key]) {
			continue
		}
		switch e.Action {
		case "pass":
			c.passed++
		case "fail":
			c.failed++
		case "skip":
			c.skipped++
			fmt.Fprintf(out, "skip %s %s\n%s", e.Package, e.Test, text)
		}
	}
	return c, scan.Err()
}

// endPackage reports a package as a whole.
func (c *counts) endPackage(out, both io.Writer, e event, text string, failed bool) {
	switch {
	case e.Action == "fail" && !failed:
		c.failed++
		fmt.Fprintf(both, "FAIL %s\n%s", e.Package, text)
	case e.Action == "skip":
		// No test files: nothing to count.
	default:
		fmt.Fprintf(out, "%-4s %s (%.1fs)\n", e.Action, e.Package, e.Elapsed)
	}
}

// readTAP passes the lines through as they come, so that a person sees progress.
func readTAP(in io.Reader, out, failures io.Writer) (counts, error) {
	var c counts
	skip := regexp.MustCompile(`(?i)# *skip`)
	plan := regexp.MustCompile(`^1\.\.(\d+)`)
	planned := -1
	failing := false // the lines of diagnosis that follow belong to a failed test
	scan := bufio.NewScanner(in)
	scan.Buffer(nil, 16<<20)
	for scan.Scan() {
		line := scan.Text()
		fmt.Fprintln(out, line)
		failing = strings.HasPrefix(line, "not ok") || failing && strings.HasPrefix(line, "#")
		if failing {
			fmt.Fprintln(failures, line)
		}
		switch {
		case strings.HasPrefix(line, "not ok"):
			c.failed++
		case !strings.HasPrefix(line, "ok"):
			if m := plan.FindStringSubmatch(line); m != nil {
				_, _ = fmt.Sscan(m[1], &planned) // the expression admits digits only
			}
		case skip.MatchString(line):
			c.skipped++
		default:
			c.passed++
		}
	}
	// A suite that ends early must not look like one that passed.
	if ran := c.passed + c.failed + c.skipped; planned > ran {
		fmt.Fprintf(io.MultiWriter(out, failures), "not ok: planned %d tests, saw %d\n", planned, ran)
		c.failed += planned - ran
	}
	return c, scan.Err()
}
