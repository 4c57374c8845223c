// Minima, medians and ratios, as a markdown table, and the budget that they are held against.

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// goal is the most that the first runtime may take, as a part of what crun takes. Minimum and median
// must both meet it.
func goal(c string) (float64, bool) {
	switch c {
	case "run":
		return 0.80, true
	case "create", "start", "delete":
		return 0.65, true
	}
	return 0, false
}

// pssGoal is the most memory of a created init, in KB.
const pssGoal = 64

// summary is what remains of samples.
type summary struct{ min, median, cpu time.Duration }

func median[T time.Duration | float64](v []T) T {
	v = slices.Sorted(slices.Values(v))
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[len(v)/2]
}

func (s samples) summary() summary {
	wall, cpu := make([]time.Duration, len(s)), make([]time.Duration, len(s))
	for i, c := range s {
		wall[i], cpu[i] = c.Wall, c.CPU
	}
	return summary{min: slices.Min(wall), median: median(wall), cpu: median(cpu)}
}

// title says in words what a case is.
func title(c string) string {
	switch c {
	case "life":
		return "create + start + delete"
	case "kill":
		return "delete --force, running"
	}
	return c
}

func ms(d time.Duration) string { return fmt.Sprintf("%.2f", float64(d)/1e6) }

// columns are the names of the rows' cells: the runtimes, then the floors where they were measured.
func (b *bench) columns() []string {
	var names []string
	for i := range b.runtimes {
		names = append(names, b.runtimes[i].name)
	}
	for _, f := range []string{floorName, floorNoCgroup} {
		if len(b.samples["run"][f]) > 0 {
			names = append(names, f)
		}
	}
	return names
}

func (b *bench) heading(names []string) string {
	var line strings.Builder
	line.WriteString("| |")
	for _, name := range names {
		title := name
		for i := range b.runtimes {
			if r := &b.runtimes[i]; r.name == name {
				title += " " + r.version
			}
		}
		fmt.Fprintf(&line, " %s |", title)
	}
	return line.String()
}

// table is everything measured.
func (b *bench) table() string {
	var out strings.Builder
	names := b.columns()
	first := b.runtimes[0].name
	fmt.Fprintf(&out, "%s, %d rounds, minimum / median. %s\n\n", machine(), b.rounds, load())
	fmt.Fprintf(&out, "%s %s ÷ crun | goal |\n|---|%s---|---|\n", b.heading(names), first, strings.Repeat("---|", len(names)))
	for _, c := range b.cases {
		fmt.Fprintf(&out, "| %s, ms |", title(c))
		for _, name := range names {
			cell := "–"
			if s := b.samples[c][name]; len(s) > 0 {
				sum := s.summary()
				cell = ms(sum.min) + " / " + ms(sum.median)
			}
			fmt.Fprintf(&out, " %s |", cell)
		}
		out.WriteString(b.ratioCells(c, first) + "\n")
	}
	for _, c := range b.cases {
		fmt.Fprintf(&out, "| processor time of %s, ms (median) |", title(c))
		for _, name := range names {
			cell := "–"
			if s := b.samples[c][name]; len(s) > 0 {
				cell = ms(s.summary().cpu)
			}
			fmt.Fprintf(&out, " %s |", cell)
		}
		out.WriteString(b.cpuRatio(c, first) + " |\n")
	}
	b.memoryRows(&out, names)
	return out.String()
}

// ratios are the first runtime's minimum and median as parts of crun's.
func (b *bench) ratios(c, first string) (least, middle float64, ok bool) {
	ours, theirs := b.samples[c][first], b.samples[c]["crun"]
	if first == "crun" || len(ours) == 0 || len(theirs) == 0 {
		return 0, 0, false
	}
	o, t := ours.summary(), theirs.summary()
	return float64(o.min) / float64(t.min), float64(o.median) / float64(t.median), true
}

func (b *bench) ratioCells(c, first string) string {
	cell, want := " – |", " |"
	if g, ok := goal(c); ok {
		want = fmt.Sprintf(" ≤ %.2f |", g)
	}
	if least, middle, ok := b.ratios(c, first); ok {
		cell = fmt.Sprintf(" %.2f / %.2f |", least, middle)
	}
	return cell + want
}

func (b *bench) cpuRatio(c, first string) string {
	ours, theirs := b.samples[c][first], b.samples[c]["crun"]
	if first == "crun" || len(ours) == 0 || len(theirs) == 0 {
		return " – |"
	}
	return fmt.Sprintf(" %.2f |", float64(ours.summary().cpu)/float64(theirs.summary().cpu))
}

func (b *bench) memoryRows(out *strings.Builder, names []string) {
	row := func(title, want string, value func(string) float64) {
		fmt.Fprintf(out, "| %s |", title)
		for _, name := range names {
			cell := "–"
			if kb := value(name); kb > 0 {
				cell = fmt.Sprintf("%.0f", kb)
			}
			fmt.Fprintf(out, " %s |", cell)
		}
		fmt.Fprintf(out, " – | %s |\n", want)
	}
	if len(b.peak) > 0 {
		row("most memory of one process of run, KB", "", func(name string) float64 { return b.peak[name] })
	}
	if len(b.pss) > 0 {
		row("Pss of the created init, KB (median)", fmt.Sprintf("≤ %d", pssGoal), b.pssMedian)
	}
}

func (b *bench) pssMedian(name string) float64 {
	if len(b.pss[name]) == 0 {
		return 0
	}
	return median(b.pss[name])
}

// checkBudget is an error that names every goal missed, and what was reached.
func (b *bench) checkBudget() error {
	var errs []error
	first := b.runtimes[0].name
	for _, c := range b.cases {
		g, ok := goal(c)
		if !ok {
			continue
		}
		least, middle, ok := b.ratios(c, first)
		switch {
		case !ok:
			errs = append(errs, fmt.Errorf("%s: nothing to compare; the budget is held against crun", c))
		case least > g || middle > g:
			errs = append(errs, fmt.Errorf("%s: minimum %.2f × crun, median %.2f ×, goal %.2f ×", c, least, middle, g))
		}
	}
	if kb := b.pssMedian(first); kb > pssGoal {
		errs = append(errs, fmt.Errorf("created init: Pss %.0f KB, goal %d KB", kb, pssGoal))
	}
	return errors.Join(errs...)
}

// load says how busy the machine was, since medians of a busy one say little about the runtimes.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	f := strings.Fields(string(text))
	if len(f) < 3 {
		return ""
	}
	return fmt.Sprintf("Load average at the end: %s over one minute, %s over five.", f[0], f[1])
}

// machine says on what was measured.
func machine() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return err.Error()
	}
	cpu := "unknown processor"
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, ok := strings.CutPrefix(line, "model name"); ok {
				cpu = strings.Trim(name, " \t:\n")
				break
			}
		}
	}
	return fmt.Sprintf("Linux %s, %d × %s, %s", unix.ByteSliceToString(u.Release[:]), runtime.NumCPU(), cpu, cgroupLayout())
}

func cgroupLayout() string {
	var fs unix.Statfs_t
	if unix.Statfs("/sys/fs/cgroup", &fs) == nil && fs.Type == unix.CGROUP2_SUPER_MAGIC {
		return "cgroup v2"
	}
	entries, err := os.ReadDir("/sys/fs/cgroup")
	if err != nil {
		return "no cgroups"
	}
	links := func(e os.DirEntry) bool { return !e.IsDir() } // cpuacct -> cpu,cpuacct
	return fmt.Sprintf("%d cgroup hierarchies", len(slices.DeleteFunc(entries, links)))
}

// between puts table between the lines <!-- NAME:begin --> and <!-- NAME:end -->.
func between(text []byte, name, table string) ([]byte, error) {
	begin, end := []byte("<!-- "+name+":begin -->\n"), []byte("<!-- "+name+":end -->")
	i := bytes.Index(text, begin)
	j := bytes.Index(text, end)
	if i < 0 || j < i {
		return nil, fmt.Errorf("no lines %q and %q", bytes.TrimSpace(begin), end)
	}
	return slices.Concat(text[:i+len(begin)], []byte(table), text[j:]), nil
}
