// Run: create, start, wait and delete in one, without the FIFO between.

package libsandbox

import (
	"os"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/seccomp"
	"golang.org/x/sys/unix"
)

// Foreground is a container whose init is our child.
type Foreground struct {
	*Container
	cr *creation
}

// Run makes the container id and starts its program at once. Wait must be called.
func (r *Runtime) Run(id string, o CreateOptions) (*Foreground, error) {
	cr, err := r.create(id, &o, true)
	if err != nil {
		return nil, err
	}
	f := &Foreground{cr.c, cr}
	if h := cr.spec.Hooks; h != nil && len(h.StartContainer) > 0 {
		if err := cr.c.startContainerHooks(); err != nil {
			cr.undo()
			return nil, err
		}
	}
	if cr.notify, err = cr.c.listenNotify(o.NotifySocket); err != nil {
		cr.undo()
		return nil, err
	}
	if err := cr.release(); err != nil {
		err = explainStep(err, cr.spec.Process, cr.result)
		cr.undo()
		return nil, err
	}
	cr.c.dir.Close() // the lock; others may now kill and delete
	if err := cr.c.poststartHooks(); err != nil {
		cr.proc.Kill()
		f.Detach()
		if derr := r.Delete(id, true); derr != nil {
			cr.c.warnErr(derr)
		}
		return nil, err
	}
	return f, nil
}

// release lets the program go and waits until it is executed: the socket closes then.
func (cr *creation) release() error {
	if err := cr.proc.Ack(1); err != nil {
		return err
	}
	err := cr.proc.WaitExec()
	cr.proc.CloseSocket()
	return err
}

// PidFD is a pidfd of the init, owned by f.
func (f *Foreground) PidFD() *os.File { return f.cr.proc.PidFD }

// Detach leaves the container running on its own. Nobody will record its exit.
func (f *Foreground) Detach() {
	f.cr.proc.Close()
	if f.cr.record != nil {
		f.cr.record.Close()
	}
}

// Exit is how a container's init ended.
type Exit struct {
	Code   int         // exit code, or 128+N for a signal
	Signal unix.Signal // 0 if it was not killed
	Rusage unix.Rusage // of the init and the children that it has waited for
	// Filtered says that SIGSYS ended it and that it had a seccomp filter; Call is then the system
	// call it was ended for, as seccomp.Kill prints it, or "" where the kernel's log does not tell.
	Filtered bool
	Call     string

	status unix.WaitStatus
}

// Wait waits for the init and, unless keep is set, deletes the container.
func (f *Foreground) Wait(keep bool) (Exit, error) {
	exit, err := waitChild(f.cr.proc.Pid)
	f.cr.proc.Close()
	if err != nil {
		return exit, err
	}
	exit.name(f.cr.proc.Pid, f.cr.spec)
	f.recordExit(&exit)
	if keep {
		return exit, nil
	}
	err = f.rt.Delete(f.st.ID, true)
	return exit, err
}

// name finds out what a process that a filter has ended was ended for.
func (e *Exit) name(pid int, spec *specs.Spec) {
	e.Filtered = e.Signal == unix.SIGSYS && spec.Linux != nil && spec.Linux.Seccomp != nil
	if !e.Filtered {
		return
	}
	// The record is written by a thread of the kernel, a moment after the death.
	if k, ok := seccomp.KilledBy(pid, time.Minute, 500*time.Millisecond); ok {
		e.Call = k.String()
	}
}

func waitChild(pid int) (Exit, error) {
	var ws unix.WaitStatus
	var e Exit
	for {
		_, err := unix.Wait4(pid, &ws, 0, &e.Rusage)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return e, os.NewSyscallError("wait4", err)
		}
		break
	}
	e.set(ws)
	return e, nil
}

// set takes over a status of wait4(2).
func (e *Exit) set(ws unix.WaitStatus) {
	e.status = ws
	if ws.Signaled() {
		e.Signal = ws.Signal()
		e.Code = 128 + int(e.Signal)
	} else {
		e.Code = ws.ExitStatus()
	}
}

// execHint adds what usually is behind a program that is there but cannot be executed.
func execHint(e *errdetail.Error) error {
	switch e.Err {
	case unix.ENOEXEC:
		e.Hint = "the file is no executable for this machine, or a script without a #! line"
	case unix.ENOENT:
		if e.Syscall == "execve" {
			e.Hint = "the file is there, so its interpreter (#! line or ELF loader) is missing in the container"
		}
	}
	return e
}
