// The translation of linux.resources, merging, and both held against the reference library.

package cgroup

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	oci "github.com/opencontainers/cgroups"
	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

func parse(t testing.TB, text string) *specs.LinuxResources {
	t.Helper()
	r := &specs.LinuxResources{}
	if err := json.Unmarshal([]byte(text), r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestCompile(t *testing.T) {
	for _, c := range []struct{ name, in, v1, v2 string }{
		{"pids", `{"pids":{"limit":5}}`, "pids.max=5", "pids.max=5"},
		{"pids 0", `{"pids":{"limit":0}}`, "pids.max=1", "pids.max=1"},
		{"pids unlimited", `{"pids":{"limit":-1}}`, "pids.max=max", "pids.max=max"},
		{"memory", `{"memory":{"limit":1048576,"swap":3145728,"reservation":4096}}`,
			"memory.soft_limit_in_bytes=4096 memory.limit_in_bytes=1048576 memory.memsw.limit_in_bytes=3145728",
			"memory.low=4096 memory.swap.max=2097152 memory.max=1048576"},
		{"memory unlimited", `{"memory":{"limit":-1}}`,
			"memory.limit_in_bytes=-1 memory.memsw.limit_in_bytes=-1?", "memory.swap.max=max? memory.max=max"},
		{"no swap", `{"memory":{"limit":4096,"swap":4096}}`,
			"memory.limit_in_bytes=4096 memory.memsw.limit_in_bytes=4096", "memory.swap.max=0? memory.max=4096"},
		{"swap alone", `{"memory":{"swap":4096}}`, "memory.memsw.limit_in_bytes=4096",
			"!linux.resources.memory.swap: unable to set swap limit without memory limit"},
		{"swap too small", `{"memory":{"limit":8192,"swap":4096}}`,
			"!linux.resources.memory.swap: memory+swap limit should be >= memory limit",
			"!linux.resources.memory.swap: memory+swap limit should be >= memory limit"},
		{"oom", `{"memory":{"disableOOMKiller":true}}`, "memory.oom_control=1",
			"!linux.resources.memory.disableOOMKiller: cannot be enforced on this host: cgroup v2 has no such limit"},
		{"no oom", `{"memory":{"disableOOMKiller":false}}`, "memory.oom_control=0?", ""},
		{"swappiness", `{"memory":{"swappiness":101}}`, "!linux.resources.memory.swappiness: 101 is not within 0 to 100",
			"!linux.resources.memory.swappiness: cannot be enforced on this host: cgroup v2 has no such limit"},
		{"cpu", `{"cpu":{"shares":1024,"quota":50000,"period":100000,"burst":1000,"cpus":"0-1","mems":"0"}}`,
			"cpuset.cpus=0-1 cpuset.mems=0 cpu.shares=1024 cpu.cfs_period_us=100000 cpu.cfs_quota_us=50000 cpu.cfs_burst_us=1000",
			"cpuset.cpus=0-1 cpuset.mems=0 cpu.weight=100 cpu.max=50000 100000 cpu.max.burst=1000"},
		{"cpu max", `{"cpu":{"quota":-1}}`, "cpu.cfs_quota_us=-1", "cpu.max=max 100000"},
		{"cpu period", `{"cpu":{"period":50000}}`, "cpu.cfs_period_us=50000", "cpu.max=max 50000"},
		{"idle", `{"cpu":{"idle":1,"shares":512}}`, "cpu.idle=1", "cpu.idle=1"},
		{"low shares", `{"cpu":{"shares":1}}`, "!linux.resources.cpu.shares: 1: the minimum allowed cpu-shares is 2", "cpu.weight=1"},
		{"realtime", `{"cpu":{"realtimeRuntime":1000,"realtimePeriod":10000}}`, "cpu.rt_period_us=10000 cpu.rt_runtime_us=1000",
			"!linux.resources.cpu.realtimePeriod: cannot be enforced on this host: cgroup v2 has no such limit"},
		{"io", `{"blockIO":{"weight":500,"weightDevice":[{"major":8,"minor":0,"weight":1000}],
			"throttleReadBpsDevice":[{"major":8,"minor":0,"rate":100}],"throttleWriteIOPSDevice":[{"major":8,"minor":1,"rate":0}]}}`,
			"blkio.weight=500|blkio.bfq.weight=500 blkio.weight_device=8:0 1000|blkio.bfq.weight_device=8:0 1000 " +
				"blkio.throttle.read_bps_device=8:0 100 blkio.throttle.write_iops_device=8:1 0",
			"io.bfq.weight=500|io.weight=4950 io.bfq.weight=8:0 1000|io.weight=8:0 10000 io.max=8:0 rbps=100 io.max=8:1 wiops=max"},
		{"io weight", `{"blockIO":{"weight":5}}`, "!linux.resources.blockIO.weight: 5 is not within 10 to 1000",
			"!linux.resources.blockIO.weight: 5 is not within 10 to 1000"},
		{"huge", `{"hugepageLimits":[{"pageSize":"2MB","limit":0}]}`,
			"hugetlb.2MB.limit_in_bytes=0 hugetlb.2MB.rsvd.limit_in_bytes=0?", "hugetlb.2MB.max=0 hugetlb.2MB.rsvd.max=0?"},
		{"net", `{"network":{"classID":5,"priorities":[{"name":"lo","priority":2}]}}`,
			"net_cls.classid=5 net_prio.ifpriomap=lo 2",
			"!linux.resources.network.classID: cannot be enforced on this host: cgroup v2 has no such limit"},
		{"rdma", `{"rdma":{"mlx":{"hcaHandles":3,"hcaObjects":4}}}`, "rdma.max=mlx hca_handle=3 hca_object=4", "rdma.max=mlx hca_handle=3 hca_object=4"},
		{"unified", `{"unified":{"memory.high":"max","io.max":"8:0 rbps=1\n8:1 rbps=2"}}`,
			`!linux.resources.unified["io.max"]: cannot be set, because this host has cgroup v1`,
			"io.max=8:0 rbps=1 io.max=8:1 rbps=2 memory.high=max"},
		{"unified path", `{"unified":{"../x.y":"1"}}`, `!linux.resources.unified["../x.y"]: cannot be set, because this host has cgroup v1`,
			`!linux.resources.unified["../x.y"]: must be a file name, without a slash`},
	} {
		t.Run(c.name, func(t *testing.T) {
			for v2, want := range map[bool]string{false: c.v1, true: c.v2} {
				list, err := compile(v2, parse(t, c.in))
				got := show(list)
				if err != nil {
					got = "!" + err.Error()
				}
				if got != want {
					t.Errorf("v2=%v:\n got %s\nwant %s", v2, got, want)
				}
				for _, s := range list {
					if !strings.HasPrefix(s.field, "linux.resources.") {
						t.Errorf("%s has no field: %q", s.file, s.field)
					}
				}
			}
		})
	}
}

func show(list []setting) string {
	var out []string
	for _, s := range list {
		w := s.file + "=" + s.value
		if s.altFile != "" {
			w += "|" + s.altFile + "=" + s.altValue
		}
		if s.optional {
			w += "?"
		}
		out = append(out, w)
	}
	return strings.Join(out, " ")
}

func TestConversionsAgainstLibrary(t *testing.T) {
	for s := uint64(0); s < 300000; s += 7 {
		if got, want := WeightFromShares(s), oci.ConvertCPUSharesToCgroupV2Value(s); got != want {
			t.Fatalf("shares %d: weight %d, library %d", s, got, want)
		}
	}
	for w := uint16(10); w <= 1000; w++ {
		if got, want := IOWeightFromBlkio(w), oci.ConvertBlkIOToIOWeightValue(w); got != want {
			t.Fatalf("blkio weight %d: %d, library %d", w, got, want)
		}
	}
	for _, lim := range []int64{-1, 0, 1, 4096} {
		for _, sum := range []int64{-1, 0, 1, 4096, 8192} {
			got, _, err := swapV2(lim, sum)
			want, werr := oci.ConvertMemorySwapToCgroupV2Value(sum, lim)
			if got != want || (err == nil) != (werr == nil) {
				t.Errorf("limit %d swap %d: %d, %v; library %d, %v", lim, sum, got, err, want, werr)
			}
		}
	}
}

func show2(r *specs.LinuxResources) string { b, _ := json.Marshal(r); return string(b) }

func TestMergeLeavesItsArgumentsAlone(t *testing.T) {
	now := parse(t, `{"cpu":{"shares":2},"blockIO":{"throttleReadBpsDevice":[{"major":8,"minor":0,"rate":1}]},"unified":{"a.b":"1","c.d":"3"}}`)
	was := show2(now)
	got := Merge(now, parse(t, `{"cpu":{"shares":3},"blockIO":{"throttleReadBpsDevice":[{"major":8,"minor":0,"rate":2}]},"unified":{"a.b":"2"}}`))
	if show2(now) != was {
		t.Errorf("changed to %s", show2(now))
	}
	if *got.CPU.Shares != 3 || got.BlockIO.ThrottleReadBpsDevice[0].Rate != 2 || got.Unified["a.b"] != "2" || got.Unified["c.d"] != "3" {
		t.Errorf("got %s", show2(got))
	}
}

// 0 is "not set" for these fields, in updates as in config.json, and must not lift a limit.
func TestMergeZeroKeeps(t *testing.T) {
	limits := `{"memory":{"limit":1,"reservation":2,"swap":3},"cpu":{"shares":4,"quota":5,"period":6,` +
		`"realtimeRuntime":7,"realtimePeriod":8,"cpus":"0","mems":"0"},"blockIO":{"weight":9,"leafWeight":10}}`
	now := parse(t, limits)
	zero := parse(t, `{"memory":{"limit":0,"reservation":0,"swap":0},"cpu":{"shares":0,"quota":0,"period":0,`+
		`"realtimeRuntime":0,"realtimePeriod":0,"cpus":"","mems":""},"blockIO":{"weight":0,"leafWeight":0}}`)
	if got := Merge(now, zero); !reflect.DeepEqual(got, now) {
		t.Errorf("got %s, want %s", show2(got), limits)
	}
	lifted := Merge(now, parse(t, `{"memory":{"limit":-1}}`))
	if *lifted.Memory.Swap != -1 {
		t.Errorf("unlimited memory leaves swap at %d", *lifted.Memory.Swap)
	}
}

func TestErrorsNameTheField(t *testing.T) {
	root := fakeV1(t, "memory")
	m, err := newManager(Options{ID: "c", Path: "/c", Root: root}, detect(t, root), "")
	if err != nil {
		t.Fatal(err)
	}
	err = m.Set(parse(t, `{"pids":{"limit":3}}`))
	var e *errdetail.Error
	if !errors.As(err, &e) || e.Field != "linux.resources.pids.limit" || !strings.Contains(err.Error(), "no cgroup hierarchy with the pids controller") {
		t.Errorf("missing controller: %v", err)
	}
}

func TestDeviceRules(t *testing.T) {
	rules, err := deviceRules(parse(t, `{"devices":[{"allow":true,"access":"rwm"},{"allow":false,"access":"rwm"},
		{"allow":true,"type":"c","major":10,"minor":229,"access":"rw"}]}`).Devices)
	if err != nil {
		t.Fatal(err)
	}
	if len(rules) != 2+len(alwaysAllowed()) || rules[0].allow || rules[1].v1() != "c 10:229 rw" {
		t.Errorf("got %+v", rules)
	}
	if rules, _ := deviceRules(parse(t, `{"devices":[{"allow":true,"access":"rwm"}]}`).Devices); len(rules) != 1 || !rules[0].allow {
		t.Errorf("allow all: %+v", rules)
	}
	if rules, _ := deviceRules(nil); rules[0].allow {
		t.Error("without rules everything is allowed")
	}
	for in, want := range map[string]string{
		`{"devices":[{"allow":true,"access":""}]}`:             "linux.resources.devices[0].access: device access at 0 field cannot be empty",
		`{"devices":[{"allow":true,"type":"x","access":"r"}]}`: `linux.resources.devices[0].type: "x" is not one of a, b, c`,
	} {
		if _, err := deviceRules(parse(t, in).Devices); err == nil || err.Error() != want {
			t.Errorf("%s: %v", in, err)
		}
	}
}

// run interprets a device program, so that it can be tested without a kernel.
func run(t *testing.T, p []bpfInsn, kind, access, major, minor uint32) bool {
	t.Helper()
	var r [11]uint64
	ctx := []uint32{access<<16 | kind, major, minor}
	for pc, steps := 0, 0; ; pc, steps = pc+1, steps+1 {
		if pc >= len(p) || steps > 1000 {
			t.Fatal("the program does not end")
		}
		i := p[pc]
		switch i.op {
		case opLoadWord:
			r[i.dst] = uint64(ctx[i.off/4])
		case opMovImm:
			r[i.dst] = uint64(i.imm)
		case opMovReg:
			r[i.dst] = r[i.src]
		case opAndImm32:
			r[i.dst] = uint64(uint32(r[i.dst]) & uint32(i.imm))
		case opRsh32:
			r[i.dst] = uint64(uint32(r[i.dst]) >> i.imm)
		case opJumpNe:
			if r[i.dst] != uint64(i.imm) {
				pc += int(i.off)
			}
		case opJumpEq:
			if r[i.dst] == uint64(i.imm) {
				pc += int(i.off)
			}
		case opExit:
			return r[0] == 1
		}
	}
}

func TestDeviceProgram(t *testing.T) {
	const blk, chr = 1, 2
	rules, err := deviceRules(parse(t, `{"devices":[{"allow":true,"type":"b","major":8,"access":"r"},
		{"allow":true,"type":"b","major":8,"access":"w"},{"allow":false,"type":"b","major":8,"minor":3,"access":"w"}]}`).Devices)
	if err != nil {
		t.Fatal(err)
	}
	p := deviceProgram(rules)
	for _, c := range []struct {
		kind, access, major, minor uint32
		want                       bool
	}{
		{chr, accessRead | accessWrite, 1, 3, true},  // null
		{chr, accessRead, 1, 1, false},               // mem
		{chr, accessMknod, 1, 1, true},               // making a node opens nothing
		{chr, accessRead, 136, 77, true},             // pts
		{blk, accessRead | accessWrite, 8, 0, true},  // two rules together
		{blk, accessRead | accessWrite, 8, 3, false}, // partly denied
		{blk, accessRead, 8, 3, true},
		{blk, accessRead, 9, 0, false},
		{chr, accessRead, 8, 0, false},
	} {
		if got := run(t, p, c.kind, c.access, c.major, c.minor); got != c.want {
			t.Errorf("type %d access %d %d:%d: %v, want %v", c.kind, c.access, c.major, c.minor, got, c.want)
		}
	}
	all, _ := deviceRules(parse(t, `{"devices":[{"allow":true,"access":"rwm"}]}`).Devices)
	if !run(t, deviceProgram(all), blk, accessAll, 99, 99) {
		t.Error("allow all refuses")
	}
	if !reflect.DeepEqual(deviceProgram(all)[len(deviceProgram(all))-2:], verdict(true)) {
		t.Error("allow all is not the last word")
	}
}
