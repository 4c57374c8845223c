// Overlays of a sandbox: what the program writes goes to a layer, not to the host.

package lower

import (
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/plan"
	"golang.org/x/sys/unix"
)

// Overlay is an overlay mount (kernel documentation, filesystems/overlayfs).
type Overlay struct {
	Field string // place in the configuration
	Dest  string
	Lower string // absolute path on the host
	// Upper and Work are folders on the host that keep what is written. If they are empty, that
	// goes to a tmpfs and ends with the sandbox.
	Upper, Work string
	Size        int64 // limit of that tmpfs in bytes, 0: half the memory
	// Shared overlays without Upper and Work have one tmpfs together, with the Size of the first.
	Shared bool
}

// overlays makes overlay mounts, attached nowhere yet.
//
// The layer of a throw-away overlay is a tmpfs. Its folders can be named only while it is
// attached (of detached mounts no overlay can be made before Linux 6.15), so it is put on top of
// "/" for that moment, and taken away again: an overlay has clones of its own of what it is
// made of. Left there it would be stacked between the host's root and the new one, and the host's
// root would survive pivot's two umounts, one "cd /.." away.
func (b *builder) overlays(all []Overlay) []plan.Reg {
	made := make([]plan.Reg, len(all))
	var shared []int
	for i := range all {
		o := &all[i]
		made[i] = b.p.Reg("overlay")
		if o.Shared && o.Upper == "" {
			shared = append(shared, i)
			continue
		}
		b.section(o.Field, o.Dest, "put a layer for writes over "+o.Lower)
		if o.Upper != "" {
			b.overlay(o.Lower, o.Upper, o.Work, made[i])
			continue
		}
		b.pushLayer(o.Size)
		b.overlayOnLayer(o, "", made[i])
		b.popLayer()
	}
	if len(shared) == 0 {
		return made
	}
	first := &all[shared[0]]
	b.section(first.Field, first.Dest, "make one layer for all writes to the root")
	b.pushLayer(first.Size)
	for _, i := range shared {
		b.section(all[i].Field, all[i].Dest, "put the layer over "+all[i].Lower)
		b.overlayOnLayer(&all[i], itoa(int64(i)), made[i])
	}
	b.popLayer()
	return made
}

// attachOverlay puts a made overlay at its place.
func (b *builder) attachOverlay(o *Overlay, made plan.Reg) {
	b.section(o.Field, o.Dest, "attach the overlay at "+o.Dest)
	b.target(o.Dest, true)
	b.moveMount(made, b.dst.Val())
	b.close(b.dst)
	b.close(made)
}

// pushLayer puts an empty tmpfs on top of "/" and makes it the working directory.
func (b *builder) pushLayer(size int64) {
	b.tmpfs(size, 0o755, b.mnt)
	b.onSlash(b.mnt)
	b.p.Sys(unix.SYS_FCHDIR, "fchdir", b.mnt.Val())
	b.close(b.mnt)
}

// popLayer takes it away again. Nothing is on top of it, so "." is it.
func (b *builder) popLayer() {
	b.p.Sys(unix.SYS_UMOUNT2, "umount2", b.p.Str("."), plan.Flag(unix.MNT_DETACH, "MNT_DETACH"))
}

// overlayOnLayer makes an overlay whose layer is the working directory.
func (b *builder) overlayOnLayer(o *Overlay, suffix string, to plan.Reg) {
	for _, name := range [...]string{"upper" + suffix, "work" + suffix} {
		b.p.Sys(unix.SYS_MKDIRAT, "mkdirat", fdcwd(), b.p.Str(name), plan.Flag(0o755, "0755"))
	}
	b.overlay(o.Lower, "upper"+suffix, "work"+suffix, to)
}

func (b *builder) overlay(lower, upper, work string, to plan.Reg) {
	b.fsopen("overlay")
	b.fsString("source", "overlay")
	b.fsString("lowerdir", lower)
	b.fsString("upperdir", upper)
	b.fsString("workdir", work)
	if b.inUserNS() {
		b.fsFlag("userxattr") // trusted.* attributes are not for user namespaces
	}
	b.fsmount(unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV, to)
}

// tmpfs makes a detached tmpfs; a size of 0 means the kernel's default, half the memory.
func (b *builder) tmpfs(size int64, mode uint32, to plan.Reg) {
	b.fsopen("tmpfs")
	b.fsString("source", "tmpfs")
	b.fsString("mode", "0"+octal(mode))
	if size > 0 {
		b.fsString("size", itoa(size))
	}
	b.fsmount(unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV, to)
}
