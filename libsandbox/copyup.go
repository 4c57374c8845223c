// tmpcopyup: a tmpfs that starts with the files of the folder below it.

package libsandbox

import (
	"errors"
	"io"
	"io/fs"
	"os"

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
		err = copyTree(from, files[0])
	}
	if err != nil {
		return &errdetail.Error{Field: "mounts[" + itoa(i) + "]", Detail: m.Destination,
			Op: "copy the files below into the tmpfs", Err: err}
	}
	return nil
}

// copyTree copies what is in the folder from into the folder to, by descriptors only: nothing is
// followed, everything is made anew.
func copyTree(from, to *os.File) error {
	entries, err := from.ReadDir(-1)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := copyEntry(from, to, e.Name()); err != nil {
			return err
		}
	}
	return nil
}

func copyEntry(from, to *os.File, name string) error {
	src, dst := int(from.Fd()), int(to.Fd())
	var st unix.Stat_t
	if err := unix.Fstatat(src, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return &os.PathError{Op: "fstatat", Path: name, Err: err}
	}
	var err error
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		err = copyDir(src, dst, name)
	case unix.S_IFREG:
		err = copyFile(src, dst, name)
	case unix.S_IFLNK:
		buf := make([]byte, unix.PathMax)
		var n int
		if n, err = unix.Readlinkat(src, name, buf); err == nil {
			err = unix.Symlinkat(string(buf[:n]), dst, name)
		}
	default:
		err = unix.Mknodat(dst, name, st.Mode, int(st.Rdev))
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

func copyDir(src, dst int, name string) error {
	from, err := openAt(src, name, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer from.Close()
	if err := unix.Mkdirat(dst, name, 0o700); err != nil {
		return err
	}
	to, err := openAt(dst, name, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer to.Close()
	return copyTree(from, to)
}

func copyFile(src, dst int, name string) error {
	from, err := openAt(src, name, unix.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := openAt(dst, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL, 0o600)
	if err != nil {
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
