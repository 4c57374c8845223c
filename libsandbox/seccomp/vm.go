// An interpreter of filter programs, for tests and for explanations. It runs what the kernel
// accepts in a seccomp filter (seccomp_check_filter) as far as compilers use it, and counts.

package seccomp

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Data is the call that a filter judges, struct seccomp_data of linux/seccomp.h.
type Data struct {
	Nr   uint32
	Arch uint32 // AUDIT_ARCH_*
	IP   uint64
	Args [6]uint64
}

// word is the 32-bit word at an offset into seccomp_data. big is the byte order of the machine
// that is imitated.
func (d *Data) word(off uint32, big bool) (uint32, bool) {
	pick := func(v uint64, off uint32) (uint32, bool) {
		if (off&7 == 0) == big {
			return uint32(v >> 32), true
		}
		return uint32(v), true
	}
	switch {
	case off&3 != 0 || off >= offArgs+6*8:
		return 0, false
	case off == offNr:
		return d.Nr, true
	case off == offArch:
		return d.Arch, true
	case off < offArgs:
		return pick(d.IP, off)
	}
	return pick(d.Args[(off-offArgs)/8], off)
}

// Run executes a program on d as the kernel would, big being the byte order. It returns the
// filter's return value (SECCOMP_RET_*) and how many instructions were executed. An error means
// that the kernel would not have loaded the program.
func Run(program []unix.SockFilter, d *Data, big bool) (value uint32, steps int, err error) {
	var acc uint32
	for pc := 0; pc < len(program); pc++ {
		ins := &program[pc]
		steps++
		var cond bool
		switch ins.Code {
		case unix.BPF_LD | unix.BPF_W | unix.BPF_ABS:
			var ok bool
			if acc, ok = d.word(ins.K, big); !ok {
				return 0, steps, fmt.Errorf("instruction %d loads from offset %d", pc, ins.K)
			}
			continue
		case unix.BPF_ALU | unix.BPF_AND | unix.BPF_K:
			acc &= ins.K
			continue
		case unix.BPF_RET | unix.BPF_K:
			return ins.K, steps, nil
		case unix.BPF_JMP | unix.BPF_JA:
			if uint64(ins.K) >= uint64(len(program)) {
				return 0, steps, fmt.Errorf("instruction %d jumps out of the program", pc)
			}
			pc += int(ins.K)
			continue
		case unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K:
			cond = acc == ins.K
		case unix.BPF_JMP | unix.BPF_JGT | unix.BPF_K:
			cond = acc > ins.K
		case unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K:
			cond = acc >= ins.K
		case unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K:
			cond = acc&ins.K != 0
		default:
			return 0, steps, fmt.Errorf("instruction %d has the unknown code %#x", pc, ins.Code)
		}
		if cond {
			pc += int(ins.Jt)
		} else {
			pc += int(ins.Jf)
		}
	}
	return 0, steps, fmt.Errorf("the program ends without a return")
}

// ActionText names a filter's return value the way profiles do: SCMP_ACT_ERRNO(EPERM).
func ActionText(value uint32) string { return actionText(value) }
