// Tests of the intelrdt package against a folder that looks like resctrl.

package intelrdt

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

type rdt = specs.LinuxIntelRdt

// fake makes a root with the default class and one named "gold".
func fake(t *testing.T) *Manager {
	t.Helper()
	root := t.TempDir()
	for _, d := range []string{"", "gold"} {
		if err := os.MkdirAll(filepath.Join(root, d, "mon_groups"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, d, "schemata"), []byte("    MB:0= 50;1=100\n    L3:0=00f;1=7ff\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return New(root)
}

func (m *Manager) read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(m.root, file))
	if err != nil {
		return "!" + err.Error()
	}
	return string(b)
}

func noJournal(Made) error { return nil }

func TestOwnClass(t *testing.T) {
	m := fake(t)
	c := &rdt{L3CacheSchema: "MB:0=1\nL3:0=f;1=f0", MemBwSchema: "MB:0=20", Schemata: []string{"L2:0=1", "L3:0=7"}}
	var journaled []Made
	made, err := m.Create("c1", c, func(x Made) error {
		if _, err := os.Stat(filepath.Join(m.root, x.Class)); err == nil {
			t.Error("journaled after the fact")
		}
		journaled = append(journaled, x)
		return nil
	})
	if err != nil || made != (Made{Class: "c1"}) || len(journaled) != 1 || journaled[0] != made {
		t.Fatalf("%+v, %v, journal %v", made, err, journaled)
	}
	if got := m.read(t, "c1/schemata"); got != "L3:0=f;1=f0\nMB:0=20\nL2:0=1\nL3:0=7\n" {
		t.Errorf("schemata %q", got)
	}
	if err := m.Add("c1", c, 42); err != nil {
		t.Error(err)
	}
	if got := m.read(t, "c1/tasks"); got != "42" {
		t.Errorf("tasks %q", got)
	}
	if err := m.Remove(made); err != nil {
		t.Error(err)
	}
	if err := m.Remove(made); err != nil { // twice
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(m.root, "c1")); err == nil {
		t.Error("the class is left")
	}
	if _, err := os.Stat(filepath.Join(m.root, "gold")); err != nil {
		t.Error("another class is gone")
	}
}

func TestOwnClassThatExisted(t *testing.T) {
	m := fake(t)
	made, err := m.Create("gold", &rdt{}, noJournal)
	if err != nil || made != (Made{}) {
		t.Errorf("%+v, %v", made, err)
	}
}

func TestExistingClosID(t *testing.T) {
	before := "    MB:0= 50;1=100\n    L3:0=00f;1=7ff\n"
	for _, c := range []struct {
		rdt   rdt
		field string // of the error
		after string // schemata
	}{
		{rdt{ClosID: "gold"}, "", before},
		{rdt{ClosID: "gold", L3CacheSchema: "L3:0=F"}, "", before},
		{rdt{ClosID: "gold", L3CacheSchema: "L3:1=7ff;0=f", MemBwSchema: "MB:0=50"}, "", before},
		{rdt{ClosID: "gold", L3CacheSchema: "L3:0=1"}, "linux.intelRdt.l3CacheSchema", before},
		{rdt{ClosID: "gold", MemBwSchema: "MB:2=50"}, "linux.intelRdt.memBwSchema", before},
		{rdt{ClosID: "gold", Schemata: []string{"L2:0=1"}}, "", before + "L2:0=1\n"},
	} {
		m := fake(t)
		made, err := m.Create("c1", &c.rdt, noJournal)
		var e *errdetail.Error
		if c.field == "" && err != nil || c.field != "" && (!errors.As(err, &e) || e.Field != c.field) || made != (Made{}) {
			t.Errorf("%+v: %+v, %v", c.rdt, made, err)
		}
		if got := m.read(t, "gold/schemata"); got != c.after {
			t.Errorf("%+v: schemata %q", c.rdt, got)
		}
	}
}

func TestNewClosIDStays(t *testing.T) {
	m := fake(t)
	made, err := m.Create("c1", &rdt{ClosID: "new", MemBwSchema: "MB:0=20"}, noJournal)
	if err != nil || made != (Made{}) {
		t.Fatalf("%+v, %v", made, err)
	}
	if got := m.read(t, "new/schemata"); got != "MB:0=20\n" {
		t.Errorf("schemata %q", got)
	}
	_, err = m.Create("c1", &rdt{ClosID: "missing"}, noJournal)
	if err == nil || !strings.HasPrefix(err.Error(), "linux.intelRdt.closID: there is no class") {
		t.Errorf("a class that is neither there nor to be made: %v", err)
	}
}

func TestDefaultClassAndMonitoring(t *testing.T) {
	m := fake(t)
	c := &rdt{ClosID: "/", EnableMonitoring: true}
	made, err := m.Create("c1", c, noJournal)
	if err != nil || made != (Made{Monitor: "mon_groups/c1"}) {
		t.Fatalf("%+v, %v", made, err)
	}
	if err := m.Add("c1", c, 7); err != nil {
		t.Error(err)
	}
	if a, b := m.read(t, "tasks"), m.read(t, "mon_groups/c1/tasks"); a != "7" || b != "7" {
		t.Errorf("tasks %q, %q", a, b)
	}
	if err := m.Remove(made); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(m.root, "mon_groups/c1")); err == nil {
		t.Error("the monitoring group is left")
	}
	if got := m.read(t, "schemata"); !strings.Contains(got, "L3:0=00f") {
		t.Errorf("the default class's schemata %q", got)
	}
}

// A failure in the end takes back what was made in the beginning, and the kernel's text is told.
func TestFailureLeavesNothing(t *testing.T) {
	m := fake(t)
	if err := os.Mkdir(filepath.Join(m.root, "info"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(m.root, "info/last_cmd_status"), []byte("Out of RMIDs\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	// There is no mon_groups in a directory made by mkdir here, so monitoring fails.
	for _, c := range []*rdt{{EnableMonitoring: true}, {ClosID: "new", MemBwSchema: "MB:0=1", EnableMonitoring: true}} {
		made, err := m.Create("c1", c, noJournal)
		if err == nil || !strings.HasPrefix(err.Error(), "linux.intelRdt.enableMonitoring: ") || !strings.HasSuffix(err.Error(), "(Out of RMIDs)") {
			t.Errorf("got %v", err)
		}
		if made != (Made{}) {
			t.Errorf("made %+v", made)
		}
		for _, d := range []string{"c1", "new"} {
			if _, err := os.Stat(filepath.Join(m.root, d)); err == nil {
				t.Errorf("%s is left", d)
			}
		}
	}
	if _, err := m.Create("c1", &rdt{}, func(Made) error { return os.ErrClosed }); !errors.Is(err, os.ErrClosed) {
		t.Errorf("the journal's error: %v", err)
	}
	if _, err := os.Stat(filepath.Join(m.root, "c1")); err == nil {
		t.Error("made without a journal")
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		rdt   rdt
		field string
	}{
		{rdt{ClosID: ".."}, "linux.intelRdt.closID"},
		{rdt{ClosID: "a/b"}, "linux.intelRdt.closID"},
		{rdt{ClosID: "info"}, "linux.intelRdt.closID"},
		{rdt{MemBwSchema: "0=1"}, "linux.intelRdt.memBwSchema"},
		{rdt{MemBwSchema: "MB:0=1\nL3:0=1"}, "linux.intelRdt.memBwSchema"},
		{rdt{Schemata: []string{"L3:0=1", "L2:0=1\nx"}}, "linux.intelRdt.schemata[1]"},
		{rdt{Schemata: []string{"L3"}}, "linux.intelRdt.schemata[0]"},
	} {
		var e *errdetail.Error
		if err := Check(&c.rdt); !errors.As(err, &e) || e.Field != c.field {
			t.Errorf("%+v: %v", c.rdt, err)
		}
	}
	if err := Check(nil); err != nil {
		t.Error(err)
	}
}

func TestRemoveStaysInside(t *testing.T) {
	m := fake(t)
	for _, dir := range []string{".", "..", "/", "../x", "a/../.."} {
		if err := m.Remove(Made{Class: dir}); err == nil {
			t.Errorf("removed %q", dir)
		}
	}
	if _, err := os.Stat(filepath.Join(m.root, "gold")); err != nil {
		t.Error("the root was emptied")
	}
}

func TestFindWithoutResctrl(t *testing.T) {
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), " - resctrl ") {
		t.Skip("this host has resctrl mounted")
	}
	if _, err := Find(); err == nil || !strings.HasPrefix(err.Error(), "linux.intelRdt: no resctrl file system is mounted; ") {
		t.Errorf("got %v", err)
	}
}
