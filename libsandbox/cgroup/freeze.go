// Stopping and continuing all processes of the cgroup.

package cgroup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// freezeLimit bounds a Freeze or Thaw whose context has no deadline.
const freezeLimit = 10 * time.Second

// Freeze stops every process in the container's cgroup and returns when all have stopped. If that
// does not happen before ctx ends (10 s without a deadline), the cgroup is thawed again.
func (m *Manager) Freeze(ctx context.Context) error { return m.setFrozen(ctx, true) }

// Thaw lets them continue.
func (m *Manager) Thaw(ctx context.Context) error { return m.setFrozen(ctx, false) }

// Frozen reports whether the cgroup itself is frozen. A frozen ancestor does not count.
func (m *Manager) Frozen() (bool, error) {
	d := m.dirOf("freezer")
	if d == nil {
		return false, nil
	}
	return FrozenAt(m.mode, d.path())
}

// FrozenAt is Frozen for the directory of a cgroup: on v2 the only one there is, elsewhere that of
// v1's freezer. It is for those who ask about many containers and need no Manager of each. A cgroup
// that is gone is not frozen.
func FrozenAt(mode Mode, path string) (bool, error) {
	frozen, err := frozenAt(mode == V2, path)
	if gone(err) {
		return false, nil
	}
	return frozen, err
}

func frozenAt(v2 bool, path string) (bool, error) {
	if v2 {
		text, err := readValue(path + "/cgroup.freeze")
		return text == "1", err
	}
	text, err := readValue(path + "/freezer.state")
	if err != nil || text == "THAWED" {
		return false, err
	}
	text, err = readValue(path + "/freezer.self_freezing")
	return text == "1", err
}

func (m *Manager) setFrozen(ctx context.Context, frozen bool) error {
	op := "thaw the container's cgroup"
	if frozen {
		op = "freeze the container's cgroup"
	}
	d := m.dirOf("freezer")
	if d == nil {
		return &errdetail.Error{Op: op,
			Err: errors.New("cannot toggle freezer: cgroups not configured for container")}
	}
	ctx, cancel := context.WithTimeout(ctx, freezeLimit)
	defer cancel()
	err := m.freezeV1(ctx, d.path(), frozen)
	if m.mode == V2 {
		err = m.freezeV2(ctx, d.path(), frozen)
	}
	if err != nil {
		return sysErr("", op, err)
	}
	return nil
}

// stuck adds to err, the end of a wait for the freezer, the processes that have not stopped, by where
// they are in the kernel. It has to look before the cgroup is thawed again.
func stuck(path string, err error) error {
	pids, _ := pidsAt(path, true)
	pids = slices.DeleteFunc(pids, func(pid int) bool {
		// the functions in which the freezers of v1 and v2 hold a process
		w, err := readFile("/proc/" + strconv.Itoa(pid) + "/wchan")
		return err != nil || strings.Contains(w, "refrigerator") || strings.Contains(w, "freezer")
	})
	if len(pids) == 0 {
		return err
	}
	return fmt.Errorf("%w; not stopped: %s", err, describeAll(pids))
}

// freezeV2 needs no polling: the kernel announces the new state through cgroup.events.
func (m *Manager) freezeV2(ctx context.Context, path string, frozen bool) error {
	want := "0"
	if frozen {
		want = "1"
	}
	if err := m.writeFile(path+"/cgroup.freeze", want); err != nil {
		return err
	}
	if m.fake || !frozen { // thawing is done when the write returns, unless an ancestor is frozen
		return nil
	}
	err := waitEvent(ctx, path, "frozen", want)
	if err != nil {
		err = stuck(path, &pathError{"wait for frozen 1 in", path + "/cgroup.events", err})
		_ = m.writeFile(path+"/cgroup.freeze", "0")
	}
	return err
}

// freezeV1 has to ask again and again: v1's freezer announces nothing, and it only makes progress
// from FREEZING to FROZEN while being read. A process in vfork(2) can hold it up until the
// cgroup is thawed for a moment (Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst).
func (m *Manager) freezeV1(ctx context.Context, path string, frozen bool) error {
	if m.mode == V2 {
		return nil
	}
	file := path + "/freezer.state"
	if !frozen {
		return m.writeFile(file, "THAWED")
	}
	pause := 50 * time.Microsecond
	for try := 1; ; try++ {
		if err := m.writeFile(file, "FROZEN"); err != nil {
			return err
		}
		state, err := readFile(file)
		if err != nil {
			return err
		}
		if state = strings.TrimSpace(state); state == "FROZEN" {
			return nil
		}
		if err := waitFD(ctx, -1, 0, pause); err != nil && !errors.Is(err, unix.ETIMEDOUT) {
			err = stuck(path, &pathError{"wait for FROZEN in", file, err})
			_ = m.writeFile(file, "THAWED")
			return err
		}
		pause = min(2*pause, 10*time.Millisecond)
		if try%20 == 0 {
			_ = m.writeFile(file, "THAWED")
		}
	}
}
