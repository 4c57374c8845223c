// Reading the statistics. A file that a kernel or a hierarchy does not have leaves its numbers 0; any
// other failure is reported.

package cgroup

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// statReader reads numbers of one cgroup directory and remembers the first failure.
type statReader struct {
	path string
	err  error
}

func (s *statReader) text(file string) string {
	t, err := readFile(s.path + "/" + file)
	if err != nil {
		// a pressure file of a kernel without psi=1 opens and then says EOPNOTSUPP
		if !gone(err) && !errors.Is(err, unix.EOPNOTSUPP) && s.err == nil {
			s.err = err
		}
		return ""
	}
	return strings.TrimSpace(t)
}

// num is a file's only number; "max" and "-1" are the largest.
func (s *statReader) num(file string) uint64 {
	t := s.text(file)
	if t == "max" || t == "-1" {
		return math.MaxUint64
	}
	n, _ := strconv.ParseUint(t, 10, 64)
	return n
}

// Stats reads what the kernel counts for the container's cgroup, everything below included. A
// container without a cgroup of its own has no statistics: all numbers are 0.
func (m *Manager) Stats() (*Stats, error) {
	st := &Stats{Hugetlb: map[string]HugetlbStats{}}
	if m.absent {
		return st, nil
	}
	var err error
	for i := range m.dirs {
		r := &statReader{path: m.dirs[i].path()}
		if m.mode == V2 {
			r.v2(st)
		} else {
			r.v1(&m.dirs[i], st)
		}
		if err == nil && r.err != nil {
			err = sysErr("", "read the container's statistics", r.err)
		}
	}
	return st, err
}

// StatsJSON is the event that "events --stats" prints for the container with this id.
func (m *Manager) StatsJSON(id string) ([]byte, error) {
	st, err := m.Stats()
	if err != nil {
		return nil, err
	}
	return json.Marshal(&Event{Type: "stats", ID: id, Data: st})
}

func (s *statReader) v2(st *Stats) {
	st.Pids.Current = s.num("pids.current")
	st.Pids.Limit = limitOr0(s.num("pids.max"))
	if !exists(s.path + "/pids.current") { // controller not enabled
		pids, _ := pidsIn(s.path, nil)
		st.Pids.Current = uint64(len(pids))
	}
	cpu := s.text("cpu.stat")
	get := func(key string) uint64 { n, _ := uintField(cpu, key); return n }
	st.CPU.Usage.Total = get("usage_usec") * 1000
	st.CPU.Usage.User = get("user_usec") * 1000
	st.CPU.Usage.Kernel = get("system_usec") * 1000
	st.CPU.Throttling = Throttling{get("nr_periods"), get("nr_throttled"), get("throttled_usec") * 1000}
	st.CPU.PSI = s.psi("cpu.pressure")

	st.Memory.Raw = s.table("memory.stat")
	st.Memory.Cache = st.Memory.Raw["file"]
	if exists(s.path + "/memory.current") {
		u := MemoryEntry{Usage: s.num("memory.current"), Limit: s.num("memory.max"), Max: s.num("memory.peak")}
		st.Memory.Usage = u
		if exists(s.path + "/memory.swap.current") {
			// v1 counts memory and swap together, and so does this interface
			sw := MemoryEntry{Usage: s.num("memory.swap.current") + u.Usage, Limit: s.num("memory.swap.max")}
			if sw.Limit != math.MaxUint64 {
				sw.Limit += u.Limit
			}
			st.Memory.Swap = sw
		} else {
			st.Memory.Swap = MemoryEntry{Usage: u.Usage, Limit: u.Limit}
		}
	}
	st.Memory.PSI = s.psi("memory.pressure")
	s.ioStat(st)
	st.Blkio.PSI = s.psi("io.pressure")
	for _, size := range hugePageSizes() {
		p := "hugetlb." + size
		if !exists(s.path + "/" + p + ".current") {
			continue
		}
		file := p + ".rsvd.current"
		if !exists(s.path + "/" + file) {
			file = p + ".current"
		}
		fail, _ := uintField(s.text(p+".events"), "max")
		st.Hugetlb[size] = HugetlbStats{Usage: s.num(file), Failcnt: fail}
	}
}

// ioStat turns lines like "8:0 rbytes=1 wbytes=2 rios=3 wios=4" into v1's tables.
func (s *statReader) ioStat(st *Stats) {
	for line := range strings.Lines(s.text("io.stat")) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		maj, min, ok := device(f[0])
		if !ok {
			continue
		}
		for _, kv := range f[1:] {
			k, v, _ := strings.Cut(kv, "=")
			n, err := strconv.ParseUint(v, 10, 64)
			if err != nil {
				continue
			}
			e := BlkioEntry{Major: maj, Minor: min, Op: "Read", Value: n}
			if k == "wbytes" || k == "wios" {
				e.Op = "Write"
			}
			switch k {
			case "rbytes", "wbytes":
				st.Blkio.IoServiceBytesRecursive = append(st.Blkio.IoServiceBytesRecursive, e)
			case "rios", "wios":
				st.Blkio.IoServicedRecursive = append(st.Blkio.IoServicedRecursive, e)
			}
		}
	}
}

func device(s string) (maj, min uint64, ok bool) {
	a, b, ok := strings.Cut(s, ":")
	if !ok {
		return 0, 0, false
	}
	maj, err1 := strconv.ParseUint(a, 10, 64)
	min, err2 := strconv.ParseUint(b, 10, 64)
	return maj, min, err1 == nil && err2 == nil
}

// psi parses a pressure file; nil where the kernel keeps no pressure information.
func (s *statReader) psi(file string) *PSI {
	t := s.text(file)
	if t == "" {
		return nil
	}
	p := &PSI{}
	for line := range strings.Lines(t) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		d := &p.Some
		if f[0] == "full" {
			d = &p.Full
		}
		for _, kv := range f[1:] {
			k, v, _ := strings.Cut(kv, "=")
			x, _ := strconv.ParseFloat(v, 64)
			switch k {
			case "avg10":
				d.Avg10 = x
			case "avg60":
				d.Avg60 = x
			case "avg300":
				d.Avg300 = x
			case "total":
				d.Total, _ = strconv.ParseUint(v, 10, 64)
			}
		}
	}
	return p
}

// table parses a file of "key number" lines.
func (s *statReader) table(file string) map[string]uint64 {
	out := map[string]uint64{}
	for line := range strings.Lines(s.text(file)) {
		k, v, ok := strings.Cut(strings.TrimSpace(line), " ")
		if n, err := strconv.ParseUint(v, 10, 64); ok && err == nil {
			out[k] = n
		}
	}
	return out
}

func limitOr0(n uint64) uint64 {
	if n == math.MaxUint64 {
		return 0
	}
	return n
}

// hugePageSizes are this kernel's, in the words of the hugetlb controller's file names.
func hugePageSizes() []string {
	entries, err := os.ReadDir("/sys/kernel/mm/hugepages")
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		v := strings.TrimSuffix(strings.TrimPrefix(e.Name(), "hugepages-"), "kB")
		n, err := strconv.Atoi(v)
		switch {
		case err != nil:
		case n >= 1<<20:
			out = append(out, strconv.Itoa(n>>20)+"GB")
		case n >= 1<<10:
			out = append(out, strconv.Itoa(n>>10)+"MB")
		default:
			out = append(out, v+"KB")
		}
	}
	return out
}
