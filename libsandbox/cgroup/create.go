// Making the cgroup.

package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// Create makes the container's cgroup in every hierarchy. A cgroup that exists already is taken
// over if it has neither processes nor is frozen, and refused otherwise (runc's rule). On error,
// whatever this call has made is removed again.
//
// With systemd it only checks: the scope cannot exist without a process, so Join makes it.
// From then on the Manager has no cgroup: Kill and Delete touch nothing, for what is there is
// somebody else's.
func (m *Manager) Create() error {
	err := m.create()
	if err != nil {
		m.absent = true
	}
	return err
}

// CheckFree is the part of Create that refuses a cgroup in use, without any effect. Call it before
// the Record is written down: who cleans up after it must not find somebody else's cgroup there.
func (m *Manager) CheckFree() error {
	for i := range m.dirs {
		if d := &m.dirs[i]; exists(d.path()) {
			if err := m.checkExisting(d); err != nil {
				return sysErr("linux.cgroupsPath", "create the container's cgroup", err)
			}
		}
	}
	return nil
}

func (m *Manager) create() error {
	if m.unit != nil {
		return m.CheckFree()
	}
	kept := m.dirs[:0:0]
	for i := range m.dirs {
		d := &m.dirs[i]
		if m.unified && d.h.Version == 2 {
			kept = append(kept, *d)
			continue
		}
		err := m.makeDir(d)
		if err == nil {
			kept = append(kept, *d)
			continue
		}
		if m.tolerable(err) {
			if m.mode == V2 {
				return m.withoutCgroup(err)
			}
			continue
		}
		m.undo()
		return sysErr("linux.cgroupsPath", "create the container's cgroup", err)
	}
	m.dirs = kept
	m.absent = len(kept) == 0
	if err := m.delegate(); err != nil {
		m.undo()
		return err
	}
	m.made = nil
	return nil
}

// CreateUnified is the first step of Create on a hybrid host: it makes the cgroup in the v2
// hierarchy, so that a process can be born there while Create makes the others. Elsewhere it does
// nothing. If that Create fails, call Undo once the process has ended.
func (m *Manager) CreateUnified() error {
	d := m.v2dir()
	if m.mode != Hybrid || d == nil {
		return nil
	}
	if err := m.makeDir(d); err != nil {
		m.undo()
		m.absent = true // as after Create: nothing of it is ours
		return sysErr("linux.cgroupsPath", "create the container's cgroup", err)
	}
	m.unified = true
	return nil
}

// Undo removes what a failed Create had made and had to leave, as a process was in it.
func (m *Manager) Undo() { m.undo() }

// tolerable reports whether a rootless container may do without a cgroup it is not permitted to
// make: only if its path was not asked for.
func (m *Manager) tolerable(err error) bool {
	return m.opts.Rootless && m.opts.Path == "" &&
		(errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) || errors.Is(err, unix.EROFS))
}

// withoutCgroup decides what missing permission means on v2: no cgroup, unless limits were asked for.
func (m *Manager) withoutCgroup(err error) error {
	m.undo()
	if f := firstLimit(m.opts.Resources); f != "" {
		return &errdetail.Error{Field: f, Op: "create the container's cgroup", Err: err,
			Hint: "rootless needs no limits + no cgrouppath when no permission is granted for cgroups"}
	}
	m.absent = true
	return nil
}

// undo removes what Create has made, newest first. What is in use is kept for Undo.
func (m *Manager) undo() {
	var left []string
	for i := len(m.made) - 1; i >= 0; i-- {
		if unix.Rmdir(m.made[i]) == unix.EBUSY {
			left = append(left, m.made[i])
		}
	}
	slices.Reverse(left)
	m.made = left
}

// makeDir makes one hierarchy's directory and whatever is missing above it.
func (m *Manager) makeDir(d *dir) error {
	path, fresh := d.path(), false
	err := unix.Mkdir(path, 0o755)
	if err == unix.ENOENT {
		if err = m.makeParents(d); err == nil {
			err = unix.Mkdir(path, 0o755)
		}
	}
	switch {
	case err == nil:
		m.made = append(m.made, path)
		fresh = true
	case errors.Is(err, unix.EEXIST):
		if err := m.checkExisting(d); err != nil {
			return err
		}
	case errors.As(err, new(*pathError)):
		return err
	default:
		return &pathError{"mkdir", path, err}
	}
	switch {
	case d.h.Version == 2 && m.mode == V2:
		return m.prepareV2(d)
	case d.has("cpuset"):
		return m.inheritCpuset(d, path, fresh)
	}
	return nil
}

// makeParents makes the directories above d's, topmost first. A parent may be removed by
// somebody else between two steps, hence the retries.
func (m *Manager) makeParents(d *dir) error {
	for try := 0; ; try++ {
		err := m.makeParentsOnce(d)
		if err == nil || !errors.Is(err, unix.ENOENT) || try == 3 {
			return err
		}
	}
}

func (m *Manager) makeParentsOnce(d *dir) error {
	path := d.h.Mountpoint
	parts := strings.Split(d.rel, "/")
	for _, p := range parts[:len(parts)-1] {
		path += "/" + p
		switch err := unix.Mkdir(path, 0o755); err {
		case nil:
			m.made = append(m.made, path)
		case unix.EEXIST:
		default:
			return &pathError{"mkdir", path, err}
		}
	}
	return nil
}

// checkExisting refuses a cgroup that is somebody's.
func (m *Manager) checkExisting(d *dir) error {
	path := d.path()
	if m.fake {
		if fi, err := os.Stat(path); err != nil || !fi.IsDir() {
			return &pathError{"mkdir", path, unix.EEXIST}
		}
	}
	pids, err := pidsBelow(path, nil)
	if err != nil && !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ENODEV) {
		return err
	}
	if len(pids) > 0 {
		return fmt.Errorf("container's cgroup is not empty: %d process(es) found in %s", len(pids), path)
	}
	if d.h.Version == 1 && !d.has("freezer") {
		return nil
	}
	if frozen, err := frozenAt(d.h.Version == 2, path); err == nil && frozen {
		return fmt.Errorf("container's cgroup unexpectedly frozen: %s", path)
	}
	return nil
}

// inheritCpuset gives a v1 cpuset its parent's CPUs and memory nodes. A new one has none, and no
// process can be attached to an empty cpuset (ENOSPC); see cpuset(7). What an older one has is kept.
func (m *Manager) inheritCpuset(d *dir, path string, fresh bool) error {
	if path == d.h.Mountpoint {
		return nil
	}
	parent := filepath.Dir(path)
	for _, file := range [...]string{"/cpuset.cpus", "/cpuset.mems"} {
		if !fresh {
			if v, err := readFile(path + file); err != nil || strings.TrimSpace(v) != "" {
				continue
			}
		}
		for try := 0; ; try++ {
			value, err := readFile(parent + file)
			if err != nil {
				return err
			}
			if value = strings.TrimSpace(value); value != "" {
				if err := m.writeFile(path+file, value); err != nil {
					return err
				}
				break
			}
			if try > 0 || parent == d.h.Mountpoint {
				return fmt.Errorf("%s is empty, so nothing could run in %s", parent+file, path)
			}
			if err := m.inheritCpuset(d, parent, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// prepareV2 makes every controller available in the cgroup and checks its type.
func (m *Manager) prepareV2(d *dir) error {
	if err := m.enableControllers(d); err != nil {
		return err
	}
	path := d.path()
	kind, err := readFile(path + "/cgroup.type")
	if err != nil {
		return nil // before 4.14, or a made up tree
	}
	switch kind = strings.TrimSpace(kind); kind {
	case "domain invalid":
		if f := firstDomainLimit(m.opts.Resources); f != "" {
			return errdetail.New(f, "the cgroup %s is in an invalid state, because its parent has processes "+
				"of its own: domain controllers cannot be used in it", path)
		}
		return m.writeFile(path+"/cgroup.type", "threaded")
	case "domain threaded", "threaded":
		if f := firstDomainLimit(m.opts.Resources); f != "" {
			return errdetail.New(f, "the cgroup %s is in %s mode: domain controllers cannot be used in it", path, kind)
		}
	}
	return nil
}

// enableControllers passes all controllers of the root down to the parent of the cgroup. A level
// that does not permit it is no error here: the limit that needs the controller will report it.
func (m *Manager) enableControllers(d *dir) error {
	all, err := readFile(d.h.Mountpoint + "/cgroup.controllers")
	if err != nil {
		return err
	}
	want := strings.Fields(all)
	if have, err := readFile(filepath.Dir(d.path()) + "/cgroup.subtree_control"); err == nil &&
		containsAll(strings.Fields(have), want) {
		return nil // the usual case: two reads, no write
	}
	level := d.h.Mountpoint
	parts := strings.Split(d.rel, "/")
	for i := range parts {
		if i > 0 {
			level += "/" + parts[i-1]
		}
		file := level + "/cgroup.subtree_control"
		if m.writeFile(file, "+"+strings.Join(want, " +")) == nil {
			continue
		}
		for _, c := range want { // one refused controller refuses the whole write
			_ = m.writeFile(file, "+"+c)
		}
	}
	return nil
}

func containsAll(have, want []string) bool {
	for _, w := range want {
		found := false
		for _, h := range have {
			found = found || h == w
		}
		if !found {
			return false
		}
	}
	return true
}

// delegate gives the v2 cgroup to its owner: the directory and exactly the files the kernel
// lists for the purpose (cgroups(7), "Cgroup delegation").
func (m *Manager) delegate() error {
	if m.mode != V2 || m.absent || m.opts.OwnerUID == nil {
		return nil
	}
	uid, gid := *m.opts.OwnerUID, -1
	if m.opts.OwnerGID != nil {
		gid = *m.opts.OwnerGID
	}
	list, err := readFile("/sys/kernel/cgroup/delegate")
	if err != nil {
		list = "cgroup.procs\ncgroup.subtree_control\ncgroup.threads\n" // before 4.15
	}
	path := m.dirs[0].path()
	for _, f := range append([]string{""}, strings.Fields(list)...) {
		p := strings.TrimSuffix(path+"/"+f, "/")
		if err := unix.Chown(p, uid, gid); err != nil && !(f != "" && err == unix.ENOENT) {
			return sysErr("", "give the cgroup to the container's user", &pathError{"chown", p, err})
		}
	}
	return nil
}
