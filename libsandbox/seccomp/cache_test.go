package seccomp

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
)

func small(i int) *specs.LinuxSeccomp {
	return &specs.LinuxSeccomp{DefaultAction: specs.ActErrno, Syscalls: []specs.LinuxSyscall{
		{Names: []string{"kill"}, Action: specs.ActAllow, Args: []specs.LinuxSeccompArg{{Op: specs.OpEqualTo, Value: uint64(i)}}}}}
}

// cached compiles and says whether the cache answered; the program must be right either way.
func cached(t *testing.T, p *specs.LinuxSeccomp, dir string) bool {
	t.Helper()
	want, err := Compile(p, Options{})
	if err != nil {
		t.Fatal(err)
	}
	f, hit, err := compileCached(p, Options{}, dir)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(f.Program, want.Program) || f.Flags != want.Flags || f.Notify != want.Notify {
		t.Fatalf("the cache gives another filter (hit: %v)", hit)
	}
	return hit
}

func onlyFile(t *testing.T, dir string) string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil || len(list) != 1 {
		t.Fatalf("%d files in the cache (%v)", len(list), err)
	}
	return filepath.Join(dir, list[0].Name())
}

func TestCacheHit(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	if cached(t, small(1), dir) || !cached(t, small(1), dir) || cached(t, small(2), dir) {
		t.Error("wanted a miss, a hit, and a miss for another profile")
	}
	if st, _ := os.Stat(dir); st.Mode().Perm() != 0o700 {
		t.Errorf("directory mode %v", st.Mode())
	}
	p := small(1)
	p.Flags = []specs.LinuxSeccompFlag{specs.LinuxSeccompFlagLog}
	if !cached(t, p, dir) {
		t.Error("other flags miss, although the program is the same")
	}
	p.Flags = []specs.LinuxSeccompFlag{"bad"}
	if _, _, err := compileCached(p, Options{}, dir); err == nil {
		t.Error("a bad flag is not noticed on a hit")
	}
}

// TestCacheMistrust: files and directories that others could have written are not read.
func TestCacheMistrust(t *testing.T) {
	root := os.Geteuid() == 0
	for name, spoil := range map[string]func(dir, file string) error{
		"file writable by group": func(_, f string) error { return os.Chmod(f, 0o620) },
		"directory for others":   func(d, _ string) error { return os.Chmod(d, 0o755) },
		"second link":            func(d, f string) error { return os.Link(f, filepath.Join(d, "..", "link")) },
		"symlink": func(d, f string) error {
			moved := filepath.Join(d, "..", "moved")
			if err := os.Rename(f, moved); err != nil {
				return err
			}
			return os.Symlink(moved, f)
		},
		"symlinked directory": func(d, _ string) error {
			if err := os.Rename(d, d+"2"); err != nil {
				return err
			}
			return os.Symlink(d+"2", d)
		},
		"cut short": func(_, f string) error { return os.Truncate(f, 100) },
		"changed": func(_, f string) error {
			b, err := os.ReadFile(f)
			if err == nil {
				b[len(b)-1] ^= 1
				err = os.WriteFile(f, b, 0o600)
			}
			return err
		},
		"empty":                  func(_, f string) error { return os.Truncate(f, 0) },
		"file of another user":   func(_, f string) error { return os.Chown(f, 12345, -1) },
		"directory of another":   func(d, _ string) error { return os.Chown(d, 12345, -1) },
		"other profile's file":   func(d, f string) error { return swap(t, d, f) },
		"fifo instead of a file": func(_, f string) error { return fifo(f) },
	} {
		if (name == "file of another user" || name == "directory of another") && !root {
			t.Logf("%s: not tried, changing owners needs root", name)
			continue
		}
		dir := filepath.Join(t.TempDir(), "cache")
		cached(t, small(1), dir)
		if err := spoil(dir, onlyFile(t, dir)); err != nil {
			t.Fatal(name, err)
		}
		if cached(t, small(1), dir) {
			t.Errorf("%s: the cache was believed", name)
		}
	}
}

// swap puts the file of another profile under the name of the first.
func swap(t *testing.T, dir, file string) error {
	other := filepath.Join(t.TempDir(), "other")
	cached(t, small(2), other)
	return os.Rename(onlyFile(t, other), file)
}

func TestCacheBound(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	cached(t, small(0), dir)
	kept := onlyFile(t, dir)
	for i := range cacheEntries + 20 {
		cached(t, small(i+1), dir)
		now := time.Now()
		if err := os.Chtimes(kept, now, now); err != nil {
			t.Fatal("the file in use was removed: ", err)
		}
	}
	dead := filepath.Join(dir, ".new-00")
	if err := os.WriteFile(dead, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(dead, old, old); err != nil {
		t.Fatal(err)
	}
	cached(t, small(-1), dir)
	list, _ := os.ReadDir(dir)
	if len(list) != cacheEntries {
		t.Errorf("%d files, want %d", len(list), cacheEntries)
	}
	if _, err := os.Stat(dead); err == nil {
		t.Error("a dead writer's file is still there")
	}
}

func TestCacheConcurrent(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	var wg sync.WaitGroup
	errs := make(chan error, 1000)
	for g := range 8 {
		wg.Go(func() {
			for i := range 40 {
				p := small((g + i) % 5)
				want, _ := Compile(p, Options{})
				f, err := CompileCached(p, Options{}, dir)
				if err != nil || !slices.Equal(f.Program, want.Program) {
					errs <- fmt.Errorf("wrong filter: %v", err)
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
	if list, _ := os.ReadDir(dir); len(list) != 5 {
		t.Errorf("%d files", len(list))
	}
}
