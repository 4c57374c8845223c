// Tests in real cgroups of their own: as root, or as a user with a delegated cgroup.

package cgroup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// realPath is a cgroupsPath this process may use, unique to the test. It skips without permission.
func realPath(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("sandbox-test-%d-%d", os.Getpid(), time.Now().UnixNano())
	if os.Geteuid() == 0 {
		return "/" + name
	}
	own, err := ownCgroups("/proc/self/cgroup")
	if err != nil {
		t.Skip("cannot read /proc/self/cgroup:", err)
	}
	base := own[""]
	if l, err := Detect(""); err != nil || l.Mode != V2 {
		t.Skip("not root, and no cgroup v2 that could be delegated to this user")
	}
	probe := DefaultRoot + base + "/" + name
	if err := unix.Mkdir(probe, 0o755); err != nil {
		t.Skipf("not root, and %s is not delegated to this user: %v", base, err)
	}
	_ = unix.Rmdir(probe)
	leaveRoot(t, base)
	return base + "/" + name
}

// leaveRoot moves this process one cgroup down, as a cgroup with processes in it cannot pass
// controllers on.
func leaveRoot(t testing.TB, base string) {
	if filepath.Base(base) == "sandbox-tests" {
		return
	}
	leaf := DefaultRoot + base + "/sandbox-tests"
	_ = unix.Mkdir(leaf, 0o755)
	pids, _ := pidsIn(DefaultRoot+base, nil)
	for _, p := range pids {
		_ = writePath(leaf+"/cgroup.procs", strconv.Itoa(p), unix.O_WRONLY)
	}
}

// realManager makes a cgroup and removes it with everything in it when the test ends.
func realManager(t testing.TB, change func(*Options)) *Manager {
	t.Helper()
	o := Options{ID: "c1", Path: realPath(t)}
	if os.Geteuid() != 0 { // leaveRoot has changed what our own cgroup is
		o.Path = strings.Replace(o.Path, "/sandbox-tests/", "/", 1)
	}
	if change != nil {
		change(&o)
	}
	m, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { destroy(t, FromRecord(m.Record())) })
	if err := m.Create(); err != nil {
		t.Fatal(err)
	}
	return m
}

func destroy(t testing.TB, m *Manager) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	if err := m.Kill(unix.SIGKILL); err != nil {
		t.Error("kill:", err)
	}
	if err := m.Delete(ctx); err != nil {
		t.Error("delete:", err)
	}
	for k, p := range m.Paths() {
		if exists(p) {
			t.Errorf("%s: %s is left", k, p)
		}
	}
}

// child starts a process that stays until it is killed; it is reaped at the end.
func child(t testing.TB) int {
	t.Helper()
	return command(t, "sleep", "1000").Process.Pid
}

func command(t testing.TB, name string, args ...string) *exec.Cmd {
	t.Helper()
	c := exec.Command(name, args...)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	// not waited for in the clean-up: in a frozen v1 cgroup it ends only when that is thawed
	go func() { _ = c.Wait() }()
	t.Cleanup(func() { _ = c.Process.Kill() })
	return c
}

func TestRealLifeCycle(t *testing.T) {
	m := realManager(t, nil)
	pid := child(t)
	if err := m.Join(pid); err != nil {
		t.Fatal(err)
	}
	own, err := ownCgroups(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		t.Fatal(err)
	}
	for i := range m.dirs {
		for _, k := range m.dirs[i].h.keys() {
			if got, want := own[k], "/"+m.dirs[i].rel; got != want {
				t.Errorf("hierarchy %q: process is in %s, want %s", k, got, want)
			}
		}
	}
	pids, err := m.Pids(false)
	if err != nil || len(pids) != 1 || pids[0] != pid {
		t.Fatalf("Pids = %v, %v; want [%d]", pids, err, pid)
	}
	again, err := New(m.opts)
	if err != nil {
		t.Fatal(err)
	}
	err = again.Create()
	if err == nil || !strings.Contains(err.Error(), "container's cgroup is not empty: 1 process(es) found") {
		t.Errorf("a cgroup in use was accepted: %v", err)
	}
	if p, _ := m.Pids(false); len(p) != 1 {
		t.Error("the refused Create has disturbed the cgroup in use")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	err = FromRecord(m.Record()).Delete(ctx)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), fmt.Sprintf("pid %d (sleep)", pid)) {
		t.Errorf("Delete of a cgroup in use: %v; want a timeout naming pid %d", err, pid)
	}
}

func TestRealFrozenRefusedAndKilled(t *testing.T) {
	m := realManager(t, nil)
	if m.dirOf("freezer") == nil {
		t.Skip("no freezer on this host")
	}
	ctx := context.Background()
	if err := m.Freeze(ctx); err != nil {
		t.Fatal(err)
	}
	again, _ := New(m.opts)
	if err := again.Create(); err == nil || !strings.Contains(err.Error(), "unexpectedly frozen") {
		t.Errorf("a frozen cgroup was accepted: %v", err)
	}
	if err := m.Thaw(ctx); err != nil {
		t.Fatal(err)
	}
	pid := child(t)
	if err := m.Join(pid); err != nil {
		t.Fatal(err)
	}
	if err := m.Freeze(ctx); err != nil {
		t.Fatal(err)
	}
	if f, err := m.Frozen(); err != nil || !f {
		t.Fatalf("Frozen = %v, %v", f, err)
	}
	if err := m.Kill(unix.SIGUSR1); err != nil { // stays frozen, so stays alive
		t.Error(err)
	}
	if f, _ := m.Frozen(); !f {
		t.Error("a signal other than SIGKILL has thawed the cgroup")
	}
	// destroy, in the clean-up, kills and deletes the frozen cgroup
}

func TestRealKillThousandAndSubCgroups(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a thousand processes; -short")
	}
	m := realManager(t, nil)
	sh := exec.Command("sh", "-c",
		"read x; i=0; while [ $i -lt 999 ]; do sleep 1000 & i=$((i+1)); done; echo ready; wait")
	in, _ := sh.StdinPipe()
	out, _ := sh.StdoutPipe()
	if err := sh.Start(); err != nil {
		t.Fatal(err)
	}
	if err := m.Join(sh.Process.Pid); err != nil {
		t.Fatal(err)
	}
	_, _ = in.Write([]byte("\n"))
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	pids, err := m.Pids(true)
	if err != nil || len(pids) != 1000 {
		t.Fatalf("%d processes, %v; want 1000", len(pids), err)
	}
	if m.mode != V2 { // a few of them in cgroups below; v2 does not allow both in one cgroup
		for i := range m.dirs {
			deep := m.dirs[i].path() + "/a/b"
			if err := os.MkdirAll(deep, 0o755); err != nil {
				t.Fatal(err)
			}
			if m.dirs[i].has("cpuset") {
				continue
			}
			if err := m.attach(deep, pids[500]); err != nil {
				t.Fatal(err)
			}
		}
	}
	start := time.Now()
	if err := m.Kill(unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = sh.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	if err := m.Delete(ctx); err != nil {
		t.Fatal(err)
	}
	t.Logf("killed and removed 1000 processes in %v", time.Since(start))
}

func TestRealConcurrent(t *testing.T) {
	base := realPath(t)
	if os.Geteuid() != 0 {
		base = strings.Replace(base, "/sandbox-tests/", "/", 1)
	}
	count := 200
	errs := make(chan error, count)
	sem := make(chan struct{}, 16)
	for i := range count {
		go func() {
			sem <- struct{}{}
			defer func() { <-sem }()
			errs <- oneLife(Options{ID: "c", Path: base + "/" + strconv.Itoa(i%3) + "/c" + strconv.Itoa(i)})
		}()
	}
	for range count {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	for _, tail := range []string{"/0", "/1", "/2", ""} {
		parent, err := New(Options{ID: "p", Path: base + tail})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range parent.Paths() {
			if err := unix.Rmdir(p); err != nil {
				t.Errorf("rmdir %s: %v: a container has left something", p, err)
			}
		}
	}
}

// oneLife is the whole life of a cgroup with one process.
func oneLife(o Options) error {
	m, err := New(o)
	if err != nil {
		return err
	}
	if err := m.Create(); err != nil {
		return err
	}
	attr := &syscall.ProcAttr{}
	pid, err := syscall.ForkExec("/bin/sleep", []string{"sleep", "1000"}, attr)
	if err != nil {
		return err
	}
	jerr := m.Join(pid)
	kerr := m.Kill(unix.SIGKILL)
	_ = syscall.Kill(pid, syscall.SIGKILL)
	var ws syscall.WaitStatus
	_, _ = syscall.Wait4(pid, &ws, 0, nil)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return errors.Join(jerr, kerr, m.Delete(ctx))
}
