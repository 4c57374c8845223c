//go:build !amd64 && !arm64

// No programs are kept for this architecture: the built-in profiles are compiled when they are used.

package seccomp

var compiledPrograms [][]uint64
