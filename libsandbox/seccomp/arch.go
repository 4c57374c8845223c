// What the compiler has to know about each architecture: its name in a profile, the value the
// kernel puts into seccomp_data.arch, word size, byte order, and its column in the table of
// system call numbers.

package seccomp

import (
	"runtime"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// arch describes one system call ABI.
type arch struct {
	name  specs.Arch
	audit uint32 // AUDIT_ARCH_* of linux/audit.h
	// column is the ABI's place in a line of syscalls.txt; base is added to the number there.
	column int
	base   uint32
	// wide says that all 64 bits of an argument are compared. The narrow ABIs on 64-bit kernels
	// (x32, n32) count as narrow, as they do in libseccomp.
	wide, big bool
	// mux says that socket and IPC calls can also be made through socketcall(2) and ipc(2).
	mux bool
}

const x32Bit = 0x40000000

// architectures returns the table; a function, so that nothing is built at package start.
func architectures() []arch {
	return []arch{
		{name: specs.ArchX86_64, audit: 0xc000003e, column: 0, wide: true},
		{name: specs.ArchX86, audit: 0x40000003, column: 1, mux: true},
		{name: specs.ArchX32, audit: 0xc000003e, column: 2, base: x32Bit},
		{name: specs.ArchAARCH64, audit: 0xc00000b7, column: 3, wide: true},
		{name: specs.ArchARM, audit: 0x40000028, column: 4},
		{name: specs.ArchRISCV64, audit: 0xc00000f3, column: 5, wide: true},
		{name: specs.ArchS390X, audit: 0x80000016, column: 6, wide: true, big: true, mux: true},
		{name: specs.ArchS390, audit: 0x16, column: 7, big: true, mux: true},
		{name: specs.ArchPPC64LE, audit: 0xc0000015, column: 8, wide: true, mux: true},
		{name: specs.ArchPPC64, audit: 0x80000015, column: 8, wide: true, big: true, mux: true},
		{name: specs.ArchPPC, audit: 0x14, column: 9, big: true, mux: true},
		{name: specs.ArchMIPS, audit: 0x8, column: 10, base: 4000, big: true, mux: true},
		{name: specs.ArchMIPSEL, audit: 0x40000008, column: 10, base: 4000, mux: true},
		{name: specs.ArchMIPS64, audit: 0x80000008, column: 11, base: 5000, wide: true, big: true},
		{name: specs.ArchMIPSEL64, audit: 0xc0000008, column: 11, base: 5000, wide: true},
		{name: specs.ArchMIPS64N32, audit: 0xa0000008, column: 12, base: 6000, big: true},
		{name: specs.ArchMIPSEL64N32, audit: 0xe0000008, column: 12, base: 6000},
		{name: specs.ArchLOONGARCH64, audit: 0xc0000102, column: 13, wide: true},
		{name: specs.ArchPARISC, audit: 0xf, column: 14, big: true},
		{name: specs.ArchPARISC64, audit: 0x8000000f, column: 15, wide: true, big: true},
		{name: specs.ArchM68K, audit: 0x4, column: 16, big: true, mux: true},
		{name: specs.ArchSH, audit: 0x4000002a, column: 17, mux: true},
		{name: specs.ArchSHEB, audit: 0x2a, column: 17, big: true, mux: true},
	}
}

// archByName finds an architecture by its name in a profile.
func archByName(name specs.Arch) (arch, bool) {
	for _, a := range architectures() {
		if a.name == name {
			return a, true
		}
	}
	return arch{}, false
}

// Architectures lists the names of all architectures the compiler knows, for the features
// command and for error texts.
func Architectures() []specs.Arch {
	var names []specs.Arch
	for _, a := range architectures() {
		names = append(names, a.name)
	}
	return names
}

// NativeArch is the architecture this program was built for, "" if the compiler does not know it.
func NativeArch() specs.Arch {
	switch runtime.GOARCH {
	case "amd64":
		return specs.ArchX86_64
	case "386":
		return specs.ArchX86
	case "arm64":
		return specs.ArchAARCH64
	case "arm":
		return specs.ArchARM
	case "riscv64":
		return specs.ArchRISCV64
	case "s390x":
		return specs.ArchS390X
	case "ppc64le":
		return specs.ArchPPC64LE
	case "ppc64":
		return specs.ArchPPC64
	case "loong64":
		return specs.ArchLOONGARCH64
	case "mips":
		return specs.ArchMIPS
	case "mipsle":
		return specs.ArchMIPSEL
	case "mips64":
		return specs.ArchMIPS64
	case "mips64le":
		return specs.ArchMIPSEL64
	}
	return ""
}

// Offsets in struct seccomp_data (linux/seccomp.h): int nr; __u32 arch; __u64 ip; __u64 args[6].
const (
	offNr   = 0
	offArch = 4
	offArgs = 16
)

// lo and hi are where the two halves of an argument are. A BPF load gives the word in the
// kernel's byte order, so only their places depend on it, not the values.
func (a *arch) lo(arg uint8) uint32 {
	if a.big {
		return offArgs + 8*uint32(arg) + 4
	}
	return offArgs + 8*uint32(arg)
}

func (a *arch) hi(arg uint8) uint32 {
	if a.big {
		return offArgs + 8*uint32(arg)
	}
	return offArgs + 8*uint32(arg) + 4
}
