// The end of a sandboxed process's plan: the program, and beside it the init of its PID namespace.

package lower

import (
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/plan"
	"golang.org/x/sys/unix"
)

// sandboxLaunch executes the program, in a PID namespace as a child of the init.
func (b *builder) sandboxLaunch(ns *nsPlan, s *Sandbox, rules plan.Reg) {
	if !ns.made[specs.PIDNamespace] {
		b.tail = len(b.p.Steps)
		b.sandboxExec(s, rules, nil)
		return
	}
	b.section("", "", "start the program beside its init")
	signals := b.p.Reg("signals")
	set := plan.Ptr(b.p.Words(1<<(uint(unix.SIGCHLD)-1)), "[CHLD]")
	b.p.Sys(unix.SYS_RT_SIGPROCMASK, "rt_sigprocmask", plan.Flag(0, "SIG_BLOCK"), set, plan.Int(0), plan.Int(8))
	b.p.Sys(unix.SYS_SIGNALFD4, "signalfd4", plan.Int(-1), set, plan.Int(8),
		plan.Flag(unix.SFD_CLOEXEC|unix.SFD_NONBLOCK, "SFD_CLOEXEC|SFD_NONBLOCK")).To(signals)
	flags, text := int64(unix.CLONE_VFORK|unix.CLONE_PIDFD)|int64(unix.SIGCHLD), "CLONE_VFORK|CLONE_PIDFD|SIGCHLD"
	var relay *relay
	if f := b.facts.Seccomp; f != nil && f.Notify {
		relay = b.relay()
		flags, text = flags|unix.CLONE_FILES, "CLONE_FILES|"+text
	}
	pid, pidfd := b.p.Reg("pid"), b.p.Reg("pidfd")
	child := b.p.NewLabel()
	// The init goes on when the child has executed the program or has ended (CLONE_VFORK). It
	// does not share memory with it: the child's registers are its own.
	b.p.Sys(unix.SYS_CLONE, "clone", plan.Flag(flags, text), plan.Int(0), pidfd.Ptr(), plan.Int(0), plan.Int(0)).
		To(pid).IfZero(child)
	b.tellRunning(pidfd)
	b.reap(signals, pid)
	b.p.Place(child)
	b.tail = len(b.p.Steps)
	b.section("", "", "be the program's process")
	b.p.Sys(unix.SYS_RT_SIGPROCMASK, "rt_sigprocmask", plan.Flag(2, "SIG_SETMASK"),
		plan.Ptr(b.p.Words(0), "[]"), plan.Int(0), plan.Int(8))
	b.sandboxExec(s, rules, relay)
}

// sandboxExec is what is left for the program's own process to do.
func (b *builder) sandboxExec(s *Sandbox, rules plan.Reg, r *relay) {
	p := b.spec.Process
	_ = b.rlimitSteps(true) // the names have been checked by the first call
	b.restrict(s.Landlock, rules)
	if f := b.facts.Seccomp; f != nil {
		b.section("linux.seccomp", "", "load the seccomp filter")
		if r != nil {
			b.tellListener(r)
		}
		prog := b.p.Words(uint64(len(f.Program)/8), uint64(b.p.Bytes(f.Program)))
		b.p.Sys(unix.SYS_SECCOMP, "seccomp", plan.Flag(unix.SECCOMP_SET_MODE_FILTER, "SECCOMP_SET_MODE_FILTER"),
			plan.Flag(int64(f.Flags), hex(uint64(f.Flags))), plan.Ptr(prog, itoa(int64(len(f.Program)/8))+" instructions"))
	}
	b.section("process.args[0]", p.Args[0], "execute the program")
	argv := plan.Ptr(b.p.StrArray(p.Args), argvText(p.Args))
	envp := plan.Ptr(b.p.StrArray(p.Env), "process.env")
	b.p.Sys(unix.SYS_EXECVE, "execve", b.p.Str(s.Program), argv, envp)
}

// tellRunning hands the program's pidfd to the runtime. If the program could not be executed,
// the record of that is on its way already. Nothing is reaped before the runtime has answered:
// it learns the program's pid by the pidfd, which has none once its process is reaped.
func (b *builder) tellRunning(pidfd plan.Reg) {
	b.sendFD(SyncRunning, "tell the runtime that the program runs", pidfd, plan.Int(0))
	b.close(pidfd)
}

// sendNoWait is sendFD without waiting for an answer; where nobody is there for it, it goes on at failed.
func (b *builder) sendNoWait(id uint64, fd plan.Reg, failed plan.Label) {
	msg := b.p.Words(id, 0)
	iov := b.p.Words(uint64(msg), 16)
	cmsg := b.p.Words(20, unix.SOL_SOCKET|unix.SCM_RIGHTS<<32, 0)
	b.p.Sys(plan.Move, "set", fd.Val()).ToAddr(cmsg+16, "message.fd")
	hdr := b.p.Words(0, 0, uint64(iov), 1, uint64(cmsg), 24, 0)
	b.p.Sys(unix.SYS_SENDMSG, "sendmsg", b.sock.Val(), plan.Ptr(hdr, "message"),
		plan.Flag(unix.MSG_NOSIGNAL, "MSG_NOSIGNAL")).On(failed, plan.AnyErrno)
}

// reap is the life of the init: it sleeps until a child has ended or the runtime is gone.
func (b *builder) reap(signals, pid plan.Reg) {
	b.section("", "", "be the init: reap orphans, report the program's end")
	// struct pollfd: fd, events, revents. The socket comes last, so that the 8 bytes that begin
	// with its revents are otherwise zero.
	fds := b.p.Words(0, 0, 0)
	// Each store is 8 bytes wide and covers what follows: hence this order.
	b.p.Sys(plan.Move, "set", signals.Val()).ToAddr(fds, "poll[0].fd")
	b.p.Sys(plan.Move, "set", plan.Flag(unix.POLLIN, "POLLIN")).ToAddr(fds+4, "poll[0].events")
	b.p.Sys(plan.Move, "set", b.sock.Val()).ToAddr(fds+8, "poll[1].fd")

	info, status, usage := b.p.Zero(128), b.p.Words(0), b.p.Zero(144)
	test := b.p.Reg("test")
	wait, ended := b.p.Here(), b.p.NewLabel()
	b.p.Sys(unix.SYS_PPOLL, "ppoll", plan.Ptr(fds, "[signals, socket]"), plan.Int(2), plan.Int(0), plan.Int(0), plan.Int(0))
	b.p.Move(test, plan.Load(fds+14, "poll[1].revents")).IfZero(ended)
	b.p.Goto(b.exit)
	b.p.Place(ended)
	buf := b.p.Zero(128)
	st := b.p.Sys(unix.SYS_READ, "read", signals.Val(), plan.Ptr(buf, "signal"), plan.Int(128))
	b.p.Ignore(st, unix.EAGAIN)
	again := b.p.Here()
	const peek = unix.WEXITED | unix.WNOHANG | unix.WNOWAIT
	b.p.Sys(unix.SYS_WAITID, "waitid", plan.Flag(unix.P_ALL, "P_ALL"), plan.Int(0), plan.Ptr(info, "info"),
		plan.Flag(peek, "WEXITED|WNOHANG|WNOWAIT"), plan.Int(0))
	b.p.Move(test, plan.Load(info+16, "info.si_pid")).IfZero(wait)
	orphan := b.p.NewLabel()
	b.p.Sys(unix.SYS_WAIT4, "wait4", pid.Val(), plan.Ptr(status, "status"), plan.Flag(unix.WNOHANG, "WNOHANG"),
		plan.Ptr(usage, "usage")).IfZero(orphan)
	msg := b.p.Words(SyncExit, 0)
	b.p.Sys(plan.Move, "set", plan.Load(status, "status")).ToAddr(msg+8, "message.value")
	b.p.Sys(unix.SYS_WRITE, "write", b.sock.Val(), plan.Ptr(msg, "message"), plan.Int(16)).On(b.exit, plan.AnyErrno)
	b.p.Goto(b.exit)
	b.p.Place(orphan)
	// What was seen first cannot be the program: that had not ended afterwards.
	b.p.Sys(unix.SYS_WAITID, "waitid", plan.Flag(unix.P_PID, "P_PID"), plan.Load(info+16, "info.si_pid"), plan.Int(0),
		plan.Flag(unix.WEXITED|unix.WNOHANG, "WEXITED|WNOHANG"), plan.Int(0))
	b.p.Goto(again)
}

// relay is the process that hands the seccomp listener to the runtime. The program's process
// could not: whatever call it makes by then, the filter may forbid or hold it. So it says beforehand
// which descriptor the listener will be, and the relay, which shares its descriptors until execve(2),
// waits for that to exist.
type relay struct {
	listener plan.Reg // in the program's process
	in       plan.Arg // the pipe that tells the listener's number
}

// tellListener finds the lowest free descriptor, which the listener will be: nobody else who shares the
// descriptors makes one now.
func (b *builder) tellListener(r *relay) {
	b.p.Sys(unix.SYS_FCNTL, "fcntl", b.sock.Val(), plan.Flag(unix.F_DUPFD_CLOEXEC, "F_DUPFD_CLOEXEC"), plan.Int(0)).To(r.listener)
	b.close(r.listener)
	b.p.Sys(unix.SYS_WRITE, "write", r.in, r.listener.Ptr(), plan.Int(8))
}

func (b *builder) relay() *relay {
	b.section("linux.seccomp", "", "start a process that hands over the seccomp listener")
	pipe := b.p.Words(0, 0)
	b.p.Sys(unix.SYS_PIPE2, "pipe2", plan.Ptr(pipe, "pipe"), plan.Flag(unix.O_CLOEXEC, "O_CLOEXEC"))
	r := &relay{listener: b.p.Reg("listener"), in: plan.Load(pipe+4, "pipe[1]")}
	rest := b.p.NewLabel()
	child, pid := b.p.NewLabel(), b.p.Reg("relay")
	b.p.Sys(unix.SYS_CLONE, "clone", plan.Flag(unix.CLONE_FILES|int64(unix.SIGCHLD), "CLONE_FILES|SIGCHLD"),
		plan.Int(0), plan.Int(0), plan.Int(0), plan.Int(0)).To(pid).IfZero(child)
	b.p.Goto(rest)
	b.p.Place(child)
	fd := b.p.Reg("listener")
	b.p.Sys(unix.SYS_READ, "read", plan.Load(pipe, "pipe[0]"), fd.Ptr(), plan.Int(8))
	look, wait, release := b.p.NewLabel(), b.p.NewLabel(), b.p.NewLabel()
	b.p.Goto(look)
	b.p.Place(wait)
	nap := b.p.Words(0, 50_000) // ns; about what the kernel takes to check the filter
	b.p.Ignore(b.p.Sys(unix.SYS_NANOSLEEP, "nanosleep", plan.Ptr(nap, "{0, 50000}"), plan.Int(0)), unix.EINTR)
	b.p.Place(look)
	b.p.Sys(unix.SYS_FCNTL, "fcntl", fd.Val(), plan.Flag(unix.F_GETFD, "F_GETFD"), plan.Int(0)).On(wait, unix.EBADF)
	b.sendNoWait(SyncListener, fd, release)
	b.p.Place(release)
	// While anybody but the runtime holds it, a call that waits for an answer waits for ever once the runtime
	// is dead.
	b.close(fd)
	b.p.Goto(b.exit)
	b.p.Place(rest)
	return r
}
