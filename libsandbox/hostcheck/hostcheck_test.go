// Tests of the hostcheck package: on this host, and on made-up ones.

package hostcheck

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/landlock"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/userns"
)

// good is a host where nothing is missing; its files are in a folder.
func good(t *testing.T, euid int) *host {
	t.Helper()
	root := t.TempDir()
	for path, text := range map[string]string{
		"/sys/fs/cgroup/cgroup.controllers":       "cpu memory pids\n",
		"/sys/fs/cgroup/user/cgroup.procs":        "",
		"/sys/fs/cgroup/user/cgroup.kill":         "",
		"/proc/self/cgroup":                       "0::/user\n",
		"/proc/filesystems":                       "nodev\tsysfs\nnodev\toverlay\nnodev\tresctrl\n",
		"/proc/sys/vm/memfd_noexec":               "0\n",
		"/sys/kernel/security/lsm":                "capability,landlock,apparmor\n",
		"/sys/module/apparmor/parameters/enabled": "Y\n",
		"/sys/fs/selinux/enforce":                 "0",
		"/dev/ptmx":                               "",
		"/etc/subuid":                             "4242:100000:65536\n",
		"/etc/subgid":                             "4242:100000:65536\n4242:200000:10\n",
		"/proc/self/ns/mnt":                       "", "/proc/self/ns/pid": "", "/proc/self/ns/uts": "", "/proc/self/ns/ipc": "",
		"/proc/self/ns/net": "", "/proc/self/ns/user": "", "/proc/self/ns/cgroup": "", "/proc/self/ns/time": "",
	} {
		p := filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return &host{root: root, release: "6.18.5-x", euid: euid,
		hasSyscall: func(uintptr) bool { return true },
		landlock:   func() (landlock.ABI, error) { return 7, nil },
		userns:     func() userns.Verdict { return userns.Verdict{OK: true} },
		action:     func(specs.LinuxSeccompAction) bool { return true },
		flag:       func(specs.LinuxSeccompFlag) bool { return true },
		lookPath:   func(n string) (string, error) { return "/usr/bin/" + n, nil },
	}
}

func TestGoodHost(t *testing.T) {
	for _, euid := range []int{0, 4242} {
		r := good(t, euid).run()
		if !r.OK || r.Rootless != (euid != 0) {
			t.Errorf("%+v", r)
		}
		names := map[string]bool{}
		for _, c := range r.Checks {
			if !c.OK || c.Remedy != "" || c.Value == "" || names[c.Name] {
				t.Errorf("%+v", c)
			}
			names[c.Name] = true
		}
		if names["subuid"] != (euid != 0) {
			t.Errorf("subuid is asked for uid %d", euid)
		}
	}
}

// Each thing taken away is noticed, under its name, and fails the whole only where nothing runs
// without it.
func TestWhatIsMissing(t *testing.T) {
	gone := func(path string) func(*host) {
		return func(h *host) { _ = os.Remove(filepath.Join(h.root, path)) }
	}
	write := func(path, text string) func(*host) {
		return func(h *host) { _ = os.WriteFile(filepath.Join(h.root, path), []byte(text), 0o644) }
	}
	none := func(string) (string, error) { return "", errors.New("none") }
	for _, c := range []struct {
		name  string // of the check
		harm  func(*host)
		fatal bool
		value string
	}{
		{"kernel", func(h *host) { h.release = "5.11.22" }, true, "5.11.22"},
		{"kernel", func(h *host) { h.release = "garbage" }, true, "garbage"},
		{"mount API", func(h *host) { h.hasSyscall = func(n uintptr) bool { return n != unix.SYS_MOUNT_SETATTR } }, true, "missing or forbidden: mount_setattr"},
		{"openat2", func(h *host) { h.hasSyscall = func(n uintptr) bool { return n != unix.SYS_OPENAT2 } }, true, "openat2"},
		{"clone3", func(h *host) { h.hasSyscall = func(n uintptr) bool { return n != unix.SYS_CLONE3 } }, false, "clone3"},
		{"namespaces", gone("/proc/self/ns/time"), false, "missing: time"},
		{"namespaces", gone("/proc/self/ns/pid"), true, "missing: pid"},
		{"user namespaces", func(h *host) {
			h.userns = func() userns.Verdict { return userns.Verdict{Reason: "because", Err: unix.EPERM} }
		}, true, "because (operation not permitted)"},
		{"newuidmap", func(h *host) { h.lookPath = none }, false, "not installed"},
		{"subuid", write("/etc/subuid", "other:1:2\n"), false, "no range for"},
		{"cgroups", func(h *host) { _ = os.RemoveAll(filepath.Join(h.root, "/sys/fs/cgroup")) }, false, "none mounted"},
		{"cgroup.kill", func(h *host) {
			gone("/sys/fs/cgroup/user/cgroup.kill")(h)
			h.release = "5.13.0"
		}, false, "not available"},
		{"cgroup delegation", gone("/sys/fs/cgroup/user/cgroup.procs"), false, "no such file"},
		{"apparmor", write("/sys/module/apparmor/parameters/enabled", "N\n"), false, "not available"},
		{"seccomp", func(h *host) { h.action = func(a specs.LinuxSeccompAction) bool { return a != specs.ActNotify } }, false, "missing: NOTIFY"},
		{"seccomp", func(h *host) { h.action = func(specs.LinuxSeccompAction) bool { return false } }, true, "missing: KILL_PROCESS"},
		{"seccomp flags", func(h *host) { h.flag = func(f specs.LinuxSeccompFlag) bool { return f != specs.LinuxSeccompFlagLog } }, false, "missing: LOG"},
		{"landlock", func(h *host) { h.landlock = func() (landlock.ABI, error) { return 0, unix.ENOSYS } }, false, "not available"},
		{"overlay", write("/proc/filesystems", "nodev\tsysfs\n"), false, "not available"},
		{"terminals", gone("/dev/ptmx"), false, "/dev/ptmx"},
		{"executable memfds", write("/proc/sys/vm/memfd_noexec", "2\n"), false, "vm.memfd_noexec=2"},
	} {
		h := good(t, 4242)
		c.harm(h)
		r := h.run()
		if r.OK == c.fatal {
			t.Errorf("%s: report OK %v", c.name, r.OK)
		}
		for _, got := range r.Checks {
			if got.Name == c.name && (got.OK || !strings.Contains(got.Value, c.value) || got.Need == "") {
				t.Errorf("%s: %+v, want %q", c.name, got, c.value)
			}
		}
	}
}

func TestRootNeedsNoUserNamespaces(t *testing.T) {
	h := good(t, 0)
	h.userns = func() userns.Verdict { return userns.Verdict{Reason: "because"} }
	if r := h.run(); !r.OK {
		t.Errorf("%+v", r)
	}
}

func TestHybridAndV1(t *testing.T) {
	h := good(t, 0)
	base := filepath.Join(h.root, "/sys/fs/cgroup")
	os.Remove(base + "/cgroup.controllers")
	for _, d := range []string{"memory", "unified/user"} {
		os.MkdirAll(filepath.Join(base, d), 0o755)
	}
	if c := h.cgroups()[0]; !c.OK || c.Value != "v1: memory" {
		t.Errorf("v1: %+v", c)
	}
	os.WriteFile(base+"/unified/cgroup.controllers", nil, 0o644)
	if c := h.cgroups()[0]; !c.OK || c.Value != "v1, with v2 beside it: memory" {
		t.Errorf("hybrid: %+v", c)
	}
}

func TestRendering(t *testing.T) {
	h := good(t, 4242)
	h.release = "5.4.0"
	r := h.run()
	var text, doc bytes.Buffer
	if err := r.Text(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"FAIL  kernel ", "needed for: Linux 5.12 or later\n", "to do: run a newer kernel\n", "\ncontainers can't run here without root: see FAIL above\n", "ok    landlock                 ABI 7\n"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
	if err := r.JSON(&doc); err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(doc.Bytes(), &back); err != nil || back.OK || len(back.Checks) != len(r.Checks) || back.Checks[0] != r.Checks[0] {
		t.Errorf("%v %+v", err, back)
	}
}

// This host runs the other tests of this project, so what they need is here.
func TestThisHost(t *testing.T) {
	r := Run()
	if os.Geteuid() == 0 && !r.OK {
		var b strings.Builder
		_ = r.Text(&b)
		t.Errorf("%s", b.String())
	}
	for _, c := range r.Checks {
		if c.Name == "landlock" {
			if _, err := landlock.Probe(); (err == nil) != c.OK {
				t.Errorf("%+v, %v", c, err)
			}
		}
	}
}

func TestHasSyscall(t *testing.T) {
	if hasSyscall(100000) {
		t.Error("system call 100000 exists")
	}
	if !hasSyscall(unix.SYS_OPENAT2) {
		t.Error("no openat2")
	}
}
