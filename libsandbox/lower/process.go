// A sandboxed process: like a container's init, but without a bundle, a state folder or a start
// FIFO. It may have a root that is made of nothing, and it may have a tiny init of its own.

package lower

import (
	"fmt"
	"path"
	"syscall"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/plan"
	"github.com/sandbox-runtime/sandbox-runtime/specconv"
	"golang.org/x/sys/unix"
)

// Sync points of a sandboxed process, besides SyncPid, SyncMaps and SyncSetup.
const (
	SyncRunning  = 16 // the program was executed; its pidfd is handed over
	SyncExit     = 17 // the program has ended; the value is its wait status
	SyncListener = 18 // the seccomp listener is handed over; no answer is expected
)

// Sandbox is what a sandboxed process has that config.json cannot say.
type Sandbox struct {
	// Program is the path of the program in the sandbox; argv[0] may differ.
	Program string
	// EmptyRoot makes the root an empty tmpfs instead of the folder root.path.
	EmptyRoot bool
	// RootOverlays put a layer for writes over root.path: one whose Dest is "/", or, with EmptyRoot,
	// one for each folder in it.
	RootOverlays []Overlay
	// Overlays are mounted after mounts.
	Overlays []Overlay
	// Links are symbolic links made in the root: target, path.
	Links [][2]string
	// Join asks for SyncSetup, at which the process can be moved into a cgroup.
	Join bool
	// Landlock, where set, is applied just before the seccomp filter.
	Landlock *Landlock
}

// Process lowers the life of a sandboxed process:
//
//  1. inherited descriptors are marked; a user namespace is made (not by clone flags: with them Go
//     could not use vfork(2), and the start of a sandbox would take time in proportion to the
//     caller's memory); the runtime writes its maps while the other namespaces are made
//  2. the process waits for the maps; in a new PID namespace from here on a second process
//  3. SyncSetup: the runtime places the process in its cgroup
//  4. the mount tree, pivot_root
//  5. session, rlimits, working directory, groups, ids, capabilities
//  6. in a new PID namespace the program becomes a child, its parent stays as init: it reaps
//     orphans, tells the runtime the program's end, and ends everything when the runtime dies
//  7. landlock, seccomp, execve
func Process(spec *specs.Spec, facts *Facts, s *Sandbox) (*Result, error) {
	b := newBuilder(spec, facts)
	made := map[specs.LinuxNamespaceType]bool{}
	for _, n := range spec.Linux.Namespaces {
		made[n.Type] = true
	}
	ns := &nsPlan{made: made, all: made}
	b.begin()
	b.sandboxNamespaces(ns, s)
	if made[specs.MountNamespace] {
		if err := b.sandboxRoot(ns, s); err != nil {
			return nil, err
		}
	} else {
		b.section("process.cwd", "", "resolve it from the root")
		b.p.Sys(unix.SYS_CHDIR, "chdir", b.p.Str("/"))
	}
	if made[specs.UTSNamespace] {
		b.hostname()
	}
	rules := b.landlockRules(s.Landlock)
	if err := b.rlimitSteps(false); err != nil {
		return nil, err
	}
	b.identity(spec.Process, true)
	b.sandboxLaunch(ns, s, rules)
	b.end()
	return &Result{Plan: b.p, Tail: b.tail, Cloneflags: ns.clone, Maps: ns.newUser}, nil
}

func (b *builder) sandboxNamespaces(ns *nsPlan, s *Sandbox) {
	if ns.made[specs.UserNamespace] {
		ns.newUser = true
		b.section("linux.namespaces", "user", "make the user namespace")
		b.p.Sys(unix.SYS_UNSHARE, "unshare", plan.Flag(unix.CLONE_NEWUSER, "CLONE_NEWUSER"))
		b.section("", "", "ask the runtime to write the maps of the user namespace")
		b.tell(SyncMaps)
	}
	// The capabilities in the new user namespace are there without its maps, so the slow part, the network
	// namespace, is made while the runtime writes them.
	if ns.made[specs.PIDNamespace] {
		if ns.newUser {
			b.unshare(ns, specs.PIDNamespace)
		} else {
			ns.clone |= unix.CLONE_NEWPID
		}
	}
	b.unshare(ns, specs.MountNamespace, specs.UTSNamespace, specs.IPCNamespace, specs.TimeNamespace)
	b.unshare(ns, specs.NetworkNamespace)
	if ns.made[specs.NetworkNamespace] {
		b.loopbackUp("linux.namespaces")
	}
	if ns.newUser {
		b.section("", "", "wait for the maps")
		b.await()
		u := &b.spec.Process.User
		b.section("process.user", "", "take on ids of the user namespace")
		uid, gid := plan.Int(int64(int32(u.UID))), plan.Int(int64(int32(u.GID)))
		b.p.Sys(unix.SYS_SETRESGID, "setresgid", gid, gid, gid)
		b.p.Sys(unix.SYS_SETRESUID, "setresuid", uid, uid, uid)
	}
	if ns.made[specs.PIDNamespace] && ns.newUser {
		b.firstOfPIDs()
	}
	if s.Join {
		b.sync(SyncSetup, "the runtime places the process in its cgroup")
	}
	b.section("", "", "hide from ptrace and /proc while host descriptors are open")
	b.prctl(unix.PR_SET_DUMPABLE, "PR_SET_DUMPABLE", plan.Int(0))
	if ns.made[specs.TimeNamespace] {
		b.enterTime("linux.namespaces")
	}
	b.unshare(ns, specs.CgroupNamespace)
}

// firstOfPIDs goes on in the first process of the PID namespace, a child of the runtime too (CLONE_PARENT). It
// makes itself known by a message: the kernel adds the pid that it has for the runtime (unix(7),
// SCM_CREDENTIALS). Nobody waits for an answer: messages of one process arrive in order.
func (b *builder) firstOfPIDs() {
	child := b.p.NewLabel()
	b.section("linux.namespaces", "pid", "go on in the first process of the PID namespace")
	b.p.Sys(unix.SYS_CLONE, "clone", plan.Flag(unix.CLONE_PARENT|int64(unix.SIGCHLD), "CLONE_PARENT|SIGCHLD"),
		plan.Int(0), plan.Int(0), plan.Int(0), plan.Int(0)).IfZero(child)
	b.p.Sys(unix.SYS_EXIT_GROUP, "exit_group", plan.Int(0))
	b.p.Place(child)
	b.tell(SyncPid)
	// execve(2) of a descriptor has named it by the number.
	b.p.Sys(unix.SYS_PRCTL, "prctl", plan.Flag(unix.PR_SET_NAME, "PR_SET_NAME"), b.p.Str("sandbox-init"), plan.Int(0), plan.Int(0), plan.Int(0))
}

// sandboxRoot builds the mount tree and enters it.
func (b *builder) sandboxRoot(ns *nsPlan, s *Sandbox) error {
	b.section("root.path", "", "keep our mounts from the host")
	b.propagate("/", unix.MS_SLAVE, true)
	b.p.Sys(unix.SYS_UMASK, "umask", plan.Int(0))
	// Our "/" is a slave now, which is all that pivot_root(2) asks of the root's parent. Without a base on
	// top of it there is one mount less to undo, which costs an RCU grace period each.
	masked := len(b.spec.Linux.MaskedPaths) > 0
	var base plan.Reg
	if masked {
		base = b.base()
	}
	roots, overlays := b.overlays(s.RootOverlays), b.overlays(s.Overlays)
	switch {
	case s.EmptyRoot:
		b.section("root.path", "", "make an empty root file system")
		b.tmpfs(0, 0o755, b.root)
		b.onSlash(b.root)
	case len(roots) > 0:
		b.p.Move(b.root, roots[0].Val())
		b.onSlash(b.root)
	default:
		b.openRoot(0)
	}
	if len(s.Links) > 0 {
		b.section("mounts", "", "make the links of the root")
	}
	for _, l := range s.Links {
		if dir := path.Dir(l[1]); dir != "/" {
			b.target(dir, true)
			b.close(b.dst)
		}
		st := b.p.Sys(unix.SYS_SYMLINKAT, "symlinkat", b.p.Str(l[0]), b.root.Val(), b.p.Str(rel(l[1])))
		b.p.Ignore(st, syscall.EEXIST)
	}
	for i := range roots {
		if s.EmptyRoot {
			b.attachOverlay(&s.RootOverlays[i], roots[i])
		}
	}
	for i := range b.spec.Mounts {
		if err := b.mount(i, ns); err != nil {
			return err
		}
	}
	for i := range s.Overlays {
		b.attachOverlay(&s.Overlays[i], overlays[i])
	}
	if mounted, _ := b.devMount(); mounted {
		b.devices()
	}
	b.console()
	b.readonlyPaths()
	if masked {
		b.maskedPaths(base)
		b.close(base)
	}
	if b.spec.Root.Readonly {
		b.section("root.readonly", "", "make the root file system read-only")
		b.setattr(b.root, false, mountAttr{set: unix.MOUNT_ATTR_RDONLY})
	}
	b.section("root.path", b.spec.Root.Path, "enter the root file system")
	b.pivot(0)
	b.p.Sys(unix.SYS_CHDIR, "chdir", b.p.Str("/"))
	return nil
}

// rlimitSteps sets process.rlimits: RLIMIT_NPROC if last is set, the others if not. The number
// of processes is limited last, because the init needs one more than the program is allowed.
func (b *builder) rlimitSteps(last bool) error {
	for i := range b.spec.Process.Rlimits {
		l := &b.spec.Process.Rlimits[i]
		n := specconv.RlimitNumber(l.Type)
		if n < 0 {
			return errdetail.New(fmt.Sprintf("process.rlimits[%d].type", i), "unknown limit %q", l.Type)
		}
		if (n == unix.RLIMIT_NPROC) != last {
			continue
		}
		b.section(index("process.rlimits", i), l.Type, fmt.Sprintf("set it to %d:%d", l.Soft, l.Hard))
		b.p.Sys(unix.SYS_PRLIMIT64, "prlimit64", plan.Int(0), plan.Flag(int64(n), l.Type),
			plan.Ptr(b.p.Words(l.Soft, l.Hard), fmt.Sprintf("{%d, %d}", l.Soft, l.Hard)), plan.Int(0))
	}
	return nil
}
