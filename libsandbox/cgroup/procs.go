// The processes of the cgroup: listing and signalling.

package cgroup

import (
	"context"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Pids lists the processes in the container's cgroup, with all also those in cgroups below it,
// in ascending order. A cgroup that is gone has none.
func (m *Manager) Pids(all bool) ([]int, error) {
	d := m.listDir()
	if d == nil {
		return nil, nil
	}
	return pidsAt(d.path(), all)
}

func pidsAt(path string, all bool) ([]int, error) {
	var pids []int
	var err error
	if all {
		pids, err = pidsBelow(path, nil)
	} else {
		pids, err = pidsIn(path, nil)
	}
	if gone(err) {
		err = nil
	}
	slices.Sort(pids)
	return slices.Compact(pids), err
}

// listDir is the hierarchy used for listing. On v1 that is the one of devices, as in runc.
func (m *Manager) listDir() *dir {
	for _, c := range [...]string{"devices", "freezer", "pids", "memory", "name=systemd"} {
		if d := m.dirOf(c); d != nil {
			return d
		}
	}
	if m.absent || len(m.dirs) == 0 {
		return nil
	}
	return &m.dirs[0]
}

// gone reports that a cgroup was removed: ENOENT on opening, ENODEV on an open file of it.
func gone(err error) bool { return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENODEV) }

// pidsIn appends the processes of one cgroup to pids.
func pidsIn(path string, pids []int) ([]int, error) {
	text, err := readFile(path + "/cgroup.procs")
	if errors.Is(err, unix.EOPNOTSUPP) { // a threaded v2 cgroup has threads only
		text, err = readFile(path + "/cgroup.threads")
	}
	if err != nil {
		return pids, err
	}
	for line := range strings.Lines(text) {
		// 0 stands for a process outside this pid namespace; it cannot be addressed
		if pid, err := strconv.Atoi(strings.TrimSpace(line)); err == nil && pid > 0 {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// pidsBelow appends the processes of a cgroup and of all cgroups below it.
func pidsBelow(path string, pids []int) ([]int, error) {
	pids, err := pidsIn(path, pids)
	if err != nil {
		return pids, err
	}
	subs, err := children(path)
	if err != nil {
		return pids, err
	}
	for _, s := range subs {
		pids, err = pidsBelow(path+"/"+s, pids)
		if err != nil && !gone(err) {
			return pids, err
		}
	}
	return pids, nil
}

// children names the cgroups directly below path.
func children(path string) ([]string, error) {
	// A cgroup's link count is 2 plus its children: the usual childless case costs one stat.
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return nil, &pathError{"stat", path, err}
	}
	if st.Nlink == 2 {
		return nil, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var subs []string
	for _, e := range entries {
		if e.IsDir() {
			subs = append(subs, e.Name())
		}
	}
	return subs, nil
}

// Kill sends sig to every process in the container's cgroup and below it. SIGKILL uses
// cgroup.kill (Linux 5.14) where there is a v2 hierarchy; everything else freezes the cgroup first,
// so that a process that forks faster than it can be killed has no chance. A cgroup frozen before
// is thawed for SIGKILL on v1, where frozen processes do not die, and stays frozen otherwise.
// Kill does not wait for the processes to end; see WaitEmpty.
func (m *Manager) Kill(sig unix.Signal) error {
	if m.absent {
		return nil
	}
	if sig == unix.SIGKILL {
		if d := m.v2dir(); d != nil {
			err := m.writeFile(d.path()+"/cgroup.kill", "1")
			switch {
			case m.mode == V2 && (err == nil || gone(err) && !exists(d.path())):
				return nil
			case err == nil:
				return m.killStragglers(d.path())
			}
		}
	}
	return m.signalAll(sig)
}

// killStragglers finishes cgroup.kill on a hybrid host: what v1's freezer holds does not die
// until it is thawed, and a process may be in the container's v1 cgroups only.
func (m *Manager) killStragglers(v2 string) error {
	if frozen, err := m.Frozen(); err == nil && frozen {
		if err := m.Thaw(context.Background()); err != nil {
			return err
		}
	}
	pids, err := m.Pids(true)
	if err != nil || len(pids) == 0 {
		return err
	}
	dying, err := pidsAt(v2, true)
	if err != nil {
		return err
	}
	pids = slices.DeleteFunc(pids, func(pid int) bool {
		_, found := slices.BinarySearch(dying, pid)
		return found
	})
	return m.signal(pids, unix.SIGKILL, false)
}

func (m *Manager) signalAll(sig unix.Signal) error {
	pids, err := m.Pids(true)
	if err != nil || len(pids) == 0 {
		return err
	}
	wasFrozen, _ := m.Frozen()
	stopped := wasFrozen
	if !wasFrozen {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		stopped = m.Freeze(ctx) == nil
		cancel()
		if pids, err = m.Pids(true); err != nil {
			return err
		}
	}
	firstErr := m.signal(pids, sig, stopped)
	if stopped && (!wasFrozen || sig == unix.SIGKILL) {
		if err := m.Thaw(context.Background()); err != nil && firstErr == nil {
			firstErr = err
		}
	}
	return firstErr
}

// signal signals each process through a pidfd. Unless the cgroup is stopped, a pid may have been
// reused since it was listed; membership is then checked again behind the pidfd.
func (m *Manager) signal(pids []int, sig unix.Signal, stopped bool) error {
	var firstErr error
	for _, pid := range pids {
		fd, err := unix.PidfdOpen(pid, 0)
		if err == nil {
			if stopped || m.holds(pid) {
				err = unix.PidfdSendSignal(fd, sig, nil, 0)
			}
			unix.Close(fd)
		}
		if err != nil && err != unix.ESRCH && err != unix.EINVAL && firstErr == nil {
			firstErr = sysErr("", "signal process "+strconv.Itoa(pid)+" of the container", err)
		}
	}
	return firstErr
}

// holds reports whether pid is in the cgroup or below it, by the process's own account.
func (m *Manager) holds(pid int) bool {
	own, err := ownCgroups("/proc/" + strconv.Itoa(pid) + "/cgroup")
	d := m.listDir()
	if err != nil || d == nil {
		return false
	}
	p := own[d.h.keys()[0]] + "/"
	return strings.HasPrefix(p, "/"+d.rel+"/")
}
