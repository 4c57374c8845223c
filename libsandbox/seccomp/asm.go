// An assembler for filter programs that works from the end to the beginning. Classic BPF only
// jumps forward, so every target is known when a jump is written, and a target that is out of
// reach (conditional jumps have 8 bits) is met by a copy or a long jump placed close by.

package seccomp

import "golang.org/x/sys/unix"

// label is an instruction, counted from the end of the program.
type label int

// target is where a jump goes. The zero value is not valid.
type target struct {
	at label
	// accAt is where to enter instead if the accumulator holds the word at offset word already.
	accAt  label
	word   uint32
	hasAcc bool
	// ret is set for an instruction that only returns value: such a target can be copied.
	ret   bool
	value uint32
}

type asm struct {
	rev  []unix.SockFilter // the program, last instruction first
	rets map[uint32]label
	memo map[test]target
}

// test is a comparison with both its continuations; the same test is written only once.
type test struct {
	word, mask, k uint32
	jump          uint16
	yes, no       label
	noLoad        bool
}

func newAsm() *asm {
	return &asm{rev: make([]unix.SockFilter, 0, 512), rets: map[uint32]label{}, memo: map[test]target{}}
}

func (a *asm) emit(code uint16, jt, jf uint8, k uint32) label {
	a.rev = append(a.rev, unix.SockFilter{Code: code, Jt: jt, Jf: jf, K: k})
	return label(len(a.rev) - 1)
}

// answer is the target that returns v.
func (a *asm) answer(v uint32) target {
	at, ok := a.rets[v]
	if !ok {
		at = a.emit(unix.BPF_RET|unix.BPF_K, 0, 0, v)
		a.rets[v] = at
	}
	return target{at: at, ret: true, value: v}
}

// reach is the farthest a conditional jump is let go: 255, less the instructions that may be
// put between for the jump's other target.
const reach = 250

// near makes sure that a conditional jump written within the next few instructions can get to
// t entered at l, and says by which label.
func (a *asm) near(t target, l label) label {
	if len(a.rev)-int(l)-1 <= reach {
		return l
	}
	if t.ret {
		// A second copy of a return costs no executed instruction, a jump to the first would.
		delete(a.rets, t.value)
		return a.answer(t.value).at
	}
	return a.emit(unix.BPF_JMP|unix.BPF_JA, 0, 0, uint32(len(a.rev)-int(l)-1))
}

// entry is where to go on in t when the accumulator holds word (if held is set).
func (t target) entry(word uint32, held bool) label {
	if held && t.hasAcc && t.word == word {
		return t.accAt
	}
	return t.at
}

// branch writes one conditional jump, the accumulator holding word if held is set.
func (a *asm) branch(jump uint16, k uint32, yes, no target, word uint32, held bool) label {
	y := a.near(yes, yes.entry(word, held))
	n := a.near(no, no.entry(word, held))
	at := len(a.rev)
	return a.emit(unix.BPF_JMP|jump|unix.BPF_K, uint8(at-int(y)-1), uint8(at-int(n)-1), k)
}

// load writes the load of a word of seccomp_data; what was written last is executed next.
func (a *asm) load(word uint32) label {
	return a.emit(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, 0, 0, word)
}

// compare writes a test of (word & mask). With noLoad the word is in the accumulator already,
// and the result may only be entered that way.
func (a *asm) compare(word, mask uint32, jump uint16, k uint32, yes, no target, noLoad bool) target {
	held := mask == ^uint32(0)
	key := test{word, mask, k, jump, yes.entry(word, held), no.entry(word, held), noLoad}
	if t, ok := a.memo[key]; ok {
		return t
	}
	at := a.branch(jump, k, yes, no, word, held)
	if !held {
		at = a.emit(unix.BPF_ALU|unix.BPF_AND|unix.BPF_K, 0, 0, mask)
	}
	t := target{at: at, accAt: at, word: word, hasAcc: true}
	if !noLoad {
		t.at = a.load(word)
	}
	a.memo[key] = t
	return t
}

// program is the finished program, first instruction first.
func (a *asm) program() []unix.SockFilter {
	p := make([]unix.SockFilter, len(a.rev))
	for i, ins := range a.rev {
		p[len(p)-1-i] = ins
	}
	return p
}
