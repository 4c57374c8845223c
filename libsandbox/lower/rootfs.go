// The root file system: an empty base, the root on top of it, what config.json mounts, and the
// change into it.

package lower

import (
	"syscall"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/plan"
	"github.com/sandbox-runtime/sandbox-runtime/specconv"
	"golang.org/x/sys/unix"
)

// base is one empty read-only tmpfs. It is the private parent that pivot_root(2) wants the new
// root to have, and the source of every masked folder: one superblock for all of them.
func (b *builder) base() plan.Reg {
	base := b.p.Reg("base")
	b.based = true
	b.section("linux.maskedPaths", "", "mount an empty read-only base")
	b.fsopen("tmpfs")
	b.fsString("source", "sandbox-base")
	b.fsString("nr_inodes", "2")
	b.fsString("size", "4096")
	b.fsString("mode", "0555")
	b.fsFlag("ro")
	b.fsmount(unix.MOUNT_ATTR_RDONLY|unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOEXEC, base)
	b.onSlash(base)
	return base
}

// onSlash mounts on the top of "/". The process's own root stays below, so absolute paths still
// mean the host's until pivot_root(2).
func (b *builder) onSlash(fd plan.Reg) {
	if b.detached {
		return
	}
	b.p.Sys(unix.SYS_MOVE_MOUNT, "move_mount", fd.Val(), b.p.Str(""), fdcwd(), b.p.Str("/"),
		plan.Flag(unix.MOVE_MOUNT_F_EMPTY_PATH, "MOVE_MOUNT_F_EMPTY_PATH"))
}

// rootPropagation is what linux.rootfsPropagation asks for: the bits and whether recursively.
func rootPropagation(s string) (bits uint64, recursive bool, err error) {
	switch s {
	case "":
		return 0, true, nil
	case "private", "rprivate":
		bits = unix.MS_PRIVATE
	case "slave", "rslave":
		bits = unix.MS_SLAVE
	case "shared", "rshared":
		bits = unix.MS_SHARED
	case "unbindable", "runbindable":
		bits = unix.MS_UNBINDABLE
	default:
		return 0, false, errdetail.New("linux.rootfsPropagation",
			"unknown value %q: want private, slave, shared, unbindable or one of these with an r in front", s)
	}
	return bits, s[0] == 'r', nil
}

// rootfs builds the mount tree.
func (b *builder) rootfs(ns *nsPlan) error {
	bits, _, err := rootPropagation(b.spec.Linux.RootfsPropagation)
	if err != nil {
		return err
	}
	b.section("linux.rootfsPropagation", b.spec.Linux.RootfsPropagation, "keep our mounts from the host")
	switch {
	case b.detached: // nothing reaches the host: see chrootDetached
	case bits != unix.MS_SHARED:
		b.propagate("/", unix.MS_SLAVE, true)
	default:
		// What the host mounts below a shared source must reach the container and back, so
		// only the one mount that pivot_root(2) cannot have shared is cut off.
		b.propagate("/", unix.MS_PRIVATE, false)
	}
	b.oldMask = b.p.Reg("umask")
	b.p.Sys(unix.SYS_UMASK, "umask", plan.Int(0)).To(b.oldMask)
	base := b.base()
	b.openRoot(bits)
	for i := range b.spec.Mounts {
		if err := b.mount(i, ns); err != nil {
			return err
		}
	}
	b.setup(ns)
	b.devices()
	b.console()
	b.sysctls()
	b.readonlyPaths()
	b.maskedPaths(base)
	b.close(base)
	return nil
}

func (b *builder) propagate(p string, bits uint64, recursive bool) {
	flags, text := int64(0), "0"
	if recursive {
		flags, text = unix.AT_RECURSIVE, "AT_RECURSIVE"
	}
	a := mountAttr{propagation: bits}
	b.p.Sys(unix.SYS_MOUNT_SETATTR, "mount_setattr", fdcwd(), b.p.Str(p), plan.Flag(flags, text),
		plan.Ptr(b.p.Words(0, 0, bits, 0), a.String()), plan.Int(32))
}

// openRoot puts the root file system on top of the base and keeps its descriptor.
func (b *builder) openRoot(bits uint64) {
	b.section("root.path", b.spec.Root.Path, "open the root file system")
	if b.facts.RootFD < 0 {
		b.openTree(fdcwd(), b.facts.RootPath, true, b.root)
	}
	if bits == unix.MS_SHARED {
		// A new peer group (config-linux.md), made after pivot_root(2), which takes no shared
		// root. A clone of the host's shared one would show the host all that is mounted on it.
		b.setattr(b.root, false, mountAttr{propagation: unix.MS_PRIVATE})
	} else {
		b.setattr(b.root, true, mountAttr{propagation: unix.MS_SLAVE})
	}
	if !b.detached && bits != unix.MS_SHARED && hooksBeforePivot(b.spec) {
		// Hooks mount things below the root's path on the host, in this mount namespace.
		b.p.Sys(unix.SYS_MOVE_MOUNT, "move_mount", b.root.Val(), b.p.Str(""), fdcwd(), b.p.Str(b.facts.RootPath),
			plan.Flag(unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_SYMLINKS, "MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_SYMLINKS"))
		return
	}
	b.onSlash(b.root)
}

func hooksBeforePivot(spec *specs.Spec) bool {
	h := spec.Hooks
	//nolint:staticcheck // prestart is deprecated, and what every device plugin still uses
	return h != nil && len(h.Prestart)+len(h.CreateRuntime)+len(h.CreateContainer) > 0
}

// enter makes the new tree the root of the process and lets go of the host's.
func (b *builder) enter() error {
	if h := b.spec.Hooks; h != nil && len(h.CreateContainer) > 0 {
		b.sync(SyncRoot, "the runtime runs the createContainer hooks")
	}
	b.cwdMissing()
	b.makeReadonly()
	if b.spec.Root.Readonly {
		b.section("root.readonly", "", "make the root file system read-only")
		b.setattr(b.root, false, mountAttr{set: unix.MOUNT_ATTR_RDONLY})
	}
	bits, recursive, err := rootPropagation(b.spec.Linux.RootfsPropagation)
	if err != nil {
		return err
	}
	b.section("root.path", b.spec.Root.Path, "enter the root file system")
	switch {
	case b.detached:
		b.chrootDetached()
	case b.facts.NoPivot:
		b.chroot()
	default:
		b.pivot(bits)
	}
	b.p.Sys(unix.SYS_CHDIR, "chdir", b.p.Str("/"))
	if bits != 0 && !b.detached {
		b.section("linux.rootfsPropagation", b.spec.Linux.RootfsPropagation, "set the propagation of the root")
		b.propagate("/", bits, recursive)
	}
	b.hostname()
	return nil
}

// pivot makes the root the process's root: pivot_root(".", ".") stacks the old one on the new,
// from where it is detached (pivot_root(2), NOTES). With a base two umounts, because it is on top of
// the old root.
func (b *builder) pivot(bits uint64) {
	if bits == unix.MS_SHARED {
		// Or the umounts would travel to the host. Nothing of ours is below "/" but through
		// the base, which is private.
		old := b.p.Reg("oldroot")
		b.p.Sys(unix.SYS_OPENAT, "openat", fdcwd(), b.p.Str("/"),
			plan.Flag(unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, "O_PATH|O_DIRECTORY|O_CLOEXEC")).To(old)
		b.p.Sys(unix.SYS_FCHDIR, "fchdir", b.root.Val())
		b.p.Sys(unix.SYS_PIVOT_ROOT, "pivot_root", b.p.Str("."), b.p.Str("."))
		b.setattr(old, true, mountAttr{propagation: unix.MS_SLAVE})
		b.close(old)
	} else {
		b.p.Sys(unix.SYS_FCHDIR, "fchdir", b.root.Val())
		b.p.Sys(unix.SYS_PIVOT_ROOT, "pivot_root", b.p.Str("."), b.p.Str("."))
	}
	umounts := 1
	if b.based {
		umounts = 2
	}
	for range umounts {
		b.p.Sys(unix.SYS_UMOUNT2, "umount2", b.p.Str("."), plan.Flag(unix.MNT_DETACH, "MNT_DETACH"))
	}
}

// chroot is --no-pivot, for hosts whose root is an initramfs. It does not hold a process with
// CAP_SYS_CHROOT; the host's proc and sys are unmounted, so that they at least are gone.
func (b *builder) chroot() {
	for _, p := range [...]string{"/proc", "/sys"} {
		s := b.p.Sys(unix.SYS_UMOUNT2, "umount2", b.p.Str(p), plan.Flag(unix.MNT_DETACH, "MNT_DETACH"))
		b.p.Ignore(s, syscall.EINVAL, syscall.ENOENT, syscall.EPERM)
	}
	b.p.Sys(unix.SYS_FCHDIR, "fchdir", b.root.Val())
	b.p.Sys(unix.SYS_CHROOT, "chroot", b.p.Str("."))
}

// chrootDetached is for a container in the runtime's own mount namespace. Its tree is built
// without being attached to anything, so the host never sees it and the kernel drops it with the
// container's last process. Mounting on such a tree needs Linux 6.15.
func (b *builder) chrootDetached() {
	b.p.Sys(unix.SYS_FCHDIR, "fchdir", b.root.Val())
	b.p.Sys(unix.SYS_CHROOT, "chroot", b.p.Str("."))
}

func (b *builder) hostname() {
	if h := b.spec.Hostname; h != "" {
		b.section("hostname", h, "set the host name")
		b.p.Sys(unix.SYS_SETHOSTNAME, "sethostname", b.p.Str(h), plan.Int(int64(len(h))))
	}
	if d := b.spec.Domainname; d != "" {
		b.section("domainname", d, "set the domain name")
		b.p.Sys(unix.SYS_SETDOMAINNAME, "setdomainname", b.p.Str(d), plan.Int(int64(len(d))))
	}
}

// cwdMissing makes process.cwd if it is missing, as root, as runc does.
func (b *builder) cwdMissing() {
	p := b.spec.Process
	if p == nil || rel(p.Cwd) == "." {
		return
	}
	b.section("process.cwd", p.Cwd, "look for the working directory")
	b.target(p.Cwd, true)
	b.close(b.dst)
}

// readonlyPaths are bound on themselves, read-only, by descriptor (GHSA-3q8j-pf29-vwv8).
func (b *builder) readonlyPaths() {
	for i, p := range b.spec.Linux.ReadonlyPaths {
		skip := b.p.NewLabel()
		b.section(index("linux.readonlyPaths", i), p, "make "+p+" read-only")
		b.openIn(p, b.how, b.dst).On(skip, syscall.ENOENT, syscall.ENOTDIR)
		b.openTree(b.dst.Val(), "", true, b.mnt)
		b.setattr(b.mnt, false, mountAttr{set: unix.MOUNT_ATTR_RDONLY})
		b.attach()
		b.p.Place(skip)
	}
}

// maskedPaths cover a folder with the empty base and anything else with the host's /dev/null,
// never with a file of the container (CVE-2025-31133).
func (b *builder) maskedPaths(base plan.Reg) {
	for i, p := range b.spec.Linux.MaskedPaths {
		file, skip, on := b.p.NewLabel(), b.p.NewLabel(), b.p.NewLabel()
		b.section(index("linux.maskedPaths", i), p, "mask "+p)
		b.openIn(p, b.howDir, b.dst).On(file, syscall.ENOTDIR, syscall.ENOENT)
		b.openTree(base.Val(), "", false, b.mnt)
		b.p.Place(on)
		b.attach()
		b.p.Place(skip)
		n := len(b.p.Sections) - 1
		b.later = append(b.later, func() {
			sec := b.p.Sections[n]
			b.section(sec.Field, sec.Detail, sec.Title+": it is no folder")
			b.p.Place(file)
			b.openIn(p, b.how, b.dst).On(skip, syscall.ENOENT, syscall.ENOTDIR)
			b.openTree(fdcwd(), "/dev/null", false, b.mnt)
			b.p.Goto(on)
		})
	}
}

func (b *builder) sysctls() {
	if len(b.spec.Linux.Sysctl) == 0 {
		return
	}
	b.privateProc("linux.sysctl")
	for _, key := range sortedKeys(b.spec.Linux.Sysctl) {
		value := b.spec.Linux.Sysctl[key]
		fd := b.p.Reg("sysctl")
		b.section("linux.sysctl["+key+"]", value, "set sysctl "+key+" to "+value)
		b.p.Sys(unix.SYS_OPENAT, "openat", b.proc.Val(), b.p.Str("sys/"+specconv.SysctlPath(key)),
			plan.Flag(unix.O_WRONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW, "O_WRONLY|O_CLOEXEC|O_NOFOLLOW")).To(fd)
		b.p.Sys(unix.SYS_WRITE, "write", fd.Val(), b.p.Str(value), plan.Int(int64(len(value))))
		b.close(fd)
	}
	b.close(b.proc)
}

// privateProc opens an own, never attached instance of procfs: what is written through it can
// not be diverted by mounts in the container (CVE-2019-16884, CVE-2025-52881).
func (b *builder) privateProc(field string) {
	b.section(field, "", "open a private procfs")
	b.fsopen("proc")
	b.fsmount(unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOEXEC, b.proc)
}

func (b *builder) devMount() (mounted, bound bool) {
	for i := range b.spec.Mounts {
		m := &b.spec.Mounts[i]
		if rel(m.Destination) == "dev" {
			bind, _ := IsBind(m)
			return true, bind
		}
	}
	return false, false
}

// IsBind says whether m is a bind mount, and whether of the whole tree.
func IsBind(m *specs.Mount) (bind, recursive bool) {
	o := parseOptions(m.Options)
	return o.bind || m.Type == "bind" || m.Type == "rbind", o.recursive || m.Type == "rbind"
}
