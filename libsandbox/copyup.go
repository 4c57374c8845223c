// tmpcopyup: a tmpfs that starts with the files of the folder below it.

package libsandbox

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"runtime"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/rootfs"
	"golang.org/x/sys/unix"
)

// copyUp fills the detached tmpfs in files from the image's folder at mounts[i].destination.
func (cr *creation) copyUp(i int, files []*os.File) error {
	if len(files) != 1 || i < 0 || i >= len(cr.spec.Mounts) {
		return errors.New("the init sent no tmpfs")
	}
	defer files[0].Close()
	m := &cr.spec.Mounts[i]
	root, err := rootfs.Open(cr.facts.RootPath)
	if err != nil {
		return err
	}
	defer root.Close()
	from, err := root.OpenFile(m.Destination, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		defer from.Close()
		err = copyTo(from, files[0])
	}
	if err != nil {
		e := &errdetail.Error{Field: "mounts[" + itoa(i) + "]", Detail: m.Destination,
			Op: "copy the files below into the tmpfs", Err: err}
		if cr.facts.Rootless && errors.Is(err, unix.EPERM) {
			e.Hint = "a user can't give files away, not even to his further ids: chown them to him, or leave tmpcopyup out"
		}
		return e
	}
	return nil
}

// copier copies with the file-system ids of whom the tmpfs belongs to: in a tmpfs of a user
// namespace the kernel makes nothing for an id that is not mapped there (EOVERFLOW), such as the
// runtime's own. All else needs the runtime's rights, so only the making is done with those ids.
type copier struct{ uid, gid, ownUID, ownGID int }

func copyTo(from, to *os.File) error {
	var st unix.Stat_t
	if err := unix.Fstat(int(to.Fd()), &st); err != nil {
		return os.NewSyscallError("fstat", err)
	}
	c := &copier{int(st.Uid), int(st.Gid), os.Geteuid(), os.Getegid()}
	// The ids are the thread's own (setfsuid(2)).
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return c.tree(from, to)
}

// make calls f, which makes a file, with the ids of the tmpfs.
func (c *copier) make(f func() error) error {
	if c.uid == c.ownUID && c.gid == c.ownGID {
		return f()
	}
	_ = unix.Setfsgid(c.gid)
	_ = unix.Setfsuid(c.uid)
	defer func() {
		_ = unix.Setfsuid(c.ownUID)
		_ = unix.Setfsgid(c.ownGID)
	}()
	return f()
}

// tree copies what is in the folder from into the folder to, by descriptors only: nothing is
// followed, everything is made anew.
func (c *copier) tree(from, to *os.File) error {
	entries, err := from.ReadDir(-1)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := c.entry(from, to, e.Name()); err != nil {
			return err
		}
	}
	return nil
}

func (c *copier) entry(from, to *os.File, name string) error {
	src, dst := int(from.Fd()), int(to.Fd())
	var st unix.Stat_t
	if err := unix.Fstatat(src, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return &os.PathError{Op: "fstatat", Path: name, Err: err}
	}
	var err error
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		err = c.dir(src, dst, name)
	case unix.S_IFREG:
		err = c.file(src, dst, name)
	case unix.S_IFLNK:
		buf := make([]byte, unix.PathMax)
		var n int
		if n, err = unix.Readlinkat(src, name, buf); err == nil {
			err = c.make(func() error { return unix.Symlinkat(string(buf[:n]), dst, name) })
		}
	default:
		err = c.make(func() error { return unix.Mknodat(dst, name, st.Mode, int(st.Rdev)) })
	}
	if err == nil {
		err = unix.Fchownat(dst, name, int(st.Uid), int(st.Gid), unix.AT_SYMLINK_NOFOLLOW)
	}
	if err == nil && st.Mode&unix.S_IFMT != unix.S_IFLNK {
		err = unix.Fchmodat(dst, name, st.Mode&0o7777, 0)
	}
	if err != nil {
		return &os.PathError{Op: "copy", Path: name, Err: err}
	}
	return nil
}

func (c *copier) dir(src, dst int, name string) error {
	from, err := openAt(src, name, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer from.Close()
	if err := c.make(func() error { return unix.Mkdirat(dst, name, 0o700) }); err != nil {
		return err
	}
	to, err := openAt(dst, name, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer to.Close()
	return c.tree(from, to)
}

func (c *copier) file(src, dst int, name string) error {
	from, err := openAt(src, name, unix.O_RDONLY|unix.O_NONBLOCK, 0) // not to hang on a FIFO put there since
	if err != nil {
		return err
	}
	defer from.Close()
	var to *os.File
	if err := c.make(func() (err error) {
		to, err = openAt(dst, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL, 0o600)
		return err
	}); err != nil {
		return err
	}
	defer to.Close()
	_, err = io.Copy(to, from)
	return err
}

func openAt(dir int, name string, flags int, mode uint32) (*os.File, error) {
	fd, err := unix.Openat(dir, name, flags|unix.O_NOFOLLOW|unix.O_CLOEXEC, mode)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}
