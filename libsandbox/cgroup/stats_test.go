// Statistics against the reference library and runc's shape; events of memory shortage.

package cgroup

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	oci "github.com/opencontainers/cgroups"
	"github.com/opencontainers/cgroups/manager"
)

func TestStatsShape(t *testing.T) {
	root := fakeV2(t)
	for f, text := range map[string]string{
		"pids.current": "3\n", "pids.max": "max\n", "cpu.stat": "usage_usec 5\nuser_usec 3\nsystem_usec 2\nnr_periods 1\nnr_throttled 1\nthrottled_usec 7\n",
		"cpu.pressure": "some avg10=1.50 avg60=0.00 avg300=0.25 total=12\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=4\n",
		"memory.stat":  "anon 4096\nfile 8192\n", "memory.current": "12288\n", "memory.max": "65536\n", "memory.peak": "20480\n",
		"memory.swap.current": "100\n", "memory.swap.max": "200\n", "io.stat": "8:16 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n",
	} {
		put(t, root+"/c/"+f, text)
	}
	m, err := newManager(Options{ID: "c", Path: "/c", Root: root}, detect(t, root), "")
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.StatsJSON("box")
	if err != nil {
		t.Fatal(err)
	}
	want := `{"type":"stats","id":"box","data":{"cpu":{"usage":{"total":5000,"kernel":2000,"user":3000},` +
		`"throttling":{"periods":1,"throttledPeriods":1,"throttledTime":7000},"psi":{"some":{"avg10":1.5,"avg60":0,"avg300":0.25,"total":12},` +
		`"full":{"avg10":0,"avg60":0,"avg300":0,"total":4}}},"cpuset":{"cpu_exclusive":0,"mem_hardwall":0,"mem_exclusive":0,` +
		`"memory_migrate":0,"memory_spread_page":0,"memory_spread_slab":0,"memory_pressure":0,"sched_load_balance":0,` +
		`"sched_relax_domain_level":0},"memory":{"cache":8192,"usage":{"limit":65536,"usage":12288,"max":20480,"failcnt":0},` +
		`"swap":{"limit":65736,"usage":12388,"failcnt":0},"raw":{"anon":4096,"file":8192}},"pids":{"current":3},` +
		`"blkio":{"ioServiceBytesRecursive":[{"major":8,"minor":16,"op":"Read","value":1},{"major":8,"minor":16,"op":"Write","value":2}],` +
		`"ioServicedRecursive":[{"major":8,"minor":16,"op":"Read","value":3},{"major":8,"minor":16,"op":"Write","value":4}]},` +
		`"hugetlb":{},"intel_rdt":{},"network_interfaces":null}}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestBlkioTable(t *testing.T) {
	got := blkioTable("8:0 Read 17\n8:0 Write 4\n9:1 6\nTotal 27\n")
	b, _ := json.Marshal(got)
	if string(b) != `[{"major":8,"op":"Read","value":17},{"major":8,"op":"Write","value":4},{"major":9,"minor":1,"value":6}]` {
		t.Errorf("%s", b)
	}
}

// What does not change while nothing runs must be what the library reads.
func TestRealStatsAgainstLibrary(t *testing.T) {
	m := realManager(t, nil)
	if err := m.Set(parse(t, `{"pids":{"limit":9}}`)); err != nil {
		t.Skip("no pids controller:", err)
	}
	ref, err := manager.NewWithPaths(&oci.Cgroup{Resources: &oci.Resources{}}, m.Paths())
	if err != nil {
		t.Fatal(err)
	}
	want, err := ref.GetStats()
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.Stats()
	if err != nil {
		t.Fatal(err)
	}
	if got.Pids != (PidsStats(want.PidsStats)) {
		t.Errorf("pids %+v, library %+v", got.Pids, want.PidsStats)
	}
	mem := want.MemoryStats
	if got.Memory.Usage.Limit != mem.Usage.Limit || got.Memory.Swap.Limit != mem.SwapUsage.Limit || len(got.Memory.Raw) != len(mem.Stats) {
		t.Errorf("memory %+v, library %+v", got.Memory, mem)
	}
	if len(got.CPU.Usage.Percpu) != len(want.CpuStats.CpuUsage.PercpuUsage) {
		t.Errorf("percpu %v, library %v", got.CPU.Usage.Percpu, want.CpuStats.CpuUsage.PercpuUsage)
	}
	a, _ := json.Marshal(got.CPUSet)
	b, _ := json.Marshal(want.CPUSetStats)
	if string(a) != string(b) {
		t.Errorf("cpuset %s, library %s", a, b)
	}
}

func TestRealOOMEvent(t *testing.T) {
	m := realManager(t, nil)
	needs(t, m, "memory")
	dir := t.TempDir()
	c := command(t, "sh", "-c", "while [ ! -e "+dir+"/go ]; do sleep 0.05; done; exec dd if=/dev/zero of=/dev/null bs=400M count=1")
	if err := m.Join(c.Process.Pid); err != nil {
		t.Fatal(err)
	}
	if err := m.Set(parse(t, `{"memory":{"limit":16777216}}`)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	events, err := m.OOMEvents(ctx)
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir+"/go", "")
	if _, ok := <-events; !ok {
		t.Fatal("the channel closed without an event")
	}
	if os.Geteuid() == 0 || m.mode == V2 {
		destroy(t, FromRecord(m.Record()))
		for range events { // drains until closed
		}
		if ctx.Err() != nil {
			t.Error("the channel was not closed when the cgroup was removed")
		}
	}
}

func TestRealLostCgroup(t *testing.T) {
	m := realManager(t, nil)
	if err := FromRecord(m.Record()).Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := m.Set(parse(t, `{"pids":{"limit":3}}`)); err == nil || !strings.Contains(err.Error(), " is gone") ||
		!strings.HasPrefix(err.Error(), "linux.resources.pids.limit: ") {
		t.Errorf("a limit for a cgroup removed under us: %v", err)
	}
	if err := m.Join(os.Getpid()); err == nil || !strings.Contains(err.Error(), m.dirs[0].path()) {
		t.Errorf("joining a cgroup removed under us: %v", err)
	}
	if pids, err := m.Pids(true); err != nil || len(pids) != 0 {
		t.Errorf("Pids = %v, %v", pids, err)
	}
	if err := m.WaitEmpty(t.Context()); err != nil {
		t.Error(err)
	}
}
