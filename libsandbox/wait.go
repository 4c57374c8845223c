// Wait: how a container's init ended, for others than its parent.

package libsandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/cgroup"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/exitrecord"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/state"
	"golang.org/x/sys/unix"
)

// Ended is how a container's init ended.
type Ended struct {
	Exit
	// At is when it was reaped; zero where only the kernel was asked.
	At time.Time
	// Recorded says that At and Rusage are known. They are not where the exit was recorded by
	// nobody and the kernel was asked for the code (Linux 6.15).
	Recorded bool
	// OOMKilled says that the kernel killed a process of the container for lack of memory;
	// OOMKnown that this could be found out: not without a memory cgroup.
	OOMKilled, OOMKnown bool
	// PeakMemory is the most that the container's cgroup ever held, in bytes, page cache included;
	// 0 if it is not known, as without a memory cgroup or when that has been removed. It says more
	// than Rusage.Maxrss: that counts the largest single process, and the runtime's own 7 MB, which
	// the init is born with and lets go when it executes its plan.
	PeakMemory int64
}

// ErrExitUnknown is returned for a container that has ended without anybody who noted how.
var ErrExitUnknown = errors.New("the exit code is not known")

// Hints of ErrExitUnknown.
const (
	hintRecord = "it is recorded by run in the foreground (with --keep, to be asked later) and by run --detach --record-exit"
	hintKeeper = "the process that was to record it was killed"
)

// Wait waits until the init of container id has ended and says how. It can be called at any time,
// by any number of callers, also after the end, if that is recorded: see CreateOptions.RecordExit.
// Otherwise the kernel is asked, which tells it only to those who were waiting when it
// happened, and only since Linux 6.15; else the error is ErrExitUnknown. While the container is being
// made or started by another call, Wait first waits for that.
func (r *Runtime) Wait(id string) (*Ended, error) {
	c, err := r.load(id, true)
	if err != nil {
		return nil, err
	}
	pidfd, perr := c.openPidfd()
	if perr == nil {
		defer unix.Close(pidfd)
	}
	record, err := c.dir.OpenExit()
	c.dir.Close()
	hint := hintRecord
	if err == nil {
		defer record.Close()
		rec, err := state.ReadExit(record, true)
		if !errors.Is(err, exitrecord.ErrNone) {
			return c.ended(rec), err
		}
		hint = hintKeeper
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	unknown := &errdetail.Error{Detail: "container " + id, Err: ErrExitUnknown, Hint: hint}
	if perr != nil {
		return nil, unknown
	}
	ws, err := awaitExit(pidfd)
	if errors.Is(err, ErrExitUnknown) {
		return nil, unknown
	}
	if err != nil {
		return nil, err
	}
	e := &Ended{}
	e.set(ws)
	e.OOMKilled, e.OOMKnown = c.oomKilled()
	e.PeakMemory = c.peakMemory()
	return e, nil
}

// Ended is the recorded end of a stopped container's init; nil if there is no record.
func (c *Container) Ended() (*Ended, error) {
	f, err := c.dir.OpenExit()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rec, err := state.ReadExit(f, false)
	if errors.Is(err, exitrecord.ErrNone) || errors.Is(err, unix.EWOULDBLOCK) {
		return nil, nil
	}
	return c.ended(rec), err
}

func (c *Container) ended(rec *exitrecord.Record) *Ended {
	if rec == nil {
		return nil
	}
	e := &Ended{At: rec.At, Recorded: true, OOMKilled: rec.OOMKilled, OOMKnown: rec.OOMLooked}
	e.Rusage = rec.Usage
	e.PeakMemory = c.peakMemory()
	e.set(rec.Status)
	if !e.OOMKnown { // the keeper does not look: the cgroup is still there
		e.OOMKilled, e.OOMKnown = c.oomKilled()
	}
	return e
}

// oomKilled looks at the count that the memory cgroup keeps until it is removed.
func (c *Container) oomKilled() (killed, known bool) {
	n, ok := readKey(c.memoryFile("memory.oom_control", "memory.events"), "oom_kill")
	return n > 0, ok
}

func (c *Container) peakMemory() int64 {
	n, _ := readNumber(c.memoryFile("memory.max_usage_in_bytes", "memory.peak"))
	return n
}

// memoryFile is the path of a file of the memory cgroup; without one, it does not exist.
func (c *Container) memoryFile(v1, v2 string) string {
	if !c.hasCgroup() || c.cgroup().Absent() {
		return ""
	}
	m := c.cgroup()
	if m.Mode() == cgroup.V2 {
		return filepath.Join(m.Paths()[""], v2)
	}
	return filepath.Join(m.Paths()["memory"], v1)
}

// reapLimit bounds how long awaitExit waits for an ended process to be reaped by its parent.
const reapLimit = 10 * time.Second

// awaitExit waits for the end of a process that is not our child and asks the kernel how it ended.
func awaitExit(pidfd int) (unix.WaitStatus, error) {
	if err := pollPidfd(pidfd, unix.POLLIN, -1); err != nil {
		return 0, err
	}
	// The kernel keeps the status for the pidfd's holders when the process is reaped, not before:
	// POLLHUP says so.
	if err := pollPidfd(pidfd, 0, reapLimit); err != nil {
		return 0, err
	}
	info := unix.PidfdInfo{Mask: unix.PIDFD_INFO_EXIT}
	if err := unix.IoctlPidfdInfo(pidfd, &info); err != nil || info.Mask&unix.PIDFD_INFO_EXIT == 0 {
		return 0, ErrExitUnknown
	}
	return unix.WaitStatus(uint32(info.Exit_code)), nil
}

func pollPidfd(fd int, events int16, limit time.Duration) error {
	for {
		ms := -1
		if limit >= 0 {
			ms = int(limit/time.Millisecond) + 1
		}
		_, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: events}}, ms)
		if err != unix.EINTR {
			return os.NewSyscallError("poll", err)
		}
	}
}

// String says it in a line.
func (e *Ended) String() string {
	text := fmt.Sprintf("exited with code %d", e.Code)
	if e.Signal != 0 {
		text = fmt.Sprintf("killed by signal %d (%s)", int(e.Signal), unix.SignalName(e.Signal))
	}
	if e.OOMKilled {
		text += ", out of memory"
	}
	return text
}
