// Removing the cgroup.

package cgroup

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// Delete removes the container's cgroup with everything below it, deepest first. Directories above
// it are left, as others may be using them. Processes that are still ending are waited for until ctx
// ends; the error then names them. A cgroup that is gone already is no error.
func (m *Manager) Delete(ctx context.Context) error {
	m.Close()
	if m.absent {
		return nil
	}
	if m.unit != nil {
		if err := m.stopUnit(ctx); err != nil {
			return err
		}
	}
	for {
		var busy error
		for i := range m.dirs {
			if err := m.removeTree(m.dirs[i].path()); err != nil {
				if !errors.Is(err, unix.EBUSY) {
					return sysErr("", "remove the container's cgroup", err)
				}
				busy = err
			}
		}
		if busy == nil {
			return nil
		}
		if err := m.WaitEmpty(ctx); err != nil {
			return err
		}
		// Nobody is listed any more; a v2 hierarchy, if there is one, has announced it. Left are a
		// process that only v1 knows, between its death and its leaving, which v1 neither lists
		// (cgroup.procs and /proc/PID/cgroup hide what has PF_EXITING) nor announces, and somebody
		// who makes cgroups below as fast as we remove them. Neither has an event: try at a pace.
		if err := waitFD(ctx, -1, 0, time.Millisecond); err != nil && !errors.Is(err, unix.ETIMEDOUT) {
			return m.busy(busy)
		}
	}
}

// removeTree removes a cgroup. EBUSY means processes, or cgroups below, which go first.
func (m *Manager) removeTree(path string) error {
	err := m.rmdir(path)
	if err == nil {
		return nil
	}
	subs, rerr := children(path)
	if rerr != nil {
		if gone(rerr) {
			return nil // a read-only mount gives EROFS even for what is not there
		}
		return err
	}
	if len(subs) == 0 {
		return err
	}
	for _, s := range subs {
		if err := m.removeTree(path + "/" + s); err != nil {
			return err
		}
	}
	return m.rmdir(path)
}

func (m *Manager) rmdir(path string) error {
	if m.fake {
		return fakeRmdir(path)
	}
	switch err := unix.Rmdir(path); err {
	case nil, unix.ENOENT:
		return nil
	case unix.ENOTEMPTY:
		return &pathError{"rmdir", path, unix.EBUSY}
	default:
		return &pathError{"rmdir", path, err}
	}
}
