// The keeper: a process of a few KB that is the parent of a detached container's init and records
// how that ended.

package libsandbox

import (
	"errors"
	"os"
	"time"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/exitrecord"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/lower"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/stage"
	"golang.org/x/sys/unix"
)

// BecomeKeeper replaces the calling process, whatever else it does, by the container's keeper. On
// success it does not return. A session of its own keeps a terminal's signals away from it.
//
// The Go runtime would hold some 8 MB for as long as the container runs; the keeper is a plan like
// the init (package lower) and holds some 50 KB.
func (f *Foreground) BecomeKeeper() error {
	if f.cr.record == nil {
		return errors.New("the container was made without a record of its exit")
	}
	_, _ = unix.Setsid() // fails for a session leader, which is all that is wanted
	_ = unix.Chdir("/")  // no file system is kept busy
	fd := int(f.cr.record.Fd())
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0); err != nil {
		return errdetail.Sys("hand the exit record to the keeper", "fcntl", err)
	}
	elf, err := lower.Keeper(f.cr.proc.Pid, fd).Link(stage.Code())
	if err != nil {
		return err
	}
	image, err := stage.Image(elf, f.dir.Path())
	if err != nil {
		return err
	}
	err = unix.Exec(stage.ProcFD(int(image.Fd())), []string{"sandbox-runtime: keeper"}, nil)
	return errdetail.Sys("become the container's keeper", "execve", err)
}

// recordExit writes the record and gives up its lock.
func (f *Foreground) recordExit(e *Exit) {
	file := f.cr.record
	if file == nil {
		return
	}
	rec := exitrecord.Record{Status: e.status, Usage: e.Rusage, At: time.Now()}
	if e.Code != 0 { // a successful one was not killed
		rec.OOMKilled, rec.OOMLooked = f.oomKilled()
	} else {
		rec.OOMLooked = true
	}
	if _, err := unix.Pwrite(int(file.Fd()), rec.Encode(), 0); err != nil {
		f.warnErr(&os.PathError{Op: "write", Path: file.Name(), Err: err})
	}
	file.Close()
}
