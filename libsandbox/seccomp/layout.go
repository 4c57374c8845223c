// The layout of one architecture's numbers as intervals: the profile's calls on a ground of
// default answer, ENOSYS for numbers that are too new, and the kernel's x32 range.

package seccomp

import (
	"cmp"
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// ground is the answer to the numbers from start on that no rule is about.
type ground struct{ start, ret uint32 }

// grounds lays out the answers for all numbers of one AUDIT_ARCH without the rules.
func (m *model) grounds(group []*section) []ground {
	nosys := !lenient(m.def)
	var plain, x32 *section
	for _, s := range group {
		if s.arch.base == x32Bit {
			x32 = s
		} else {
			plain = s
		}
	}
	var g []ground
	add := func(start, ret uint32) { g = append(g, ground{start, ret}) }
	switch {
	case plain == nil:
		add(0, retBadArch)
	default:
		if m.answersSetup(plain) {
			add(0, retNosys)
			add(1, m.def)
		} else {
			add(0, m.def)
		}
		if nosys && plain.named {
			add(plain.top+1, retNosys)
			if plain.arch.column == armColumn {
				// ARM's own calls are in a range of their own, the same on every kernel.
				add(armPrivate, m.def)
				add(armPrivate+7, retNosys)
			}
		}
	}
	if group[0].arch.audit != 0xc000003e {
		return g
	}
	return append(g, m.x32Grounds(plain, x32)...)
}

// x32Grounds is the upper part of x86_64's numbers: those with bit 30 set are x32's, or bad if
// x32 is not in the profile. The last one, -1, is what a tracer sets to skip a call
// (seccomp(2), SECCOMP_RET_TRACE); it is nobody's.
func (m *model) x32Grounds(plain, x32 *section) []ground {
	nosys := !lenient(m.def)
	low := m.def // the answer to large numbers without bit 30
	switch {
	case plain != nil && nosys && plain.named:
		low = retNosys
	case plain == nil || x32 == nil:
		low = retBadArch
	}
	if x32 == nil {
		return []ground{{x32Bit, retBadArch}, {2 * x32Bit, low}, {3 * x32Bit, retBadArch}, {^uint32(0), m.def}}
	}
	g := []ground{{x32Bit, m.def}}
	high := m.def
	if nosys && x32.named {
		high = retNosys
		g = append(g, ground{x32.top + 1, retNosys})
	}
	return append(g, ground{2 * x32Bit, low}, ground{3 * x32Bit, high})
}

// answersSetup says that call number 0 gets ENOSYS: on s390 it is what a number becomes that
// the kernel does not have (the number is too large for the instruction), and setup(2) itself
// is gone.
func (m *model) answersSetup(s *section) bool {
	return !lenient(m.def) && s.named && (s.arch.name == specs.ArchS390 || s.arch.name == specs.ArchS390X)
}

// intervals merges the calls of a group with the ground, and neighbours with the same answer.
func (m *model) intervals(group []*section) []interval {
	g := m.grounds(group)
	calls := group[0].calls
	if len(group) > 1 {
		calls = slices.Concat(calls, group[1].calls)
		slices.SortFunc(calls, func(x, y call) int { return cmp.Compare(x.nr, y.nr) })
	}
	hot := hotNumbers(group)
	out := make([]interval, 0, len(calls)/2+16)
	put := func(start uint32, l leaf) {
		if n := len(out); n > 0 && out[n-1].start == start {
			out = out[:n-1]
		}
		if n := len(out); n > 0 && same(out[n-1].leaf, l) {
			return
		}
		out = append(out, interval{start: start, weight: 2, leaf: l})
	}
	gi := 0
	for i := 0; ; i++ {
		// The ground up to the next call, and from just behind the one before.
		for gi < len(g) && (i == len(calls) || g[gi].start <= calls[i].nr) {
			put(g[gi].start, leaf{ret: g[gi].ret})
			gi++
		}
		if i == len(calls) {
			break
		}
		c := &calls[i]
		if c.nr == 0 && m.answersSetup(group[0]) {
			continue
		}
		put(c.nr, callLeaf(c))
		if c.nr+1 != 0 && (gi == len(g) || g[gi].start != c.nr+1) {
			put(c.nr+1, leaf{ret: g[gi-1].ret})
		}
	}
	weigh(out, hot)
	return out
}

func callLeaf(c *call) leaf {
	if len(c.rules) == 1 && len(c.rules[0].conds) == 0 {
		return leaf{ret: c.rules[0].ret}
	}
	return leaf{rules: c.rules, arch: c.arch}
}

// weigh adds the weight of frequent calls to the intervals that they are in.
func weigh(list []interval, hot []uint32) {
	for _, nr := range hot {
		i, ok := slices.BinarySearchFunc(list, nr, func(v interval, n uint32) int { return cmp.Compare(v.start, n) })
		if !ok {
			i--
		}
		list[i].weight += 40
	}
}

// hotNumbers are the calls that programs make most, by the counts that strace -c gives for
// servers, builds and interpreters. They shape the search, never its answers.
func hotNumbers(group []*section) []uint32 {
	var nrs []uint32
	for _, s := range group {
		if s.arch.base == x32Bit {
			continue
		}
		for _, name := range FrequentCalls() {
			if nr, ok := s.arch.lookup(name, line(name)); ok {
				nrs = append(nrs, nr)
			}
		}
	}
	return nrs
}

// FrequentCalls are the 20 calls that the search is shaped for and measured with.
func FrequentCalls() []string {
	return []string{"read", "write", "close", "openat", "futex", "mmap", "munmap", "mprotect",
		"fstat", "newfstatat", "lseek", "poll", "epoll_wait", "recvfrom", "sendto", "ioctl",
		"fcntl", "clock_nanosleep", "rt_sigaction", "rt_sigprocmask"}
}
