// The words of a profile (actions, operators, flags) and what they are to the kernel.

package seccomp

import (
	"fmt"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// Return values of a filter beyond those in golang.org/x/sys.
const (
	retErrno  = unix.SECCOMP_RET_ERRNO
	retNosys  = retErrno | uint32(unix.ENOSYS)
	retAction = unix.SECCOMP_RET_ACTION_FULL
	// retBadArch answers calls by an ABI that the profile does not list. It is what libseccomp
	// does when it is not told otherwise, and no profile can tell.
	retBadArch = unix.SECCOMP_RET_KILL_THREAD
)

// ret gives the filter's return value for an action. ERRNO and TRACE carry a number, EPERM when
// none is given; other actions ignore it, as runc and crun do.
func ret(a specs.LinuxSeccompAction, errno *uint, field, errnoField string) (uint32, error) {
	data := uint32(unix.EPERM)
	if errno != nil {
		if *errno > unix.SECCOMP_RET_DATA {
			return 0, errdetail.New(errnoField, "%d is no error number: at most 65535 fits", *errno)
		}
		data = uint32(*errno)
	}
	switch a {
	case specs.ActKill, specs.ActKillThread:
		return unix.SECCOMP_RET_KILL_THREAD, nil
	case specs.ActKillProcess:
		return unix.SECCOMP_RET_KILL_PROCESS, nil
	case specs.ActTrap:
		return unix.SECCOMP_RET_TRAP, nil
	case specs.ActErrno:
		return retErrno | data, nil
	case specs.ActTrace:
		return unix.SECCOMP_RET_TRACE | data, nil
	case specs.ActAllow:
		return unix.SECCOMP_RET_ALLOW, nil
	case specs.ActLog:
		return unix.SECCOMP_RET_LOG, nil
	case specs.ActNotify:
		return unix.SECCOMP_RET_USER_NOTIF, nil
	case "":
		return 0, errdetail.New(field, "no action given")
	}
	return 0, errdetail.New(field, "%q is not a seccomp action", string(a))
}

// actionText names a filter's return value the way a profile does.
func actionText(v uint32) string {
	switch v & retAction {
	case unix.SECCOMP_RET_KILL_THREAD:
		return "SCMP_ACT_KILL_THREAD"
	case unix.SECCOMP_RET_KILL_PROCESS:
		return "SCMP_ACT_KILL_PROCESS"
	case unix.SECCOMP_RET_TRAP:
		return "SCMP_ACT_TRAP"
	case retErrno:
		n := unix.Errno(v & unix.SECCOMP_RET_DATA)
		if name := unix.ErrnoName(n); name != "" {
			return "SCMP_ACT_ERRNO(" + name + ")"
		}
		return fmt.Sprintf("SCMP_ACT_ERRNO(%d)", uint(n))
	case unix.SECCOMP_RET_TRACE:
		return fmt.Sprintf("SCMP_ACT_TRACE(%d)", v&unix.SECCOMP_RET_DATA)
	case unix.SECCOMP_RET_ALLOW:
		return "SCMP_ACT_ALLOW"
	case unix.SECCOMP_RET_LOG:
		return "SCMP_ACT_LOG"
	case unix.SECCOMP_RET_USER_NOTIF:
		return "SCMP_ACT_NOTIFY"
	}
	return fmt.Sprintf("0x%08x", v)
}

// lenient says that an action lets the call happen, so that a program finds out by itself that
// its kernel does not have a call. TRACE counts: a tracer answers for itself.
func lenient(v uint32) bool {
	switch v & retAction {
	case unix.SECCOMP_RET_ALLOW, unix.SECCOMP_RET_LOG, unix.SECCOMP_RET_TRACE:
		return true
	}
	return false
}

// op is how a condition compares.
type op uint8

const (
	opEQ op = iota
	opNE
	opMasked
	opLT
	opLE
	opGT
	opGE
)

func operator(o specs.LinuxSeccompOperator) (op, bool) {
	switch o {
	case specs.OpEqualTo:
		return opEQ, true
	case specs.OpNotEqual:
		return opNE, true
	case specs.OpMaskedEqual:
		return opMasked, true
	case specs.OpLessThan:
		return opLT, true
	case specs.OpLessEqual:
		return opLE, true
	case specs.OpGreaterThan:
		return opGT, true
	case specs.OpGreaterEqual:
		return opGE, true
	}
	return 0, false
}

func (o op) String() string {
	return [...]string{"==", "!=", "&", "<", "<=", ">", ">="}[o]
}
