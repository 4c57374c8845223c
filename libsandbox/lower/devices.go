// /dev: the default devices and links, linux.devices, and the console.

package lower

import (
	"errors"
	"path"
	"strings"
	"syscall"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/plan"
	"golang.org/x/sys/unix"
)

// device is a node to make: its type as a mode bit, number, permission bits and owner.
type device struct {
	field    string
	path     string
	mode     uint32
	dev      uint64
	uid, gid uint32
}

// defaultDevices are those of config-linux.md, "Default Devices".
var defaultDevices = [...]device{
	{"linux.devices", "/dev/null", unix.S_IFCHR | 0o666, 1<<8 | 3, 0, 0},
	{"linux.devices", "/dev/zero", unix.S_IFCHR | 0o666, 1<<8 | 5, 0, 0},
	{"linux.devices", "/dev/full", unix.S_IFCHR | 0o666, 1<<8 | 7, 0, 0},
	{"linux.devices", "/dev/tty", unix.S_IFCHR | 0o666, 5 << 8, 0, 0},
	{"linux.devices", "/dev/random", unix.S_IFCHR | 0o666, 1<<8 | 8, 0, 0},
	{"linux.devices", "/dev/urandom", unix.S_IFCHR | 0o666, 1<<8 | 9, 0, 0},
}

// defaultLinks are those of runtime-linux.md, "Dev symbolic links".
var defaultLinks = [...][2]string{
	{"/proc/self/fd", "fd"}, {"/proc/self/fd/0", "stdin"}, {"/proc/self/fd/1", "stdout"},
	{"/proc/self/fd/2", "stderr"}, {"/proc/kcore", "core"},
}

// devices populates /dev, unless it is a bind mount: then it is somebody else's.
func (b *builder) devices() {
	if _, bound := b.devMount(); bound {
		return
	}
	dev := b.p.Reg("dev")
	b.section("linux.devices", "/dev", "make the default devices")
	b.target("/dev", true)
	b.p.Move(dev, b.dst.Val())
	listed := map[string]bool{}
	for i := range b.spec.Linux.Devices {
		listed[path.Clean(b.spec.Linux.Devices[i].Path)] = true
	}
	for i := range defaultDevices {
		if !listed[defaultDevices[i].path] {
			b.device(dev, &defaultDevices[i], -1)
		}
	}
	for i := range b.spec.Linux.Devices {
		d := specDevice(index("linux.devices", i), &b.spec.Linux.Devices[i])
		b.section(d.field, d.path, "make the device "+d.path)
		b.device(dev, d, i)
	}
	b.section("linux.devices", "/dev", "make the default links")
	for _, l := range defaultLinks {
		s := b.p.Sys(unix.SYS_SYMLINKAT, "symlinkat", b.p.Str(l[0]), dev.Val(), b.p.Str(l[1]))
		b.p.Ignore(s, syscall.EEXIST)
	}
	s := b.p.Sys(unix.SYS_UNLINKAT, "unlinkat", dev.Val(), b.p.Str("ptmx"), plan.Int(0))
	b.p.Ignore(s, syscall.ENOENT)
	b.p.Sys(unix.SYS_SYMLINKAT, "symlinkat", b.p.Str("pts/ptmx"), dev.Val(), b.p.Str("ptmx"))
	b.close(dev)
}

func specDevice(field string, d *specs.LinuxDevice) *device {
	mode := uint32(0o666)
	if d.FileMode != nil {
		mode = uint32(*d.FileMode) & 0o7777
	}
	out := &device{field: field, path: d.Path, dev: unix.Mkdev(uint32(d.Major), uint32(d.Minor))}
	switch d.Type {
	case "b":
		mode |= unix.S_IFBLK
	case "p":
		mode, out.dev = mode|unix.S_IFIFO, 0
	default:
		mode |= unix.S_IFCHR
	}
	out.mode = mode
	if d.UID != nil {
		out.uid = *d.UID
	}
	if d.GID != nil {
		out.gid = *d.GID
	}
	return out
}

// device makes a node, below dev where it is there, or binds the host's in a user namespace,
// where mknod(2) is not allowed. It is linux.devices[n], or a default one, which gives way to what
// is there: users mount over those.
func (b *builder) device(dev plan.Reg, d *device, n int) {
	if (b.facts.InUserNS || b.inUserNS()) && d.mode&unix.S_IFMT != unix.S_IFIFO {
		if n < 0 && b.mountedAt(d.path) {
			return
		}
		b.openTree(fdcwd(), d.path, false, b.mnt)
		b.setattr(b.mnt, false, mountAttr{propagation: unix.MS_SLAVE})
		b.target(d.path, false)
		b.attach()
		return
	}
	dir, name := path.Split(path.Clean(d.path))
	parent := dev
	if dir != "/dev/" {
		b.target(dir, true)
		parent = b.dst
	}
	node := plan.Flag(int64(int32(d.dev)), devText(d.dev))
	s := b.p.Sys(unix.SYS_MKNODAT, "mknodat", parent.Val(), b.p.Str(name), plan.Flag(int64(d.mode), modeText(d.mode)), node)
	if n < 0 {
		b.p.Ignore(s, syscall.EEXIST)
	} else {
		b.mustBeDevice(s, d, n, parent, name)
	}
	if d.uid != 0 || d.gid != 0 {
		b.p.Sys(unix.SYS_FCHOWNAT, "fchownat", parent.Val(), b.p.Str(name), plan.Int(int64(int32(d.uid))),
			plan.Int(int64(int32(d.gid))), plan.Flag(unix.AT_SYMLINK_NOFOLLOW, "AT_SYMLINK_NOFOLLOW"))
	}
	if dir != "/dev/" {
		b.close(b.dst)
	}
}

// mountedAt says whether config.json mounts something at p that none of its later mounts covers. What
// is at p does not tell: a file may be nothing but the place that an earlier container left for this
// mount.
func (b *builder) mountedAt(p string) (at bool) {
	p = rel(p)
	for i := range b.spec.Mounts {
		m := &b.spec.Mounts[i]
		switch dest := rel(m.Destination); {
		case dest != p && dest != "." && !strings.HasPrefix(p, dest+"/"), Remount(m):
		default:
			at = dest == p
		}
	}
	return at
}

// mustBeDevice asks the runtime about what is in the place of linux.devices[n], if s finds that
// something is.
func (b *builder) mustBeDevice(s *plan.Step, d *device, n int, parent plan.Reg, name string) {
	exists, made := b.p.NewLabel(), b.p.NewLabel()
	s.On(exists, syscall.EEXIST)
	b.p.Place(made)
	b.later = append(b.later, func() {
		b.section(d.field, d.path, "something is there already")
		b.p.Place(exists)
		b.p.Sys(unix.SYS_OPENAT, "openat", parent.Val(), b.p.Str(name),
			plan.Flag(unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, "O_PATH|O_NOFOLLOW|O_CLOEXEC")).To(b.cur)
		b.sendFD(SyncDevice, "the runtime looks whether it is that device", b.cur, plan.Int(int64(n)))
		b.close(b.cur)
		b.p.Goto(made)
	})
}

// CheckDevice judges a file that is in the place of linux.devices[n], by its st_mode and st_rdev:
// another file than the device asked for is an error (config-linux.md, "Devices").
func CheckDevice(spec *specs.Spec, n int, mode uint32, rdev uint64) error {
	if n < 0 || n >= len(spec.Linux.Devices) {
		return errdetail.New("linux.devices", "there is no device %d", n)
	}
	d := specDevice(index("linux.devices", n), &spec.Linux.Devices[n])
	same := mode&unix.S_IFMT == d.mode&unix.S_IFMT && (mode&unix.S_IFMT == unix.S_IFIFO || rdev == d.dev)
	if same {
		return nil
	}
	return &errdetail.Error{Field: d.field, Detail: d.path, Op: "make the device",
		Err: errors.New("another file exists there: remove it from the root file system, or mount a tmpfs on /dev")}
}

func (b *builder) inUserNS() bool {
	for i := range b.spec.Linux.Namespaces {
		if b.spec.Linux.Namespaces[i].Type == specs.UserNamespace {
			return true
		}
	}
	return false
}

// console makes the pseudo-terminal in the container's own devpts and puts it on /dev/console
// by the slave's descriptor, so that nobody can swap it (CVE-2025-52565).
func (b *builder) console() {
	p := b.spec.Process
	if p == nil || !p.Terminal {
		return
	}
	master, slave, ptn := b.newTerminal(p)
	b.section("process.terminal", "/dev/console", "put the terminal on /dev/console")
	b.openTree(slave.Val(), "", false, b.mnt)
	b.setattr(b.mnt, false, mountAttr{propagation: unix.MS_PRIVATE})
	b.target("/dev/console", false)
	b.attach()
	b.takeTerminal(master, slave, ptn)
}

// newTerminal makes a pseudo-terminal in the devpts of b.root: both ends, and its number.
func (b *builder) newTerminal(p *specs.Process) (master, slave, ptn plan.Reg) {
	master, slave, ptn = b.p.Reg("master"), b.p.Reg("slave"), b.p.Reg("number")
	zero := plan.Ptr(b.p.Zero(8), "[0]")
	b.section("process.terminal", "", "make the terminal")
	b.openIn("/dev/pts/ptmx", plan.Ptr(b.p.Words(unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0,
		unix.RESOLVE_IN_ROOT|unix.RESOLVE_NO_MAGICLINKS), "{O_RDWR|O_NOCTTY|O_CLOEXEC, RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS}"),
		master)
	b.ioctl(master, unix.TIOCSPTLCK, "TIOCSPTLCK", zero)
	b.ioctl(master, unix.TIOCGPTN, "TIOCGPTN", ptn.Ptr())
	b.ioctl(master, unix.TIOCGPTPEER, "TIOCGPTPEER",
		plan.Flag(unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, "O_RDWR|O_NOCTTY|O_CLOEXEC")).To(slave)
	b.winsize(slave, p.ConsoleSize)
	if s := p.User.UID; s != 0 {
		b.p.Sys(unix.SYS_FCHOWN, "fchown", slave.Val(), plan.Int(int64(int32(s))), plan.Int(-1))
	}
	return master, slave, ptn
}

func (b *builder) winsize(fd plan.Reg, size *specs.Box) {
	if size == nil {
		return
	}
	ws := uint32(size.Height&0xffff) | uint32(size.Width&0xffff)<<16
	b.ioctl(fd, unix.TIOCSWINSZ, "TIOCSWINSZ", plan.Ptr(b.p.Words32(ws, 0), "size"))
}

// takeTerminal hands the master to the runtime and makes the slave the standard streams.
func (b *builder) takeTerminal(master, slave, ptn plan.Reg) {
	b.sendFD(SyncMaster, "hand the terminal's master to the runtime", master, ptn.Val())
	b.close(master)
	b.section("process.terminal", "", "make the terminal the standard streams")
	for fd := int64(0); fd < 3; fd++ {
		b.p.Sys(unix.SYS_DUP3, "dup3", slave.Val(), plan.Int(fd), plan.Int(0))
	}
	b.close(slave)
}

func (b *builder) ioctl(fd plan.Reg, req int64, name string, arg plan.Arg) *plan.Step {
	return b.p.Sys(unix.SYS_IOCTL, "ioctl", fd.Val(), plan.Flag(int64(int32(req)), name), arg)
}

func devText(dev uint64) string {
	return "makedev(" + itoa(int64(unix.Major(dev))) + ", " + itoa(int64(unix.Minor(dev))) + ")"
}

func modeText(mode uint32) string {
	var t string
	switch mode & unix.S_IFMT {
	case unix.S_IFBLK:
		t = "S_IFBLK"
	case unix.S_IFCHR:
		t = "S_IFCHR"
	case unix.S_IFIFO:
		t = "S_IFIFO"
	default:
		t = "S_IFREG"
	}
	return t + "|0" + strings.TrimLeft(octal(mode&0o7777), "0")
}
