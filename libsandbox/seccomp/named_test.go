package seccomp

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// TestNamedContained: what a built-in profile allows, the next one allows too, on every
// architecture and for all arguments tried; and the wider one allows more.
func TestNamedContained(t *testing.T) {
	for _, ar := range architectures() {
		if ar.name == specs.ArchX32 {
			continue
		}
		var last *model
		for _, name := range Names() {
			p, err := Named(name)
			if err != nil {
				t.Fatal(err)
			}
			p.Architectures = nil
			m, err := newModel(p, Options{Arch: ar.name})
			if err != nil {
				t.Fatal(ar.name, err)
			}
			if _, err := compileGo(m); err != nil {
				t.Fatal(ar.name, err)
			}
			more := 0
			for nr := range uint32(600) {
				for _, a := range []uint64{0, 1, 2, 10, 16, 40, unix.CLONE_NEWUSER, ^uint64(0)} {
					d := Data{Nr: nr + ar.base, Arch: ar.audit, Args: [6]uint64{a, a, a, a, a, a}}
					now := m.judge(&d).Value == unix.SECCOMP_RET_ALLOW
					if last != nil && last.judge(&d).Value == unix.SECCOMP_RET_ALLOW {
						if !now {
							t.Errorf("%s: %s allows %s(%#x), %s allows less", ar.name, Names()[slices.Index(Names(), name)-1], ar.nameOf(d.Nr), a, name)
						}
					} else if now {
						more++
					}
				}
			}
			if more == 0 {
				t.Errorf("%s: %s allows nothing new", ar.name, name)
			}
			last = m
		}
	}
}

// TestNamedNames: no list has a name twice or one that does not exist.
func TestNamedNames(t *testing.T) {
	seen := map[string]bool{}
	for _, n := range strings.Fields(essentialCalls + minimalCalls + ioCalls + computeCalls + networkCalls + kernelCalls) {
		if seen[n] || !known(n) {
			t.Errorf("%s is listed twice or unknown", n)
		}
		seen[n] = true
	}
	if _, err := Named("strict"); err == nil || !strings.Contains(err.Error(), "essential, minimal") {
		t.Errorf("an unknown name gives %v", err)
	}
	for _, n := range Names() {
		if About(n) == "" {
			t.Errorf("%s is not described", n)
		}
	}
}

// TestNamedRun runs programs under the built-in profiles.
func TestNamedRun(t *testing.T) {
	const busybox = "/bin/busybox"
	if _, err := os.Stat(busybox); err != nil {
		t.Skip("no static busybox: ", err)
	}
	dir := t.TempDir()
	for _, c := range []struct {
		profile string
		argv    []string
		ok      bool
	}{
		{"essential", []string{busybox, "true"}, true},
		{"essential", []string{busybox, "cat", "/proc/self/status"}, true},
		{"essential", []string{"/bin/true"}, true},
		{"essential", []string{"/bin/cat", "/etc/passwd"}, true},
		{"essential", []string{busybox, "sh", "-c", busybox + " true; " + busybox + " true"}, false},
		{"essential", []string{busybox, "mkdir", dir + "/a"}, false},
		{"minimal", []string{"/bin/sh", "-c", "/bin/true; /bin/ls / | /bin/cat"}, true},
		{"minimal", []string{"/bin/mkdir", dir + "/a"}, false},
		{"minimal", []string{"/usr/bin/unshare", "-U", "/bin/true"}, false},
		{"io-heavy", []string{"/bin/mkdir", dir + "/a"}, true},
		{"io-heavy", []string{"/bin/sh", "-c", "echo x >" + dir + "/b && mv " + dir + "/b " + dir + "/c && chmod 600 " + dir + "/c && rm " + dir + "/c"}, true},
		{"compute", []string{"/usr/bin/chrt", "-b", "0", "/bin/true"}, true},
		{"io-heavy", []string{"/usr/bin/chrt", "-b", "0", "/bin/true"}, false},
		{"compute", []string{busybox, "nc", "-z", "127.0.0.1", "1"}, false},
		{"network", []string{busybox, "ip", "addr"}, true},
		{"network", []string{"/bin/mount", "-t", "tmpfs", "none", dir}, false},
		{"network", []string{"/usr/bin/unshare", "-U", "/bin/true"}, false},
		{"unrestricted", []string{"/usr/bin/unshare", "-U", "/bin/true"}, true},
	} {
		p, err := Named(c.profile)
		if err != nil {
			t.Fatal(err)
		}
		f, err := Compile(p, Options{})
		if err != nil {
			t.Fatal(err)
		}
		cmd, out := underFilter(t, f, c.argv...)
		if cmd.ProcessState.Success() != c.ok {
			t.Errorf("%s under %s: %v: %s", strings.Join(c.argv, " "), c.profile, cmd.ProcessState, out)
		}
	}
}
