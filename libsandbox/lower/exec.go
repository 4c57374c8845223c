// A further process in a running container: the plan of exec and of hooks that run inside.

package lower

import (
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/plan"
	"golang.org/x/sys/unix"
)

// Join is how a process enters a container.
type Join struct {
	PidFD int  // inherited pidfd of the container's init: its namespaces are joined by it
	Root  int  // inherited descriptor of the root to change into after that, or -1
	Fork  bool // only the user namespace gives the right to join the PID namespace
	Keep  bool // a hook: it runs with the runtime's identity, from "/"
}

// Exec lowers the life of a further process. The PID namespace is not joined here but before the
// fork: setns(2) moves only children into it, and no second fork is needed this way.
func Exec(spec *specs.Spec, p *specs.Process, facts *Facts, j Join) (*Result, error) {
	b := newBuilder(spec, facts)
	b.section("", "", "hide from ptrace and /proc in the container")
	// The container sees this process from now on (CVE-2016-9962).
	b.prctl(unix.PR_SET_DUMPABLE, "PR_SET_DUMPABLE", plan.Int(0))
	b.begin()
	b.joinCgroups()
	var flags uintptr
	var text string
	user := false
	for i := range spec.Linux.Namespaces {
		t := spec.Linux.Namespaces[i].Type
		f, s := nsFlag(t)
		if f == 0 || (t == specs.PIDNamespace && !j.Fork) {
			continue
		}
		user = user || t == specs.UserNamespace
		if flags != 0 {
			text += "|"
		}
		flags, text = flags|f, text+s
	}
	b.section("linux.namespaces", "", "join the container's namespaces")
	if flags != 0 {
		// One call joins all: the kernel takes care of the order (setns(2), Linux 5.8).
		b.p.Sys(unix.SYS_SETNS, "setns", plan.Int(int64(j.PidFD)), plan.Flag(int64(flags), text))
	}
	if user {
		b.becomeRoot()
	}
	if j.Fork {
		b.section("linux.namespaces", "pid", "go on in a process inside the PID namespace")
		b.forkSibling()
	}
	if j.Root >= 0 {
		b.section("root.path", "", "enter the root")
		b.p.Sys(unix.SYS_FCHDIR, "fchdir", plan.Int(int64(j.Root)))
		b.p.Sys(unix.SYS_CHROOT, "chroot", b.p.Str("."))
	}
	b.p.Sys(unix.SYS_CHDIR, "chdir", b.p.Str("/"))
	if j.Keep {
		b.hook(p)
	} else {
		b.process(p)
	}
	b.end()
	return &Result{Plan: b.p, Tail: b.tail}, nil
}

func (b *builder) process(p *specs.Process) {
	if p.Terminal {
		b.section("process.terminal", "", "open the root")
		b.p.Sys(unix.SYS_OPENAT, "openat", fdcwd(), b.p.Str("/"),
			plan.Flag(unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, "O_PATH|O_DIRECTORY|O_CLOEXEC")).To(b.root)
		master, slave, ptn := b.newTerminal(p)
		b.takeTerminal(master, slave, ptn)
	}
	b.identity(p, false)
	b.launch(p)
}

// hook executes a program of the runtime's administrator inside the container's namespaces.
func (b *builder) hook(p *specs.Process) {
	b.section("hooks", p.Args[0], "make a process group for the hook")
	b.p.Sys(unix.SYS_SETSID, "setsid")
	b.sync(SyncReady, "the runtime places the hook in its cgroup")
	b.tail = len(b.p.Steps)
	b.section("hooks", p.Args[0], "execute the hook")
	argv := plan.Ptr(b.p.StrArray(p.Args[1:]), argvText(p.Args[1:]))
	envp := plan.Ptr(b.p.StrArray(p.Env), "env")
	b.p.Sys(unix.SYS_EXECVE, "execve", b.p.Str(p.Args[0]), argv, envp)
}
