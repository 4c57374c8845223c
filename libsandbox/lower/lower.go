// Package lower turns a checked config.json and what is known of the host into the plan that a
// container's init runs. It is pure: no system calls, so that a plan can be printed and tested
// anywhere.
//
// The story of a container's birth, in the order of the plan:
//
//  1. inherited descriptors are marked, joined namespaces entered, new ones made
//  2. SyncSetup: the runtime places the process in its cgroup, writes maps, runs hooks
//  3. the mount tree is built below an empty base, each mount attached to a descriptor
//  4. devices, console, masks, read-only paths, sysctls
//  5. pivot_root, the old root is let go
//  6. session, terminal, groups, capabilities, ids, the program is looked up
//  7. SyncReady: the runtime writes its state
//  8. start is awaited on a FIFO (create) or comes at once (run), seccomp, execve
package lower

import (
	"syscall"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/plan"
	"golang.org/x/sys/unix"
)

// Sync points: what the init tells the runtime before it waits for its answer.
const (
	SyncPid     = 1  // a second process was forked; the value is its pid
	SyncMaps    = 2  // in a new user namespace: the runtime writes the maps
	SyncSetup   = 3  // namespaces exist: cgroup, oom score, devices, createRuntime hooks
	SyncRoot    = 4  // the mount tree is built: createContainer hooks
	SyncMaster  = 5  // the pty's master is handed over; the value is its number
	SyncSeccomp = 6  // the seccomp listener is handed over
	SyncReady   = 7  // everything is done but the program: rlimits, state
	SyncCopyUp  = 8  // a tmpfs to be filled is handed over; the value is its index in mounts
	SyncBinds   = 9  // bind mounts follow; the value is the index in mounts of the first
	SyncDevice  = 10 // a file that was there already is handed over; the value says for which device
)

// Source is where a bind mount comes from, opened by the runtime before the init exists.
type Source struct {
	FD  int  // inherited detached clone of it, or -1: the init opens the path itself
	Dir bool // what it is decides what a missing target is made as
}

// Hierarchy is one cgroup hierarchy of the host.
type Hierarchy struct {
	Name    string   // its folder below /sys/fs/cgroup, e.g. "cpu,cpuacct"; empty for pure v2
	Options []string // what fsconfig(2) selects it by, e.g. "cpu", "cpuacct"
	Links   []string // further names of it
	Path    string   // the container's own cgroup, on the host
	// ReadOnly: there is none of its own; Path is the runtime's.
	ReadOnly bool
}

// Facts is what the plan depends on besides config.json. The descriptors are those the init
// inherits; a number of -1 says that there is none.
type Facts struct {
	SockFD   int // the stage's socket
	RootFD   int // detached clone of the root file system, or -1: by RootPath
	StartFD  int // FIFO that start writes to, or -1: the answer to SyncReady is the start
	ResultFD int // FIFO that start reads from
	FirstFD  int // first descriptor that the program must not see: 3 + preserved ones
	EndFD    int // first descriptor that is nobody's

	RootPath      string
	NamespaceFDs  map[specs.LinuxNamespaceType]int
	Sources       map[int]Source // by index in mounts
	Hierarchies   []Hierarchy    // empty: no cgroup mounts possible
	CgroupTasks   []string       // v1: the files by which the process puts itself into its cgroup
	CgroupV2      bool           // there is only the unified hierarchy
	Rootless      bool           // the runtime has no privileges on the host
	InUserNS      bool           // the runtime is in a user namespace itself: no device node can be made
	DenySetgroups bool           // the user namespace does not allow setgroups(2)
	LastCap       int            // /proc/sys/kernel/cap_last_cap
	HeldCaps      uint64         // capabilities that the runtime holds; 0: all
	IgnoredSigs   []int          // signals that the runtime's caller ignores
	TimerSlack    time.Duration  // of the process, see ProcessConfig.TimerSlack; 0: as it is
	ChownStdio    []int          // standard streams to hand to the container's user
	Home          string         // home of process.user in the container, for an unset HOME
	Keyring       string         // name of the session keyring, or empty
	NoPivot       bool
	Env           []string // added to process.env
	Seccomp       *Filter
	TmpfsModes    map[int]uint32 // by index in mounts: the mode of the folder that a tmpfs covers
	IDMaps        map[int]int    // by index in mounts: the user namespace that maps a new file system
	InOrder       bool           // the runtime can clone the sources anew, see bindGroup
	ProcFD        int            // the host's /proc for security labels, or 0
}

// Filter is a compiled seccomp filter: sock_filter instructions and seccomp(2) flags.
type Filter struct {
	Program []byte
	Flags   uint32
	Notify  bool
}

// builder carries a plan under construction.
type builder struct {
	p     *plan.Plan
	spec  *specs.Spec
	facts *Facts
	later []func() // out-of-line code, emitted after the program

	sock, root, errfd       plan.Reg
	fs, mnt, dst, cur, proc plan.Reg
	fail, fsFail, exit      plan.Label
	textBuf                 uint32 // second part of a failure record
	how, howDir             plan.Arg
	retryReg                plan.Reg // 1 if process.cwd is to be tried again as the user
	based                   bool     // a base is on top of "/"
	detached                bool     // no mount namespace of its own: the tree is attached nowhere
	setUp                   bool     // SyncSetup is behind
	oldMask                 plan.Reg // the caller's umask
	tail                    int      // first step after start
	lateReadonly            []lateMount
}

// lateMount is a mount that becomes read-only when nothing more is made in it.
type lateMount struct {
	index int // of mounts[]
	fd    plan.Reg
}

// Result is a plan and what the runtime must know to follow it.
type Result struct {
	Plan *plan.Plan
	// Tail is the index of the first step that runs after start.
	Tail int
	// Cloneflags are the namespaces that the process must be born in.
	Cloneflags uintptr
	// Maps says that SyncMaps will come.
	Maps bool
}

// Init lowers the life of a container's init.
func Init(spec *specs.Spec, facts *Facts) (*Result, error) {
	b := newBuilder(spec, facts)
	ns, err := b.namespacePlan()
	if err != nil {
		return nil, err
	}
	b.begin()
	b.namespaces(ns)
	if err := b.rootfs(ns); err != nil {
		return nil, err
	}
	if err := b.enter(); err != nil {
		return nil, err
	}
	b.identity(spec.Process, true)
	b.launch(spec.Process)
	b.end()
	return &Result{Plan: b.p, Tail: b.tail, Cloneflags: ns.clone, Maps: ns.newUser}, nil
}

func newBuilder(spec *specs.Spec, facts *Facts) *builder {
	p := plan.New()
	b := &builder{p: p, spec: spec, facts: facts}
	b.sock = p.FD("socket", facts.SockFD)
	b.errfd = p.FD("report", facts.SockFD)
	b.root = p.FD("root", facts.RootFD)
	b.fs, b.mnt, b.dst = p.Reg("fs"), p.Reg("mnt"), p.Reg("target")
	b.cur, b.proc = p.Reg("dir"), p.Reg("proc")
	b.fail, b.fsFail, b.exit = p.NewLabel(), p.NewLabel(), p.NewLabel()
	p.OnFail(b.fail)
	const inRoot = unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS
	b.how = plan.Ptr(p.Words(unix.O_PATH|unix.O_CLOEXEC, 0, inRoot),
		"{O_PATH, RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS}")
	b.howDir = plan.Ptr(p.Words(unix.O_PATH|unix.O_CLOEXEC|unix.O_DIRECTORY, 0, inRoot),
		"{O_PATH|O_DIRECTORY, RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS}")
	b.textBuf = p.Zero(512)
	return b
}

func (b *builder) section(field, detail, title string) { b.p.Section(field, detail, title) }

// begin makes the process independent of what it inherited.
func (b *builder) begin() {
	f := b.facts
	b.section("", "", "take over from the runtime")
	b.p.Sys(unix.SYS_CLOSE_RANGE, "close_range", plan.Int(int64(f.EndFD)), plan.Flag(-1, "~0"), plan.Int(0))
	b.p.Sys(unix.SYS_CLOSE_RANGE, "close_range", plan.Int(int64(f.FirstFD)), plan.Flag(-1, "~0"),
		plan.Flag(unix.CLOSE_RANGE_CLOEXEC, "CLOSE_RANGE_CLOEXEC"))
	b.resetSignals()
	if f.TimerSlack > 0 {
		b.p.Sys(unix.SYS_PRCTL, "prctl", plan.Flag(unix.PR_SET_TIMERSLACK, "PR_SET_TIMERSLACK"), plan.Int(int64(f.TimerSlack)))
	}
}

// resetSignals undoes what execve(2) does not: ignored signals stay ignored, the mask stays.
func (b *builder) resetSignals() {
	set := b.p.Words(0)
	b.p.Sys(unix.SYS_RT_SIGPROCMASK, "rt_sigprocmask", plan.Flag(2, "SIG_SETMASK"),
		plan.Ptr(set, "[]"), plan.Int(0), plan.Int(8))
	if len(b.facts.IgnoredSigs) == 0 {
		return
	}
	dfl := b.p.Zero(32) // struct sigaction: SIG_DFL, no flags
	for _, s := range b.facts.IgnoredSigs {
		b.p.Sys(unix.SYS_RT_SIGACTION, "rt_sigaction", plan.Flag(int64(s), unix.SignalName(syscall.Signal(s))),
			plan.Ptr(dfl, "SIG_DFL"), plan.Int(0), plan.Int(8))
	}
}

// sync tells the runtime that point id is reached and waits for its answer. If the runtime is
// gone, the process ends: there is no orphan.
func (b *builder) sync(id uint64, title string, value ...plan.Arg) {
	b.section("", "", title)
	b.tell(id, value...)
	b.await()
}

func (b *builder) tell(id uint64, value ...plan.Arg) {
	msg := b.p.Words(id, 0)
	if len(value) > 0 {
		b.p.Sys(plan.Move, "set", value[0]).ToAddr(msg+8, "message.value")
	}
	b.p.Sys(unix.SYS_WRITE, "write", b.sock.Val(), plan.Ptr(msg, "message"), plan.Int(16)).
		On(b.exit, syscall.EPIPE, syscall.ECONNRESET)
}

func (b *builder) await() {
	b.p.Sys(unix.SYS_READ, "read", b.sock.Val(), plan.Ptr(b.ack(), "answer"), plan.Int(8)).
		IfZero(b.exit).On(b.exit, plan.AnyErrno)
}

func (b *builder) ack() uint32 { return b.p.Zero(8) }

// sendFD hands descriptor fd to the runtime together with a sync message (unix(7), SCM_RIGHTS).
func (b *builder) sendFD(id uint64, title string, fd plan.Reg, value plan.Arg) {
	b.section("", "", title)
	msg := b.p.Words(id, 0)
	b.p.Sys(plan.Move, "set", value).ToAddr(msg+8, "message.value")
	iov := b.p.Words(uint64(msg), 16)
	// cmsghdr: length 20, SOL_SOCKET, SCM_RIGHTS, one int; the 8-byte store of its value fills
	// the int (little-endian) and its padding.
	cmsg := b.p.Words(20, unix.SOL_SOCKET|unix.SCM_RIGHTS<<32, 0)
	b.p.Sys(plan.Move, "set", fd.Val()).ToAddr(cmsg+16, "message.fd")
	hdr := b.p.Words(0, 0, uint64(iov), 1, uint64(cmsg), 24, 0)
	b.p.Sys(unix.SYS_SENDMSG, "sendmsg", b.sock.Val(), plan.Ptr(hdr, "message"), plan.Int(0)).
		On(b.exit, syscall.EPIPE, syscall.ECONNRESET)
	b.await()
}

// receiveFD takes a descriptor that the runtime sends (unix(7), SCM_RIGHTS).
func (b *builder) receiveFD(to plan.Reg) {
	iov := b.p.Words(uint64(b.ack()), 8)
	// cmsghdr and one int; the bytes after the int stay zero, so that 8 bytes can be loaded.
	cmsg := b.p.Words(0, 0, 0)
	hdr := b.p.Words(0, 0, uint64(iov), 1, uint64(cmsg), 24, 0)
	b.p.Sys(unix.SYS_RECVMSG, "recvmsg", b.sock.Val(), plan.Ptr(hdr, "message"),
		plan.Flag(unix.MSG_CMSG_CLOEXEC, "MSG_CMSG_CLOEXEC")).IfZero(b.exit).On(b.exit, syscall.ECONNRESET)
	b.p.Move(to, plan.Load(cmsg+16, "message.fd"))
}

// end emits what lies beside the straight path: handlers of rare cases and of errors.
func (b *builder) end() {
	for len(b.later) > 0 {
		list := b.later
		b.later = nil
		for _, f := range list {
			f()
		}
	}
	iov := b.p.Words(uint64(plan.RecordAddr()), plan.RecordSize, uint64(b.textBuf), 0)
	b.section("", "", "report an error of a file system, with the kernel's own text")
	b.p.Place(b.fsFail)
	b.p.Sys(unix.SYS_READ, "read", b.fs.Val(), plan.Ptr(b.textBuf, "text"), plan.Int(512)).
		ToAddr(iov+24, "text.length").On(b.fail, plan.AnyErrno)
	b.section("", "", "report an error and end")
	b.p.Place(b.fail)
	b.p.Sys(unix.SYS_WRITEV, "writev", b.errfd.Val(), plan.Ptr(iov, "record"), plan.Int(2)).
		On(b.exit, plan.AnyErrno)
	b.p.Place(b.exit)
	b.p.Sys(unix.SYS_EXIT_GROUP, "exit_group", plan.Int(1))
}

func (b *builder) close(r plan.Reg) { b.p.Sys(unix.SYS_CLOSE, "close", r.Val()) }

// fdcwd is AT_FDCWD.
func fdcwd() plan.Arg { return plan.Flag(unix.AT_FDCWD, "AT_FDCWD") }

// Holder is the plan of a process that only holds its namespaces until it is killed or the
// runtime is gone. Its socket is descriptor 0.
func Holder() *plan.Plan {
	b := newBuilder(&specs.Spec{}, &Facts{})
	b.section("", "", "hold the namespaces")
	b.await()
	b.end()
	return b.p
}
