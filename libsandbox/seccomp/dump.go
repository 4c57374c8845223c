// A program in readable form.

package seccomp

import (
	"bufio"
	"fmt"
	"io"

	"golang.org/x/sys/unix"
)

// state is what is known when an instruction is reached: the architecture that was compared
// equal, and the word in the accumulator.
type state struct {
	arch    uint32
	word    uint32
	known   bool // word is
	reached bool
}

// Dump writes a program one instruction a line, with the names of calls and architectures where
// comparisons tell them.
func Dump(w io.Writer, program []unix.SockFilter) error {
	b := bufio.NewWriter(w)
	at := make([]state, len(program)+1)
	if len(program) > 0 {
		at[0].reached = true
	}
	for pc, ins := range program {
		s := at[pc]
		pass := func(to int, next state) {
			if to < len(at) && !at[to].reached {
				next.reached = true
				at[to] = next
			}
		}
		fmt.Fprintf(b, "%4d  ", pc)
		switch {
		case ins.Code == unix.BPF_LD|unix.BPF_W|unix.BPF_ABS:
			fmt.Fprintf(b, "load %s", wordName(ins.K))
			s.word, s.known = ins.K, true
			pass(pc+1, s)
		case ins.Code == unix.BPF_ALU|unix.BPF_AND|unix.BPF_K:
			fmt.Fprintf(b, "and %#x", ins.K)
			s.known = false
			pass(pc+1, s)
		case ins.Code == unix.BPF_RET|unix.BPF_K:
			fmt.Fprintf(b, "return %s", actionText(ins.K))
		case ins.Code == unix.BPF_JMP|unix.BPF_JA:
			fmt.Fprintf(b, "goto %d", pc+1+int(ins.K))
			pass(pc+1+int(ins.K), s)
		case ins.Code&7 == unix.BPF_JMP && jumpSign(ins.Code) != "":
			yes, no := pc+1+int(ins.Jt), pc+1+int(ins.Jf)
			fmt.Fprintf(b, "if %s %s goto %d else %d", jumpSign(ins.Code), s.value(ins.K), yes, no)
			next := s
			if s.known && s.word == offArch && ins.Code == unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K {
				next.arch = ins.K
			}
			pass(yes, next)
			pass(no, s)
		default:
			fmt.Fprintf(b, "unknown code %#x, %#x", ins.Code, ins.K)
		}
		fmt.Fprintln(b)
	}
	return b.Flush()
}

func jumpSign(code uint16) string {
	switch code {
	case unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K:
		return "=="
	case unix.BPF_JMP | unix.BPF_JGT | unix.BPF_K:
		return ">"
	case unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K:
		return ">="
	case unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K:
		return "has"
	}
	return ""
}

// wordName names the words of seccomp_data. Which half of an argument a word is depends on the
// byte order; the native one is assumed.
func wordName(off uint32) string {
	switch {
	case off == offNr:
		return "nr"
	case off == offArch:
		return "arch"
	case off < offArgs:
		return fmt.Sprintf("ip+%d", off-8)
	}
	native, _ := archByName(NativeArch())
	half := "low"
	if (off&7 == 0) == native.big {
		half = "high"
	}
	return fmt.Sprintf("arg%d.%s", (off-offArgs)/8, half)
}

// value shows what the accumulator is compared with.
func (s *state) value(k uint32) string {
	switch {
	case s.known && s.word == offArch:
		for _, a := range architectures() {
			if a.audit == k {
				return fmt.Sprintf("%#x (%s)", k, a.name)
			}
		}
	case s.known && s.word == offNr:
		if name := NameOf(s.arch, int(k)); name != "" {
			return fmt.Sprintf("%d (%s)", k, name)
		}
		return fmt.Sprintf("%d", k)
	}
	return fmt.Sprintf("%#x", k)
}
