// A thousand sandboxes at once, from one program.

package libsandbox

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// crowd is how many sandboxes live at the same time in TestManyAtOnce.
const crowd = 1000

// holdings is what sandboxes could leave behind in this process.
type holdings struct {
	fds, threads, mounts int
	children             string
}

func holds(t *testing.T) (h holdings) {
	t.Helper()
	count := func(pattern string) int {
		list, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	h.fds, h.threads = count("/proc/self/fd/*"), count("/proc/self/task/*")
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	h.mounts = bytes.Count(mounts, []byte("\n"))
	tasks, _ := filepath.Glob("/proc/self/task/*/children")
	for _, f := range tasks {
		data, _ := os.ReadFile(f)
		h.children += string(bytes.TrimSpace(data))
	}
	return h
}

// TestManyAtOnce starts them from as many goroutines, holds them until all live, and lets them end. Afterwards
// nothing is left: no descriptor, no process, no zombie, no mount.
func TestManyAtOnce(t *testing.T) {
	count := crowd
	var limit unix.Rlimit
	const each = 6 // descriptors
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err == nil && limit.Cur < uint64(count*each) {
		t.Skipf("needs %d descriptors, this user may have %d", count*each, limit.Cur)
	}
	if out, err := Command("true").CombinedOutput(); err != nil { // opens what stays open, e.g. epoll
		t.Fatalf("%s %v", out, err)
	}
	before := holds(t)
	gate, open, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	var started, ended sync.WaitGroup
	started.Add(count)
	errs := make(chan error, count)
	for range count {
		ended.Go(func() {
			cmd := Command("sh", "-c", "read x; exit 3")
			cmd.Stdin = gate
			err := cmd.Start()
			started.Done()
			if err != nil {
				errs <- err
				return
			}
			if err := cmd.Wait(); err == nil || err.Error() != "exit status 3" {
				errs <- err
			}
		})
	}
	started.Wait()
	alive, during := time.Since(begin), holds(t)
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	open.Close()
	ended.Wait()
	t.Logf("%d sandboxes lived after %v, had ended after %v; meanwhile %d threads, %d descriptors, at most %d KB", count, alive,
		time.Since(begin), during.threads, during.fds, usage.Maxrss)
	gate.Close()
	close(errs)
	for err := range errs {
		t.Fatalf("%d failed, one with: %v", len(errs)+1, err)
	}
	// No thread may be bound by a sandbox that runs.
	if during.threads > 100 {
		t.Errorf("%d threads", during.threads)
	}
	nothingLeft(t, before)
}

func nothingLeft(t *testing.T, before holdings) {
	t.Helper()
	runtime.GC() // what only a finalizer would close has been forgotten
	after := holds(t)
	after.threads = before.threads // Go keeps them
	if after != before {
		t.Errorf("before: %+v; after: %+v", before, after)
	}
}

// TestManyWithLimits is the same with a cgroup for each, where this user has one.
func TestManyWithLimits(t *testing.T) {
	asRootAndUser(t, func(t *testing.T) {
		if out, err := Command("true").CombinedOutput(); err != nil {
			t.Fatalf("%s %v", out, err)
		}
		before := holds(t)
		var all sync.WaitGroup
		folders := make(chan string, 1000)
		for range 40 {
			all.Go(func() {
				cmd := Command("sh", "-c", "sleep 0.1; exit 3")
				cmd.Limits = Limits{Memory: 1 << 30, Pids: 10}
				if err := cmd.Start(); err != nil {
					t.Error(err)
					return
				}
				if cg := cmd.box.cg; cg != nil {
					for _, folder := range cg.m.Paths() {
						if _, err := os.Stat(folder); err != nil {
							t.Error(err)
						}
						folders <- folder
					}
				} else if os.Geteuid() == 0 {
					t.Error("no cgroup for root: ", cmd.box.p.limits.Reason)
				}
				if err := cmd.Wait(); err == nil || err.Error() != "exit status 3" {
					t.Error(err)
				}
			})
		}
		all.Wait()
		close(folders)
		for folder := range folders {
			if _, err := os.Stat(folder); err == nil {
				t.Errorf("%s is left", folder)
			}
		}
		nothingLeft(t, before)
	})
}
