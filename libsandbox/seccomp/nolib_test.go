//go:build !libseccomp || !cgo

package seccomp

// libChild is there only where libseccomp is.
func libChild() {}
