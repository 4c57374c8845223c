//go:build !libseccomp || !cgo

// The default back end: the compiler of this package.

package seccomp

import "golang.org/x/sys/unix"

const backend = "go"

func generate(m *model) ([]unix.SockFilter, error) { return compileGo(m) }

// backendVersion is the back end as far as programs depend on it.
func backendVersion() string { return backend }
