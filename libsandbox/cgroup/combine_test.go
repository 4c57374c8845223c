// Any sequence of updates equals the one combined update, on both versions and for all that updates can
// change; and both are what was set last of each limit.

package cgroup

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// randomUpdate is a small change of a few fields, of all that updates can change on that version.
func randomUpdate(r *rand.Rand, v2 bool) *specs.LinuxResources {
	u := &specs.LinuxResources{}
	for range 1 + r.IntN(3) {
		switch r.IntN(9) {
		case 0:
			u.Pids = &specs.LinuxPids{Limit: oneOf[int64](r, -1, 0, 5, 7)}
		case 1, 2:
			u.Memory = randomMemory(r, v2)
		case 3, 4:
			u.CPU = randomCPU(r, v2)
		case 5, 6:
			u.BlockIO = randomIO(r, v2)
		case 7:
			u.HugepageLimits = []specs.LinuxHugepageLimit{{Pagesize: *oneOf(r, "2MB", "1GB"), Limit: uint64(r.IntN(3))}}
			u.Rdma = map[string]specs.LinuxRdma{*oneOf(r, "mlx4_0", "mlx5_1"): {HcaHandles: oneOf[uint32](r, 1, 2)}, "both": {HcaObjects: oneOf[uint32](r, 3, 4)}}
			if r.IntN(2) == 0 {
				u.Rdma["both"] = specs.LinuxRdma{HcaHandles: oneOf[uint32](r, 5, 6)}
			}
		case 8:
			if v2 {
				u.Unified = map[string]string{*oneOf(r, "memory.high", "memory.min"): fmt.Sprint(r.IntN(9) << 20)}
				continue
			}
			u.Network = &specs.LinuxNetwork{ClassID: oneOf[uint32](r, 0, 1, 2),
				Priorities: []specs.LinuxInterfacePriority{{Name: *oneOf(r, "lo", "eth0"), Priority: uint32(r.IntN(3))}}}
		}
	}
	return u
}

// oneOf is a pointer to one of the values, chosen by r.
func oneOf[T any](r *rand.Rand, values ...T) *T { return &values[r.IntN(len(values))] }

func randomMemory(r *rand.Rand, v2 bool) *specs.LinuxMemory {
	switch r.IntN(4) {
	case 0:
		return &specs.LinuxMemory{Limit: oneOf[int64](r, -1, 1<<20, 1<<21), Kernel: oneOf[int64](r, 1, 2)} //nolint:staticcheck // ignored
	case 1:
		return &specs.LinuxMemory{Limit: oneOf[int64](r, 1<<20, 1<<21), Swap: oneOf[int64](r, -1, 1<<22)}
	case 2:
		return &specs.LinuxMemory{Reservation: oneOf[int64](r, 0, -1, 1<<19)}
	}
	if v2 {
		return &specs.LinuxMemory{DisableOOMKiller: oneOf(r, false)}
	}
	return &specs.LinuxMemory{Swappiness: oneOf[uint64](r, 0, 60), DisableOOMKiller: oneOf(r, true, false)}
}

func randomCPU(r *rand.Rand, v2 bool) *specs.LinuxCPU {
	switch r.IntN(5) {
	case 0:
		return &specs.LinuxCPU{Shares: oneOf[uint64](r, 0, 2, 512), Cpus: *oneOf(r, "", "0", "0-1"), Mems: *oneOf(r, "", "0")}
	case 1:
		return &specs.LinuxCPU{Quota: oneOf[int64](r, -1, 0, 20000), Burst: oneOf[uint64](r, 0, 100)}
	case 2:
		return &specs.LinuxCPU{Period: oneOf[uint64](r, 0, 50000)}
	case 3:
		if !v2 {
			return &specs.LinuxCPU{RealtimePeriod: oneOf[uint64](r, 0, 1000000), RealtimeRuntime: oneOf[int64](r, 0, 950)}
		}
	}
	return &specs.LinuxCPU{Idle: oneOf[int64](r, 0, 1)}
}

func randomIO(r *rand.Rand, v2 bool) *specs.LinuxBlockIO {
	w := uint16(10 + r.IntN(90))
	dev := specs.LinuxBlockIODevice{Major: 8, Minor: int64(r.IntN(3))}
	rate := []specs.LinuxThrottleDevice{{LinuxBlockIODevice: dev, Rate: uint64(r.IntN(9))}}
	b := &specs.LinuxBlockIO{}
	switch r.IntN(6) {
	case 0:
		b.Weight = &w
		if !v2 {
			b.LeafWeight = &w
		}
	case 1:
		b.WeightDevice = []specs.LinuxWeightDevice{{LinuxBlockIODevice: dev, Weight: &w}}
	case 2:
		b.ThrottleReadBpsDevice = rate
	case 3:
		b.ThrottleWriteBpsDevice = rate
	case 4:
		b.ThrottleReadIOPSDevice = rate
	case 5:
		b.ThrottleWriteIOPSDevice = rate
	}
	return b
}

// Any sequence of updates leaves the same truth, and the same files, as their combination at once.
func TestUpdatesCombine(t *testing.T) {
	for seed := range uint64(200) {
		v2 := seed%2 == 0
		r := rand.New(rand.NewPCG(seed, 1))
		steps, once := combineTree(t, v2), combineTree(t, v2)
		base := randomUpdate(r, v2)
		step, combined, truth := base, (*specs.LinuxResources)(nil), map[string]string{}
		overlay(t, truth, base, true)
		for _, m := range []*Manager{steps, once} {
			if err := m.Set(base); err != nil {
				t.Fatal(err)
			}
		}
		for range 1 + r.IntN(5) {
			u := randomUpdate(r, v2)
			combined = Merge(combined, u)
			overlay(t, truth, u, false)
			next, err := steps.Update(step, u)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			step = next
		}
		atOnce, err := once.Update(base, combined)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if show2(atOnce) != show2(step) {
			t.Fatalf("seed %d: step by step %s\nat once %s", seed, show2(step), show2(atOnce))
		}
		got := map[string]string{}
		overlay(t, got, step, true)
		if !maps.Equal(got, truth) {
			t.Fatalf("seed %d: %v, want %v", seed, got, truth)
		}
		want, err := compile(v2, step)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range want { // the last line written to a file must be one of the wanted ones
			for _, m := range []*Manager{steps, once} {
				got, _ := os.ReadFile(m.dirOf(s.controller).path() + "/" + s.file)
				if !contains(want, s.file, string(got)) {
					t.Fatalf("seed %d: %s holds %q, want %q", seed, s.file, got, s.value)
				}
			}
		}
	}
}

// combineTree is a container's cgroup in a made-up tree.
func combineTree(t *testing.T, v2 bool) *Manager {
	root := fakeV2(t)
	if !v2 {
		root = fakeV1(t, "cpu", "cpuset", "memory", "pids", "blkio", "hugetlb", "rdma", "net_cls", "net_prio")
		put(t, root+"/cpuset/cpuset.cpus", "0-1\n")
		put(t, root+"/cpuset/cpuset.mems", "0\n")
	}
	m, err := newManager(Options{ID: "c", Path: "/c", Root: root}, detect(t, root), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Create(); err != nil {
		t.Fatal(err)
	}
	return m
}

func contains(list []setting, file, value string) bool {
	for _, s := range list {
		if s.file == file && s.value == value {
			return true
		}
	}
	return false
}

// overlay writes down what r sets, by its place in the JSON, over what was set before. Unless r is where
// it all began, a 0 stands for "not set" where the specification or runc says so.
func overlay(t *testing.T, truth map[string]string, r *specs.LinuxResources, first bool) {
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	set := map[string]string{}
	flatten(set, "", doc)
	for path, v := range set {
		if zeroKeeps := !strings.Contains(path, "pids") && !strings.Contains(path, "hugepage") && !strings.Contains(path, "throttle") &&
			!strings.Contains(path, "priorit") && !strings.Contains(path, "minor") && path != ".cpu.idle" && path != ".cpu.burst" &&
			path != ".memory.swappiness"; v == "0" && zeroKeeps && !first {
			continue
		}
		truth[path] = v
	}
	if _, swap := set[".memory.swap"]; set[".memory.limit"] == "-1" && !swap && !first {
		truth[".memory.swap"] = "-1" // it covers memory
	}
}

// flatten names the elements of a list by what they are about: a device, an interface, a page size.
func flatten(set map[string]string, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			flatten(set, path+"."+k, e)
		}
	case []any:
		for _, e := range v {
			m := e.(map[string]any)
			flatten(set, fmt.Sprintf("%s[%v:%v%v%v]", path, m["major"], m["minor"], m["name"], m["pageSize"]), e)
		}
	case float64:
		set[path] = fmt.Sprintf("%.0f", v)
	case string:
		set[path] = strconv.Quote(v)
	default:
		set[path] = fmt.Sprint(v)
	}
}
