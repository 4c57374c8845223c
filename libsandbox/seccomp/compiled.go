// The built-in profiles as programs that were compiled beforehand: to compile one takes as long as
// everything else that a sandbox's start decides.

package seccomp

import (
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// CompileNamed is Compile of the built-in profile name. On amd64 and arm64 the program is one that was
// compiled when this package was made (compiled_GOARCH.go); a test holds it against the compiler. An unknown
// name is an error that lists the names.
func CompileNamed(name string) (*Filter, error) {
	if program := compiled(name); program != nil && backend == "go" {
		fl, err := flags(&specs.LinuxSeccomp{}, false)
		return &Filter{Program: program, Flags: fl}, err
	}
	p, err := Named(name)
	if err != nil {
		return nil, err
	}
	return Compile(p, Options{OwnListener: true})
}

// compiled is the program of a built-in profile, nil if there is none for it.
func compiled(name string) []unix.SockFilter {
	i := slices.Index(Names(), name)
	if i < 0 || i >= len(compiledPrograms) {
		return nil
	}
	program := make([]unix.SockFilter, len(compiledPrograms[i]))
	for n, ins := range compiledPrograms[i] {
		program[n] = unix.SockFilter{Code: uint16(ins), Jt: uint8(ins >> 16), Jf: uint8(ins >> 24), K: uint32(ins >> 32)}
	}
	return program
}
