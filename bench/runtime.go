// The runtimes measured, and how a command of theirs is run and timed.

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// runtimeUnderTest is a runtime with runc's command line.
type runtimeUnderTest struct {
	name, path, version string
	root                string   // its --root
	global              []string // more global options
}

// cost is what one command took.
type cost struct {
	Wall time.Duration `json:"wall_ns"`
	CPU  time.Duration `json:"cpu_ns"` // user and system, of the command and the processes it waited for
}

// spawner starts commands, always in the same way and with nothing between them and execve.
type spawner struct {
	null   *os.File
	stderr *os.File // of all commands; a pipe would keep us waiting for the inits that inherit it
	env    []string
}

func newSpawner(work string) (*spawner, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	stderr, err := os.OpenFile(filepath.Join(work, "stderr"), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	return &spawner{null: null, stderr: stderr, env: []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}}, nil
}

// run executes argv and measures it from before its vfork until it has been waited for.
func (s *spawner) run(argv ...string) (cost, error) {
	var c cost
	var status syscall.WaitStatus
	var use syscall.Rusage
	attr := &syscall.ProcAttr{Env: s.env, Files: []uintptr{s.null.Fd(), s.null.Fd(), s.stderr.Fd()}}
	begin := time.Now()
	pid, err := syscall.ForkExec(argv[0], argv, attr)
	if err != nil {
		return c, fmt.Errorf("%s: %w", argv[0], err)
	}
	for {
		_, err = syscall.Wait4(pid, &status, 0, &use)
		if err != syscall.EINTR {
			break
		}
	}
	c.Wall = time.Since(begin)
	c.CPU = time.Duration(use.Utime.Nano() + use.Stime.Nano())
	if err != nil {
		return c, fmt.Errorf("wait4 of %s: %w", argv[0], err)
	}
	if !status.Exited() || status.ExitStatus() != 0 {
		return c, fmt.Errorf("%s: exit status %d, signal %d: %s",
			strings.Join(argv, " "), status.ExitStatus(), status.Signal(), s.lastError())
	}
	return c, nil
}

// lastError is the end of what the commands have written to stderr.
func (s *spawner) lastError() string {
	text, err := os.ReadFile(s.stderr.Name())
	if err != nil {
		return err.Error()
	}
	if len(text) > 400 {
		text = text[len(text)-400:]
	}
	return string(bytes.TrimSpace(text))
}

// args is the command line of one of r's commands.
func (r *runtimeUnderTest) args(command ...string) []string {
	return slices.Concat([]string{r.path, "--root", r.root}, r.global, command)
}

// identify fills in the version, which is the last word of the first line of --version.
func (r *runtimeUnderTest) identify() error {
	text, err := exec.Command(r.path, "--version").Output()
	if err != nil {
		return fmt.Errorf("%s --version: %w", r.path, err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	fields := strings.Fields(line)
	if len(fields) == 0 {
		return fmt.Errorf("%s --version printed nothing", r.path)
	}
	r.version = fields[len(fields)-1]
	return nil
}

// reap waits for an init that has become our child, and returns the processor time it has used.
// It must end by itself: after ten seconds it is an error.
func reap(pid int) (time.Duration, error) {
	var status syscall.WaitStatus
	var use syscall.Rusage
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Microsecond) {
		switch got, err := syscall.Wait4(pid, &status, syscall.WNOHANG, &use); {
		case err == syscall.EINTR:
		case err != nil:
			return 0, fmt.Errorf("wait4 of init %d: %w", pid, err)
		case got == pid:
			return time.Duration(use.Utime.Nano() + use.Stime.Nano()), nil
		}
	}
	return 0, fmt.Errorf("init %d has not ended after ten seconds", pid)
}

// readPid reads a pid file.
func readPid(path string) (int, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}

// pss is the memory of a process in KB, shared pages counted by their share (smaps_rollup, proc(5)).
func pss(pid int) (float64, error) {
	path := fmt.Sprintf("/proc/%d/smaps_rollup", pid)
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "Pss:"); ok {
			return strconv.ParseFloat(strings.Fields(rest)[0], 64)
		}
	}
	return 0, fmt.Errorf("%s has no Pss", path)
}
