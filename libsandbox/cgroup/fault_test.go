// What happens where the cgroup file system does not let us: clear errors, nothing left behind.

package cgroup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// readOnly calls f where all cgroup file systems are read-only: in a mount namespace of its own, on a
// thread that is thrown away.
func readOnly(t *testing.T, f func() error) error {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("not root: cannot make a mount namespace")
	}
	l, err := Detect("")
	if err != nil {
		t.Skip(err)
	}
	result := make(chan error, 1)
	setup := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS)
		if err == nil {
			err = unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
		}
		for _, h := range l.Hierarchies {
			if err == nil {
				err = unix.Mount("", h.Mountpoint, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, "")
			}
		}
		setup <- err
		if err == nil {
			result <- f()
		}
	}()
	if err := <-setup; err != nil {
		t.Skip("cannot mount the cgroup file systems read-only:", err)
	}
	return <-result
}

func TestRealReadOnly(t *testing.T) {
	path := realPath(t)
	err := readOnly(t, func() error {
		m, err := New(Options{ID: "c", Path: path})
		if err != nil {
			return err
		}
		return m.Create()
	})
	if !errors.Is(err, unix.EROFS) || !strings.HasPrefix(err.Error(), "linux.cgroupsPath: create the container's cgroup: mkdir /") ||
		!strings.Contains(err.Error(), path) {
		t.Errorf("got %v; want EROFS with field and path", err)
	}
}

// Without permission a rootless container goes without a cgroup if it asked for nothing, and is
// refused if it asked for a path or a limit.
func TestRealRootlessWithoutPermission(t *testing.T) {
	limits := parse(t, `{"memory":{"limit":67108864}}`)
	err := readOnly(t, func() error {
		m, err := New(Options{ID: "c", Rootless: true})
		if err == nil {
			err = m.Create()
		}
		if err != nil || !m.Absent() || m.Join(os.Getpid()) != nil || m.Apply() != nil || m.Delete(t.Context()) != nil {
			return errors.Join(errors.New("no path, no limits: want no cgroup and no error"), err)
		}
		if r := m.Record(); len(r.Paths) != 0 || !FromRecord(r).Absent() {
			return errors.New("the record does not say that there is no cgroup")
		}
		m, err = New(Options{ID: "c", Rootless: true, Path: "/sandbox-test-none"})
		if err == nil {
			err = m.Create()
		}
		if !errors.Is(err, unix.EROFS) {
			return errors.Join(errors.New("a path was asked for: want an error"), err)
		}
		m, err = New(Options{ID: "c", Rootless: true, Resources: limits})
		if err == nil {
			err = m.Create()
		}
		if err == nil {
			err = m.Apply()
		}
		if err == nil || !strings.HasPrefix(err.Error(), "linux.resources.memory.limit: ") {
			return errors.Join(errors.New("a limit was asked for: want an error naming it"), err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// A failure half way leaves nothing of what Create had made before.
func TestCreateUndoes(t *testing.T) {
	root := fakeV1(t, "devices", "memory")
	put(t, root+"/memory/p", "a file where a directory should be")
	m, err := newManager(Options{ID: "c", Path: "/p/q/c", Root: root}, detect(t, root), "")
	if err != nil {
		t.Fatal(err)
	}
	err = m.Create()
	if err == nil || !strings.Contains(err.Error(), root+"/memory/p") {
		t.Errorf("want an error that names the path: %v", err)
	}
	if exists(root + "/devices/p") {
		t.Error("directories of the other hierarchy were left")
	}
}

// A freeze that does not come to an end says which processes have not stopped.
func TestFreezeNamesWhoHoldsIt(t *testing.T) {
	root := fakeV1(t, "freezer")
	m, err := newManager(Options{ID: "c", Path: "/c", Root: root}, detect(t, root), "")
	if err == nil {
		err = m.Create()
	}
	if err != nil {
		t.Fatal(err)
	}
	pid := child(t)
	put(t, root+"/freezer/c/cgroup.procs", strconv.Itoa(pid)+"\n")
	// takes every write, and never says FROZEN
	if err := os.Symlink("/dev/null", root+"/freezer/c/freezer.state"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err = m.Freeze(ctx)
	want := fmt.Sprintf("not stopped: pid %d (sleep), state ", pid)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v; want a timeout with %q", err, want)
	}
}
