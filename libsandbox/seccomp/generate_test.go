// Profiles by chance, and the calls to try on them: every number of interest with arguments on,
// just below and just above each value that the rules compare with.

package seccomp

import (
	"math/rand/v2"
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"
)

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

// randomProfile makes a profile with rules that overlap, on numbers and on arguments.
func randomProfile(r *rand.Rand, archs []specs.Arch) *specs.LinuxSeccomp {
	p := &specs.LinuxSeccomp{DefaultAction: pick(r, specs.ActErrno, specs.ActErrno, specs.ActAllow, specs.ActKillProcess, specs.ActTrap, specs.ActLog)}
	if r.IntN(3) == 0 {
		n := uint(r.IntN(130) + 1)
		p.DefaultErrnoRet = &n
	}
	for _, a := range archs {
		if r.IntN(2) == 0 {
			p.Architectures = append(p.Architectures, a)
		}
	}
	names := []string{"read", "write", "openat", "clone", "personality", "socket", "socketcall", "connect",
		"semget", "ipc", "clone3", "openat2", "mmap", "mmap2", "kill", "ioctl", "fcntl64", "fcntl", "ptrace"}
	for range r.IntN(12) + 1 {
		s := specs.LinuxSyscall{Action: pick(r, specs.ActAllow, specs.ActAllow, specs.ActErrno, specs.ActTrace, specs.ActLog, specs.ActKillThread)}
		for range r.IntN(6) + 1 {
			s.Names = append(s.Names, pick(r, names...))
		}
		for range r.IntN(60) - 40 {
			n := r.IntN(len(table) / lineWidth)
			s.Names = append(s.Names, cutName(table[n*lineWidth:]))
		}
		if r.IntN(4) == 0 {
			n := uint(r.IntN(100) + 1)
			s.ErrnoRet = &n
		}
		if r.IntN(2) == 0 {
			for range r.IntN(3) + 1 {
				s.Args = append(s.Args, randomArg(r))
			}
		}
		p.Syscalls = append(p.Syscalls, s)
	}
	return p
}

func cutName(l string) string {
	n := 0
	for l[n] != ' ' {
		n++
	}
	return l[:n]
}

func randomArg(r *rand.Rand) specs.LinuxSeccompArg {
	value := func() uint64 {
		return pick(r, 0, 1, 2, 3, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x100000001, 0x7e020000, 1<<63, ^uint64(0), uint64(r.IntN(8)))
	}
	a := specs.LinuxSeccompArg{Index: uint(r.IntN(3)), Value: value(), Op: pick(r, specs.OpEqualTo, specs.OpEqualTo,
		specs.OpNotEqual, specs.OpMaskedEqual, specs.OpLessThan, specs.OpLessEqual, specs.OpGreaterThan, specs.OpGreaterEqual)}
	if a.Op == specs.OpMaskedEqual {
		a.ValueTwo = pick(r, 0, a.Value, value())
	}
	return a
}

// calls yields the calls to try on a profile: every number up to past the end of the tables and
// the edges of the ranges, with no arguments, and those that the profile is about with many.
func (m *model) tryCalls(yield func(*Data) bool) {
	var values []uint64
	for i := range m.entries {
		for _, c := range m.entries[i].conds {
			for _, v := range []uint64{c.value, c.value - 1, c.value + 1, c.value ^ 1<<32, c.value | c.mask, c.value & 0xffffffff, ^c.value} {
				if !slices.Contains(values, v) {
					values = append(values, v)
				}
			}
		}
	}
	values = append(values, 0, 1, 40, ^uint64(0))
	if len(values) > 24 {
		values = values[:24]
	}
	for _, group := range m.byAudit() {
		d := Data{Arch: group[0].arch.audit}
		var special []uint32
		for _, s := range group {
			for n := range uint32(520) {
				special = append(special, s.arch.base+n)
			}
			for n := range uint32(10) {
				special = append(special, armPrivate+n)
			}
		}
		special = append(special, 1<<30-1, 1<<30, 1<<31-1, 1<<31, 1<<31+1, 3<<30-1, 3<<30, 3<<30+1, 1<<32-2, 1<<32-1)
		for _, nr := range special {
			d.Nr, d.Args = nr, [6]uint64{}
			if !yield(&d) {
				return
			}
		}
		for _, s := range group {
			for _, c := range s.calls {
				if len(c.rules[0].conds) == 0 {
					continue
				}
				d.Nr = c.nr
				for i, v := range values {
					for j, w := range values {
						d.Args = [6]uint64{v, w, values[(i+j)%len(values)], v, w, v}
						if !yield(&d) {
							return
						}
					}
				}
			}
		}
	}
	yield(&Data{Arch: 0x12345678, Nr: 1})
}
