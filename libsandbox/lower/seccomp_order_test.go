// What runs below the container's seccomp filter.

package lower

import (
	"slices"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// TestBelowFilter holds the steps after the filter against the few that any profile must allow:
// a profile from before openat2 and faccessat2 were known refuses them.
func TestBelowFilter(t *testing.T) {
	caps := &specs.LinuxCapabilities{Bounding: []string{"CAP_KILL"}, Permitted: []string{"CAP_KILL"},
		Effective: []string{"CAP_KILL"}}
	for _, c := range []struct {
		name string
		nnp  bool
		uid  uint32
		caps *specs.LinuxCapabilities
		more []string // allowed besides
	}{
		{"no new privileges", true, 1000, caps, nil},
		{"privileged load", false, 0, caps, nil},
		{"privileged load, user", false, 1000, caps, nil},
		{"no capability sets, root", false, 0, nil, nil},
		// Loaded before the ids change, since nothing would give CAP_SYS_ADMIN back.
		{"no capability sets, user", false, 1000, nil,
			[]string{"prctl", "setgroups", "setresgid", "setresuid", "openat2", "fchdir", "test", "umask", "faccessat2"}},
	} {
		spec := &specs.Spec{Process: &specs.Process{Args: []string{"/bin/true"}, Cwd: "/", NoNewPrivileges: c.nnp,
			User: specs.User{UID: c.uid}, Capabilities: c.caps}, Linux: &specs.Linux{}}
		b := newBuilder(spec, &Facts{LastCap: 40, StartFD: 5, ResultFD: 6, Seccomp: &Filter{Program: make([]byte, 8)}})
		b.identity(spec.Process, true)
		b.launch(spec.Process)
		allowed := append([]string{"capset", "write", "read", "close", "execve", "set"}, c.more...)
		loaded := 0
		for i := range b.p.Steps {
			s := &b.p.Steps[i]
			switch {
			case s.Nr == unix.SYS_SECCOMP:
				loaded++
			case loaded > 0 && s.Name != "" && !slices.Contains(allowed, s.Name):
				t.Errorf("%s: %s runs below the filter", c.name, s.Name)
			}
		}
		if loaded != 1 {
			t.Errorf("%s: the filter is loaded %d times", c.name, loaded)
		}
	}
}

// TestAdminGivenUp: the capability that loading takes is gone when the program begins.
func TestAdminGivenUp(t *testing.T) {
	spec := &specs.Spec{Process: &specs.Process{Args: []string{"/bin/true"}, Cwd: "/",
		Capabilities: &specs.LinuxCapabilities{}}, Linux: &specs.Linux{}}
	b := newBuilder(spec, &Facts{LastCap: 40, StartFD: -1, Seccomp: &Filter{Program: make([]byte, 8)}})
	b.identity(spec.Process, true)
	b.launch(spec.Process)
	last := ""
	for i := range b.p.Steps {
		if b.p.Steps[i].Nr == unix.SYS_CAPSET {
			last = b.p.ArgText(i)
		}
	}
	if want := capText(capSets{}); !strings.Contains(last, want) {
		t.Errorf("the last capset is %q, want %q", last, want)
	}
}
