// From a profile's meaning to a program. For each architecture the system call numbers are laid
// out as intervals with the same answer, and these are searched like a binary tree whose shape
// brings the calls that programs make most to the top. Rules with conditions follow below
// the tree, tried in order.
//
// Only instructions that the kernel's own evaluation of filters understands are used above the
// conditions (seccomp_cache_prepare, since 5.11), so that the kernel can find out which numbers
// are always allowed and skips the program for them.

package seccomp

import (
	"golang.org/x/sys/unix"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// maxProgram is BPF_MAXINSNS of linux/bpf_common.h.
const maxProgram = 4096

// leaf is what happens to a call: answer ret, or rules, which are the calls' of arch.
type leaf struct {
	ret   uint32
	rules []rule
	arch  *arch
}

// interval is a range of numbers, from start to the next interval's start, with one leaf.
type interval struct {
	start  uint32
	weight int
	leaf
}

// compileGo writes the program for a model.
func compileGo(m *model) ([]unix.SockFilter, error) {
	groups := m.byAudit()
	a := newAsm()
	next := a.answer(retBadArch)
	for i := len(groups) - 1; i >= 0; i-- {
		body := a.searchTree(m.intervals(groups[i]), m.def)
		if i > 0 {
			at := a.branch(unix.BPF_JEQ, groups[i][0].arch.audit, body, next, offArch, true)
			next = target{at: at}
			continue
		}
		a.branch(unix.BPF_JEQ, groups[i][0].arch.audit, body, next, offArch, true)
		a.load(offArch)
	}
	if len(a.rev) > maxProgram {
		return nil, errdetail.New("linux.seccomp", "the filter needs %d instructions, the kernel takes at most %d", len(a.rev), maxProgram)
	}
	return a.program(), nil
}

// byAudit puts the sections together that the kernel reports as one architecture: x86_64 and
// x32 differ only by a bit in the number.
func (m *model) byAudit() [][]*section {
	var groups [][]*section
next:
	for i := range m.sections {
		s := &m.sections[i]
		for k := range groups {
			if groups[k][0].arch.audit == s.arch.audit {
				groups[k] = append(groups[k], s)
				continue next
			}
		}
		groups = append(groups, []*section{s})
	}
	return groups
}

// searchTree writes the search for a number in list, and what is below it. The target loads
// the number itself.
func (a *asm) searchTree(list []interval, def uint32) target {
	sum := make([]int, len(list)+1)
	for i := range list {
		sum[i+1] = sum[i] + list[i].weight
	}
	t := a.subtree(list, sum, 0, len(list), def)
	if t.ret {
		return t
	}
	if len(a.rev)-1 != int(t.entry(offNr, true)) {
		a.emit(unix.BPF_JMP|unix.BPF_JA, 0, 0, uint32(len(a.rev)-int(t.entry(offNr, true))-1))
	}
	return target{at: a.load(offNr)}
}

// subtree writes the search in list[i:j], the number being in the accumulator.
func (a *asm) subtree(list []interval, sum []int, i, j int, def uint32) target {
	if j-i == 1 {
		return a.leafTarget(list[i].leaf, def)
	}
	if n := j - i; n == 3 && list[i+1].start+1 == list[i+2].start && same(list[i].leaf, list[i+2].leaf) {
		// One number inside a range: a single comparison tells.
		out := a.leafTarget(list[i].leaf, def)
		in := a.leafTarget(list[i+1].leaf, def)
		return numberTest(a.branch(unix.BPF_JEQ, list[i+1].start, in, out, offNr, true))
	}
	mid := i + 1
	for k := i + 2; k < j; k++ {
		if abs(2*sum[k]-sum[i]-sum[j]) < abs(2*sum[mid]-sum[i]-sum[j]) {
			mid = k
		}
	}
	above := a.subtree(list, sum, mid, j, def)
	below := a.subtree(list, sum, i, mid, def)
	return numberTest(a.branch(unix.BPF_JGE, list[mid].start, above, below, offNr, true))
}

// numberTest is the target of a jump on the number in the accumulator.
func numberTest(at label) target {
	return target{at: at, accAt: at, word: offNr, hasAcc: true}
}

func abs(x int) int { return max(x, -x) }

// same says that two leaves give the same constant answer.
func same(x, y leaf) bool { return x.rules == nil && y.rules == nil && x.ret == y.ret }

// leafTarget writes what happens to a call.
func (a *asm) leafTarget(l leaf, def uint32) target {
	if l.rules == nil {
		return a.answer(l.ret)
	}
	next := a.answer(def)
	for i := len(l.rules) - 1; i >= 0; i-- {
		t := a.answer(l.rules[i].ret)
		for k := len(l.rules[i].conds) - 1; k >= 0; k-- {
			t = a.condition(l.rules[i].conds[k], t, next, l.arch)
		}
		next = t
	}
	return next
}

// condition writes the test of one condition. Of an equality the lower half is tested first: it
// is the one that tells values apart, and often settles the matter.
func (a *asm) condition(c cond, yes, no target, ar *arch) target {
	lo, hi := ar.lo(c.arg), ar.hi(c.arg)
	vlo, vhi := uint32(c.value), uint32(c.value>>32)
	mlo, mhi := uint32(c.mask), uint32(c.mask>>32)
	switch c.op {
	case opLT:
		return a.bound(c, unix.BPF_JGE, no, yes, ar)
	case opLE:
		return a.bound(c, unix.BPF_JGT, no, yes, ar)
	case opGT:
		return a.bound(c, unix.BPF_JGT, yes, no, ar)
	case opGE:
		return a.bound(c, unix.BPF_JGE, yes, no, ar)
	case opNE:
		yes, no = no, yes
	}
	if ar.wide && mhi != 0 {
		yes = a.compare(hi, mhi, unix.BPF_JEQ, vhi, yes, no, false)
	}
	if mlo != 0 {
		yes = a.compare(lo, mlo, unix.BPF_JEQ, vlo, yes, no, false)
	}
	return yes
}

// bound writes the test whether an argument is above a value: jump is JGT or JGE.
func (a *asm) bound(c cond, jump uint16, above, below target, ar *arch) target {
	lo, hi := ar.lo(c.arg), ar.hi(c.arg)
	vlo, vhi := uint32(c.value), uint32(c.value>>32)
	t := a.compare(lo, ^uint32(0), jump, vlo, above, below, false)
	if !ar.wide {
		return t
	}
	if vhi == 0 {
		return a.compare(hi, ^uint32(0), unix.BPF_JEQ, 0, t, above, false)
	}
	t = a.compare(hi, ^uint32(0), unix.BPF_JEQ, vhi, t, below, true)
	return a.compare(hi, ^uint32(0), unix.BPF_JGT, vhi, above, t, false)
}
