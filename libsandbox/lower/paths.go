// Paths inside the root: every one is resolved from the root's descriptor by openat2(2) with
// RESOLVE_IN_ROOT, and used as a descriptor from then on (CVE-2021-30465, CVE-2024-45310).

package lower

import (
	"path"
	"strings"
	"syscall"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/plan"
	"golang.org/x/sys/unix"
)

const howSize = 24 // sizeof(struct open_how)

// rel is a container path relative to the root's descriptor: clean, without a leading slash.
func rel(p string) string {
	if p == "" || p[0] != '/' {
		p = "/" + p
	}
	if p = path.Clean(p)[1:]; p == "" { // what is clean is not copied
		return "."
	}
	return p
}

func (b *builder) openIn(p string, how plan.Arg, to plan.Reg) *plan.Step {
	return b.p.Sys(unix.SYS_OPENAT2, "openat2", b.root.Val(), b.p.Str(rel(p)), how, plan.Int(howSize)).To(to)
}

// target opens the place in the container that something is attached to, into b.dst. If it is
// missing, it is made, as a folder or an empty file, with its parents.
func (b *builder) target(p string, dir bool) {
	how := b.how
	if dir {
		how = b.howDir
	}
	b.targetBy(p, dir, how)
}

// plainTarget is target for proc and sysfs: no symbolic link may be on the way. An image that has
// one would choose where they are, and what else lies at /proc and /sys (CVE-2019-19921,
// CVE-2023-27561, CVE-2025-54867).
func (b *builder) plainTarget(p string) {
	const resolve = unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS | unix.RESOLVE_NO_SYMLINKS
	b.targetBy(p, true, plan.Ptr(b.p.Words(unix.O_PATH|unix.O_CLOEXEC|unix.O_DIRECTORY, 0, resolve),
		"{O_PATH|O_DIRECTORY, RESOLVE_IN_ROOT|RESOLVE_NO_SYMLINKS}"))
}

// OnPlainTarget says whether mounts of this type are attached by plainTarget.
func OnPlainTarget(typ string) bool { return typ == "proc" || typ == "sysfs" }

func (b *builder) targetBy(p string, dir bool, how plan.Arg) {
	missing, have := b.p.NewLabel(), b.p.NewLabel()
	b.openIn(p, how, b.dst).On(missing, syscall.ENOENT)
	b.p.Place(have)
	n := len(b.p.Sections) - 1
	b.later = append(b.later, func() {
		sec := b.p.Sections[n]
		b.section(sec.Field, sec.Detail, sec.Title+": make the missing target")
		b.p.Place(missing)
		b.create(p, dir, how)
		b.p.Goto(have)
	})
}

// create makes p and its missing parents below the root and opens it into b.dst, the way how says.
// Each name is made in the verified descriptor of its parent, never by a path.
func (b *builder) create(p string, dir bool, how plan.Arg) {
	names := strings.Split(rel(p), "/")
	parent := b.root
	for i, name := range names {
		last := i == len(names)-1
		var s *plan.Step
		if last && !dir {
			s = b.p.Sys(unix.SYS_MKNODAT, "mknodat", parent.Val(), b.p.Str(name),
				plan.Flag(unix.S_IFREG|0o644, "S_IFREG|0644"), plan.Int(0))
		} else {
			s = b.p.Sys(unix.SYS_MKDIRAT, "mkdirat", parent.Val(), b.p.Str(name), plan.Flag(0o755, "0755"))
		}
		b.p.Ignore(s, syscall.EEXIST)
		if parent != b.root {
			b.close(parent)
		}
		prefix := strings.Join(names[:i+1], "/")
		switch {
		case last:
			b.openIn(prefix, how, b.dst)
		default:
			b.openIn(prefix, b.howDir, b.cur)
			parent = b.cur
		}
	}
}

// attach mounts b.mnt on b.dst and closes both.
func (b *builder) attach() {
	b.moveMount(b.mnt, b.dst.Val())
	b.close(b.mnt)
	b.close(b.dst)
}

func (b *builder) moveMount(from plan.Reg, to plan.Arg) {
	b.p.Sys(unix.SYS_MOVE_MOUNT, "move_mount", from.Val(), b.p.Str(""), to, b.p.Str(""),
		plan.Flag(unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH,
			"MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH"))
}

// openTree clones the mount at (dir, p) into b.mnt, detached.
func (b *builder) openTree(dir plan.Arg, p string, recursive bool, to plan.Reg) *plan.Step {
	flags := int64(unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC)
	text := "OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC"
	if recursive {
		flags, text = flags|unix.AT_RECURSIVE, text+"|AT_RECURSIVE"
	}
	if p == "" {
		flags, text = flags|unix.AT_EMPTY_PATH, text+"|AT_EMPTY_PATH"
	}
	return b.p.Sys(unix.SYS_OPEN_TREE, "open_tree", dir, b.p.Str(p), plan.Flag(flags, text)).To(to)
}

// setattr is mount_setattr(2) on a descriptor.
func (b *builder) setattr(fd plan.Reg, recursive bool, a mountAttr) {
	if a == (mountAttr{}) {
		return
	}
	flags, text := int64(unix.AT_EMPTY_PATH), "AT_EMPTY_PATH"
	if recursive {
		flags, text = flags|unix.AT_RECURSIVE, text+"|AT_RECURSIVE"
	}
	attr := b.p.Words(a.set, a.clear, a.propagation, a.userns)
	b.p.Sys(unix.SYS_MOUNT_SETATTR, "mount_setattr", fd.Val(), b.p.Str(""), plan.Flag(flags, text),
		plan.Ptr(attr, a.String()), plan.Int(32))
}
