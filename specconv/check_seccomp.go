// The shape of the seccomp section: every name is one that the specification knows. What the
// rules mean, and whether this kernel can carry them out, is for the compiler of the filter.

package specconv

import (
	"fmt"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

func checkSeccomp(s *specs.LinuxSeccomp) error {
	if bad := badSeccompAction(s.DefaultAction); bad != "" {
		return errdetail.New("defaultAction", "%s", bad)
	}
	if bad := badErrnoRet(s.DefaultAction, s.DefaultErrnoRet); bad != "" {
		return errdetail.New("defaultErrnoRet", "%s", bad)
	}
	if s.DefaultAction == specs.ActNotify {
		// Nobody would be left to hand the listener over: that takes system calls too.
		return errdetail.New("defaultAction", "SCMP_ACT_NOTIFY cannot be used as default action")
	}
	if bad := badCount(len(s.Architectures), 64); bad != "" {
		return errdetail.New("architectures", "%s", bad)
	}
	for i, a := range s.Architectures {
		if !knownSeccompArch(a) {
			return errdetail.New(fmt.Sprintf("architectures[%d]", i),
				"want a name like SCMP_ARCH_X86_64, got %q", clip(string(a)))
		}
	}
	if bad := badCount(len(s.Flags), 64); bad != "" {
		return errdetail.New("flags", "%s", bad)
	}
	for i, f := range s.Flags {
		switch f {
		case "SECCOMP_FILTER_FLAG_TSYNC", specs.LinuxSeccompFlagLog, specs.LinuxSeccompFlagSpecAllow,
			specs.LinuxSeccompFlagWaitKillableRecv:
		default:
			return errdetail.New(fmt.Sprintf("flags[%d]", i), "%s", oneOf(string(f),
				"SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG",
				"SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"))
		}
	}
	if err := checkListener(s); err != nil {
		return err
	}
	if bad := badCount(len(s.Syscalls), maxSyscalls); bad != "" {
		return errdetail.New("syscalls", "%s", bad)
	}
	for i := range s.Syscalls {
		if err := checkSyscall(s, &s.Syscalls[i]); err != nil {
			return within(err, "syscalls[%d]", i)
		}
	}
	return nil
}

func checkListener(s *specs.LinuxSeccomp) error {
	if s.ListenerPath != "" {
		// sockaddr_un has 108 bytes for a path and its end; longer ones are reached through a
		// descriptor, so only the kernel's limit on paths applies.
		if bad := badPath(s.ListenerPath); bad != "" {
			return errdetail.New("listenerPath", "%s", bad)
		}
	}
	if s.ListenerMetadata != "" && s.ListenerPath == "" {
		return errdetail.New("listenerMetadata", "must not be set where listenerPath is not")
	}
	if bad := badText(s.ListenerMetadata, maxValueSize); bad != "" {
		return errdetail.New("listenerMetadata", "%s", bad)
	}
	return nil
}

func checkSyscall(s *specs.LinuxSeccomp, c *specs.LinuxSyscall) error {
	if len(c.Names) == 0 {
		return errdetail.New("names", "must have at least one name of a system call")
	}
	if bad := badCount(len(c.Names), maxNames); bad != "" {
		return errdetail.New("names", "%s", bad)
	}
	for i, name := range c.Names {
		if name == "" || len(name) > 64 {
			return errdetail.New(fmt.Sprintf("names[%d]", i),
				"want the name of a system call, got %q", clip(name))
		}
	}
	if bad := badSeccompAction(c.Action); bad != "" {
		return errdetail.New("action", "%s", bad)
	}
	if bad := badErrnoRet(c.Action, c.ErrnoRet); bad != "" {
		return errdetail.New("errnoRet", "%s", bad)
	}
	if c.Action == specs.ActNotify && s.ListenerPath == "" {
		return errdetail.New("action", "SCMP_ACT_NOTIFY needs linux.seccomp.listenerPath")
	}
	if bad := badCount(len(c.Args), maxArgRules); bad != "" {
		return errdetail.New("args", "%s", bad)
	}
	for i := range c.Args {
		if c.Args[i].Index > 5 {
			return errdetail.New(fmt.Sprintf("args[%d].index", i),
				"want a number from 0 to 5, got %d", c.Args[i].Index)
		}
		if !knownSeccompOperator(c.Args[i].Op) {
			return errdetail.New(fmt.Sprintf("args[%d].op", i), "%s", oneOf(string(c.Args[i].Op),
				"SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE", "SCMP_CMP_EQ", "SCMP_CMP_GE",
				"SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ"))
		}
	}
	return nil
}

func badSeccompAction(a specs.LinuxSeccompAction) string {
	if knownSeccompAction(a) {
		return ""
	}
	return oneOf(string(a), "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_TRAP",
		"SCMP_ACT_ERRNO", "SCMP_ACT_TRACE", "SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY")
}

// badErrnoRet judges the value an action returns: seccomp(2) takes an errno up to 4095, and a
// tracer's message of 16 bits. Other actions return none, and config-linux.md wants an error then.
func badErrnoRet(a specs.LinuxSeccompAction, ret *uint) string {
	if ret == nil {
		return ""
	}
	most := uint(4095)
	switch a {
	case specs.ActErrno:
	case specs.ActTrace:
		most = 1<<16 - 1
	default:
		return fmt.Sprintf("action %s doesn't support an errno, only SCMP_ACT_ERRNO and SCMP_ACT_TRACE do",
			a)
	}
	if *ret > most {
		return fmt.Sprintf("want a number from 0 to %d, got %d", most, *ret)
	}
	return ""
}
