// The systemd driver: names and values without systemd, scopes with one (in the VM).

package cgroup

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/opencontainers/cgroups/systemd"
)

func TestExpandSliceAgainstLibrary(t *testing.T) {
	for _, s := range []string{"system.slice", "a-b-c.slice", "-.slice", ".slice", "a--b.slice", "-a.slice", "a/b.slice", "a"} {
		got, err := expandSlice(s)
		want, werr := systemd.ExpandSlice(s)
		if werr == nil && want == "/" {
			want = ""
		}
		if got != want || (err == nil) != (werr == nil) {
			t.Errorf("%s: %q, %v; library %q, %v", s, got, err, want, werr)
		}
	}
}

func TestRangesAgainstLibrary(t *testing.T) {
	for _, s := range []string{"0", "0-3", "1,3,9-10", "17"} {
		want, err := systemd.RangeToBits(s)
		if err != nil {
			t.Fatal(err)
		}
		if got := bitmap(ranges(s)); !bytes.Equal(got, want) {
			t.Errorf("%s: %x, library %x", s, got, want)
		}
	}
}

func TestAnnotationProps(t *testing.T) {
	props, err := annotationProps(map[string]string{
		"org.systemd.property.CollectMode": "'inactive-or-failed'", "org.systemd.property.TimeoutStopSec": "2.5",
		"org.systemd.property.Delegate": "true", "org.systemd.property.TasksMax": "uint64 7", "other": "x",
		"org.systemd.property.After": `['a.service', "b.service"]`,
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range props {
		e := &encoder{}
		p.put(e)
		got = append(got, fmt.Sprintf("%s %s %x", p.name, p.signature, e.b))
	}
	want := "After as 1e00000009000000612e7365727669636500000009000000622e7365727669636500|CollectMode s 12000000696e6163746976652d6f722d6661696c656400|" +
		"Delegate b 01000000|TimeoutStopUSec t a025260000000000|TasksMax t 0700000000000000"
	for _, w := range strings.Split(want, "|") {
		if !strings.Contains(strings.Join(got, "|"), w) {
			t.Errorf("missing %s in\n%s", w, strings.Join(got, "\n"))
		}
	}
	for _, bad := range []string{"", "'x", "[1]", "(1, 2)", "uint32 -1", "int9 3"} {
		if _, err := annotationProps(map[string]string{"org.systemd.property.X": bad}); err == nil ||
			!strings.HasPrefix(err.Error(), `annotations["org.systemd.property.X"]: `) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestLimitProps(t *testing.T) {
	var got []string
	for _, p := range limitProps(true, parse(t, `{"memory":{"limit":4096,"swap":-1},"pids":{"limit":0},"cpu":{"quota":12345,"shares":1024}}`)) {
		e := &encoder{}
		p.put(e)
		got = append(got, fmt.Sprintf("%s=%d", p.name, binary.LittleEndian.Uint64(e.b)))
	}
	want := fmt.Sprintf("MemoryMax=4096 MemorySwapMax=%d CPUWeight=100 CPUQuotaPerSecUSec=130000 TasksMax=1", uint64(math.MaxUint64))
	if s := strings.Join(got, " "); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
}

// A hostile or broken bus must not make the decoder panic or spin.
func FuzzDecoder(f *testing.F) {
	f.Add([]byte("\x05\x00\x00\x00hello\x00\x01s\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		d := &decoder{b: b, order: binary.LittleEndian}
		for range 10 {
			d.signature()
			_ = d.string()
			d.align(8)
			d.u32()
		}
	})
}

// scope makes a Manager with systemd, in the system's or the user's own.
func scope(t *testing.T, change func(*Options)) *Manager {
	t.Helper()
	if _, err := os.Stat("/run/systemd/system"); err != nil {
		t.Skip("systemd is not running here")
	}
	name := fmt.Sprintf("t%d-%s", os.Getpid(), strings.ToLower(t.Name()))
	o := Options{ID: name, Systemd: true, Rootless: os.Geteuid() != 0, Path: ":sandboxtest:" + name}
	if change != nil {
		change(&o)
	}
	m, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { destroy(t, FromRecord(m.Record())) })
	if err := m.Create(); err != nil {
		t.Fatal(err)
	}
	return m
}

func systemctl(t *testing.T, args ...string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		args = append([]string{"--user"}, args...)
	}
	out, err := exec.Command("systemctl", args...).CombinedOutput()
	if err != nil {
		t.Logf("systemctl %v: %v", args, err)
	}
	return strings.TrimSpace(string(out))
}

func TestScope(t *testing.T) {
	m := scope(t, func(o *Options) {
		o.Resources = parse(t, `{"pids":{"limit":33},"memory":{"limit":67108864},"cpu":{"quota":25000,"period":50000}}`)
		o.Annotations = map[string]string{"org.systemd.property.TimeoutStopSec": "7"}
	})
	pid := child(t)
	if err := m.Join(pid); err != nil {
		t.Fatal(err)
	}
	if err := m.Apply(); err != nil {
		t.Fatal(err)
	}
	d := m.v2dir()
	own, _ := ownCgroups(fmt.Sprintf("/proc/%d/cgroup", pid))
	if own[""] != "/"+d.rel {
		t.Fatalf("the process is in %s, want /%s", own[""], d.rel)
	}
	holds(t, d.path(), "pids.max", "33")
	holds(t, d.path(), "memory.max", "67108864")
	holds(t, d.path(), "cpu.max", "25000 50000")
	show := systemctl(t, "show", m.unit.name, "-p", "TasksMax,MemoryMax,TimeoutStopUSec,Delegate,Slice")
	for _, want := range []string{"TasksMax=33", "MemoryMax=67108864", "TimeoutStopUSec=7s", "Delegate=yes", "Slice=" + m.unit.slice} {
		if !strings.Contains(show, want) {
			t.Errorf("systemctl show lacks %s:\n%s", want, show)
		}
	}
	systemctl(t, "daemon-reload")
	holds(t, d.path(), "pids.max", "33")
	next, err := m.Update(m.opts.Resources, parse(t, `{"pids":{"limit":44}}`))
	if err != nil || *next.Pids.Limit != 44 {
		t.Fatal(err)
	}
	holds(t, d.path(), "pids.max", "44")

	again := child(t)
	if err := FromRecord(m.Record()).JoinLike(again, pid); err != nil {
		t.Fatal(err)
	}
	if pids, _ := m.Pids(false); len(pids) != 2 {
		t.Errorf("after exec: %v", pids)
	}
	second, err := New(m.opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Create(); err == nil || !strings.Contains(err.Error(), "is not empty") {
		t.Errorf("a scope in use was accepted: %v", err)
	}
	destroy(t, FromRecord(m.Record()))
	if s := systemctl(t, "list-units", "--all", "--plain", "--no-legend", m.unit.name); s != "" {
		t.Errorf("left behind: %s", s)
	}
}

func TestScopeErrors(t *testing.T) {
	if _, err := os.Stat("/run/systemd/system"); err != nil {
		_, err := New(Options{ID: "x", Systemd: true})
		if err == nil || !strings.Contains(err.Error(), "systemd not running on this host, cannot use systemd cgroups manager") {
			t.Errorf("without systemd: %v", err)
		}
		return
	}
	_, err := New(Options{ID: "x", Systemd: true, Path: "/not/three"})
	if err == nil || !strings.Contains(err.Error(), `expected cgroupsPath to be of format "slice:prefix:name"`) {
		t.Errorf("path: %v", err)
	}
	m := scope(t, nil)
	if err := m.Join(1 << 22); err == nil || !strings.Contains(err.Error(), "start systemd unit sandboxtest-") {
		t.Errorf("a process that does not exist: %v", err)
	}
}
