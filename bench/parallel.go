// Whether execs into one container slow each other down: so many one after the other, and as many at once.

package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// parallelRounds is how often both are measured with each runtime, interleaved.
const parallelRounds = 9

// parallelRow is what one runtime's execs took, a round each.
type parallelRow struct{ row, together []cost }

// measureParallel compares n execs in a row with n at once. Both are started in the same way, by
// one thread; on a machine with two processors half the time is the best that can be.
func (b *bench) measureParallel(n int) (string, error) {
	idle, err := b.idleBundle()
	if err != nil {
		return "", err
	}
	rows := make([]parallelRow, len(b.runtimes))
	for i := range b.runtimes {
		r := &b.runtimes[i]
		if err := b.startIdle(r, idle, idleID(r)); err != nil {
			return "", err
		}
	}
	for round := range parallelRounds + 1 {
		for k := range b.runtimes {
			i := (k + round) % len(b.runtimes)
			argv := b.runtimes[i].args("exec", idleID(&b.runtimes[i]), "/bin/true")
			one, err := b.spawner.batch(n, 1, argv)
			if err != nil {
				return "", err
			}
			all, err := b.spawner.batch(n, n, argv)
			if err != nil {
				return "", err
			}
			if round > 0 { // the first one warms up
				rows[i].row, rows[i].together = append(rows[i].row, one), append(rows[i].together, all)
			}
		}
		runtime.GC()
	}
	for i := range b.runtimes {
		if err := b.removeIdle(&b.runtimes[i], idleID(&b.runtimes[i])); err != nil {
			return "", err
		}
	}
	return b.parallelTable(n, rows)
}

func (b *bench) parallelTable(n int, rows []parallelRow) (string, error) {
	var out strings.Builder
	fmt.Fprintf(&out, "%s. %d execs, milliseconds: minimum / median of %d, interleaved. %s\n\n", machine(), n, parallelRounds, load())
	out.WriteString("| runtime | in a row | at once | at once : in a row, minima | processor time in a row | at once |\n|---|---|---|---|---|---|\n")
	for i := range b.runtimes {
		row, rowCPU := parts(rows[i].row)
		all, allCPU := parts(rows[i].together)
		ratio := float64(slices.Min(all)) / float64(slices.Min(row))
		fmt.Fprintf(&out, "| %s %s | %s / %s | %s / %s | %.2f | %s / %s | %s / %s |\n", b.runtimes[i].name, b.runtimes[i].version,
			ms(slices.Min(row)), ms(median(row)), ms(slices.Min(all)), ms(median(all)), ratio,
			ms(slices.Min(rowCPU)), ms(median(rowCPU)), ms(slices.Min(allCPU)), ms(median(allCPU)))
		if i == 0 && b.budget && ratio > 1 {
			return "", fmt.Errorf("%d execs at once take %.2f times as long as in a row: something makes them wait for each other", n, ratio)
		}
	}
	return out.String(), nil
}

func parts(costs []cost) (wall, cpu []time.Duration) {
	for _, c := range costs {
		wall, cpu = append(wall, c.Wall), append(cpu, c.CPU)
	}
	return wall, cpu
}

// batch runs argv n times, width at a time, and returns the time of all and the sum of their
// processor time.
func (s *spawner) batch(n, width int, argv []string) (cost, error) {
	var c cost
	attr := &syscall.ProcAttr{Env: s.env, Files: []uintptr{s.null.Fd(), s.null.Fd(), s.stderr.Fd()}}
	begin := time.Now()
	for done := 0; done < n; done += width {
		pids := make([]int, 0, width)
		for range min(width, n-done) {
			pid, err := syscall.ForkExec(argv[0], argv, attr)
			if err != nil {
				return c, fmt.Errorf("%s: %w", argv[0], err)
			}
			pids = append(pids, pid)
		}
		for _, pid := range pids {
			cpu, err := s.ended(pid)
			if err != nil {
				return c, fmt.Errorf("%s: %w", strings.Join(argv, " "), err)
			}
			c.CPU += cpu
		}
	}
	c.Wall = time.Since(begin)
	return c, nil
}

// ended waits for a command, which must succeed.
func (s *spawner) ended(pid int) (time.Duration, error) {
	var status syscall.WaitStatus
	var use syscall.Rusage
	_, err := syscall.Wait4(pid, &status, 0, &use)
	for err == syscall.EINTR {
		_, err = syscall.Wait4(pid, &status, 0, &use)
	}
	if err != nil {
		return 0, os.NewSyscallError("wait4", err)
	}
	if !status.Exited() || status.ExitStatus() != 0 {
		return 0, fmt.Errorf("exit status %d, signal %d: %s", status.ExitStatus(), status.Signal(), s.lastError())
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano()), nil
}
