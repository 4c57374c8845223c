// What the plan must know of the host, gathered before the init exists.

package libsandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"unsafe"

	securejoin "github.com/cyphar/filepath-securejoin"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/lower"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/rootfs"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/stage"
	"github.com/sandbox-runtime/sandbox-runtime/specconv"
	"golang.org/x/sys/unix"
)

// inherit is the list of descriptors that the init is born with, in order.
type inherit struct {
	files []*os.File
	own   []*os.File // to be closed by us
	late  []*os.File // those needed until the init is ready
}

func (l *inherit) add(f *os.File) int {
	l.files = append(l.files, f)
	l.own = append(l.own, f)
	return len(l.files) - 1
}

// close closes what nobody needs once the init is born.
func (l *inherit) close() {
	for _, f := range l.own {
		f.Close()
	}
	l.own = nil
}

// keep makes the last added file survive close.
func (l *inherit) keep() {
	l.late = append(l.late, l.own[len(l.own)-1])
	l.own = l.own[:len(l.own)-1]
}

func (l *inherit) closeAll() {
	l.close()
	for _, f := range l.late {
		f.Close()
	}
	l.late = nil
}

// facts opens what config.json names on the host and fills in lower.Facts but the descriptors of
// the start FIFOs and the socket.
func (r *Runtime) facts(spec *specs.Spec, bundle string, in *inherit) (*lower.Facts, error) {
	f := &lower.Facts{
		RootFD: -1, StartFD: -1, ResultFD: -1,
		NamespaceFDs: map[specs.LinuxNamespaceType]int{},
		Sources:      map[int]lower.Source{},
		Rootless:     r.Rootless,
		InUserNS:     inUserNS(),
		RootPath:     rootPath(spec, bundle),
		LastCap:      lastCap(),
		IgnoredSigs:  ignoredSignals(),
		TimerSlack:   r.TimerSlack,
	}
	if err := r.openRoot(spec, f, in); err != nil {
		return nil, err
	}
	if err := openNamespaces(spec, f, in); err != nil {
		return nil, err
	}
	if err := r.openSources(spec, bundle, f, in); err != nil {
		return nil, err
	}
	mountedHome(spec, f, in)
	f.InOrder = canCloneAgain(spec, f, in)
	r.heldCaps(spec, spec.Process, f)
	if err := idMaps(spec, spec.Process, f); err != nil {
		return nil, err
	}
	if p := spec.Process; p != nil && lower.NeedsLabels(p) {
		proc, err := openProc()
		if err != nil {
			return nil, err
		}
		f.ProcFD = in.add(proc)
	}
	if spec.Process != nil && spec.Process.User.UID != 0 && !spec.Process.Terminal {
		f.ChownStdio = stdioToChown()
	}
	return f, nil
}

func rootPath(spec *specs.Spec, bundle string) string {
	if filepath.IsAbs(spec.Root.Path) {
		return filepath.Clean(spec.Root.Path)
	}
	return filepath.Join(bundle, spec.Root.Path)
}

// openRoot opens the root once: the home folder is looked up in it, and with privileges it is
// cloned, so that nothing on the way to it can be swapped later.
func (r *Runtime) openRoot(spec *specs.Spec, f *lower.Facts, in *inherit) error {
	root, err := rootfs.Open(f.RootPath)
	if err != nil {
		return err
	}
	defer root.Close()
	if p := spec.Process; p != nil && needsHome(p.Env) {
		f.Home = root.Home(p.User.UID)
	}
	tmpfsModes(spec, root, f)
	resolveTargets(spec, root, f.RootPath)
	if r.byPath(spec) {
		return nil
	}
	clone, _, err := rootfs.Clone(stage.ProcFD(root.FD()), true)
	if err != nil {
		return &errdetail.Error{Field: "root.path", Detail: f.RootPath, Op: "clone the root file system", Err: err}
	}
	f.RootFD = in.add(clone)
	return nil
}

// mountedHome corrects f.Home where mounts cover the image's /etc/passwd, as engines and their users do.
func mountedHome(spec *specs.Spec, f *lower.Facts, in *inherit) {
	if f.Home == "" {
		return
	}
	for i := range spec.Mounts {
		m := &spec.Mounts[i]
		at := filepath.Clean("/" + m.Destination)
		if at != "/etc/passwd" && at != "/etc" || lower.Remount(m) || lower.CopyUp(m) {
			continue
		}
		f.Home = "/"
		if src, bind := f.Sources[i]; bind {
			source := m.Source
			if src.FD >= 0 {
				source = stage.ProcFD(int(in.files[src.FD].Fd()))
			}
			f.Home = rootfs.HomeFrom(source, spec.Process.User.UID)
		}
	}
}

func needsHome(env []string) bool {
	for _, e := range env {
		if len(e) > 5 && e[:5] == "HOME=" {
			return false
		}
	}
	return true
}

// openNamespaces opens each namespace that is joined by path and checks that it is one, of the
// kind that config.json says.
func openNamespaces(spec *specs.Spec, f *lower.Facts, in *inherit) error {
	for i, ns := range spec.Linux.Namespaces {
		if ns.Path == "" {
			continue
		}
		field := fmt.Sprintf("linux.namespaces[%d].path", i)
		file, err := openPlain(ns.Path, unix.O_RDONLY)
		if err != nil {
			return &errdetail.Error{Field: field, Detail: ns.Path, Op: "open the namespace", Err: errors.Unwrap(err)}
		}
		typ, err := unix.IoctlRetInt(int(file.Fd()), unix.NS_GET_NSTYPE)
		if err != nil {
			file.Close()
			return &errdetail.Error{Field: field, Detail: ns.Path, Err: errors.New("is not a namespace")}
		}
		if uintptr(typ) != lower.NamespaceFlag(ns.Type) {
			file.Close()
			return &errdetail.Error{Field: field, Detail: ns.Path,
				Err: fmt.Errorf("is not a %s namespace", ns.Type)}
		}
		f.NamespaceFDs[ns.Type] = in.add(file)
	}
	return nil
}

// openSources clones the sources of bind mounts. Relative ones are below the bundle.
func (r *Runtime) openSources(spec *specs.Spec, bundle string, f *lower.Facts, in *inherit) error {
	for i := range spec.Mounts {
		if err := r.openSource(spec, i, bundle, f, in); err != nil {
			return err
		}
	}
	return nil
}

func (r *Runtime) openSource(spec *specs.Spec, i int, bundle string, f *lower.Facts, in *inherit) error {
	m := &spec.Mounts[i]
	bind, recursive := lower.IsBind(m)
	if lower.Remount(m) {
		return nil
	}
	if !bind {
		if err := r.idmapNew(spec, i, f, in); err != nil {
			return &errdetail.Error{Field: fmt.Sprintf("mounts[%d]", i), Detail: m.Destination,
				Op: "map its ids", Err: err}
		}
		return nil
	}
	if !filepath.IsAbs(m.Source) {
		m.Source = filepath.Join(bundle, m.Source)
	}
	src := lower.Source{FD: -1}
	var err error
	if r.byPath(spec) {
		src.Dir, err = rootfs.IsDir(m.Source)
	} else {
		var clone *os.File
		clone, src.Dir, err = rootfs.Clone(m.Source, recursive)
		if err == nil {
			src.FD = in.add(clone)
			in.keep()
		}
	}
	if err == nil {
		err = r.idmap(spec, m, src.FD, f, in)
	}
	if err != nil {
		return &errdetail.Error{Field: fmt.Sprintf("mounts[%d]", i), Detail: m.Destination,
			Op: "bind " + m.Source, Err: err}
	}
	f.Sources[i] = src
	return nil
}

// canCloneAgain says whether some bind mount should be cloned anew (lower.BindGroup), and whether
// the kernel clones what is attached nowhere: Linux 6.15.
func canCloneAgain(spec *specs.Spec, f *lower.Facts, in *inherit) bool {
	for i := range spec.Mounts {
		if first, end := lower.BindGroup(spec, f.Sources, i); first < end {
			clone, err := rootfs.CloneAgain(in.files[f.Sources[i].FD], false)
			if err == nil {
				clone.Close()
			}
			return err == nil
		}
	}
	return false
}

// lastCap is the highest capability that the kernel knows.
func lastCap() int {
	n := unix.CAP_LAST_CAP
	for n > 0 && !capKnown(n) {
		n--
	}
	for n < 63 && capKnown(n+1) {
		n++
	}
	return n
}

func capKnown(n int) bool {
	_, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, uintptr(n), 0, 0, 0)
	return err == nil
}

// ignoredSignals lists what our caller ignores: execve(2) keeps that. The Go runtime has put its
// handlers over most signals, those become default by themselves.
func ignoredSignals() (list []int) {
	const sigIgn = 1
	for sig := 1; sig <= 64; sig++ {
		var sa [4]uint64 // struct sigaction of the kernel; the handler is its first field
		_, _, e := syscall.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), 0, uintptr(unsafe.Pointer(&sa)), 8, 0, 0)
		if e == 0 && sa[0] == sigIgn {
			list = append(list, sig)
		}
	}
	return list
}

// stdioToChown lists the standard streams that the container's user must own to reopen them,
// as /dev/stderr is. /dev/null is everybody's and stays so.
func stdioToChown() (list []int) {
	for fd := 0; fd < 3; fd++ {
		var st unix.Stat_t
		if unix.Fstat(fd, &st) != nil {
			continue
		}
		if st.Mode&unix.S_IFMT == unix.S_IFCHR && st.Rdev == unix.Mkdev(1, 3) {
			continue
		}
		list = append(list, fd)
	}
	return list
}

// tmpfsModes finds the modes of folders that a tmpfs without a mode of its own covers.
func tmpfsModes(spec *specs.Spec, root *rootfs.Root, f *lower.Facts) {
	for i := range spec.Mounts {
		m := &spec.Mounts[i]
		if !lower.TmpfsWithoutMode(m) {
			continue
		}
		dir, err := root.OpenFile(m.Destination, unix.O_PATH|unix.O_DIRECTORY, 0)
		if err != nil {
			continue // it will be made
		}
		var st unix.Stat_t
		if unix.Fstat(int(dir.Fd()), &st) == nil {
			if f.TmpfsModes == nil {
				f.TmpfsModes = map[int]uint32{}
			}
			f.TmpfsModes[i] = st.Mode & 0o7777
		}
		dir.Close()
	}
}

// openProc opens the host's /proc and checks that it is a procfs.
func openProc() (*os.File, error) {
	fd, err := unix.Open("/proc", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, errdetail.Sys("open /proc", "open", err)
	}
	var st unix.Statfs_t
	if err := unix.Fstatfs(fd, &st); err != nil || st.Type != unix.PROC_SUPER_MAGIC {
		unix.Close(fd)
		return nil, errors.New("/proc of the host is no procfs")
	}
	return os.NewFile(uintptr(fd), "/proc"), nil
}

// heldCaps finds which capabilities can be given to p, a process of spec's container. Missing ones are
// named in a warning. A container's own user namespace has them all, whatever the runtime holds.
func (r *Runtime) heldCaps(spec *specs.Spec, p *specs.Process, f *lower.Facts) {
	if p == nil || p.Capabilities == nil || hasNamespace(spec, specs.UserNamespace) {
		return
	}
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if unix.Capget(&hdr, &data[0]) != nil {
		return
	}
	f.HeldCaps = uint64(data[0].Permitted) | uint64(data[1].Permitted)<<32
	c := p.Capabilities
	missing := (lower.CapMask(c.Bounding) | lower.CapMask(c.Permitted)) &^ f.HeldCaps
	for i := 0; i <= f.LastCap; i++ {
		if missing&(1<<i) != 0 {
			r.warn("process.capabilities: %s is not given: the runtime does not hold it itself", specconv.CapName(i))
		}
	}
}

// resolveTargets rewrites a mount's destination that goes over a symbolic link to nothing: what it
// would name inside the root is made, as under runc. The result is only a name; the plan resolves
// it again below the root's descriptor.
func resolveTargets(spec *specs.Spec, root *rootfs.Root, rootPath string) {
	for i := range spec.Mounts {
		dest := spec.Mounts[i].Destination
		if lower.OnPlainTarget(spec.Mounts[i].Type) {
			continue // links are refused there
		}
		f, err := root.OpenFile(dest, unix.O_PATH, 0)
		if err == nil {
			f.Close()
			continue
		}
		if !errors.Is(err, unix.ENOENT) {
			continue
		}
		if full, err := securejoin.SecureJoin(rootPath, dest); err == nil {
			if rel, err := filepath.Rel(rootPath, full); err == nil {
				spec.Mounts[i].Destination = "/" + rel
			}
		}
	}
}

// byPath says whether the init opens root and sources itself, by path: without privileges we
// cannot clone mounts, and in a joined mount namespace the kernel mounts nothing on a clone that
// was made outside of it.
func (r *Runtime) byPath(spec *specs.Spec) bool {
	if r.Rootless {
		return true
	}
	for _, ns := range spec.Linux.Namespaces {
		if ns.Type == specs.MountNamespace && ns.Path != "" {
			return true
		}
	}
	return false
}
