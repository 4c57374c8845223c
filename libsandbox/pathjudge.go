// What a sandbox will say to an access: looked up in the program's own root, by descriptor.

package libsandbox

import (
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/lower"
	"golang.org/x/sys/unix"
)

// judgePath says whether the sandbox denies an access, and why. Denials by file permissions, which
// the program would meet outside too, are not reported, nor what is in /proc and /dev.
func (b *box) judgePath(pid int, a attempt) (DeniedPath, bool) {
	p := a.absolute(pid)
	if p == "" || p == "/" || below(p, "/proc") || below(p, "/dev") || !b.p.makes(NamespaceMount) {
		return DeniedPath{}, false
	}
	root, err := unix.Open("/proc/"+strconv.Itoa(pid)+"/root", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return DeniedPath{}, false
	}
	defer unix.Close(root)
	d := DeniedPath{Path: p, Access: a.access}
	fd, err := openBelow(root, p)
	if err == unix.ENOENT || err == unix.ENOTDIR {
		if a.noFinal {
			if fd, err = openBelow(root, path.Dir(p)); err == nil {
				d.Access = "create"
			}
		}
		if err != nil {
			d.Reason = "absent"
			var there bool
			d.Path, there = b.onHost(p)
			return d, there
		}
	}
	if err != nil {
		return DeniedPath{}, false
	}
	defer unix.Close(fd)
	switch {
	case (d.Access == "write" || d.Access == "create") && readOnly(fd):
		d.Reason = "read-only"
	case !b.landlockAllows(root, fd, d.Access):
		d.Reason = "landlock"
	default:
		return DeniedPath{}, false
	}
	return d, true
}

// below says whether p is dir or in it.
func below(p, dir string) bool {
	return p == dir || strings.HasPrefix(p, strings.TrimSuffix(dir, "/")+"/")
}

// onHost says whether a path that the sandbox does not have is there on the host, and where its
// links lead: that is what is missing. With a root of its own a sandbox has other paths than the
// host, and nothing is to be compared.
func (b *box) onHost(p string) (string, bool) {
	if b.p.cfg.Root != "" {
		return p, false
	}
	if _, err := os.Lstat(p); err != nil {
		return p, false
	}
	if real, err := filepath.EvalSymlinks(p); err == nil {
		return real, true
	}
	return p, true
}

// openBelow opens a path of the sandbox without touching what it is.
func openBelow(root int, p string) (int, error) {
	return unix.Openat2(root, p, &unix.OpenHow{
		Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS})
}

// readOnly says whether fd is on a read-only mount and is something that this binds.
func readOnly(fd int) bool {
	var st unix.Stat_t
	var fs unix.Statfs_t
	if unix.Fstat(fd, &st) != nil || unix.Fstatfs(fd, &fs) != nil {
		return false
	}
	kind := st.Mode & unix.S_IFMT
	return fs.Flags&unix.ST_RDONLY != 0 && (kind == unix.S_IFREG || kind == unix.S_IFDIR)
}

// landlockAllows says whether the rules allow an access to fd, as far as they can be known from
// their paths: they are opened here again.
func (b *box) landlockAllows(root, fd int, access string) bool {
	l := b.p.sandbox.Landlock
	if l == nil || l.HandledFS == 0 {
		return true
	}
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return true
	}
	dir := st.Mode&unix.S_IFMT == unix.S_IFDIR
	need := uint64(unix.LANDLOCK_ACCESS_FS_READ_FILE)
	switch {
	case access == "execute":
		need = unix.LANDLOCK_ACCESS_FS_EXECUTE
	case access == "create":
		need = unix.LANDLOCK_ACCESS_FS_MAKE_REG
	case access == "write":
		need = unix.LANDLOCK_ACCESS_FS_WRITE_FILE
	case dir:
		need = unix.LANDLOCK_ACCESS_FS_READ_DIR
	}
	if need &= l.HandledFS; need == 0 {
		return true
	}
	at := realPath(fd)
	return at == "" || allowed(root, l, at)&need == need
}

// allowed is the union of what the rules grant at a path.
func allowed(root int, l *lower.Landlock, at string) (access uint64) {
	for i := range l.Paths {
		fd, err := openBelow(root, path.Clean(l.Paths[i].Path))
		if err != nil {
			continue
		}
		if rule := realPath(fd); rule != "" && below(at, rule) {
			access |= l.Paths[i].Access
		}
		unix.Close(fd)
	}
	return access
}

// realPath is where fd is in the sandbox.
func realPath(fd int) string {
	p, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	if err != nil {
		return ""
	}
	return p
}
