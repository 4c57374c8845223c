// Merging an update into the limits in force.

package cgroup

import (
	"maps"
	"slices"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// Merge is what holds after change has been applied to now, both of which it leaves alone. A field
// that change does not set, or sets to the value that means "not set" (0 for most), is kept. It is
// associative: merging updates one after the other, or first with each other, is the same.
func Merge(now, change *specs.LinuxResources) *specs.LinuxResources {
	if now == nil {
		now = &specs.LinuxResources{}
	}
	if change == nil {
		change = &specs.LinuxResources{}
	}
	out := *now
	out.Memory = mergeMemory(now.Memory, change.Memory)
	out.CPU = mergeCPU(now.CPU, change.CPU)
	if change.Pids != nil && change.Pids.Limit != nil {
		p := *change.Pids
		out.Pids = &p
	}
	out.BlockIO = mergeIO(now.BlockIO, change.BlockIO)
	for _, l := range change.HugepageLimits {
		out.HugepageLimits = upsert(out.HugepageLimits, l,
			func(a, b *specs.LinuxHugepageLimit) bool { return a.Pagesize == b.Pagesize })
	}
	if n := change.Network; n != nil {
		m := specs.LinuxNetwork{}
		if now.Network != nil {
			m = *now.Network
		}
		if n.ClassID != nil && *n.ClassID != 0 {
			m.ClassID = n.ClassID
		}
		for _, p := range n.Priorities {
			m.Priorities = upsert(m.Priorities, p,
				func(a, b *specs.LinuxInterfacePriority) bool { return a.Name == b.Name })
		}
		out.Network = &m
	}
	if len(change.Rdma) > 0 {
		out.Rdma = mergeRdma(now.Rdma, change.Rdma)
	}
	if len(change.Unified) > 0 {
		out.Unified = maps.Clone(now.Unified)
		if out.Unified == nil {
			out.Unified = map[string]string{}
		}
		maps.Copy(out.Unified, change.Unified)
	}
	return &out
}

func mergeRdma(now, change map[string]specs.LinuxRdma) map[string]specs.LinuxRdma {
	out := maps.Clone(now)
	if out == nil {
		out = map[string]specs.LinuxRdma{}
	}
	for dev, c := range change {
		r := out[dev]
		over(&r.HcaHandles, c.HcaHandles)
		over(&r.HcaObjects, c.HcaObjects)
		out[dev] = r
	}
	return out
}

// over replaces a pointer by another one if that is set.
func over[T any](to **T, from *T) {
	if from != nil {
		*to = from
	}
}

// overNonZero is over for fields whose 0 means "not set".
func overNonZero[T comparable](to **T, from *T) {
	var zero T
	if from != nil && *from != zero {
		*to = from
	}
}

func mergeMemory(now, change *specs.LinuxMemory) *specs.LinuxMemory {
	if change == nil {
		return now
	}
	out := specs.LinuxMemory{}
	if now != nil {
		out = *now
	}
	overNonZero(&out.Limit, change.Limit)
	overNonZero(&out.Reservation, change.Reservation)
	overNonZero(&out.Swap, change.Swap)
	if val(change.Limit) == -1 && val(change.Swap) == 0 {
		out.Swap = change.Limit // unlimited memory lifts the limit on memory and swap as well
	}
	over(&out.Kernel, change.Kernel)       //nolint:staticcheck // kept as given
	over(&out.KernelTCP, change.KernelTCP) //nolint:staticcheck // kept as given
	over(&out.Swappiness, change.Swappiness)
	over(&out.DisableOOMKiller, change.DisableOOMKiller)
	over(&out.UseHierarchy, change.UseHierarchy)
	return &out // CheckBeforeUpdate is about one update, not a limit
}

func mergeCPU(now, change *specs.LinuxCPU) *specs.LinuxCPU {
	if change == nil {
		return now
	}
	out := specs.LinuxCPU{}
	if now != nil {
		out = *now
	}
	overNonZero(&out.Shares, change.Shares)
	overNonZero(&out.Quota, change.Quota)
	over(&out.Burst, change.Burst)
	overNonZero(&out.Period, change.Period)
	overNonZero(&out.RealtimeRuntime, change.RealtimeRuntime)
	overNonZero(&out.RealtimePeriod, change.RealtimePeriod)
	over(&out.Idle, change.Idle)
	if change.Cpus != "" {
		out.Cpus = change.Cpus
	}
	if change.Mems != "" {
		out.Mems = change.Mems
	}
	return &out
}

func mergeIO(now, change *specs.LinuxBlockIO) *specs.LinuxBlockIO {
	if change == nil {
		return now
	}
	out := specs.LinuxBlockIO{}
	if now != nil {
		out = *now
	}
	overNonZero(&out.Weight, change.Weight)
	overNonZero(&out.LeafWeight, change.LeafWeight)
	for _, c := range change.WeightDevice {
		same := func(a, b *specs.LinuxWeightDevice) bool { return a.LinuxBlockIODevice == b.LinuxBlockIODevice }
		if i := slices.IndexFunc(out.WeightDevice, func(a specs.LinuxWeightDevice) bool { return same(&a, &c) }); i >= 0 {
			old := out.WeightDevice[i]
			overNonZero(&old.Weight, c.Weight)
			overNonZero(&old.LeafWeight, c.LeafWeight)
			c = old
		}
		out.WeightDevice = upsert(out.WeightDevice, c, same)
	}
	rate := func(to *[]specs.LinuxThrottleDevice, from []specs.LinuxThrottleDevice) {
		for _, c := range from {
			*to = upsert(*to, c, func(a, b *specs.LinuxThrottleDevice) bool {
				return a.LinuxBlockIODevice == b.LinuxBlockIODevice
			})
		}
	}
	rate(&out.ThrottleReadBpsDevice, change.ThrottleReadBpsDevice)
	rate(&out.ThrottleWriteBpsDevice, change.ThrottleWriteBpsDevice)
	rate(&out.ThrottleReadIOPSDevice, change.ThrottleReadIOPSDevice)
	rate(&out.ThrottleWriteIOPSDevice, change.ThrottleWriteIOPSDevice)
	return &out
}

// upsert replaces the element that is the same thing as e, or appends e, in a copy.
func upsert[T any](list []T, e T, same func(a, b *T) bool) []T {
	list = slices.Clone(list)
	for i := range list {
		if same(&list[i], &e) {
			list[i] = e
			return list
		}
	}
	return append(list, e)
}
