// Being told of processes killed for lack of memory, without polling.

package cgroup

import (
	"context"
	"errors"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// OOMEvents sends a value for each time the container ran out of memory. The channel is closed when
// the container's last process has ended, when its cgroup is removed, or with ctx. One event may
// stand for several kills in short succession.
func (m *Manager) OOMEvents(ctx context.Context) (<-chan struct{}, error) {
	d := m.dirOf("memory")
	if d == nil {
		return nil, errdetail.New("", "watch for lack of memory: the container has no cgroup with the memory controller")
	}
	var w *watch
	var err error
	if m.mode == V2 {
		w, err = watchV2(d.path())
	} else {
		w, err = watchV1(d.path(), "memory.oom_control", "")
	}
	if err != nil {
		return nil, sysErr("", "watch for lack of memory", err)
	}
	return w.run(ctx), nil
}

// PressureEvents is OOMEvents for v1's memory.pressure_level: level is low, medium or critical. v2
// has pressure as statistics (Stats), not as this kind of event.
func (m *Manager) PressureEvents(ctx context.Context, level string) (<-chan struct{}, error) {
	d := m.dirOf("memory")
	if d == nil || m.mode == V2 {
		return nil, errdetail.New("", "watch memory pressure: there is no v1 memory cgroup")
	}
	w, err := watchV1(d.path(), "memory.pressure_level", level)
	if err != nil {
		return nil, sysErr("", "watch memory pressure", err)
	}
	return w.run(ctx), nil
}

// watch is a source of wake-ups and how to judge one.
type watch struct {
	fd, held int
	dir      string
	// next says after a wake-up whether there was an event and whether the end has come.
	next func() (event, end bool)
}

func (w *watch) run(ctx context.Context) <-chan struct{} {
	out := make(chan struct{})
	go func() {
		defer close(out)
		defer unix.Close(w.fd)
		if w.held >= 0 {
			defer unix.Close(w.held)
		}
		var buf [4096]byte
		for {
			if waitFD(ctx, w.fd, unix.POLLIN, -1) != nil {
				return
			}
			if _, err := unix.Read(w.fd, buf[:]); err != nil && err != unix.EAGAIN && err != unix.EINTR {
				return
			}
			event, end := w.next()
			if event {
				select {
				case out <- struct{}{}:
				case <-ctx.Done():
					return
				}
			}
			if end {
				return
			}
		}
	}()
	return out
}

// watchV2 uses inotify: the kernel reports IN_MODIFY for memory.events and cgroup.events.
func watchV2(path string) (*watch, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, &pathError{"inotify_init1 for", path, err}
	}
	for _, f := range [...]string{"/memory.events", "/cgroup.events"} {
		if _, err := unix.InotifyAddWatch(fd, path+f, unix.IN_MODIFY|unix.IN_DELETE_SELF); err != nil {
			unix.Close(fd)
			return nil, &pathError{"inotify_add_watch", path + f, err}
		}
	}
	count := func() (uint64, error) {
		t, err := readFile(path + "/memory.events")
		n, _ := uintField(t, "oom_kill")
		return n, err
	}
	seen, _ := count()
	return &watch{fd: fd, held: -1, dir: path, next: func() (bool, bool) {
		n, err := count()
		event := err == nil && n > seen
		seen = max(seen, n)
		t, eerr := readFile(path + "/cgroup.events")
		populated, _ := uintField(t, "populated")
		return event, err != nil || eerr != nil || populated == 0
	}}, nil
}

// watchV1 registers an eventfd in cgroup.event_control
// (Documentation/admin-guide/cgroup-v1/memory.rst, section 9 to 11).
func watchV1(path, file, arg string) (*watch, error) {
	held, err := openRetry(unix.AT_FDCWD, path+"/"+file, unix.O_RDONLY|unix.O_CLOEXEC)
	if err != nil {
		return nil, &pathError{"open", path + "/" + file, err}
	}
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err == nil {
		line := strconv.Itoa(fd) + " " + strconv.Itoa(held)
		if arg != "" {
			line += " " + arg
		}
		if err = writePath(path+"/cgroup.event_control", line, unix.O_WRONLY|unix.O_CLOEXEC); err != nil {
			unix.Close(fd)
		}
	}
	if err != nil {
		unix.Close(held)
		return nil, err
	}
	return &watch{fd: fd, held: held, dir: path, next: func() (bool, bool) {
		// the removal of the cgroup wakes up as well
		_, err := os.Lstat(path + "/cgroup.event_control")
		end := errors.Is(err, os.ErrNotExist)
		return !end, end
	}}, nil
}
