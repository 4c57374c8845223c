// How costs grow with the number of containers on the host.

package main

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// densityRow is what one runtime takes with n idle containers.
type densityRow struct {
	name                   string
	n                      int
	create, start          time.Duration // median of one, while the last tenth of n is made
	run, state, list, kill time.Duration // median of one; kill: delete --force while n are taken down
	created                float64       // KB of all created, not yet started inits together
}

// measureDensity makes n created containers with each runtime in turn, starts them, and measures
// among them.
func (b *bench) measureDensity() (string, error) {
	idle, err := b.idleBundle()
	if err != nil {
		return "", err
	}
	var out strings.Builder
	fmt.Fprintf(&out, "%s. Medians, ms; Pss is of inits created and not yet started. %s\n\n", machine(), load())
	out.WriteString("| idle containers | runtime | create | start | run | state | list | delete --force | Pss of all inits, MB |\n")
	out.WriteString("|---|---|---|---|---|---|---|---|---|\n")
	for _, n := range b.options.density {
		for i := range b.runtimes {
			row, err := b.dense(&b.runtimes[i], idle, n)
			if err != nil {
				return "", err
			}
			fmt.Fprintf(&out, "| %d | %s | %s | %s | %s | %s | %s | %s | %.2f |\n", row.n, row.name, ms(row.create),
				ms(row.start), ms(row.run), ms(row.state), ms(row.list), ms(row.kill), row.created/1024)
			runtime.GC()
		}
	}
	return out.String(), nil
}

// dense measures one row.
func (b *bench) dense(r *runtimeUnderTest, idle string, n int) (densityRow, error) {
	row := densityRow{name: r.name, n: n}
	ids, pids := make([]string, n), make([]int, n)
	for i := range ids {
		ids[i] = b.id()
	}
	tail := n - max(1, n/10)
	var err error
	row.create, err = b.each(ids, tail, func(i int) []string {
		return r.args("create", "--bundle", idle, "--pid-file", b.pidFile(r, ids[i]), ids[i])
	})
	if err != nil {
		return row, err
	}
	for i, id := range ids {
		if pids[i], err = readPid(b.pidFile(r, id)); err != nil {
			return row, err
		}
		kb, err := pss(pids[i])
		if err != nil {
			return row, err
		}
		row.created += kb
	}
	if row.start, err = b.each(ids, tail, func(i int) []string { return r.args("start", ids[i]) }); err != nil {
		return row, err
	}
	if err := b.among(r, &row, ids); err != nil {
		return row, err
	}
	row.kill, err = b.each(ids, 0, func(i int) []string { return r.args("delete", "--force", ids[i]) })
	if err != nil {
		return row, err
	}
	for _, pid := range pids {
		if _, err := reap(pid); err != nil {
			return row, err
		}
	}
	return row, nil
}

// among measures commands that look at one or all of the containers, and one more `run`.
func (b *bench) among(r *runtimeUnderTest, row *densityRow, ids []string) error {
	const times = 21
	sample := make([]string, times)
	var err error
	for _, m := range []struct {
		to   *time.Duration
		args func() []string
	}{
		{&row.run, func() []string { return r.args("run", "--bundle", b.bundle, b.id()) }},
		{&row.state, func() []string { return r.args("state", ids[len(ids)/2]) }},
		{&row.list, func() []string { return r.args("list", "--quiet") }},
	} {
		*m.to, err = b.each(sample, 0, func(int) []string { return m.args() })
		if err != nil {
			return err
		}
	}
	return nil
}

// each runs a command for every id and returns the median of those from index from on.
func (b *bench) each(ids []string, from int, command func(i int) []string) (time.Duration, error) {
	var took []time.Duration
	for i := range ids {
		argv := command(i)
		c, err := b.spawner.run(argv...)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", filepath.Base(argv[0]), err)
		}
		if i >= from {
			took = append(took, c.Wall)
		}
	}
	return median(took), nil
}
