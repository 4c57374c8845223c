// Package rootfs reaches files of a container from the host: always from the root's descriptor,
// never by a path string that something in the container could divert.
package rootfs

import (
	"os"
	"strings"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
	"golang.org/x/sys/unix"
)

// Root is a root file system, opened once. It is safe for concurrent use.
type Root struct{ f *os.File }

// Open opens the folder at path, following symbolic links of the host.
func Open(path string) (*Root, error) {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &errdetail.Error{Field: "root.path", Detail: path, Op: "open the root file system",
			Syscall: "open", Err: err}
	}
	return &Root{os.NewFile(uintptr(fd), path)}, nil
}

// Close closes the descriptor.
func (r *Root) Close() error { return r.f.Close() }

// FD is the root's descriptor (O_PATH); it stays owned by r.
func (r *Root) FD() int { return int(r.f.Fd()) }

// OpenFile opens a file of the container by openat2(2) with RESOLVE_IN_ROOT: absolute symbolic
// links and .. stay inside the root, magic links are refused.
func (r *Root) OpenFile(path string, flags int, mode uint32) (*os.File, error) {
	how := unix.OpenHow{Flags: uint64(flags | unix.O_CLOEXEC), Mode: uint64(mode),
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS}
	p := strings.TrimLeft(path, "/")
	if p == "" {
		p = "."
	}
	for {
		fd, err := unix.Openat2(r.FD(), p, &how)
		switch err {
		case nil:
			return os.NewFile(uintptr(fd), path), nil
		case unix.EINTR, unix.EAGAIN: // EAGAIN: a rename raced with the look-up (openat2(2))
			continue
		}
		return nil, &os.PathError{Op: "openat2", Path: path, Err: err}
	}
}

// Clone returns a detached copy of the mount at path, ready for move_mount(2), and whether it is
// a folder. It needs CAP_SYS_ADMIN in the caller's mount namespace.
func Clone(path string, recursive bool) (f *os.File, dir bool, err error) {
	flags := uint(unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC)
	if recursive {
		flags |= unix.AT_RECURSIVE
	}
	fd, err := unix.OpenTree(unix.AT_FDCWD, path, flags)
	if err != nil {
		return nil, false, os.NewSyscallError("open_tree", err)
	}
	f = os.NewFile(uintptr(fd), path)
	dir, err = isDir(fd)
	if err != nil {
		f.Close()
		return nil, false, err
	}
	return f, dir, nil
}

// CloneAgain returns a copy of a detached mount, attributes included. It needs Linux 6.15, and that
// the mount was cloned in the caller's mount namespace.
func CloneAgain(f *os.File, recursive bool) (*os.File, error) {
	flags := uint(unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC | unix.AT_EMPTY_PATH)
	if recursive {
		flags |= unix.AT_RECURSIVE
	}
	fd, err := unix.OpenTree(int(f.Fd()), "", flags)
	if err != nil {
		return nil, os.NewSyscallError("open_tree", err)
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

// IsDir says whether path is a folder.
func IsDir(path string) (bool, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return false, os.NewSyscallError("stat", err)
	}
	return st.Mode&unix.S_IFMT == unix.S_IFDIR, nil
}

func isDir(fd int) (bool, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return false, os.NewSyscallError("fstat", err)
	}
	return st.Mode&unix.S_IFMT == unix.S_IFDIR, nil
}
