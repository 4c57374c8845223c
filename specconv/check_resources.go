// The resources section: ranges and notation of cgroup settings. Whether the host has the
// controller that a setting needs is not known here.

package specconv

import (
	"fmt"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// CheckResources is Check for a linux.resources object on its own, as `update --resources` takes
// it. Fields are named without the leading "linux.resources.".
func CheckResources(r *specs.LinuxResources) error {
	checks := [...]func(*specs.LinuxResources) error{
		checkDeviceRules, checkMemory, checkCPU, checkPids, checkBlockIO, checkHugepages,
		checkNetwork, checkRdma, checkUnified,
	}
	for _, check := range checks {
		if err := check(r); err != nil {
			return err
		}
	}
	return nil
}

func checkDeviceRules(r *specs.LinuxResources) error {
	if bad := badCount(len(r.Devices), maxRules); bad != "" {
		return errdetail.New("devices", "%s", bad)
	}
	for i := range r.Devices {
		if err := checkDeviceRule(&r.Devices[i]); err != nil {
			return within(err, "devices[%d]", i)
		}
	}
	return nil
}

// checkDeviceRule takes -1 for "all" numbers beside their absence, as engines write it.
func checkDeviceRule(d *specs.LinuxDeviceCgroup) error {
	switch d.Type {
	case "", "a", "c", "b":
	default:
		return errdetail.New("type", "%s", oneOf(d.Type, "a", "c", "b"))
	}
	if d.Major != nil && (*d.Major < -1 || *d.Major > 1<<32-1) {
		return errdetail.New("major",
			"want a number from 0 to %d, or -1 for all, got %d", uint32(1<<32-1), *d.Major)
	}
	if d.Minor != nil && (*d.Minor < -1 || *d.Minor > 1<<32-1) {
		return errdetail.New("minor",
			"want a number from 0 to %d, or -1 for all, got %d", uint32(1<<32-1), *d.Minor)
	}
	if len(d.Access) > 16 || strings.Trim(d.Access, "rwm") != "" {
		return errdetail.New("access", "want letters of rwm, got %q", clip(d.Access))
	}
	return nil
}

func checkMemory(r *specs.LinuxResources) error {
	m := r.Memory
	if m == nil {
		return nil
	}
	limits := [...]struct {
		field string
		value *int64
	}{
		{"memory.limit", m.Limit}, {"memory.reservation", m.Reservation}, {"memory.swap", m.Swap},
		{"memory.kernel", m.Kernel}, //nolint:staticcheck // deprecated, and still to be checked
		{"memory.kernelTCP", m.KernelTCP},
	}
	for _, l := range limits {
		if l.value != nil && *l.value < -1 {
			return errdetail.New(l.field,
				"want a number of bytes, or -1 for unlimited, got %d", *l.value)
		}
	}
	if m.Swappiness != nil && *m.Swappiness > 100 {
		return errdetail.New("memory.swappiness", "want a number from 0 to 100, got %d", *m.Swappiness)
	}
	if m.Limit != nil && m.Swap != nil && *m.Swap > 0 && *m.Swap < *m.Limit {
		return errdetail.New("memory.swap",
			"memory+swap limit should be >= memory limit: %d is below %d", *m.Swap, *m.Limit)
	}
	if m.Limit != nil && m.Swap != nil && *m.Limit == -1 && *m.Swap > 0 {
		return errdetail.New("memory.swap", "must be -1 too where memory.limit is -1, got %d", *m.Swap)
	}
	return nil
}

// checkCPU knows the kernel's bounds of CFS bandwidth (1 ms to 1 s), and that 0 means "not set"
// to the engines.
func checkCPU(r *specs.LinuxResources) error {
	c := r.CPU
	if c == nil {
		return nil
	}
	if c.Period != nil && *c.Period != 0 && (*c.Period < 1000 || *c.Period > 1_000_000) {
		return errdetail.New("cpu.period",
			"want a number of microseconds from 1000 to 1000000, got %d", *c.Period)
	}
	if c.Quota != nil && *c.Quota > 0 && *c.Quota < 1000 {
		return errdetail.New("cpu.quota",
			"want at least 1000 microseconds, or -1 for unlimited, got %d", *c.Quota)
	}
	if c.Burst != nil && c.Quota != nil && *c.Quota > 0 && *c.Burst > uint64(*c.Quota) {
		return errdetail.New("cpu.burst", "%d is above the quota %d", *c.Burst, *c.Quota)
	}
	if c.RealtimeRuntime != nil && *c.RealtimeRuntime < -1 {
		return errdetail.New("cpu.realtimeRuntime",
			"want a number of microseconds, or -1 for unlimited, got %d", *c.RealtimeRuntime)
	}
	if c.RealtimeRuntime != nil && c.RealtimePeriod != nil && *c.RealtimePeriod > 0 &&
		*c.RealtimeRuntime > 0 && uint64(*c.RealtimeRuntime) > *c.RealtimePeriod {
		return errdetail.New("cpu.realtimeRuntime",
			"%d is above the realtimePeriod %d", *c.RealtimeRuntime, *c.RealtimePeriod)
	}
	if c.Cpus != "" {
		if bad := badList(c.Cpus, maxCPU, true); bad != "" {
			return errdetail.New("cpu.cpus", "%s", bad)
		}
	}
	if c.Mems != "" {
		if bad := badList(c.Mems, maxNode, true); bad != "" {
			return errdetail.New("cpu.mems", "%s", bad)
		}
	}
	if c.Idle != nil && *c.Idle != 0 && *c.Idle != 1 {
		return errdetail.New("cpu.idle", "want 0 or 1, got %d", *c.Idle)
	}
	return nil
}

func checkPids(r *specs.LinuxResources) error {
	if r.Pids != nil && r.Pids.Limit != nil && *r.Pids.Limit < -1 {
		return errdetail.New("pids.limit",
			"want a number of tasks, or -1 for unlimited, got %d", *r.Pids.Limit)
	}
	return nil
}

// badWeight judges a weight of I/O; 0 means "not set" to the engines.
func badWeight(w *uint16) string {
	if w != nil && *w != 0 && (*w < 10 || *w > 1000) {
		return fmt.Sprintf("want a number from 10 to 1000, got %d", *w)
	}
	return ""
}

func checkBlockIO(r *specs.LinuxResources) error {
	b := r.BlockIO
	if b == nil {
		return nil
	}
	if bad := badWeight(b.Weight); bad != "" {
		return errdetail.New("blockIO.weight", "%s", bad)
	}
	if bad := badWeight(b.LeafWeight); bad != "" {
		return errdetail.New("blockIO.leafWeight", "%s", bad)
	}
	if bad := badCount(len(b.WeightDevice), maxRules); bad != "" {
		return errdetail.New("blockIO.weightDevice", "%s", bad)
	}
	for i := range b.WeightDevice {
		d := &b.WeightDevice[i]
		if err := checkBlockDevice(d.LinuxBlockIODevice); err != nil {
			return within(err, "blockIO.weightDevice[%d]", i)
		}
		if d.Weight == nil && d.LeafWeight == nil {
			return errdetail.New(fmt.Sprintf("blockIO.weightDevice[%d]", i),
				"must have weight or leafWeight")
		}
		if bad := badWeight(d.Weight); bad != "" {
			return errdetail.New(fmt.Sprintf("blockIO.weightDevice[%d].weight", i), "%s", bad)
		}
		if bad := badWeight(d.LeafWeight); bad != "" {
			return errdetail.New(fmt.Sprintf("blockIO.weightDevice[%d].leafWeight", i), "%s", bad)
		}
	}
	throttles := [...]struct {
		field string
		list  []specs.LinuxThrottleDevice
	}{
		{"throttleReadBpsDevice", b.ThrottleReadBpsDevice},
		{"throttleWriteBpsDevice", b.ThrottleWriteBpsDevice},
		{"throttleReadIOPSDevice", b.ThrottleReadIOPSDevice},
		{"throttleWriteIOPSDevice", b.ThrottleWriteIOPSDevice},
	}
	for _, t := range throttles {
		if bad := badCount(len(t.list), maxRules); bad != "" {
			return errdetail.New("blockIO."+t.field, "%s", bad)
		}
		for i := range t.list {
			if err := checkBlockDevice(t.list[i].LinuxBlockIODevice); err != nil {
				return within(err, "blockIO.%s[%d]", t.field, i)
			}
		}
	}
	return nil
}

func checkBlockDevice(d specs.LinuxBlockIODevice) error {
	if d.Major < 0 || d.Major > maxMajor {
		return errdetail.New("major", "want a number from 0 to %d, got %d", maxMajor, d.Major)
	}
	if d.Minor < 0 || d.Minor > maxMinor {
		return errdetail.New("minor", "want a number from 0 to %d, got %d", maxMinor, d.Minor)
	}
	return nil
}

func checkHugepages(r *specs.LinuxResources) error {
	if bad := badCount(len(r.HugepageLimits), 256); bad != "" {
		return errdetail.New("hugepageLimits", "%s", bad)
	}
	for i := range r.HugepageLimits {
		if size := r.HugepageLimits[i].Pagesize; !isPageSize(size) {
			return errdetail.New(fmt.Sprintf("hugepageLimits[%d].pageSize", i),
				"want a size like 64KB, 2MB or 1GB, got %q", clip(size))
		}
	}
	return nil
}

// isPageSize checks the notation of the kernel's file names, which the size becomes a part of.
func isPageSize(s string) bool {
	digits, ok := strings.CutSuffix(s, "B")
	if !ok || len(s) < 2 {
		return false
	}
	if c := digits[len(digits)-1]; c == 'K' || c == 'M' || c == 'G' {
		digits = digits[:len(digits)-1]
	}
	n, ok := smallNumber(digits)
	return ok && n > 0
}

func checkNetwork(r *specs.LinuxResources) error {
	if r.Network == nil {
		return nil
	}
	if bad := badCount(len(r.Network.Priorities), maxRules); bad != "" {
		return errdetail.New("network.priorities", "%s", bad)
	}
	for i := range r.Network.Priorities {
		if bad := badInterface(r.Network.Priorities[i].Name); bad != "" {
			return errdetail.New(fmt.Sprintf("network.priorities[%d].name", i), "%s", bad)
		}
	}
	return nil
}

func checkRdma(r *specs.LinuxResources) error {
	if bad := badCount(len(r.Rdma), maxRules); bad != "" {
		return errdetail.New("rdma", "%s", bad)
	}
	for _, device := range sortedKeys(r.Rdma) {
		limit := r.Rdma[device]
		if device == "" || len(device) > 63 || strings.ContainsAny(device, " \t\n\x00/") {
			return errdetail.New(fmt.Sprintf("rdma[%q]", clip(device)),
				"want the name of an RDMA device like mlx5_1")
		}
		if limit.HcaHandles == nil && limit.HcaObjects == nil {
			return errdetail.New(fmt.Sprintf("rdma[%q]", device), "must have hcaHandles or hcaObjects")
		}
	}
	return nil
}

// checkUnified keeps the keys, which become file names, inside the cgroup's folder.
func checkUnified(r *specs.LinuxResources) error {
	if bad := badCount(len(r.Unified), maxUnified); bad != "" {
		return errdetail.New("unified", "%s", bad)
	}
	for _, key := range sortedKeys(r.Unified) {
		field := fmt.Sprintf("unified[%q]", clip(key))
		if strings.Contains(key, "/") {
			return errdetail.New(field,
				"unified resource %q must be a file name (no slashes)", clip(key))
		}
		if controller, parameter, ok := strings.Cut(key, "."); !ok || controller == "" || parameter == "" {
			return errdetail.New(field,
				"unified resource %q must be in the form CONTROLLER.PARAMETER", clip(key))
		}
		if bad := badLine(key, 255); bad != "" {
			return errdetail.New(field, "%s", bad)
		}
		if bad := badText(r.Unified[key], maxValueSize); bad != "" {
			return errdetail.New(field, "%s", bad)
		}
	}
	return nil
}
