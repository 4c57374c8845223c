// Command bench measures container runtimes side by side: what each command costs in time,
// processor and memory, on the same bundle, interleaved in one run.
//
// It is started by bench/run.sh, which prepares what it needs. Interleaved means: every round runs
// every case once with every runtime, each round beginning with another one, so that whatever else
// the machine does falls on all of them alike. A command that fails ends the benchmark.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// options is what the command line says.
type options struct {
	runtimes []runtimeUnderTest
	floor    string // the C floor, or "" for none
	without  bool   // no cgroups
	peak     string // bench/floor/peak.c, or "" not to measure peak memory
	bundle   string
	rounds   int
	cases    []string
	budget   bool
	density  []int
	scaleTo  []int
	parallel int
	json     string
	write    string
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// parse reads the command line. Runtimes are given as NAME=PATH, the first one being the one whose
// ratios and budget are printed and the last one of the name "crun" what they are taken against.
func parse() (*options, error) {
	var o options
	var density, scale, cases string
	flag.Func("runtime", "`NAME=PATH` of a runtime; repeatable, the first is the one judged", func(s string) error {
		name, path, ok := strings.Cut(s, "=")
		if !ok {
			return errors.New("want NAME=PATH")
		}
		path, err := filepath.Abs(path)
		if err != nil {
			return err
		}
		o.runtimes = append(o.runtimes, runtimeUnderTest{name: name, path: path})
		return nil
	})
	flag.StringVar(&o.floor, "floor", "", "`PATH` of the C floor")
	flag.StringVar(&o.peak, "peak", "", "`PATH` of the helper that measures peak memory")
	flag.StringVar(&o.bundle, "bundle", "", "`DIR` of the bundle, whose program must end at once")
	flag.BoolVar(&o.without, "no-cgroups", false, "without cgroups: no cgroup mount, crun's cgroup manager disabled; runc always wants them")
	flag.IntVar(&o.rounds, "rounds", 50, "rounds to run after two to warm up")
	flag.StringVar(&cases, "cases", strings.Join(allCases, ","), "comma-separated `LIST` of cases")
	flag.BoolVar(&o.budget, "budget", false, "exit 1 when the first runtime misses its goal against crun")
	flag.StringVar(&density, "density", "", "instead: comma-separated `LIST` of numbers of idle containers")
	flag.StringVar(&scale, "scale", "", "instead: run, state and list among so many idle containers, a comma-separated `LIST`")
	flag.IntVar(&o.parallel, "parallel", 0, "instead: so many execs in a row, and at once")
	flag.StringVar(&o.json, "json", "", "also write every sample to `FILE`")
	flag.StringVar(&o.write, "write", "", "also put the table between the markers in `FILE`")
	flag.Parse()
	if len(o.runtimes) == 0 || o.bundle == "" || flag.NArg() > 0 || o.rounds < 1 || o.parallel < 0 {
		return nil, errors.New("want --bundle and at least one --runtime; see --help")
	}
	o.cases = strings.Split(cases, ",")
	for _, c := range o.cases {
		if !isCase(c) {
			return nil, fmt.Errorf("--cases: %q is none of %s", c, strings.Join(allCases, ", "))
		}
	}
	var err error
	if o.density, err = numbers("--density", density); err != nil {
		return nil, err
	}
	if o.scaleTo, err = numbers("--scale", scale); err != nil {
		return nil, err
	}
	return &o, nil
}

// numbers reads the comma-separated numbers of containers of an option.
func numbers(option, text string) (list []int, err error) {
	for s := range strings.SplitSeq(text, ",") {
		if s == "" {
			continue
		}
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%s: %q is not a number of containers", option, s)
		}
		list = append(list, n)
	}
	return list, nil
}

func run() error {
	o, err := parse()
	if err != nil {
		return err
	}
	// Inits that outlive the `create` that made them become our children, as they would become a
	// container manager's shim's: we see them end, and nobody else has to clean up.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("prctl(PR_SET_CHILD_SUBREAPER): %w", err)
	}
	runtime.LockOSThread()
	debug.SetGCPercent(-1) // collected between rounds, never inside a measurement

	work, err := os.MkdirTemp("/run", "sandbox-runtime-bench.")
	if err != nil {
		return err
	}
	b, err := newBench(o, work)
	if err != nil {
		return errors.Join(err, os.RemoveAll(work))
	}
	var table string
	switch {
	case len(o.scaleTo) > 0:
		table, err = b.measureScale()
	case len(o.density) > 0:
		table, err = b.measureDensity()
	case o.parallel > 0:
		table, err = b.measureParallel(o.parallel)
	default:
		table, err = b.measure()
	}
	if err := errors.Join(err, b.leftovers(), os.RemoveAll(work)); err != nil {
		return err
	}
	fmt.Print(table)
	if err := b.publish(table); err != nil {
		return err
	}
	if o.budget && o.parallel == 0 { // which has looked at its own
		return b.checkBudget()
	}
	return nil
}

// publish writes the samples and the table where the options want them.
func (b *bench) publish(table string) error {
	if b.json != "" {
		text, err := json.MarshalIndent(b.samples, "", " ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(b.json, text, 0o644); err != nil {
			return err
		}
	}
	if b.write == "" {
		return nil
	}
	marker := "bench"
	if len(b.options.density) > 0 {
		marker = "density"
	}
	if len(b.scaleTo) > 0 {
		marker = "scale"
	}
	if b.parallel > 0 {
		marker = "parallel"
	}
	text, err := os.ReadFile(b.write)
	if err != nil {
		return err
	}
	text, err = between(text, marker, table)
	if err != nil {
		return fmt.Errorf("%s: %w", b.write, err)
	}
	return os.WriteFile(b.write, text, 0o644)
}
