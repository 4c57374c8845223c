// linux.namespaces: which are joined, which the process is born in, which it makes itself.

package lower

import (
	"encoding/binary"
	"fmt"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/plan"
	"golang.org/x/sys/unix"
)

// nsPlan is linux.namespaces sorted by how each is reached.
type nsPlan struct {
	field   map[specs.LinuxNamespaceType]string
	joined  []specs.LinuxNamespaceType // by setns(2), in this order
	clone   uintptr                    // at birth
	newUser bool
	fork    bool // a PID namespace in a joined user namespace needs a second process
	joinPid bool // which joins it, not the first of a new one
	made    map[specs.LinuxNamespaceType]bool
	all     map[specs.LinuxNamespaceType]bool
}

// joinOrder: with privileges on the host, a namespace is joined by them, and the user namespace
// last, because it takes them away. Without, the user namespace is what gives the right.
var joinOrder = [...]specs.LinuxNamespaceType{
	specs.UserNamespace, specs.IPCNamespace, specs.UTSNamespace, specs.NetworkNamespace, specs.CgroupNamespace,
	specs.TimeNamespace, specs.MountNamespace, specs.UserNamespace,
}

// nsFlag is the CLONE_NEW* flag of a namespace type and its text.
func nsFlag(t specs.LinuxNamespaceType) (uintptr, string) {
	switch t {
	case specs.PIDNamespace:
		return unix.CLONE_NEWPID, "CLONE_NEWPID"
	case specs.NetworkNamespace:
		return unix.CLONE_NEWNET, "CLONE_NEWNET"
	case specs.MountNamespace:
		return unix.CLONE_NEWNS, "CLONE_NEWNS"
	case specs.IPCNamespace:
		return unix.CLONE_NEWIPC, "CLONE_NEWIPC"
	case specs.UTSNamespace:
		return unix.CLONE_NEWUTS, "CLONE_NEWUTS"
	case specs.UserNamespace:
		return unix.CLONE_NEWUSER, "CLONE_NEWUSER"
	case specs.CgroupNamespace:
		return unix.CLONE_NEWCGROUP, "CLONE_NEWCGROUP"
	case specs.TimeNamespace:
		return unix.CLONE_NEWTIME, "CLONE_NEWTIME"
	}
	return 0, ""
}

// NamespaceFlag is the CLONE_NEW* flag of a namespace type, 0 for an unknown one.
func NamespaceFlag(t specs.LinuxNamespaceType) uintptr {
	f, _ := nsFlag(t)
	return f
}

func (b *builder) namespacePlan() (*nsPlan, error) {
	ns := &nsPlan{
		field: map[specs.LinuxNamespaceType]string{},
		made:  map[specs.LinuxNamespaceType]bool{},
		all:   map[specs.LinuxNamespaceType]bool{},
	}
	byPath := map[specs.LinuxNamespaceType]bool{}
	for i, n := range b.spec.Linux.Namespaces {
		field := fmt.Sprintf("linux.namespaces[%d]", i)
		if f, _ := nsFlag(n.Type); f == 0 {
			return nil, errdetail.New(field+".type", "unknown namespace type %q", n.Type)
		}
		ns.field[n.Type], ns.all[n.Type] = field, true
		if n.Path != "" {
			byPath[n.Type] = true
		} else {
			ns.made[n.Type] = true
		}
	}
	b.detached = !ns.made[specs.MountNamespace]
	for i, t := range joinOrder {
		if t == specs.UserNamespace && (i == 0) != b.facts.Rootless {
			continue
		}
		if byPath[t] {
			ns.joined = append(ns.joined, t)
		}
	}
	if ns.made[specs.UserNamespace] {
		ns.newUser = true
		ns.clone |= unix.CLONE_NEWUSER
	}
	if ns.made[specs.PIDNamespace] {
		// The PID namespace must belong to the container's user namespace, or its procfs
		// cannot be mounted there (proc(5)).
		if byPath[specs.UserNamespace] {
			ns.fork = true
		} else {
			ns.clone |= unix.CLONE_NEWPID
		}
	}
	if JoinsPidInside(b.facts) {
		ns.fork, ns.joinPid = true, true
	}
	return ns, nil
}

// JoinsPidInside says that the init joins the PID namespace itself, by a second fork: without
// privileges only the user namespace, joined before, gives the right to it. Otherwise the runtime
// joins it before the init is born.
func JoinsPidInside(f *Facts) bool {
	_, user := f.NamespaceFDs[specs.UserNamespace]
	_, pid := f.NamespaceFDs[specs.PIDNamespace]
	return f.Rootless && user && pid
}

// namespaces joins and makes them. The cgroup namespace comes after SyncSetup: its root is the
// cgroup that the process is in at that moment (cgroup_namespaces(7)).
func (b *builder) namespaces(ns *nsPlan) {
	for _, t := range ns.joined {
		flag, text := nsFlag(t)
		b.section(ns.field[t], string(t), "join the "+string(t)+" namespace")
		b.p.Sys(unix.SYS_SETNS, "setns", plan.Int(int64(b.facts.NamespaceFDs[t])), plan.Flag(int64(flag), text))
		if t == specs.UserNamespace {
			b.becomeRoot()
		}
	}
	if ns.newUser {
		b.sync(SyncMaps, "the runtime writes the maps of the user namespace")
		b.becomeRoot()
	}
	switch {
	case ns.joinPid:
		b.section(ns.field[specs.PIDNamespace], "pid", "join the PID namespace with a second process")
		b.p.Sys(unix.SYS_SETNS, "setns", plan.Int(int64(b.facts.NamespaceFDs[specs.PIDNamespace])),
			plan.Flag(unix.CLONE_NEWPID, "CLONE_NEWPID"))
		b.forkSibling()
	case ns.fork:
		b.secondProcess(ns.field[specs.PIDNamespace])
	}
	b.unshare(ns, specs.MountNamespace, specs.UTSNamespace, specs.IPCNamespace, specs.TimeNamespace)
	b.unshare(ns, specs.NetworkNamespace)
	if ns.made[specs.NetworkNamespace] {
		b.loopbackUp(ns.field[specs.NetworkNamespace])
	}
}

// setup waits for the runtime's share of the work. It comes as late as possible, before the first
// thing that depends on the cgroup, so that both work side by side until then.
func (b *builder) setup(ns *nsPlan) {
	if b.setUp {
		return
	}
	b.setUp = true
	b.sync(SyncSetup, "the runtime places the process in its cgroup and runs createRuntime hooks")
	// Not before here: an unprivileged runtime could not have written the maps.
	b.section("", "", "hide from ptrace and /proc while host descriptors are open")
	b.p.Sys(unix.SYS_PRCTL, "prctl", plan.Flag(unix.PR_SET_DUMPABLE, "PR_SET_DUMPABLE"), plan.Int(0))
	if ns.made[specs.TimeNamespace] {
		b.enterTime(ns.field[specs.TimeNamespace])
	}
	b.joinCgroups()
	b.unshare(ns, specs.CgroupNamespace)
}

// joinCgroups: a process that writes 0 to tasks moves only itself, for which the kernel does not
// take its lock on all thread groups; to take that costs an RCU grace period, up to 14 ms.
func (b *builder) joinCgroups() {
	if len(b.facts.CgroupTasks) == 0 {
		return
	}
	fd := b.p.Reg("tasks")
	b.section("linux.cgroupsPath", b.spec.Linux.CgroupsPath, "enter the cgroups")
	for _, path := range b.facts.CgroupTasks {
		b.p.Sys(unix.SYS_OPENAT, "openat", fdcwd(), b.p.Str(path), plan.Flag(unix.O_WRONLY|unix.O_CLOEXEC, "O_WRONLY|O_CLOEXEC")).To(fd)
		b.p.Sys(unix.SYS_WRITE, "write", fd.Val(), b.p.Str("0"), plan.Int(1))
		b.close(fd)
	}
}

// loopbackUp: a new network namespace has only lo, down (netdevice(7)).
func (b *builder) loopbackUp(field string) {
	const ifreqSize = 40
	req := make([]byte, ifreqSize)
	copy(req, "lo")
	binary.LittleEndian.PutUint16(req[unix.IFNAMSIZ:], unix.IFF_UP|unix.IFF_RUNNING)
	fd := b.p.Reg("socket")
	b.section(field, "network", "bring lo up")
	b.p.Sys(unix.SYS_SOCKET, "socket", plan.Flag(unix.AF_INET, "AF_INET"),
		plan.Flag(unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, "SOCK_DGRAM|SOCK_CLOEXEC"), plan.Int(0)).To(fd)
	b.ioctl(fd, unix.SIOCSIFFLAGS, "SIOCSIFFLAGS", plan.Ptr(b.p.Bytes(req), "{lo, IFF_UP|IFF_RUNNING}"))
	b.close(fd)
}

// becomeRoot takes on the ids 0 of the user namespace, by which it has its capabilities.
func (b *builder) becomeRoot() {
	b.section("process.user", "", "become root of the user namespace")
	b.p.Sys(unix.SYS_SETRESGID, "setresgid", plan.Int(0), plan.Int(0), plan.Int(0))
	b.p.Sys(unix.SYS_SETRESUID, "setresuid", plan.Int(0), plan.Int(0), plan.Int(0))
}

func (b *builder) unshare(ns *nsPlan, types ...specs.LinuxNamespaceType) {
	var flags uintptr
	var text, title string
	for _, t := range types {
		if !ns.made[t] {
			continue
		}
		f, s := nsFlag(t)
		if flags != 0 {
			text, title = text+"|", title+", "
		}
		flags, text, title = flags|f, text+s, title+string(t)
	}
	if flags == 0 {
		return
	}
	b.section("linux.namespaces", title, "make the namespaces: "+title)
	b.p.Sys(unix.SYS_UNSHARE, "unshare", plan.Flag(int64(flags), text))
}

// enterTime moves the process itself into the time namespace that unshare(2) made for its
// children only (time_namespaces(7)). The offsets are written by the runtime before.
func (b *builder) enterTime(field string) {
	fd := b.p.Reg("timens")
	b.section(field, "time", "enter the new time namespace")
	b.p.Sys(unix.SYS_OPENAT, "openat", fdcwd(), b.p.Str("/proc/self/ns/time_for_children"),
		plan.Flag(unix.O_RDONLY|unix.O_CLOEXEC, "O_RDONLY|O_CLOEXEC")).To(fd)
	b.p.Sys(unix.SYS_SETNS, "setns", fd.Val(), plan.Flag(unix.CLONE_NEWTIME, "CLONE_NEWTIME"))
	b.close(fd)
}

// secondProcess makes the PID namespace and forks its first process.
func (b *builder) secondProcess(field string) {
	b.section(field, "pid", "make the PID namespace and its first process")
	b.p.Sys(unix.SYS_UNSHARE, "unshare", plan.Flag(unix.CLONE_NEWPID, "CLONE_NEWPID"))
	b.forkSibling()
}

// forkSibling goes on in a second process, which is a child of the runtime too
// (CLONE_PARENT). The first one tells its pid and ends.
func (b *builder) forkSibling() {
	pid := b.p.Reg("pid")
	child := b.p.NewLabel()
	b.p.Sys(unix.SYS_CLONE, "clone", plan.Flag(unix.CLONE_PARENT|int64(unix.SIGCHLD), "CLONE_PARENT|SIGCHLD"),
		plan.Int(0), plan.Int(0), plan.Int(0), plan.Int(0)).To(pid).IfZero(child)
	msg := b.p.Words(SyncPid, 0)
	b.p.Sys(plan.Move, "set", pid.Val()).ToAddr(msg+8, "message.value")
	b.p.Sys(unix.SYS_WRITE, "write", b.sock.Val(), plan.Ptr(msg, "message"), plan.Int(16))
	b.p.Sys(unix.SYS_EXIT_GROUP, "exit_group", plan.Int(0))
	b.p.Place(child)
	b.await()
}
