// The file in which the end of a container's init is recorded. Whoever is to write it holds its
// lock (flock(2)) until it has, or until it is dead: so who waits for the lock needs no polling, a
// killed writer is noticed at once, and the file may be unlinked in between.

package state

import (
	"os"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/exitrecord"
	"golang.org/x/sys/unix"
)

const exitFile = "exit"

// NewExit makes the empty record and locks it. The lock goes with the last descriptor of the
// returned file.
func (d *Dir) NewExit() (*os.File, error) {
	path := d.File(exitFile)
	fd, err := openRaw(path, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if err := flock(fd, unix.LOCK_EX); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), path), nil
}

// OpenExit opens the record for reading. The error is fs.ErrNotExist if none is being made.
func (d *Dir) OpenExit() (*os.File, error) {
	fd, err := openRaw(d.File(exitFile), unix.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), d.File(exitFile)), nil
}

// ReadExit reads the record from a file of OpenExit. With wait it first waits until it has been
// written; without, unix.EWOULDBLOCK says that this is still to come. exitrecord.ErrNone says that
// the writer was killed.
func ReadExit(f *os.File, wait bool) (*exitrecord.Record, error) {
	how := unix.LOCK_SH
	if !wait {
		how |= unix.LOCK_NB
	}
	if err := flock(int(f.Fd()), how); err != nil {
		return nil, err
	}
	buf := make([]byte, exitrecord.Size+1)
	n, err := unix.Pread(int(f.Fd()), buf, 0)
	if err != nil {
		return nil, &os.PathError{Op: "read", Path: f.Name(), Err: err}
	}
	return exitrecord.Decode(buf[:n])
}

func flock(fd, how int) error {
	for {
		err := unix.Flock(fd, how)
		if err == unix.EINTR {
			continue
		}
		return os.NewSyscallError("flock", err)
	}
}
