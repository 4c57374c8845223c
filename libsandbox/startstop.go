// Start, Kill, Delete.

package libsandbox

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/lower"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/plan"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/stage"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/state"
	"golang.org/x/sys/unix"
)

// tail keeps what start needs to explain a failure of the last steps.
func tail(res *lower.Result) (out []state.Step) {
	p := res.Plan
	code := len(stage.Code())
	for i := res.Tail; i < len(p.Steps) && i < res.Tail+8; i++ {
		s := &p.Steps[i]
		t := state.Step{Addr: p.AddrOf(i, code), Syscall: s.Name}
		if s.Section >= 0 {
			sec := p.Sections[s.Section]
			t.Field, t.Detail, t.Op = sec.Field, sec.Detail, sec.Title
		}
		out = append(out, t)
		if s.Nr == unix.SYS_EXECVE {
			break
		}
	}
	return out
}

// Start lets a created container's program run. It returns when the program has been executed,
// or with the reason why it could not be; the container is then stopped.
func (r *Runtime) Start(id string) error {
	c, err := r.load(id, true)
	if err != nil {
		return err
	}
	defer c.dir.Close()
	return c.start()
}

func (c *Container) start() error {
	status, err := c.Status()
	if err != nil {
		return err
	}
	switch status {
	case Created:
	case Stopped:
		return errors.New("cannot start a container that has stopped")
	case Paused:
		return ErrPaused
	default:
		return fmt.Errorf("cannot start a container in the %s state", status)
	}
	if c.st.NoProgram {
		return errNoProgram()
	}
	pidfd, err := c.openPidfd()
	if err != nil {
		return err
	}
	defer unix.Close(pidfd)
	if err := c.startContainerHooks(); err != nil {
		return c.fallen(err)
	}
	if err := c.release(pidfd); err != nil {
		return err
	}
	if err := c.poststartHooks(); err != nil {
		return c.fallen(err)
	}
	return nil
}

// fallen is what a failed hook of start leads to: the container is stopped and destroyed, and its
// poststop hooks run (runtime.md, "Lifecycle", steps 7, 9 and 12). It returns err.
func (c *Container) fallen(err error) error {
	if kerr := c.end(); kerr != nil {
		c.warnErr(kerr)
	} else if derr := c.destroy(); derr != nil {
		c.warnErr(derr)
	}
	return err
}

// release writes to the start FIFO and waits until the init has executed its program, has said
// why it could not, or has died.
func (c *Container) release(pidfd int) error {
	const flags = unix.O_NONBLOCK | unix.O_CLOEXEC
	result, err := unix.Open(c.dir.File(state.ResultFIFO), unix.O_RDONLY|flags, 0)
	if err != nil {
		return os.NewSyscallError("open result.fifo", err)
	}
	defer unix.Close(result)
	// O_NONBLOCK: without a reader, that is without an init, this fails instead of blocking.
	fifo, err := unix.Open(c.dir.File(state.StartFIFO), unix.O_WRONLY|flags, 0)
	if err == unix.ENXIO {
		return ErrNotRunning
	}
	if err != nil {
		return os.NewSyscallError("open exec.fifo", err)
	}
	_, err = unix.Write(fifo, []byte{1})
	unix.Close(fifo)
	if err != nil {
		return os.NewSyscallError("write exec.fifo", err)
	}
	rec, err := awaitResult(result, pidfd)
	_ = unix.Unlink(c.dir.File(state.StartFIFO)) // left over, they do no harm
	_ = unix.Unlink(c.dir.File(state.ResultFIFO))
	if err != nil || len(rec) == 0 {
		return err
	}
	return c.tailError(rec)
}

func awaitResult(result, pidfd int) ([]byte, error) {
	fds := []unix.PollFd{{Fd: int32(result), Events: unix.POLLIN}, {Fd: int32(pidfd), Events: unix.POLLIN}}
	for {
		if _, err := unix.Poll(fds, -1); err != nil {
			if err == unix.EINTR {
				continue
			}
			return nil, os.NewSyscallError("poll", err)
		}
		break
	}
	buf := make([]byte, 1024)
	n, err := unix.Read(result, buf)
	if n > 0 {
		return buf[:n], nil
	}
	if err != nil && err != unix.EAGAIN {
		return nil, os.NewSyscallError("read", err)
	}
	return nil, nil
}

// tailError explains a record that came after create had ended.
func (c *Container) tailError(rec []byte) error {
	if len(rec) < plan.RecordSize {
		return stage.ErrGone
	}
	addr := binary.LittleEndian.Uint64(rec)
	errno := syscall.Errno(binary.LittleEndian.Uint64(rec[8:]))
	for _, t := range c.st.Tail {
		if t.Addr == addr {
			return execHint(&errdetail.Error{Field: t.Field, Detail: t.Detail, Op: t.Op, Syscall: t.Syscall, Err: errno})
		}
	}
	return errdetail.Sys("execute the program", "", errno)
}

// StartFailure explains the record that the init of container id left for start: why it could not
// execute its program. See early.Failure.
func (r *Runtime) StartFailure(id string, record []byte) error {
	c, err := r.Load(id)
	if err != nil {
		return err
	}
	return c.tailError(record)
}

// Kill sends sig to the container's init. In a container without a PID namespace of its own, or
// with all, every process of the container gets it.
func (r *Runtime) Kill(id string, sig unix.Signal, all bool) error {
	c, err := r.Load(id)
	if err != nil {
		return err
	}
	return c.kill(sig, all)
}

func (c *Container) kill(sig unix.Signal, all bool) error {
	if all || c.st.SharedPid {
		killed, err := c.killCgroup(sig)
		if killed || err != nil {
			return err
		}
	}
	fd, err := c.openPidfd()
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.PidfdSendSignal(fd, sig, nil, 0); err != nil {
		if err == unix.ESRCH {
			return ErrNotRunning
		}
		return errdetail.Sys(fmt.Sprintf("send signal %d", int(sig)), "pidfd_send_signal", err)
	}
	c.thawFor(sig)
	return nil
}

// killTimeout bounds how long Delete waits for killed processes to be gone.
const killTimeout = 10 * time.Second

// Delete removes a stopped container. With force it is killed first, and what a killed runtime
// left behind of it is removed too; an unknown id is then no error.
func (r *Runtime) Delete(id string, force bool) error {
	c, err := r.load(id, true)
	if err != nil {
		if force && errors.Is(err, ErrNotExist) {
			return nil
		}
		return err
	}
	defer c.dir.Close()
	return c.delete(force)
}

func (c *Container) delete(force bool) error {
	status, err := c.Status()
	if err != nil {
		return err
	}
	switch status {
	case Stopped:
	case Created:
		force = true // runc deletes a created container without --force, engines rely on it
	default:
		if !force {
			return fmt.Errorf("cannot delete container %s that is not stopped: %s", c.st.ID, status)
		}
	}
	if force {
		if err := c.end(); err != nil {
			return err
		}
	}
	return c.destroy()
}

// end kills the init and waits until it is gone.
func (c *Container) end() error {
	fd, err := c.openPidfd()
	if errors.Is(err, ErrNotRunning) {
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil && err != unix.ESRCH {
		return errdetail.Sys("kill the container's init", "pidfd_send_signal", err)
	}
	c.thawFor(unix.SIGKILL)
	return waitPidfd(fd, killTimeout, c.st.Pid)
}

func waitPidfd(fd int, timeout time.Duration, pid int) error {
	deadline := time.Now().Add(timeout)
	for {
		left := time.Until(deadline)
		if left <= 0 {
			return fmt.Errorf("process %d has not ended %v after SIGKILL", pid, timeout)
		}
		p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(p, int(left/time.Millisecond)+1)
		if err != nil && err != unix.EINTR {
			return os.NewSyscallError("poll", err)
		}
		if n > 0 {
			return nil
		}
	}
}

// destroy removes cgroup and state, then runs the poststop hooks.
func (c *Container) destroy() error {
	if err := c.removeCgroup(); err != nil {
		return err
	}
	if err := c.removeRdt(); err != nil {
		return err
	}
	hooks := c.loadPoststop()
	if err := c.dir.Remove(); err != nil {
		return err
	}
	hooks()
	return nil
}
