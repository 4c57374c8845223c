// linux.resources.cpu.

package cgroup

import (
	"math"
	"strconv"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// defaultPeriod is the kernel's CFS period in microseconds.
const defaultPeriod = 100000

// The range cpu.shares has on v1. The kernel clamps silently, which would be another limit than
// the one asked for.
const minShares, maxShares = 2, 262144

func (p *program) cpuset(c *specs.LinuxCPU) {
	if c == nil {
		return
	}
	if c.Cpus != "" {
		p.add("cpu.cpus", "cpuset", "cpuset.cpus", c.Cpus)
	}
	if c.Mems != "" {
		p.add("cpu.mems", "cpuset", "cpuset.mems", c.Mems)
	}
}

func (p *program) cpu(c *specs.LinuxCPU) error {
	if c == nil {
		return nil
	}
	if p.v2 {
		return p.cpuV2(c)
	}
	// Realtime first: a process with a realtime policy cannot run in a group without a budget.
	if v := c.RealtimePeriod; v != nil && *v != 0 {
		p.add("cpu.realtimePeriod", "cpu", "cpu.rt_period_us", strconv.FormatUint(*v, 10))
	}
	if v := c.RealtimeRuntime; v != nil && *v != 0 {
		p.add("cpu.realtimeRuntime", "cpu", "cpu.rt_runtime_us", strconv.FormatInt(*v, 10))
	}
	idle := c.Idle != nil && *c.Idle == 1
	if c.Idle != nil {
		p.add("cpu.idle", "cpu", "cpu.idle", strconv.FormatInt(*c.Idle, 10)).optional = *c.Idle == 0
	}
	if v := c.Shares; v != nil && *v != 0 && !idle {
		if *v < minShares {
			return errdetail.New(res+"cpu.shares", "%d: the minimum allowed cpu-shares is %d", *v, minShares)
		}
		if *v > maxShares {
			return errdetail.New(res+"cpu.shares", "%d: the maximum allowed cpu-shares is %d", *v, maxShares)
		}
		p.add("cpu.shares", "cpu", "cpu.shares", strconv.FormatUint(*v, 10))
	}
	if v := c.Period; v != nil && *v != 0 {
		p.add("cpu.period", "cpu", "cpu.cfs_period_us", strconv.FormatUint(*v, 10))
	}
	if v := c.Quota; v != nil && *v != 0 {
		p.add("cpu.quota", "cpu", "cpu.cfs_quota_us", strconv.FormatInt(max(*v, -1), 10))
	}
	if v := c.Burst; v != nil {
		p.add("cpu.burst", "cpu", "cpu.cfs_burst_us", strconv.FormatUint(*v, 10)).optional = *v == 0
	}
	return nil
}

func (p *program) cpuV2(c *specs.LinuxCPU) error {
	if v := c.RealtimePeriod; v != nil && *v != 0 {
		return onlyV1("cpu.realtimePeriod")
	}
	if v := c.RealtimeRuntime; v != nil && *v != 0 {
		return onlyV1("cpu.realtimeRuntime")
	}
	idle := c.Idle != nil && *c.Idle == 1
	if c.Idle != nil {
		p.add("cpu.idle", "cpu", "cpu.idle", strconv.FormatInt(*c.Idle, 10)).optional = *c.Idle == 0
	}
	// An idle group has the minimum weight and refuses another (EINVAL).
	if v := c.Shares; v != nil && *v != 0 && !idle {
		p.add("cpu.shares", "cpu", "cpu.weight", strconv.FormatUint(WeightFromShares(*v), 10))
	}
	quota, period := c.Quota != nil && *c.Quota != 0, c.Period != nil && *c.Period != 0
	if quota || period {
		f, q, per := "cpu.period", "max", uint64(defaultPeriod)
		if quota {
			f = "cpu.quota"
			if *c.Quota > 0 {
				q = strconv.FormatInt(*c.Quota, 10)
			}
		}
		if period {
			per = *c.Period
		}
		p.add(f, "cpu", "cpu.max", q+" "+strconv.FormatUint(per, 10))
	}
	if v := c.Burst; v != nil {
		p.add("cpu.burst", "cpu", "cpu.max.burst", strconv.FormatUint(*v, 10)).optional = *v == 0
	}
	return nil
}

// WeightFromShares converts v1 cpu.shares (2 to 262144, default 1024) to v2 cpu.weight (1 to
// 10000, default 100): a curve through minimum, default and maximum of both ranges, the one of
// runc 1.3.2 and crun 1.23. 0, "not set", stays 0; values outside the range are clamped.
func WeightFromShares(shares uint64) uint64 {
	switch {
	case shares == 0:
		return 0
	case shares <= minShares:
		return 1
	case shares >= maxShares:
		return 10000
	}
	l := math.Log2(float64(shares))
	return uint64(math.Ceil(math.Pow(10, (l*l+125*l)/612-7.0/34)))
}
