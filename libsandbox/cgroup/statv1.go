// Statistics of v1 hierarchies.

package cgroup

import (
	"strconv"
	"strings"
)

// nsPerTick: cpuacct.stat counts in USER_HZ, which is 100 per second on every architecture Go runs on.
const nsPerTick = 1e9 / 100

func (s *statReader) v1(d *dir, st *Stats) {
	for _, c := range d.h.Controllers {
		switch c {
		case "pids":
			st.Pids = PidsStats{Current: s.num("pids.current"), Limit: limitOr0(s.num("pids.max"))}
		case "cpu":
			t := s.text("cpu.stat")
			get := func(key string) uint64 { n, _ := uintField(t, key); return n }
			st.CPU.Throttling = Throttling{get("nr_periods"), get("nr_throttled"), get("throttled_time")}
		case "cpuacct":
			s.cpuacct(&st.CPU.Usage)
		case "cpuset":
			s.cpuset(&st.CPUSet)
		case "memory":
			s.memoryV1(&st.Memory)
		case "blkio":
			s.blkio(&st.Blkio)
		case "hugetlb":
			for _, size := range hugePageSizes() {
				p := "hugetlb." + size
				if exists(s.path + "/" + p + ".rsvd.usage_in_bytes") {
					p += ".rsvd"
				}
				st.Hugetlb[size] = HugetlbStats{s.num(p + ".usage_in_bytes"), s.num(p + ".max_usage_in_bytes"), s.num(p + ".failcnt")}
			}
		}
	}
}

func (s *statReader) cpuacct(u *CPUUsage) {
	t := s.text("cpuacct.stat")
	user, _ := uintField(t, "user")
	system, _ := uintField(t, "system")
	u.User, u.Kernel = user*nsPerTick, system*nsPerTick
	u.Total = s.num("cpuacct.usage")
	for f := range strings.FieldsSeq(s.text("cpuacct.usage_percpu")) {
		n, _ := strconv.ParseUint(f, 10, 64)
		u.Percpu = append(u.Percpu, n)
	}
	for line := range strings.Lines(s.text("cpuacct.usage_all")) {
		f := strings.Fields(line)
		if len(f) < 3 || f[0] == "cpu" { // the first line names the columns
			continue
		}
		user, _ := strconv.ParseUint(f[1], 10, 64)
		system, _ := strconv.ParseUint(f[2], 10, 64)
		u.PercpuUser = append(u.PercpuUser, user)
		u.PercpuKernel = append(u.PercpuKernel, system)
	}
}

func (s *statReader) cpuset(c *CPUSetStats) {
	c.CPUs, c.Mems = ranges(s.text("cpuset.cpus")), ranges(s.text("cpuset.mems"))
	c.CPUExclusive = s.num("cpuset.cpu_exclusive")
	c.MemHardwall = s.num("cpuset.mem_hardwall")
	c.MemExclusive = s.num("cpuset.mem_exclusive")
	c.MemoryMigrate = s.num("cpuset.memory_migrate")
	c.MemorySpreadPage = s.num("cpuset.memory_spread_page")
	c.MemorySpreadSlab = s.num("cpuset.memory_spread_slab")
	c.MemoryPressure = s.num("cpuset.memory_pressure")
	c.SchedLoadBalance = s.num("cpuset.sched_load_balance")
	c.SchedRelaxDomainLevel, _ = strconv.ParseInt(s.text("cpuset.sched_relax_domain_level"), 10, 64)
}

// ranges expands a list like "0-2,5".
func ranges(list string) []uint16 {
	var out []uint16
	for part := range strings.SplitSeq(list, ",") {
		a, b, ok := strings.Cut(part, "-")
		if !ok {
			b = a
		}
		from, err1 := strconv.ParseUint(a, 10, 16)
		to, err2 := strconv.ParseUint(b, 10, 16)
		if err1 != nil || err2 != nil {
			continue
		}
		for i := from; i <= to; i++ {
			out = append(out, uint16(i))
		}
	}
	return out
}

func (s *statReader) memoryV1(m *MemoryStats) {
	entry := func(kind string) MemoryEntry {
		p := "memory." + kind
		if !exists(s.path + "/" + p + "usage_in_bytes") {
			return MemoryEntry{}
		}
		return MemoryEntry{Limit: s.num(p + "limit_in_bytes"), Usage: s.num(p + "usage_in_bytes"),
			Max: s.num(p + "max_usage_in_bytes"), Failcnt: s.num(p + "failcnt")}
	}
	m.Usage, m.Swap = entry(""), entry("memsw.")
	m.Kernel, m.KernelTCP = entry("kmem."), entry("kmem.tcp.")
	m.Raw = s.table("memory.stat")
	m.Cache = m.Raw["cache"]
}

// blkio reads the tables of whichever scheduler keeps them: BFQ, the old CFQ, or the throttling
// layer, which counts two of them only.
func (s *statReader) blkio(b *BlkioStats) {
	tables := [...]struct {
		file string
		to   *[]BlkioEntry
	}{
		{"io_serviced_recursive", &b.IoServicedRecursive},
		{"io_service_bytes_recursive", &b.IoServiceBytesRecursive},
		{"sectors_recursive", &b.SectorsRecursive},
		{"io_service_time_recursive", &b.IoServiceTimeRecursive},
		{"io_wait_time_recursive", &b.IoWaitTimeRecursive},
		{"io_merged_recursive", &b.IoMergedRecursive},
		{"io_queued_recursive", &b.IoQueuedRecursive},
		{"time_recursive", &b.IoTimeRecursive},
	}
	for _, layer := range [...]string{"blkio.bfq.", "blkio.", "blkio.throttle."} {
		for _, t := range tables {
			*t.to = blkioTable(s.text(layer + t.file))
		}
		if b.IoServicedRecursive != nil {
			return
		}
	}
}

// blkioTable parses lines "8:0 Read 17" or "8:0 17"; the Total line belongs to no device.
func blkioTable(text string) []BlkioEntry {
	var out []BlkioEntry
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		maj, min, ok := device(f[0])
		n, err := strconv.ParseUint(f[len(f)-1], 10, 64)
		if !ok || err != nil {
			continue
		}
		e := BlkioEntry{Major: maj, Minor: min, Value: n}
		if len(f) == 3 {
			e.Op = f[1]
		}
		out = append(out, e)
	}
	return out
}
