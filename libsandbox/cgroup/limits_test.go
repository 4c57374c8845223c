// Limits in real cgroups: what was asked for is what the kernel reports and enforces.

package cgroup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// needs skips a test if the controller cannot be used here.
func needs(t *testing.T, m *Manager, controller string) string {
	t.Helper()
	d := m.dirOf(controller)
	if d == nil {
		t.Skipf("no hierarchy with the %s controller on this host", controller)
	}
	if m.mode == V2 {
		have, _ := readFile(d.path() + "/cgroup.controllers")
		if !containsAll(strings.Fields(have), []string{controller}) {
			t.Skipf("controller %s is not delegated to %s", controller, d.path())
		}
	}
	return d.path()
}

func holds(t *testing.T, path, file, want string) {
	t.Helper()
	got, err := readFile(path + "/" + file)
	if err != nil || strings.TrimSpace(got) != want {
		t.Errorf("%s = %q, %v; want %q", file, got, err, want)
	}
}

// either is a or, on v2, b.
func (m *Manager) either(a, b string) string {
	if m.mode == V2 {
		return b
	}
	return a
}

func TestRealLimits(t *testing.T) {
	m := realManager(t, nil)
	t.Run("pids", func(t *testing.T) {
		p := needs(t, m, "pids")
		for in, want := range map[string]string{`{"pids":{"limit":7}}`: "7", `{"pids":{"limit":0}}`: "1", `{"pids":{"limit":-1}}`: "max"} {
			if err := m.Set(parse(t, in)); err != nil {
				t.Fatal(err)
			}
			holds(t, p, "pids.max", want)
		}
	})
	t.Run("memory", func(t *testing.T) {
		p := needs(t, m, "memory")
		file := m.either("memory.limit_in_bytes", "memory.max")
		for _, v := range []string{"67108864", "33554432", "134217728"} {
			if err := m.Set(parse(t, `{"memory":{"limit":`+v+`}}`)); err != nil {
				t.Fatal(err)
			}
			holds(t, p, file, v)
		}
	})
	t.Run("memory and swap in any order", func(t *testing.T) {
		p := needs(t, m, "memory")
		file := m.either("memory.memsw.limit_in_bytes", "memory.swap.max")
		if !exists(p + "/" + file) {
			t.Skip("no swap accounting in this kernel")
		}
		for _, v := range []string{"64", "32", "96"} { // down and up, in MiB
			if err := m.Set(parse(t, `{"memory":{"limit":`+v+`000000,"swap":`+v+`000000}}`)); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestRealLimitsOfCPU(t *testing.T) {
	m := realManager(t, nil)
	t.Run("cpu", func(t *testing.T) {
		p := needs(t, m, "cpu")
		if err := m.Set(parse(t, `{"cpu":{"shares":2048,"quota":20000,"period":50000}}`)); err != nil {
			t.Fatal(err)
		}
		if m.mode == V2 {
			holds(t, p, "cpu.weight", "174")
			holds(t, p, "cpu.max", "20000 50000")
		} else {
			holds(t, p, "cpu.shares", "2048")
			holds(t, p, "cpu.cfs_quota_us", "20000")
			holds(t, p, "cpu.cfs_period_us", "50000")
		}
		if err := m.Set(parse(t, `{"cpu":{"idle":1}}`)); err != nil {
			t.Skip("no cpu.idle here:", err)
		}
		if _, err := m.Update(parse(t, `{"cpu":{"idle":1,"shares":512}}`), parse(t, `{"cpu":{"idle":0}}`)); err != nil {
			t.Fatal(err)
		}
		holds(t, p, m.either("cpu.shares", "cpu.weight"), m.either("512", "59"))
	})
	t.Run("cpuset", func(t *testing.T) {
		p := needs(t, m, "cpuset")
		if err := m.Set(parse(t, `{"cpu":{"cpus":"0","mems":"0"}}`)); err != nil {
			t.Fatal(err)
		}
		holds(t, p, "cpuset.cpus", "0")
		err := m.Set(parse(t, `{"cpu":{"cpus":"4000"}}`))
		if err == nil || !strings.HasPrefix(err.Error(), "linux.resources.cpu.cpus: ") {
			t.Errorf("a CPU that does not exist: %v", err)
		}
	})
	t.Run("unified", func(t *testing.T) {
		if m.mode != V2 {
			t.Skip("v2 only")
		}
		p := needs(t, m, "memory")
		if err := m.Set(parse(t, `{"unified":{"memory.high":"50331648","cgroup.max.descendants":"9"}}`)); err != nil {
			t.Fatal(err)
		}
		holds(t, p, "memory.high", "50331648")
		holds(t, p, "cgroup.max.descendants", "9")
		err := m.Set(parse(t, `{"unified":{"nonsense.max":"1"}}`))
		if err == nil || !strings.Contains(err.Error(), `controller "nonsense" not available`) {
			t.Errorf("unknown controller: %v", err)
		}
	})
}

func TestRealPidsLimitHolds(t *testing.T) {
	m := realManager(t, nil)
	needs(t, m, "pids")
	if err := m.Set(parse(t, `{"pids":{"limit":2}}`)); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "out")
	c := command(t, "sh", "-c", "exec 2>"+out+"; while [ ! -e "+out+".go ]; do sleep 0.02; done; sleep 9 & sleep 9 & sleep 9")
	if err := m.Join(c.Process.Pid); err != nil {
		t.Fatal(err)
	}
	put(t, out+".go", "")
	deadline, text := 500, []byte(nil)
	for ; deadline > 0 && !strings.Contains(string(text), "fork"); deadline-- {
		_ = waitFD(t.Context(), -1, 0, 20e6)
		text, _ = os.ReadFile(out)
	}
	if !strings.Contains(string(text), "fork") {
		t.Errorf("the limit of 2 was not enforced: %q", text)
	}
}

func TestRealDevices(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not root: device rules need privileges")
	}
	m := realManager(t, nil)
	if m.dirOf("devices") == nil {
		t.Skip("no devices controller on this host")
	}
	dir := t.TempDir()
	if f, err := os.Open("/dev/kmsg"); err != nil { // else its refusal below would prove nothing
		t.Skip("/dev/kmsg cannot be opened anyway:", err)
	} else {
		f.Close()
	}
	if err := m.Apply(); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(dir+"/go", 0o600); err != nil {
		t.Fatal(err)
	}
	c := command(t, "sh", "-c", "read x < "+dir+"/go; (: < /dev/null) && echo null >>"+dir+"/res; (: < /dev/kmsg) && echo kmsg >>"+dir+"/res; echo end >>"+dir+"/res; read x <"+dir+"/go")
	if err := m.Join(c.Process.Pid); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(dir+"/go", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	_, _ = f.WriteString("\n")
	var got []byte
	for range 200 {
		if got, _ = os.ReadFile(dir + "/res"); strings.Contains(string(got), "end") {
			break
		}
		_ = waitFD(t.Context(), -1, 0, 20e6)
	}
	if string(got) != "null\nend\n" {
		t.Errorf("opened %q, want null only", got)
	}
}
