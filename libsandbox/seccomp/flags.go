// The flags of seccomp(2), and asking the kernel which of them, and which actions, it has.

package seccomp

import (
	"fmt"
	"unsafe"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// flagTsync is accepted, as runc does, but not in the specification's Go types.
const flagTsync specs.LinuxSeccompFlag = "SECCOMP_FILTER_FLAG_TSYNC"

// Flags lists the names of the flags that a profile may ask for.
func Flags() []specs.LinuxSeccompFlag {
	return []specs.LinuxSeccompFlag{flagTsync, specs.LinuxSeccompFlagLog,
		specs.LinuxSeccompFlagSpecAllow, specs.LinuxSeccompFlagWaitKillableRecv}
}

func flagValue(f specs.LinuxSeccompFlag) (uint, bool) {
	switch f {
	case flagTsync:
		return unix.SECCOMP_FILTER_FLAG_TSYNC, true
	case specs.LinuxSeccompFlagLog:
		return unix.SECCOMP_FILTER_FLAG_LOG, true
	case specs.LinuxSeccompFlagSpecAllow:
		return unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW, true
	case specs.LinuxSeccompFlagWaitKillableRecv:
		return unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, true
	}
	return 0, false
}

// FlagSupported asks the kernel whether it knows a flag: loading no program fails with EFAULT
// if it does and with EINVAL if it does not (seccomp(2)). Nothing is loaded.
func FlagSupported(f specs.LinuxSeccompFlag) bool {
	v, ok := flagValue(f)
	if !ok {
		return false
	}
	if v == unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV {
		// The kernel refuses this one alone: it says how a listener waits.
		v |= unix.SECCOMP_FILTER_FLAG_NEW_LISTENER
	}
	_, _, e := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, uintptr(v), 0)
	return e == unix.EFAULT
}

// ActionSupported asks the kernel whether it has an action (SECCOMP_GET_ACTION_AVAIL, since 4.14).
func ActionSupported(a specs.LinuxSeccompAction) bool {
	v, err := ret(a, nil, "", "")
	return err == nil && actionAvailable(v)
}

func actionAvailable(v uint32) bool {
	v &= retAction
	_, _, e := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_GET_ACTION_AVAIL, 0,
		uintptr(unsafe.Pointer(&v)))
	return e == 0
}

// flags turns the profile's flags into those of seccomp(2). Without any (not even an empty
// list), SPEC_ALLOW is set where the kernel has it, as runc and crun do: the kernel's other
// default switches on a costly mitigation for every process under a filter.
func flags(p *specs.LinuxSeccomp, notify bool) (uint, error) {
	var out uint
	if notify {
		out |= unix.SECCOMP_FILTER_FLAG_NEW_LISTENER
	}
	if p.Flags == nil {
		if FlagSupported(specs.LinuxSeccompFlagSpecAllow) {
			out |= unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW
		}
		return out, nil
	}
	for i, f := range p.Flags {
		field := fmt.Sprintf("linux.seccomp.flags[%d]", i)
		v, ok := flagValue(f)
		if !ok {
			return 0, errdetail.New(field, "%q is not a known seccomp flag", string(f))
		}
		if !FlagSupported(f) {
			return 0, errdetail.New(field, "this kernel does not have %s", string(f))
		}
		if v == unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV && !notify {
			return 0, errdetail.New(field, "%s needs a rule with SCMP_ACT_NOTIFY", string(f))
		}
		if v != unix.SECCOMP_FILTER_FLAG_TSYNC {
			// TSYNC is left out: the filter is loaded by a process with one thread, and the
			// kernel does not take it together with a listener.
			out |= v
		}
	}
	return out, nil
}
