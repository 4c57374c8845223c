// The systemd driver: the container's cgroup is a transient scope, made by systemd around the first
// process. systemd owns the tree, so asking it is the only way not to be in its way.

package cgroup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// unit is the transient unit that holds the container.
type unit struct {
	name, slice string
	user        bool // of the user's own systemd
	started     bool
	props       []property
}

// jobTimeout bounds a job of systemd (runc waits as long).
const jobTimeout = 30 * time.Second

// resolveSystemd derives unit and slice from cgroupsPath, slice:prefix:name, and from them the path
// systemd gives the unit.
func (m *Manager) resolveSystemd(l *Layout) error {
	const f = "linux.cgroupsPath"
	if fi, err := os.Lstat("/run/systemd/system"); err != nil || !fi.IsDir() {
		return errdetail.New(f, "systemd not running on this host, cannot use systemd cgroups manager")
	}
	user := m.opts.Rootless
	slice, prefix, name := "system.slice", "sandbox", m.opts.ID
	if user {
		slice = "user.slice"
	}
	if m.opts.Path != "" {
		parts := strings.Split(m.opts.Path, ":")
		if len(parts) != 3 {
			return errdetail.New(f, "expected cgroupsPath to be of format \"slice:prefix:name\" for systemd cgroups, got %q instead",
				m.opts.Path)
		}
		if parts[0] != "" {
			slice = parts[0]
		}
		prefix, name = parts[1], parts[2]
	}
	u := &unit{name: name, slice: slice, user: user}
	if !strings.HasSuffix(name, ".slice") {
		u.name = prefix + "-" + name + ".scope"
	}
	if strings.Contains(u.name, "/") {
		return errdetail.New(f, "%q cannot be part of a unit's name", "/")
	}
	path, err := expandSlice(slice)
	if err != nil {
		return err
	}
	if u.props, err = annotationProps(m.opts.Annotations); err != nil {
		return err
	}
	if user {
		if m.mode != V2 {
			return errdetail.New(f, "cannot use rootless systemd cgroups manager on cgroup v1")
		}
		base, err := userControlGroup()
		if err != nil {
			return sysErr(f, "ask the user's systemd for its cgroup", err)
		}
		path = base + path
	}
	m.unit = u
	for i := range l.Hierarchies {
		m.dirs = append(m.dirs, dir{h: l.Hierarchies[i], rel: strings.TrimPrefix(path+"/"+u.name, "/")})
	}
	return nil
}

func userControlGroup() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), jobTimeout)
	defer cancel()
	b, err := dialBus(ctx, true)
	if err != nil {
		return "", err
	}
	defer b.close()
	return b.managerProperty(ctx, "ControlGroup")
}

// expandSlice is the path of a slice: a-b.slice is in a.slice (systemd.slice(5)).
func expandSlice(slice string) (string, error) {
	bad := errdetail.New("linux.cgroupsPath", "%q is not the name of a slice", slice)
	name, ok := strings.CutSuffix(slice, ".slice")
	if !ok || name == "" || strings.Contains(name, "/") {
		return "", bad
	}
	if name == "-" {
		return "", nil
	}
	path, prefix := "", ""
	for part := range strings.SplitSeq(name, "-") {
		if part == "" {
			return "", bad
		}
		path += "/" + prefix + part + ".slice"
		prefix += part + "-"
	}
	return path, nil
}

// startUnit makes the scope around pid. For a further process it only joins.
func (m *Manager) startUnit(pid int) error {
	if m.unit.started {
		return m.JoinSub(pid, nil)
	}
	ctx, cancel := context.WithTimeout(context.Background(), jobTimeout)
	defer cancel()
	u := m.unit
	op := "start systemd unit " + u.name
	b, err := dialBus(ctx, u.user)
	if err != nil {
		return sysErr("linux.cgroupsPath", op, err)
	}
	defer b.close()
	props := []property{propString("Description", "sandbox container "+m.opts.ID)}
	if strings.HasSuffix(u.name, ".slice") {
		props = append(props, propStrings("Wants", []string{u.slice}))
	} else {
		props = append(props, propString("Slice", u.slice), propBool("Delegate", true), propPIDs(pid))
	}
	for _, k := range m.accounting() {
		props = append(props, propBool(k, true))
	}
	props = append(props, propBool("DefaultDependencies", false))
	props = append(props, m.oomPolicy()...)
	props = append(props, u.props...)
	result, err := b.startTransient(ctx, u.name, props)
	if isBusError(err, "UnitExists") {
		// perhaps the remains of a failed unit of that name: let systemd forget it, try once more
		_ = b.resetFailed(ctx, u.name)
		result, err = b.startTransient(ctx, u.name, props)
	}
	if err == nil && result != "done" {
		_ = b.resetFailed(ctx, u.name)
		err = fmt.Errorf("error creating systemd unit `%s`: got `%s`", u.name, result)
	}
	if err != nil {
		m.absent = m.absent || isBusError(err, "UnitExists") // it is not ours to stop
		return sysErr("linux.cgroupsPath", op, err)
	}
	u.started = true
	return m.completeUnit(pid)
}

func (m *Manager) accounting() []string {
	io := "IOAccounting"
	if m.mode != V2 {
		io = "BlockIOAccounting"
	}
	return []string{"MemoryAccounting", "CPUAccounting", "TasksAccounting", io}
}

// oomPolicy: systemd takes this at the start of the unit only, and writes memory.oom.group itself.
func (m *Manager) oomPolicy() []property {
	if m.opts.Resources == nil {
		return nil
	}
	switch m.opts.Resources.Unified["memory.oom.group"] {
	case "0":
		return []property{propString("OOMPolicy", "continue")}
	case "1":
		return []property{propString("OOMPolicy", "kill")}
	}
	return nil
}

func (b *bus) startTransient(ctx context.Context, name string, props []property) (string, error) {
	return b.job(ctx, "StartTransientUnit", "ssa(sv)a(sa(sv))", func(e *encoder) {
		e.string(name)
		e.string("replace")
		encodeProps(e, props)
		e.array(8, func() {})
	})
}

func (b *bus) resetFailed(ctx context.Context, name string) error {
	_, err := b.call(ctx, "ResetFailedUnit", "s", func(e *encoder) { e.string(name) })
	return err
}

// completeUnit does what systemd leaves: on v2 the controllers it does not enable and the delegation,
// on v1 the hierarchies it does not know.
func (m *Manager) completeUnit(pid int) error {
	if m.mode == V2 {
		if err := m.prepareV2(&m.dirs[0]); err != nil {
			return err
		}
		return m.delegate()
	}
	for i := range m.dirs {
		d := &m.dirs[i]
		if d.has("name=systemd") || d.h.Version == 2 {
			continue
		}
		err := m.makeParents(d)
		if err == nil {
			if err = unix.Mkdir(d.path(), 0o755); err == unix.EEXIST {
				err = nil
			}
		}
		if err == nil && d.has("cpuset") {
			err = m.inheritCpuset(d, d.path(), false)
		}
		if err == nil {
			err = m.attach(d.path(), pid)
		}
		if err != nil {
			return sysErr("", "put process "+strconv.Itoa(pid)+" into the container's cgroup", err)
		}
	}
	return nil
}

// attachToUnit lets systemd move a process into the unit, or to sub, which begins with a slash, below it.
func (m *Manager) attachToUnit(pid int, sub string) error {
	ctx, cancel := context.WithTimeout(context.Background(), jobTimeout)
	defer cancel()
	b, err := dialBus(ctx, m.unit.user)
	if err != nil {
		return err
	}
	defer b.close()
	if sub == "" {
		sub = "/"
	}
	_, err = b.call(ctx, "AttachProcessesToUnit", "ssau", func(e *encoder) {
		e.string(m.unit.name)
		e.string(sub)
		e.array(4, func() { e.u32(uint32(pid)) })
	})
	return err
}

// setUnit tells systemd about the limits.
func (m *Manager) setUnit(r *specs.LinuxResources) error {
	props := limitProps(m.mode == V2, r)
	if len(props) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), jobTimeout)
	defer cancel()
	b, err := dialBus(ctx, m.unit.user)
	if err == nil {
		defer b.close()
		_, err = b.call(ctx, "SetUnitProperties", "sba(sv)", func(e *encoder) {
			e.string(m.unit.name)
			e.bool(true) // until the unit ends, not on disk
			encodeProps(e, props)
		})
	}
	if err != nil {
		return sysErr("linux.resources", "set the properties of systemd unit "+m.unit.name, err)
	}
	return nil
}

// stopUnit removes the unit, also one that has failed. One that is gone is no error: systemd removes a
// scope by itself when its last process ends.
func (m *Manager) stopUnit(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, jobTimeout)
	defer cancel()
	b, err := dialBus(ctx, m.unit.user)
	if err == nil {
		defer b.close()
		_, err = b.job(ctx, "StopUnit", "ss", func(e *encoder) {
			e.string(m.unit.name)
			e.string("replace")
		})
		_ = b.resetFailed(ctx, m.unit.name)
	}
	if err == nil || isBusError(err, "NoSuchUnit") {
		return nil
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = m.busy(err)
	}
	return sysErr("", "stop systemd unit "+m.unit.name, err)
}
