// The name a compiled filter is kept under: a hash of everything that decides about the program.

package seccomp

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// compilerVersion is part of every cache key. It is raised whenever a profile may compile to
// another program than before; TestCompilerVersion notices when that has been forgotten.
const compilerVersion = "2"

// cacheKey hashes the profile, field by field with lengths before contents so that no two
// profiles run together. (JSON would do, but reflecting over the types costs more than compiling.)
// Flags are left out: they do not change the program, and what the kernel supports may.
func cacheKey(p *specs.LinuxSeccomp, opts Options) string {
	b := make([]byte, 0, 16<<10)
	num := func(n uint64) { b = binary.AppendUvarint(b, n) }
	str := func(s string) {
		num(uint64(len(s)))
		b = append(b, s...)
	}
	opt := func(n *uint) {
		if n == nil {
			num(0)
			return
		}
		num(1)
		num(uint64(*n))
	}
	yes := func(v bool) {
		if v {
			num(1)
		} else {
			num(0)
		}
	}
	str(compilerVersion)
	str(backendVersion())
	str(string(NativeArch()))
	str(string(opts.Arch))
	yes(opts.FailUnknown)
	str(string(p.DefaultAction))
	opt(p.DefaultErrnoRet)
	yes(p.ListenerPath != "" || opts.OwnListener)
	num(uint64(len(p.Architectures)))
	for _, a := range p.Architectures {
		str(string(a))
	}
	num(uint64(len(p.Syscalls)))
	for i := range p.Syscalls {
		s := &p.Syscalls[i]
		num(uint64(len(s.Names)))
		for _, n := range s.Names {
			str(n)
		}
		str(string(s.Action))
		opt(s.ErrnoRet)
		num(uint64(len(s.Args)))
		for _, a := range s.Args {
			num(uint64(a.Index))
			num(a.Value)
			num(a.ValueTwo)
			str(string(a.Op))
		}
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
