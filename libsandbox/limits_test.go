// Limits, filters and rules: each holds, and is not merely written down.

package libsandbox

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/cgroup"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/landlock"
)

// TestMemoryHog: the hog is held by the limit, and by nothing else.
func TestMemoryHog(t *testing.T) {
	asRootAndUser(t, func(t *testing.T) {
		const hog = "head -c 200000000 /dev/zero | tail -c 190000000 | wc -c"
		if out, r := sh(t, ProcessConfig{}, hog); out != "190000000\n" {
			t.Fatalf("without a limit: %q %+v", out, r)
		}
		out, r := sh(t, ProcessConfig{Limits: Limits{Memory: 64 << 20}}, hog)
		if strings.Contains(out, "190000000") {
			t.Errorf("got more than the limit: %q %+v", out, r)
		}
		if r.Limits.Memory != ByCgroup && r.Limits.Memory != ByRlimit {
			t.Errorf("the result does not say how: %+v", r.Limits)
		}
		if r.Limits.Memory == ByCgroup && (!r.OOMKilled || r.PeakMemory > 64<<20 || r.Usage != "cgroup") {
			t.Errorf("the cgroup's facts: %+v", r)
		}
	})
}

func TestForkBomb(t *testing.T) {
	asRootAndUser(t, func(t *testing.T) {
		const count = "i=0; while [ $i -lt 60 ]; do sleep 5 & i=$((i+1)); done; ls -d /proc/[0-9]* | wc -l"
		// dash gives up at the first fork that fails, so what ran is counted from outside.
		out, r := sh(t, ProcessConfig{Limits: Limits{Pids: 20}}, count)
		if !strings.Contains(out, "fork") || r.Limits.Pids == NotEnforced {
			t.Errorf("60 processes with a limit of 20: %q %+v", out, r)
		}
		if out, _ := sh(t, ProcessConfig{}, count); strings.Contains(out, "fork") {
			t.Errorf("without a limit: %q", out)
		}
		begin := time.Now()
		_, r = sh(t, ProcessConfig{Limits: Limits{Pids: 50}, Timeout: 500 * time.Millisecond}, "b() { b | b & }; b; sleep 60")
		if took := time.Since(begin); took > 20*time.Second {
			t.Errorf("the bomb was ended after %v: %+v", took, r)
		}
	})
}

func TestBusyLoop(t *testing.T) {
	asRootAndUser(t, func(t *testing.T) {
		c := ProcessConfig{Limits: Limits{CPUs: 0.2}, Timeout: 1500 * time.Millisecond}
		_, r := sh(t, c, "while :; do :; done")
		switch used := r.User + r.System; r.Limits.CPUs {
		case ByCgroup:
			if !r.TimedOut || used > 700*time.Millisecond {
				t.Errorf("a fifth of a CPU for 1.5 s, used %v: %+v", used, r)
			}
		case ByRlimit: // a whole second is the least that RLIMIT_CPU knows
			if used > 1300*time.Millisecond || (r.Signal != syscall.SIGKILL && r.Signal != syscall.SIGXCPU) {
				t.Errorf("RLIMIT_CPU of 1 s, used %v: %+v", used, r)
			}
		default:
			t.Errorf("%+v", r)
		}
	})
}

func TestLimitThatCannotBeEnforced(t *testing.T) {
	asRootAndUser(t, func(t *testing.T) {
		if os.Geteuid() == 0 {
			return // has a cgroup; the second run is the test
		}
		c := ProcessConfig{Program: "true", Limits: Limits{CPUs: 0.5}}
		if _, err := Execute(context.Background(), c); err == nil || !strings.Contains(err.Error(), "Limits.CPUs") {
			t.Errorf("a limit that nothing enforces was accepted: %v", err)
		}
		c.Limits.AllowWeaker = true
		if r, err := Execute(context.Background(), c); err != nil || r.Limits.CPUs != NotEnforced {
			t.Errorf("%+v %v", r, err)
		}
	})
}

func TestSeccompNamesWhatItRefused(t *testing.T) {
	asRootAndUser(t, func(t *testing.T) {
		out, r := sh(t, ProcessConfig{WatchDenied: true}, "unshare -U true; unshare -U true; mount -t tmpfs x /tmp; exit 0")
		got := map[string]int{}
		for _, d := range r.Denied {
			got[d.Syscall] = d.Count
		}
		if got["unshare"] != 2 || got["mount"] != 1 || !strings.Contains(out, "not permitted") {
			t.Errorf("%v %q", r.Denied, out)
		}
		if p := ProfileAllowing("mount"); p != "unrestricted" {
			t.Errorf("mount is allowed by %q", p)
		}
		if p := ProfileAllowing("socket"); p != "network" {
			t.Errorf("socket is allowed by %q", p)
		}
		// With nothing but the filter taken away the same call gets further.
		if out, _ := sh(t, ProcessConfig{SeccompProfile: NoSeccomp}, "unshare -U echo made"); out != "made\n" {
			t.Errorf("without the filter: %q", out)
		}
		if out, _ := sh(t, ProcessConfig{}, "unshare -U echo made"); out == "made\n" {
			t.Errorf("with the filter: %q", out)
		}
	})
}

func TestLandlockRules(t *testing.T) {
	if abi, err := landlock.Probe(); err != nil {
		t.Skipf("this kernel has no Landlock (ABI %d): %v", abi, err)
	}
	asRootAndUser(t, func(t *testing.T) {
		dir, err := os.MkdirTemp("/tmp", "libsandbox-landlock-")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		for _, name := range []string{"open", "closed"} {
			if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name, "file"), []byte(name), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		c := ProcessConfig{Mounts: []Mount{{Kind: BindReadOnly, Source: dir, Dest: "/data"}}}
		const script = "cat /data/open/file; cat /data/closed/file 2>/dev/null || echo -denied"
		if out, _ := sh(t, c, script); out != "openclosed" {
			t.Errorf("without rules: %q", out)
		}
		c.Landlock = &landlock.Ruleset{Rules: append(SystemRules(), landlock.Rule{Kind: landlock.ReadOnly, Path: "/data/open"})}
		if out, r := sh(t, c, script); out != "open-denied\n" || r.LandlockABI == 0 {
			t.Errorf("with rules: %q %+v", out, r)
		}
	})
}

// TestCPUsAreSetInTheCgroup: how much a busy loop gets depends on who else is busy; the quota does not.
func TestCPUsAreSetInTheCgroup(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: a cgroup")
	}
	cmd := Command("sleep", "60")
	cmd.Limits = Limits{CPUs: 0.2}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	paths := cmd.box.cg.m.Paths()
	file, want := filepath.Join(paths["cpu"], "cpu.cfs_quota_us"), "20000"
	if cmd.box.cg.m.Mode() == cgroup.V2 {
		file, want = filepath.Join(paths[""], "cpu.max"), "20000 100000"
	}
	got, err := os.ReadFile(file)
	if err != nil || strings.TrimSpace(string(got)) != want {
		t.Errorf("%s: %q %v, want %q", file, got, err, want)
	}
	procs, err := os.ReadFile(filepath.Join(filepath.Dir(file), "cgroup.procs"))
	if err != nil || !strings.Contains("\n"+string(procs), fmt.Sprintf("\n%d\n", cmd.Process.Pid)) {
		t.Errorf("the program %d is not in it: %q %v", cmd.Process.Pid, procs, err)
	}
}
