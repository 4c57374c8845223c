// linux.resources.memory.

package cgroup

import (
	"strconv"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// memory translates the memory limits. 0 is "not set" throughout, -1 "unlimited". kernel and
// kernelTCP are ignored, as the spec allows: Linux has dropped them in 5.4.
func (p *program) memory(mem *specs.LinuxMemory) error {
	if mem == nil {
		return nil
	}
	if p.v2 {
		return p.memoryV2(mem)
	}
	limit, swap := val(mem.Limit), val(mem.Swap)
	if v := val(mem.Reservation); v != 0 {
		p.add("memory.reservation", "memory", "memory.soft_limit_in_bytes", strconv.FormatInt(v, 10))
	}
	if off := mem.DisableOOMKiller; off != nil && *off {
		p.add("memory.disableOOMKiller", "memory", "memory.oom_control", "1")
	} else if off != nil { // an update may take it back
		p.add("memory.disableOOMKiller", "memory", "memory.oom_control", "0").optional = true
	}
	if v := mem.Swappiness; v != nil && *v != ^uint64(0) { // engines write -1 for "not set"
		if *v > 100 {
			return errdetail.New(res+"memory.swappiness", "%d is not within 0 to 100", *v)
		}
		p.add("memory.swappiness", "memory", "memory.swappiness", strconv.FormatUint(*v, 10))
	}
	if limit > 0 && swap > 0 && swap < limit {
		return errdetail.New(res+"memory.swap", "memory+swap limit should be >= memory limit")
	}
	if limit != 0 {
		p.add("memory.limit", "memory", "memory.limit_in_bytes", strconv.FormatInt(limit, 10))
	}
	switch {
	case swap != 0:
		p.add("memory.swap", "memory", "memory.memsw.limit_in_bytes", strconv.FormatInt(swap, 10)).optional = swap == -1
	case limit == -1: // unlimited memory is unlimited memory and swap
		p.add("memory.limit", "memory", "memory.memsw.limit_in_bytes", "-1").optional = true
	}
	return nil
}

func (p *program) memoryV2(mem *specs.LinuxMemory) error {
	if mem.DisableOOMKiller != nil && *mem.DisableOOMKiller {
		return onlyV1("memory.disableOOMKiller")
	}
	if v := mem.Swappiness; v != nil && *v != ^uint64(0) {
		return onlyV1("memory.swappiness")
	}
	limit := val(mem.Limit)
	if v := val(mem.Reservation); v != 0 {
		p.add("memory.reservation", "memory", "memory.low", maxOr(v))
	}
	swap, set, err := swapV2(limit, val(mem.Swap))
	if err != nil {
		return err
	}
	if set {
		// without swap accounting, no swap and any amount of it are what happens anyway
		p.add("memory.swap", "memory", "memory.swap.max", maxOr(swap)).optional = swap <= 0
	}
	if limit != 0 {
		p.add("memory.limit", "memory", "memory.max", maxOr(limit))
	}
	return nil
}

// swapV2 takes memory out of the spec's sum of memory and swap.
func swapV2(limit, sum int64) (swap int64, set bool, err error) {
	const f = res + "memory.swap"
	switch {
	case sum == 0 && limit == -1:
		return -1, true, nil
	case sum == 0:
		return 0, false, nil
	case sum == -1 || limit == -1:
		return sum, true, nil
	case limit == 0:
		return 0, false, errdetail.New(f, "unable to set swap limit without memory limit")
	case limit < 0:
		return 0, false, errdetail.New(res+"memory.limit", "invalid memory value: %d", limit)
	case sum < limit:
		return 0, false, errdetail.New(f, "memory+swap limit should be >= memory limit")
	}
	return sum - limit, true, nil
}

func val(p *int64) int64 {
	if p == nil {
		return 0
	}
	return *p
}

// maxOr is a number the way v2 files want it.
func maxOr(v int64) string {
	if v == -1 {
		return "max"
	}
	return strconv.FormatInt(v, 10)
}
