// The v2 part of a hybrid host's cgroup, made before the rest.

package cgroup

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The rest may fail when a process is in the first part already: that part goes when the process
// has ended, and what was somebody else's stays.
func TestRealUnifiedThenRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: v1 cgroups are not delegated")
	}
	m, err := New(Options{ID: "c1", Path: realPath(t)})
	if err != nil {
		t.Fatal(err)
	}
	if m.Mode() != Hybrid {
		t.Skipf("this host's cgroups are %s: only a hybrid one makes them in two steps", m.Mode())
	}
	if err := m.CreateUnified(); err != nil {
		t.Fatal(err)
	}
	mine := m.v2dir().path()
	born := command(t, "sleep", "1000")
	if err := writePath(mine+"/cgroup.procs", strconv.Itoa(born.Process.Pid), unix.O_WRONLY); err != nil {
		t.Fatal(err)
	}
	// Meanwhile somebody takes the place in the last of the v1 hierarchies.
	theirs := m.dirs[len(m.dirs)-1].path()
	if theirs == mine {
		theirs = m.dirs[0].path()
	}
	if err := unix.Mkdir(theirs, 0o755); err != nil {
		t.Fatal(err)
	}
	other := command(t, "sleep", "1000")
	if err := writePath(theirs+"/cgroup.procs", strconv.Itoa(other.Process.Pid), unix.O_WRONLY); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = other.Process.Kill()
		for limit := time.Now().Add(30 * time.Second); unix.Rmdir(theirs) != nil; time.Sleep(time.Millisecond) {
			if time.Now().After(limit) {
				t.Errorf("%s cannot be removed", theirs)
				return
			}
		}
	})
	err = m.Create()
	if err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Fatalf("create over somebody's cgroup: %v", err)
	}
	if err := born.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := waitEmptyDir(t, mine); err != nil {
		t.Fatal(err)
	}
	m.Undo()
	for k, path := range (&Manager{dirs: m.dirs}).Paths() {
		if exists(path) != (path == theirs) {
			t.Errorf("%s: %s there: %v", k, path, exists(path))
		}
	}
}

// waitEmptyDir waits until no process is left in the v2 cgroup.
func waitEmptyDir(t *testing.T, path string) error {
	t.Helper()
	return waitEvent(t.Context(), path, "populated", "0")
}
