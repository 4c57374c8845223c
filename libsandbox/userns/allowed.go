// This file finds out whether the calling user may make user namespaces on this host, and if not,
// which switch forbids it.

package userns

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Verdict is the answer of Allowed.
type Verdict struct {
	// OK: a user namespace can be made, and can be used for what a container needs.
	OK bool
	// Reason says in a few words why not, and Remedy what to do about it; the remedy is empty where
	// no switch was found. Both are empty where OK.
	Reason, Remedy string
	// Err is the kernel's answer to the attempt; nil where it succeeded.
	Err error
}

// Allowed tries to make a user namespace (in a child that ends at once) and, if that fails or
// is known to yield a crippled one, looks for the switch that is responsible.
func Allowed() Verdict { return allowed("/proc/sys", attempt(), os.Geteuid() == 0) }

// attempt makes a child in a new user namespace, which then fails to execute a program that does
// not exist: if the error is ENOENT, the namespace was made.
func attempt() error {
	pid, err := syscall.ForkExec("/proc/self/nonexistent", []string{"x"}, &syscall.ProcAttr{
		Sys: &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER},
	})
	if err == nil { // can't be, but leave no zombie
		_, _ = syscall.Wait4(pid, nil, 0, nil)
		return nil
	}
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	return err
}

func allowed(procSys string, tried error, root bool) Verdict {
	sysctl := func(name string) string {
		b, _ := os.ReadFile(filepath.Join(procSys, strings.ReplaceAll(name, ".", "/")))
		return strings.TrimSpace(string(b))
	}
	v := Verdict{OK: tried == nil, Err: tried}
	switch {
	// The namespace is made, but without any use of its capabilities (Ubuntu 23.10 and later);
	// root is not concerned.
	case !root && sysctl("kernel.apparmor_restrict_unprivileged_userns") == "1":
		v.OK = false
		v.Reason = "AppArmor takes all capabilities in user namespaces away (kernel.apparmor_restrict_unprivileged_userns=1)"
		v.Remedy = "load an AppArmor profile with \"userns,\" for the runtime, or set the sysctl to 0"
	case tried == nil:
	case sysctl("user.max_user_namespaces") == "0":
		v.Reason = "user.max_user_namespaces is 0"
		v.Remedy = "sysctl -w user.max_user_namespaces=15000"
	case !root && sysctl("kernel.unprivileged_userns_clone") == "0":
		v.Reason = "kernel.unprivileged_userns_clone is 0"
		v.Remedy = "sysctl -w kernel.unprivileged_userns_clone=1"
	case errors.Is(tried, unix.ENOSPC) || errors.Is(tried, unix.EUSERS):
		v.Reason = "too many user namespaces, or nested more than 32 deep"
		v.Remedy = "raise user.max_user_namespaces"
	case errors.Is(tried, unix.EINVAL):
		v.Reason = "the kernel has no user namespaces (CONFIG_USER_NS)"
	case errors.Is(tried, unix.EPERM):
		v.Reason = "forbidden by a seccomp filter, a security module or a chroot around the runtime"
	default:
		v.Reason = "the kernel refused"
	}
	return v
}
