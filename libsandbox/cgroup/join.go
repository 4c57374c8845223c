// Putting processes into the cgroup.

package cgroup

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Join moves the process pid (all its threads) into the container's cgroup: every hierarchy on
// v1, cgroup.procs on v2. With systemd it makes the scope around that process. It does nothing
// for a container without a cgroup.
func (m *Manager) Join(pid int) error {
	if m.absent {
		return nil
	}
	if m.unit != nil {
		return m.startUnit(pid)
	}
	return m.JoinSub(pid, nil)
}

// JoinSub moves pid into the container's cgroup, or into cgroups below it: sub maps a v1
// controller to a path below the container's cgroup in that controller's hierarchy, "" to one
// for all the others (and for v2). Paths that would lead elsewhere are refused.
func (m *Manager) JoinSub(pid int, sub map[string]string) error {
	if m.absent {
		return nil
	}
	if err := m.knows(sub); err != nil {
		return err
	}
	for i := range m.dirs {
		d := &m.dirs[i]
		path, err := subPath(d, sub)
		if err == nil {
			err = m.attach(path, pid)
		}
		if err == nil || m.tolerable(err) {
			continue
		}
		if m.unit != nil && m.unit.user && errors.Is(err, unix.EACCES) {
			// The process comes from outside the user's subtree, and the common ancestor is not
			// the user's: systemd may move it (cgroups(7), "Delegation containment").
			err = m.attachToUnit(pid, strings.TrimPrefix(path, d.path()))
		}
		if err == nil {
			continue
		}
		return sysErr("", "put process "+strconv.Itoa(pid)+" into the container's cgroup", err)
	}
	return nil
}

// JoinLike is Join for a further process of a running container (exec). Where the container's
// v2 cgroup has become an inner node, which holds no processes (EBUSY), the new process goes to the
// cgroup that init, a process of the container, is in.
func (m *Manager) JoinLike(pid, init int) error {
	err := m.JoinSub(pid, nil)
	d := m.v2dir()
	if err == nil || d == nil || !errors.Is(err, unix.EBUSY) {
		return err
	}
	own, rerr := ownCgroups("/proc/" + strconv.Itoa(init) + "/cgroup")
	if rerr != nil {
		return err
	}
	sub, ok := strings.CutPrefix(own[""], "/"+d.rel+"/")
	if !ok {
		return err
	}
	return m.JoinSub(pid, map[string]string{"": sub})
}

// knows refuses a controller that no hierarchy of the container has: its path would be left aside.
func (m *Manager) knows(sub map[string]string) error {
	var all []string
	for i := range m.dirs {
		all = append(all, m.dirs[i].h.keys()...)
	}
	for name := range sub {
		if name != "" && !slices.Contains(all, name) {
			slices.Sort(all)
			return sysErr("", "find the cgroup controller "+name,
				errors.New("unknown controller; the container has "+strings.TrimLeft(strings.Join(all, " "), " ")))
		}
	}
	return nil
}

// subPath is the directory to join in one hierarchy. ".." is refused rather than cleaned away:
// whoever writes it expects to leave the container's cgroup.
func subPath(d *dir, sub map[string]string) (string, error) {
	s := sub[""]
	for _, k := range d.h.keys() {
		if v, ok := sub[k]; ok {
			s = v
		}
	}
	s = strings.Trim(s, "/")
	if s == "" {
		return d.path(), nil
	}
	for part := range strings.SplitSeq(s, "/") {
		if part == ".." {
			return "", &pathError{"use sub cgroup", s, unix.EINVAL}
		}
	}
	return d.path() + "/" + s, nil
}

func (m *Manager) attach(path string, pid int) error {
	return m.writeFile(path+"/cgroup.procs", strconv.Itoa(pid))
}
