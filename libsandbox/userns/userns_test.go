// Tests of the pure parts: checks, decisions, parsing.

package userns

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

type idmap = specs.LinuxIDMapping

func m(c, h, n uint32) idmap { return idmap{ContainerID: c, HostID: h, Size: n} }

func TestValidate(t *testing.T) {
	many := make([]idmap, 341)
	for i := range many {
		many[i] = m(uint32(i), uint32(i), 1)
	}
	long := make([]idmap, 300)
	for i := range long {
		long[i] = m(uint32(1000000000+i), uint32(2000000000+i), 1)
	}
	for _, c := range []struct {
		maps  []idmap
		field string // of the error; "" for valid
	}{
		{nil, ""},
		{[]idmap{m(0, 1000, 1), m(1, 100000, 65536)}, ""},
		{[]idmap{m(0, 0, 4294967295)}, ""},
		{many[:340], ""},
		{many, "f"},
		{long, "f"},
		{[]idmap{m(0, 0, 1), m(5, 5, 0)}, "f[1].size"},
		{[]idmap{m(1, 0, 4294967295)}, "f[0].size"},
		{[]idmap{m(0, 1, 4294967295)}, "f[0].size"},
		{[]idmap{m(0, 100, 10), m(9, 200, 1)}, "f[1].containerID"},
		{[]idmap{m(0, 100, 10), m(10, 109, 1)}, "f[1].hostID"},
		{[]idmap{m(0, 100, 10), m(10, 110, 1)}, ""},
	} {
		err := Validate(c.maps, "f")
		var e *errdetail.Error
		switch {
		case c.field == "" && err != nil:
			t.Errorf("%v: %v", c.maps, err)
		case c.field != "" && (!errors.As(err, &e) || e.Field != c.field):
			t.Errorf("%d maps: %v, want field %s", len(c.maps), err, c.field)
		}
	}
}

func TestChoose(t *testing.T) {
	root := Caller{SetUID: true, SetGID: true}
	user := Caller{EUID: 1000, EGID: 1000}
	one, wide := []idmap{m(0, 1000, 1)}, []idmap{m(0, 1000, 1), m(1, 100000, 65536)}
	for _, c := range []struct {
		name              string
		uid, gid          []idmap
		caller            Caller
		uidT, gidT, denyG bool
	}{
		{"root", wide, wide, root, false, false, false},
		{"own ids", one, one, user, false, false, true},
		{"ranges", wide, wide, user, true, true, false},
		{"own uid, group ranges", one, wide, user, false, true, false},
		{"another's id", []idmap{m(0, 1001, 1)}, nil, user, true, false, false},
		{"two ids from mine on", []idmap{m(0, 1000, 2)}, one, user, true, false, true},
		{"nothing", nil, nil, user, false, false, false},
		{"only CAP_SETUID", wide, one, Caller{EUID: 1000, EGID: 1000, SetUID: true}, false, false, true},
	} {
		got, err := Choose(c.uid, c.gid, c.caller)
		if err != nil || got.UIDTool != c.uidT || got.GIDTool != c.gidT || got.DenySetgroups != c.denyG {
			t.Errorf("%s: %+v, %v", c.name, got, err)
		}
	}
	if _, err := Choose(nil, []idmap{m(0, 0, 0)}, root); err == nil || !strings.HasPrefix(err.Error(), "linux.gidMappings[0].size: ") {
		t.Errorf("got %v", err)
	}
}

func TestParseSubIDs(t *testing.T) {
	const text = `# comment
alice:100000:65536
bob:165536:65536
1000:300000:10
alice:x:65536
alice:1:0
alice:4294967290:100
alice:400000
alice:500000:1:2
:600000:5
alice:700000:20`
	got, err := ParseSubIDs(strings.NewReader(text), "alice", 1000)
	want := Ranges{{100000, 65536}, {300000, 10}, {700000, 20}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
	if got, _ := ParseSubIDs(strings.NewReader(text), "", 1); got != nil {
		t.Errorf("a user without a name got %v", got)
	}
	if r, err := SubIDs("/nonexistent", "alice", 1000); r != nil || err != nil {
		t.Errorf("a missing file: %v, %v", r, err)
	}
}

func FuzzParseSubIDs(f *testing.F) {
	f.Add("alice:100000:65536\n")
	f.Fuzz(func(t *testing.T, text string) {
		got, _ := ParseSubIDs(strings.NewReader(text), "alice", 1000)
		if err := Validate(autoMap(1000, got), "f"); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	})
}

func TestAutoMap(t *testing.T) {
	got := autoMap(1000, Ranges{{100000, 65536}, {900, 200}, {100500, 3}, {200000, 10}})
	want := []idmap{m(0, 1000, 1), m(1, 100000, 65536), m(65537, 200000, 10)}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestCovered(t *testing.T) {
	here := []idmap{m(10, 0, 5), m(0, 100, 10), m(20, 200, 1)}
	for _, c := range []struct {
		start, n uint32
		want     bool
	}{{0, 15, true}, {0, 16, false}, {14, 1, true}, {15, 1, false}, {20, 1, true}, {20, 2, false}} {
		if covered(c.start, c.n, here) != c.want {
			t.Errorf("%d+%d: not %v", c.start, c.n, c.want)
		}
	}
}

func TestAllowedNamesTheSwitch(t *testing.T) {
	for _, c := range []struct {
		sysctl, value string
		tried         error
		root, ok      bool
		reason        string
	}{
		{"", "", nil, false, true, ""},
		{"kernel/unprivileged_userns_clone", "0\n", syscall.EPERM, false, false, "kernel.unprivileged_userns_clone"},
		{"kernel/unprivileged_userns_clone", "0\n", nil, true, true, ""},
		{"kernel/unprivileged_userns_clone", "1\n", syscall.EPERM, false, false, "seccomp filter"},
		{"user/max_user_namespaces", "0\n", syscall.ENOSPC, false, false, "user.max_user_namespaces is 0"},
		{"user/max_user_namespaces", "5\n", syscall.ENOSPC, false, false, "too many"},
		{"kernel/apparmor_restrict_unprivileged_userns", "1\n", nil, false, false, "AppArmor"},
		{"kernel/apparmor_restrict_unprivileged_userns", "1\n", nil, true, true, ""},
		{"", "", syscall.EINVAL, false, false, "CONFIG_USER_NS"},
	} {
		dir := t.TempDir()
		if c.sysctl != "" {
			p := filepath.Join(dir, c.sysctl)
			if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(p, []byte(c.value), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		v := allowed(dir, c.tried, c.root)
		if v.OK != c.ok || !strings.Contains(v.Reason, c.reason) || v.OK != (v.Reason == "") {
			t.Errorf("%s: %+v", c.sysctl, v)
		}
	}
}
