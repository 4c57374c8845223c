// Waiting for the cgroup to become empty, without sleeping loops.

package cgroup

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// WaitEmpty returns when no process is left in the container's cgroup or below it. It sleeps on
// cgroup.events where there is a v2 hierarchy, and on pidfds of the remaining processes on v1. When
// ctx ends first, the error names the processes that are left and what each waits for.
func (m *Manager) WaitEmpty(ctx context.Context) error {
	if m.absent {
		return nil
	}
	for {
		if d := m.v2dir(); d != nil && !m.fake {
			if err := waitEvent(ctx, d.path(), "populated", "0"); err != nil {
				return m.busy(err)
			}
			if m.mode == V2 {
				return nil
			}
		}
		pid, err := m.anyMember()
		if pid == 0 || err != nil {
			return err
		}
		if err := waitExit(ctx, pid); err != nil {
			return m.busy(err)
		}
	}
}

// anyMember is one process that is still in one of the hierarchies, or 0.
func (m *Manager) anyMember() (int, error) {
	for i := range m.dirs {
		pids, err := pidsAt(m.dirs[i].path(), true)
		if err != nil || len(pids) > 0 {
			return append(pids, 0)[0], err
		}
	}
	return 0, nil
}

// waitExit waits for the end of a process. One that has ended has left its cgroups before (do_exit
// in the kernel: cgroup_exit, then exit_notify, which wakes a pidfd), so there is nothing to wait for
// after that.
func waitExit(ctx context.Context, pid int) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if err == unix.EINVAL { // a thread, as threaded cgroups list them; Linux 6.9
		fd, err = unix.PidfdOpen(pid, unix.PIDFD_THREAD)
	}
	switch err {
	case nil:
		defer unix.Close(fd)
		return waitFD(ctx, fd, unix.POLLIN, -1)
	case unix.ESRCH:
		return nil
	}
	return &pathError{"pidfd_open", strconv.Itoa(pid), err}
}

// waitEvent waits until key has the wanted value in the cgroup's cgroup.events. A removed cgroup
// counts as having it.
func waitEvent(ctx context.Context, path, key, want string) error {
	file := path + "/cgroup.events"
	fd, err := openRetry(unix.AT_FDCWD, file, unix.O_RDONLY|unix.O_CLOEXEC)
	if err != nil {
		if gone(err) {
			return nil
		}
		return &pathError{"open", file, err}
	}
	defer unix.Close(fd)
	var buf [256]byte
	for {
		n, err := unix.Pread(fd, buf[:], 0) // also arms poll for the next change
		switch {
		case err == unix.EINTR:
			continue
		case gone(err):
			return nil
		case err != nil:
			return &pathError{"read", file, err}
		}
		if v, ok := field(string(buf[:n]), key); !ok || v == want {
			return nil
		}
		if err := waitFD(ctx, fd, unix.POLLPRI, -1); err != nil {
			return err
		}
	}
}

// waitFD sleeps until events arrive on fd (which may be -1), until limit has passed (ETIMEDOUT;
// negative: none) or until ctx ends (its error).
func waitFD(ctx context.Context, fd int, events int16, limit time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	fds := []unix.PollFd{{Fd: int32(fd), Events: events}, {Fd: -1, Events: unix.POLLIN}}
	if ctx.Done() != nil {
		wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
		if err != nil {
			return &pathError{"eventfd", "", err}
		}
		done := make(chan struct{})
		stop := context.AfterFunc(ctx, func() {
			_, _ = unix.Write(wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
			close(done)
		})
		defer func() {
			if !stop() {
				<-done // the write must not meet a reused descriptor
			}
			unix.Close(wake)
		}()
		fds[1].Fd = int32(wake)
	}
	var ts *unix.Timespec
	if limit >= 0 {
		t := unix.NsecToTimespec(int64(limit))
		ts = &t
	}
	for {
		n, err := unix.Ppoll(fds, ts, nil)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case n == 0:
			return unix.ETIMEDOUT
		}
		return nil
	}
}

// busy describes who is left.
func (m *Manager) busy(cause error) error {
	for i := range m.dirs {
		path := m.dirs[i].path()
		if pids, _ := pidsAt(path, true); len(pids) > 0 {
			return &errdetail.Error{Op: "wait for the cgroup " + path + " to become empty", Err: cause,
				Hint: "left in it: " + describeAll(pids)}
		}
	}
	return sysErr("", "wait for the container's cgroup to become empty", cause)
}

// describeAll names the first processes of a list.
func describeAll(pids []int) string {
	const most = 10
	var who []string
	for n, pid := range pids {
		if n == most {
			who = append(who, fmt.Sprintf("and %d more", len(pids)-n))
			break
		}
		who = append(who, describe(pid))
	}
	return strings.Join(who, ", ")
}

// describe names a process and what it waits for in the kernel (proc_pid_wchan(5)).
func describe(pid int) string {
	base := "/proc/" + strconv.Itoa(pid)
	comm, _ := readFile(base + "/comm")
	wchan, _ := readFile(base + "/wchan")
	status, _ := readFile(base + "/status")
	s := fmt.Sprintf("pid %d (%s)", pid, strings.TrimSpace(comm))
	for line := range strings.Lines(status) {
		if v, ok := strings.CutPrefix(line, "State:"); ok {
			s += ", state " + strings.TrimSpace(v)
		}
	}
	if wchan != "" && wchan != "0" {
		s += " in " + wchan
	}
	return s
}
