// Hooks: which, when, in which namespaces (config.md, "POSIX-platform Hooks").

package libsandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/hooks"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/lower"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/rootfs"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/stage"
	"golang.org/x/sys/unix"
)

// hookState is the state that hooks read on stdin. Those of create see "created": runtime.md gives
// that status to what comes after step 2 of the life cycle, and they are steps 3 to 5.
func (c *Container) hookState(status Status, pid int) *specs.State {
	return &specs.State{
		Version: c.st.OCIVersion, ID: c.st.ID, Status: specs.ContainerState(status), Pid: pid,
		Bundle: c.st.Bundle, Annotations: c.st.Annotations,
	}
}

// createRuntimeHooks run in the runtime's namespaces, after the container's exist.
func (cr *creation) createRuntimeHooks() error {
	h := cr.spec.Hooks
	if h == nil {
		return nil
	}
	st := cr.c.hookState(Created, cr.proc.Pid)
	opts := hooks.Options{Dir: cr.o.Bundle}
	//nolint:staticcheck // prestart is deprecated, and what every device plugin still uses
	if err := hooks.RunAll(context.Background(), h.Prestart, "hooks.prestart", st, opts); err != nil {
		return err
	}
	return hooks.RunAll(context.Background(), h.CreateRuntime, "hooks.createRuntime", st, opts)
}

// createContainerHooks run in the container's namespaces, before pivot_root: their paths are the
// host's.
func (cr *creation) createContainerHooks() error {
	cr.c.st.Pid = cr.proc.Pid
	st, err := procStart(cr.proc.Pid)
	if err != nil {
		return err
	}
	cr.c.st.Start = st
	return cr.c.insideHooks(cr.spec, cr.spec.Hooks.CreateContainer, "hooks.createContainer", Created)
}

// startContainerHooks run in the container's namespaces and root, before its program.
func (c *Container) startContainerHooks() error {
	if !c.st.Hooks {
		return nil
	}
	spec, err := c.Spec()
	if err != nil {
		return err
	}
	if spec.Hooks == nil {
		return nil
	}
	return c.insideHooks(spec, spec.Hooks.StartContainer, "hooks.startContainer", Created)
}

func (c *Container) insideHooks(spec *specs.Spec, list []specs.Hook, field string, status Status) error {
	if len(list) == 0 {
		return nil
	}
	prepared, err := hooks.PrepareAll(list, field, c.hookState(status, c.st.Pid))
	if err != nil {
		return err
	}
	for _, h := range prepared {
		if err := c.insideHook(spec, h); err != nil {
			return err
		}
	}
	return nil
}

// insideHook runs one hook by a stage that joins the container. Its root is that of the init at
// this moment, which before pivot_root is the host's in the container's mount namespace.
func (c *Container) insideHook(spec *specs.Spec, h *hooks.Prepared) error {
	stdin, err := feed(h.Stdin)
	if err != nil {
		return err
	}
	defer stdin.Close()
	errR, errW, err := os.Pipe()
	if err != nil {
		return err
	}
	defer errR.Close()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		errW.Close()
		return err
	}
	x := &execution{c: c, spec: spec, p: &specs.Process{Args: append([]string{h.Path}, h.Argv...), Env: h.Env}}
	x.in.files = []*os.File{stdin, null, errW}
	x.in.own = []*os.File{null, errW}
	defer x.in.close()
	if err := x.startHook(); err != nil {
		if x.proc != nil {
			x.proc.Kill()
			x.proc.Close()
		}
		return h.Fail(startError(err), "")
	}
	defer x.proc.Close()
	stderr := hooks.Collect(errR, nil)
	err = x.awaitHook(h.Timeout)
	if text := stderr.Text(); err != nil {
		return h.Fail(err, text)
	}
	return nil
}

// startError is why a hook could not be executed, without the field, which names its list only.
func startError(err error) error {
	var se *stage.StepError
	if errors.As(err, &se) && se.Name == "execve" {
		return fmt.Errorf("execve: %w", se.Errno)
	}
	return err
}

// feed is a file with the hook's input; a memory file, so that a hook that reads nothing does
// not matter.
func feed(data []byte) (*os.File, error) {
	fd, err := unix.MemfdCreate("hook-state", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	f := os.NewFile(uintptr(fd), "hook-state")
	if _, err := f.Write(data); err == nil {
		_, err = f.Seek(0, io.SeekStart)
		if err == nil {
			return f, nil
		}
	}
	f.Close()
	return nil, errors.New("cannot write the hook's input")
}

func (x *execution) startHook() error {
	facts, join, err := joinFacts(x.c, &x.in, false)
	if err != nil {
		return err
	}
	root, err := os.OpenFile("/proc/"+strconv.Itoa(x.c.st.Pid)+"/root", unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	join.Root, join.Keep = x.in.add(root), true
	if err := x.viaUser(facts, &join); err != nil {
		return err
	}
	facts.SockFD = len(x.in.files)
	facts.EndFD = facts.SockFD + 1
	if x.res, err = lower.Exec(x.spec, x.p, facts, join); err != nil {
		return err
	}
	opts := stage.Options{Files: x.in.files, CgroupFD: -1, Dir: x.c.dir.Path()}
	if !x.c.st.SharedPid && !join.Fork {
		ns, err := openPlain("/proc/"+strconv.Itoa(x.c.st.Pid)+"/ns/pid", unix.O_RDONLY)
		if err != nil {
			return err
		}
		defer ns.Close()
		opts.PidNS = ns
	}
	if x.proc, err = stage.Start(x.res.Plan, opts); err != nil {
		return err
	}
	x.in.close()
	return x.followHook()
}

func (x *execution) followHook() error {
	for {
		ev, err := x.proc.Wait()
		if err != nil {
			return err
		}
		if ev.ID == lower.SyncPid {
			err = x.proc.Adopt(int(ev.Value))
		} else {
			err = x.c.joinExec(x.proc.Pid, nil)
		}
		if err != nil {
			return err
		}
		if err := x.proc.Ack(1); err != nil {
			return err
		}
		if ev.ID == lower.SyncReady {
			return x.proc.WaitExec()
		}
	}
}

// awaitHook waits for the hook with its timeout; then its whole session is killed.
func (x *execution) awaitHook(timeout time.Duration) error {
	ended := func(ms int) bool {
		for {
			n, err := unix.Poll([]unix.PollFd{{Fd: int32(x.proc.PidFD.Fd()), Events: unix.POLLIN}}, ms)
			if err != unix.EINTR {
				return n > 0
			}
		}
	}
	if timeout > 0 && !ended(int(min(timeout/time.Millisecond, math.MaxInt32))) {
		_ = unix.Kill(-x.proc.Pid, unix.SIGKILL)
		x.proc.Kill()
		return fmt.Errorf("%w after %v", hooks.ErrTimeout, timeout)
	}
	ended(-1)
	exit, err := waitChild(x.proc.Pid)
	switch {
	case err != nil || exit.Code == 0:
		return err
	case exit.Signal != 0:
		return fmt.Errorf("signal: %v", exit.Signal)
	}
	return fmt.Errorf("exit status %d", exit.Code)
}

// poststartHooks run after the program has started, and before start returns.
func (c *Container) poststartHooks() error {
	if !c.st.Hooks {
		return nil
	}
	spec, err := c.Spec()
	if err != nil || spec.Hooks == nil {
		return err
	}
	return hooks.RunAll(context.Background(), spec.Hooks.Poststart, "hooks.poststart",
		c.hookState(Running, c.st.Pid), hooks.Options{Dir: c.st.Bundle})
}

func (c *Container) warnErr(err error) { c.rt.warn("%v", err) }

// loadPoststop reads the poststop hooks while the state is still there; they are run when it is
// gone.
func (c *Container) loadPoststop() func() {
	nothing := func() {}
	if !c.st.Hooks {
		return nothing
	}
	spec, err := c.Spec()
	if err != nil || spec.Hooks == nil || len(spec.Hooks.Poststop) == 0 {
		return nothing
	}
	return func() { c.runPoststop(spec) }
}

// runPoststop runs the poststop hooks; a failing one is only reported.
func (c *Container) runPoststop(spec *specs.Spec) {
	if spec.Hooks == nil || len(spec.Hooks.Poststop) == 0 {
		return
	}
	hooks.RunAllWarn(context.Background(), spec.Hooks.Poststop, "hooks.poststop",
		c.hookState(Stopped, 0), hooks.Options{Dir: c.st.Bundle}, c.warnErr)
}

func openInitRoot(pid int) (*rootfs.Root, error) {
	return rootfs.Open("/proc/" + strconv.Itoa(pid) + "/root")
}
