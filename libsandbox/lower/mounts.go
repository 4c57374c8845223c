// mounts[]: new file systems by fsopen(2), bind mounts by open_tree(2), cgroup trees.

package lower

import (
	"fmt"
	"path"
	"sort"
	"strings"
	"syscall"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/plan"
	"golang.org/x/sys/unix"
)

func index(field string, i int) string { return fmt.Sprintf("%s[%d]", field, i) }

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

func (b *builder) fsopen(typ string) {
	b.p.Sys(unix.SYS_FSOPEN, "fsopen", b.p.Str(typ), plan.Flag(unix.FSOPEN_CLOEXEC, "FSOPEN_CLOEXEC")).To(b.fs)
}

func (b *builder) fsconfig(cmd int64, text string, key, value plan.Arg) {
	b.p.Sys(unix.SYS_FSCONFIG, "fsconfig", b.fs.Val(), plan.Flag(cmd, text), key, value, plan.Int(0)).Fail(b.fsFail)
}

func (b *builder) fsString(key, value string) {
	b.fsconfig(unix.FSCONFIG_SET_STRING, "FSCONFIG_SET_STRING", b.p.Str(key), b.p.Str(value))
}

func (b *builder) fsFlag(key string) {
	b.fsconfig(unix.FSCONFIG_SET_FLAG, "FSCONFIG_SET_FLAG", b.p.Str(key), plan.Int(0))
}

// fsmount makes the file system and a detached mount of it.
func (b *builder) fsmount(attrs uint64, to plan.Reg) {
	b.fsconfig(unix.FSCONFIG_CMD_CREATE, "FSCONFIG_CMD_CREATE", plan.Int(0), plan.Int(0))
	b.p.Sys(unix.SYS_FSMOUNT, "fsmount", b.fs.Val(), plan.Flag(unix.FSMOUNT_CLOEXEC, "FSMOUNT_CLOEXEC"),
		plan.Flag(int64(attrs), attrText(attrs))).To(to).Fail(b.fsFail)
	b.close(b.fs)
}

// mount lowers mounts[i].
func (b *builder) mount(i int, ns *nsPlan) error {
	m := &b.spec.Mounts[i]
	o := parseOptions(m.Options)
	field := index("mounts", i)
	bind, _ := IsBind(m)
	switch {
	case Remount(m):
		b.section(field, m.Destination, "change the mount at "+m.Destination)
		b.remount(m, &o, bind)
		return nil
	case bind:
		b.section(field, m.Destination, "bind "+m.Source)
		b.bind(i, m, &o)
	case m.Type == "cgroup" || m.Type == "cgroup2":
		b.section(field, m.Destination, "mount the container's cgroups")
		if len(b.facts.Hierarchies) == 0 {
			return errdetail.New(field, "this host has no cgroup hierarchy to mount")
		}
		b.setup(ns)
		b.section(field, m.Destination, "mount the container's cgroups")
		b.cgroups(m, &o, ns)
		return nil
	case m.Type == "":
		return errdetail.New(field+".type", "missing: only bind mounts (options bind or rbind) may leave it out")
	default:
		b.section(field, m.Destination, "mount "+m.Type)
		b.newFS(i, m, &o)
	}
	b.applyPropagation(&o)
	b.attach()
	b.labelQueues(m)
	return nil
}

// newFS mounts a new file system into b.mnt and opens its target.
func (b *builder) newFS(i int, m *specs.Mount, o *mountOptions) {
	b.fsopen(m.Type)
	source := m.Source
	if source == "" {
		source = m.Type
	}
	b.fsString("source", source)
	b.fsOptions(o)
	b.fsLabel(m.Type)
	if mode, ok := b.facts.TmpfsModes[i]; ok {
		b.fsString("mode", octal(mode))
	}
	attrs := o.fsmountAttrs()
	late := attrs&unix.MOUNT_ATTR_RDONLY != 0 && b.filledLater(i, m)
	if late || o.copyUp {
		b.fsmount(attrs&^unix.MOUNT_ATTR_RDONLY, b.mnt)
	} else {
		b.fsmount(attrs, b.mnt)
	}
	if o.copyUp {
		n := len(b.p.Sections) - 1
		b.sendFD(SyncCopyUp, "the runtime copies the files below into the tmpfs", b.mnt, plan.Int(int64(i)))
		sec := b.p.Sections[n]
		b.section(sec.Field, sec.Detail, sec.Title)
		if !late {
			b.setattr(b.mnt, false, mountAttr{set: attrs & unix.MOUNT_ATTR_RDONLY})
		}
	}
	if late {
		b.readonlyLater(i)
	}
	if ns, ok := b.facts.IDMaps[i]; ok {
		b.setattr(b.mnt, false, mountAttr{set: unix.MOUNT_ATTR_IDMAP, userns: uint64(ns)})
	}
	if OnPlainTarget(m.Type) {
		b.plainTarget(m.Destination)
	} else {
		b.target(m.Destination, true)
	}
}

// filledLater says that the runtime itself may still make something in m: targets of further mounts,
// devices, the working directory. podman's pods have a read-only /dev. A tree that is attached
// nowhere cannot be changed afterwards (mount_setattr(2)). Where a further entry of mounts changes this
// mount, that one has the last word.
func (b *builder) filledLater(i int, m *specs.Mount) bool {
	dest := path.Clean("/" + m.Destination)
	for j := range b.spec.Mounts[i+1:] {
		next := &b.spec.Mounts[i+1+j]
		if Remount(next) && strings.HasPrefix(dest+"/", strings.TrimSuffix(path.Clean("/"+next.Destination), "/")+"/") {
			return false
		}
	}
	return !b.detached && (m.Type == "tmpfs" || dest == "/dev")
}

// readonlyLater keeps a descriptor of the mount in b.mnt, which makeReadonly needs.
func (b *builder) readonlyLater(i int) {
	fd := b.p.Reg("readonly" + itoa(int64(i)))
	b.p.Sys(unix.SYS_FCNTL, "fcntl", b.mnt.Val(), plan.Flag(unix.F_DUPFD_CLOEXEC, "F_DUPFD_CLOEXEC"), plan.Int(0)).To(fd)
	b.lateReadonly = append(b.lateReadonly, lateMount{index: i, fd: fd})
}

// makeReadonly does what readonlyLater put off.
func (b *builder) makeReadonly() {
	for _, late := range b.lateReadonly {
		b.section(index("mounts", late.index), b.spec.Mounts[late.index].Destination, "make it read-only")
		b.setattr(late.fd, false, mountAttr{set: unix.MOUNT_ATTR_RDONLY})
		b.close(late.fd)
	}
}

// fsLabel gives a new file system the label of linux.mountLabel. proc and sysfs have labels of
// their own; for mqueue see labelQueues.
func (b *builder) fsLabel(typ string) {
	label := b.spec.Linux.MountLabel
	if label == "" || typ == "proc" || typ == "sysfs" || typ == "mqueue" {
		return
	}
	b.fsString("context", label)
}

// labelQueues: mqueue has one superblock in an IPC namespace, which exists before it is mounted and
// takes no label then. Its root folder does.
func (b *builder) labelQueues(m *specs.Mount) {
	label := b.spec.Linux.MountLabel
	if label == "" || m.Type != "mqueue" {
		return
	}
	b.openIn(m.Destination, plan.Ptr(b.p.Words(unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0,
		unix.RESOLVE_IN_ROOT|unix.RESOLVE_NO_MAGICLINKS), "{O_RDONLY|O_DIRECTORY, RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS}"), b.dst)
	b.p.Sys(unix.SYS_FSETXATTR, "fsetxattr", b.dst.Val(), b.p.Str("security.selinux"), b.p.Str(label),
		plan.Int(int64(len(label))), plan.Int(0))
	b.close(b.dst)
}

// remount changes what is mounted at the destination: the attributes of the mount, and unless it
// says "bind" too, the options of the file system.
func (b *builder) remount(m *specs.Mount, o *mountOptions, bind bool) {
	b.openIn(m.Destination, b.how, b.dst)
	b.setattr(b.dst, false, o.attr)
	b.setattr(b.dst, true, o.recAttr)
	if !bind && len(o.super)+len(o.data) > 0 {
		b.p.Sys(unix.SYS_FSPICK, "fspick", b.dst.Val(), b.p.Str(""),
			plan.Flag(unix.FSPICK_EMPTY_PATH|unix.FSPICK_CLOEXEC, "FSPICK_EMPTY_PATH|FSPICK_CLOEXEC")).To(b.fs)
		b.fsOptions(o)
		b.fsconfig(unix.FSCONFIG_CMD_RECONFIGURE, "FSCONFIG_CMD_RECONFIGURE", plan.Int(0), plan.Int(0))
		b.close(b.fs)
	}
	for i := range o.props {
		b.setattr(b.dst, o.props[i].kind == optRecProp, mountAttr{propagation: o.props[i].set})
	}
	b.close(b.dst)
}

func (b *builder) fsOptions(o *mountOptions) {
	for _, flag := range o.super {
		s := b.p.Sys(unix.SYS_FSCONFIG, "fsconfig", b.fs.Val(), plan.Flag(unix.FSCONFIG_SET_FLAG, "FSCONFIG_SET_FLAG"),
			b.p.Str(flag), plan.Int(0), plan.Int(0)).Fail(b.fsFail)
		if flag == "iversion" {
			// mount(2)'s flag for all; here a file system may not know the word, and counts anyway.
			b.p.Ignore(s, syscall.EINVAL)
		}
	}
	for _, d := range o.data {
		if k, v, ok := strings.Cut(d, "="); ok {
			b.fsString(k, v)
		} else if d != "" {
			b.fsFlag(d)
		}
	}
}

// bind clones the source into b.mnt and opens its target.
func (b *builder) bind(i int, m *specs.Mount, o *mountOptions) {
	src, known := b.facts.Sources[i]
	if !known {
		src = Source{FD: -1, Dir: true}
	}
	if in, last := b.bindGroup(i); in {
		b.receiveFD(b.mnt)
		if last {
			b.await()
		}
	} else if src.FD >= 0 {
		b.p.Move(b.mnt, plan.Int(int64(src.FD)))
	} else {
		b.openTree(fdcwd(), m.Source, o.recursive, b.mnt)
	}
	if prop, _, _ := rootPropagation(b.spec.Linux.RootfsPropagation); prop != unix.MS_SHARED {
		b.setattr(b.mnt, true, mountAttr{propagation: unix.MS_SLAVE})
	}
	b.setattr(b.mnt, false, o.attr)
	b.setattr(b.mnt, true, o.recAttr)
	b.target(m.Destination, src.Dir)
}

// bindGroup makes mountinfo list a bind mount after what was mounted before it, as its readers
// take the last of several mounts at one place to be the one on top. The list is sorted by the
// mounts' age (Linux 6.8), and the clones that the init was born with are older than all that it
// makes. So before the first of a row of bind mounts the runtime is asked to clone their sources
// anew, from the clones. It says whether mounts[i] is in such a row, and whether it is the last.
func (b *builder) bindGroup(i int) (in, last bool) {
	first, end := BindGroup(b.spec, b.facts.Sources, i)
	if !b.facts.InOrder || first == end {
		return false, false
	}
	if i == first {
		b.tell(SyncBinds, plan.Int(int64(i)))
	}
	return true, i == end-1
}

// BindGroup is the row of bind mounts from sources opened before, mounts[first:end], that
// mounts[i] is in. The row that begins with mounts[0] needs no new clones: it is empty.
func BindGroup(spec *specs.Spec, sources map[int]Source, i int) (first, end int) {
	known := func(i int) bool {
		src, ok := sources[i]
		return ok && src.FD >= 0
	}
	if !known(i) {
		return i, i
	}
	for first = i; first > 0 && known(first-1); first-- {
	}
	for end = i + 1; end < len(spec.Mounts) && known(end); end++ {
	}
	if first == 0 {
		end = 0
	}
	return first, end
}

func (b *builder) applyPropagation(o *mountOptions) {
	for i := range o.props {
		b.setattr(b.mnt, o.props[i].kind == optRecProp, mountAttr{propagation: o.props[i].set})
	}
}

// cgroups mounts what a container sees of its cgroups: on v2 its own cgroup, on v1 a tmpfs with
// a folder for every hierarchy.
func (b *builder) cgroups(m *specs.Mount, o *mountOptions, ns *nsPlan) {
	private := ns.all[specs.CgroupNamespace]
	if b.facts.CgroupV2 {
		b.cgroupTree(&b.facts.Hierarchies[0], "cgroup2", private, o.attr.set)
		b.target(m.Destination, true)
		b.applyPropagation(o)
		b.attach()
		return
	}
	b.fsopen("tmpfs")
	b.fsString("source", "tmpfs")
	b.fsString("mode", "755")
	rw := o.attr.set &^ unix.MOUNT_ATTR_RDONLY
	b.fsmount(rw, b.mnt)
	b.target(m.Destination, true)
	b.attach()
	// The tmpfs is ours and nobody else is in it yet: names in it need no walk from the root, which
	// for a dozen hierarchies would be a quarter of the init's system calls.
	tree := b.p.Reg("tree")
	b.openIn(m.Destination, b.howDir, tree)
	for i := range b.facts.Hierarchies {
		h := &b.facts.Hierarchies[i]
		b.cgroupTree(h, "cgroup", private, o.attr.set)
		b.p.Sys(unix.SYS_MKDIRAT, "mkdirat", tree.Val(), b.p.Str(h.Name), plan.Flag(0o755, "0755"))
		b.p.Sys(unix.SYS_MOVE_MOUNT, "move_mount", b.mnt.Val(), b.p.Str(""), tree.Val(), b.p.Str(h.Name),
			plan.Flag(unix.MOVE_MOUNT_F_EMPTY_PATH, "MOVE_MOUNT_F_EMPTY_PATH"))
		b.close(b.mnt)
	}
	for i := range b.facts.Hierarchies {
		h := &b.facts.Hierarchies[i]
		for _, link := range h.Links {
			s := b.p.Sys(unix.SYS_SYMLINKAT, "symlinkat", b.p.Str(h.Name), tree.Val(), b.p.Str(link))
			b.p.Ignore(s, syscall.EEXIST)
		}
	}
	// In a tree that is attached nowhere the kernel changes only the root (mount_setattr(2)); this
	// tmpfs holds nothing but folders and links then, each hierarchy on it is read-only itself.
	if o.attr.set&unix.MOUNT_ATTR_RDONLY != 0 && !b.detached {
		b.setattr(tree, false, mountAttr{set: unix.MOUNT_ATTR_RDONLY})
	}
	b.close(tree)
}

// cgroupTree puts one hierarchy into b.mnt: in a cgroup namespace a new mount of it, whose root
// is the container's cgroup, otherwise a bind of the container's cgroup.
func (b *builder) cgroupTree(h *Hierarchy, typ string, private bool, attrs uint64) {
	if h.ReadOnly {
		attrs |= unix.MOUNT_ATTR_RDONLY
	}
	if !private || h.ReadOnly {
		b.openTree(fdcwd(), h.Path, false, b.mnt)
		b.setattr(b.mnt, false, mountAttr{set: attrs, propagation: unix.MS_SLAVE})
		return
	}
	b.fsopen(typ)
	b.fsString("source", "cgroup")
	for _, opt := range h.Options {
		if k, v, ok := strings.Cut(opt, "="); ok {
			b.fsString(k, v)
		} else {
			b.fsFlag(opt)
		}
	}
	b.fsmount(attrs, b.mnt)
}

// Remount says whether m only changes what is mounted at its destination.
func Remount(m *specs.Mount) bool {
	o := parseOptions(m.Options)
	bind, _ := IsBind(m)
	return o.remount || m.Type == "" && !bind && len(o.props) > 0
}

// TmpfsWithoutMode says whether m is a tmpfs whose root takes on the mode of the folder that it
// covers, and CopyUp whether its files too (tmpcopyup).
func TmpfsWithoutMode(m *specs.Mount) bool {
	if m.Type != "tmpfs" {
		return false
	}
	o := parseOptions(m.Options)
	for _, d := range o.data {
		if strings.HasPrefix(d, "mode=") {
			return false
		}
	}
	return true
}

// CopyUp: see TmpfsWithoutMode.
func CopyUp(m *specs.Mount) bool {
	o := parseOptions(m.Options)
	return o.copyUp
}

// IDMap says whether m is to be mapped by ids, with the tree below it or without.
func IDMap(m *specs.Mount) (mapped, recursive bool) {
	o := parseOptions(m.Options)
	return o.idmap || len(m.UIDMappings) > 0, o.idmapRecursive
}

// CgroupWritable says whether the container gets a cgroup mount that it may write to.
func CgroupWritable(spec *specs.Spec) bool {
	for i := range spec.Mounts {
		m := &spec.Mounts[i]
		if m.Type != "cgroup" && m.Type != "cgroup2" {
			continue
		}
		o := parseOptions(m.Options)
		if o.attr.set&unix.MOUNT_ATTR_RDONLY == 0 {
			return true
		}
	}
	return false
}
