// The container's cgroup, by package cgroup.

package libsandbox

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/cgroup"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/lower"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/plan"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/stage"
	"golang.org/x/sys/unix"
)

// Bounds for what waits on other processes.
const (
	freezeTimeout = 10 * time.Second
	deleteTimeout = 10 * time.Second
)

// planCgroup finds out where the container's cgroup will be and writes that into the state,
// before anything is made.
func (cr *creation) planCgroup() error {
	spec := cr.spec
	o := cgroup.Options{
		ID: cr.c.st.ID, Path: spec.Linux.CgroupsPath, Systemd: cr.r.SystemdCgroup, Rootless: cr.r.bareCgroups(),
		Resources: spec.Linux.Resources, Annotations: spec.Annotations,
	}
	o.OwnerUID, o.OwnerGID = cgroupOwner(spec)
	m, err := cgroup.New(o)
	if err != nil {
		return err
	}
	if err := m.CheckFree(); err != nil {
		return err
	}
	cr.c.cg = m
	cr.c.st.Cgroup = encodeRecord(m.Record())
	cr.facts.Hierarchies = hierarchies(m)
	cr.facts.CgroupV2 = m.Mode() == cgroup.V2
	return nil
}

// rootlessCgroup makes the cgroup before the plan is compiled: where that is not permitted, the
// container sees the cgroup that it shares with us, read-only (CVE-2023-25809).
func (cr *creation) rootlessCgroup() error {
	if !cr.r.bareCgroups() {
		return nil
	}
	all := cr.c.cg.Hierarchies() // later there may be none
	if err := cr.c.cg.Create(); err != nil {
		return err
	}
	rec := cr.c.cg.Record()
	for k, path := range rec.Paths {
		if unix.Access(path, unix.F_OK) != nil {
			delete(rec.Paths, k) // not permitted there
		}
	}
	cr.c.st.Cgroup = encodeRecord(rec)
	own, err := cgroup.Own()
	if err != nil {
		return err
	}
	for i, h := range all {
		if i >= len(cr.facts.Hierarchies) {
			break
		}
		f := &cr.facts.Hierarchies[i]
		if f.Path != "" && unix.Access(f.Path, unix.F_OK) == nil {
			continue
		}
		key := ""
		if len(h.Controllers) > 0 {
			key = h.Controllers[0]
		}
		f.Path, f.ReadOnly = h.Mountpoint+own[key], true
	}
	return nil
}

// cgroupOwner is who the cgroup is delegated to: the container's root, where it has a cgroup
// namespace of its own and may write to its cgroups (config-linux.md, "Cgroup ownership").
func cgroupOwner(spec *specs.Spec) (uid, gid *int) {
	private := false
	for _, ns := range spec.Linux.Namespaces {
		private = private || (ns.Type == specs.CgroupNamespace && ns.Path == "")
	}
	if !private || !lower.CgroupWritable(spec) {
		return nil, nil
	}
	u, okU := hostID(spec.Linux.UIDMappings)
	g, okG := hostID(spec.Linux.GIDMappings)
	if !okU || !okG {
		return nil, nil
	}
	return &u, &g
}

// hostID is the host's id of the container's 0.
func hostID(maps []specs.LinuxIDMapping) (int, bool) {
	for _, m := range maps {
		if m.ContainerID == 0 && m.Size > 0 {
			return int(m.HostID), true
		}
	}
	return 0, false
}

func hierarchies(m *cgroup.Manager) (out []lower.Hierarchy) {
	for _, h := range m.Hierarchies() {
		lh := lower.Hierarchy{Name: h.Name, Links: h.Links, Path: m.PathIn(h)}
		if h.Version == 2 && h.Name != "" {
			continue // hybrid: a container sees the v1 layout, as under runc
		}
		for _, c := range h.Controllers {
			if strings.HasPrefix(c, "name=") {
				lh.Options = append(lh.Options, "none")
			}
			lh.Options = append(lh.Options, c)
		}
		out = append(out, lh)
	}
	return out
}

// selfJoin finds how a process can put itself into the container's cgroup: the tasks files of v1,
// and the v2 folder to be born in where there is one besides. It gives none where the process has
// no right to, or where systemd does it.
func (c *Container) selfJoin() (tasks []string, unified string) {
	if c.rt.bareCgroups() || c.rt.SystemdCgroup || !c.hasCgroup() || c.cgroup().Mode() == cgroup.V2 || c.st.Cgroup["unit"] != "" {
		return nil, ""
	}
	m := c.cgroup()
	for key, path := range m.Paths() {
		if key == "" {
			unified = path
			continue
		}
		if file := path + "/tasks"; !slices.Contains(tasks, file) {
			tasks = append(tasks, file)
		}
	}
	slices.Sort(tasks)
	return tasks, unified
}

// openUnified opens the v2 folder to be born in; nil if there is none.
func openUnified(path string) (*os.File, error) {
	if path == "" {
		return nil, nil
	}
	fd, err := unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &errdetail.Error{Field: "linux.cgroupsPath", Detail: path, Op: "open the cgroup", Syscall: "open", Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

// earlyCgroup makes the cgroup before the init where the init can be born in it: on v2, and the v2
// part of a hybrid host. The rest is made beside the init's work. By systemd it is made only when there is
// a process, and in a user namespace the init may not write to v1's files.
func (cr *creation) earlyCgroup() error {
	c := cr.c
	if c.cg.Mode() == cgroup.V2 {
		if cr.r.SystemdCgroup {
			return nil
		}
		cr.early = true
		if cr.r.bareCgroups() {
			return nil // rootlessCgroup has made it
		}
		return c.cg.Create()
	}
	if hasNamespace(cr.spec, specs.UserNamespace) {
		return nil
	}
	cr.facts.CgroupTasks, cr.unified = c.selfJoin()
	if len(cr.facts.CgroupTasks) == 0 {
		return nil
	}
	return c.cg.CreateUnified()
}

// startCgroup makes the cgroup, beside the init's work on its namespaces.
func (cr *creation) startCgroup() error {
	if cr.early || cr.r.bareCgroups() {
		return nil // made before
	}
	return cr.c.cg.Create()
}

// joinCgroup puts the init into it and sets the limits.
func (cr *creation) joinCgroup() error {
	if cr.born || len(cr.facts.CgroupTasks) > 0 {
		return cr.c.cg.Apply() // it is there
	}
	if err := cr.c.cg.Join(cr.proc.Pid); err != nil {
		return err
	}
	if cr.r.SystemdCgroup {
		cr.c.st.Cgroup = encodeRecord(cr.c.cg.Record())
	}
	return cr.c.cg.Apply()
}

// startIn starts the stage in the cgroup v2 folder fd, before its first instruction. Where the kernel
// refuses that, the process is started outside, and born is false: it has to be moved, which is
// possible in some more cases (threaded cgroups, systemd's help), or tells more about what is wrong.
func startIn(fd int, p *plan.Plan, o stage.Options) (proc *stage.Proc, born bool, err error) {
	o.CgroupFD = fd
	proc, err = stage.Start(p, o)
	if err == nil {
		return proc, true, nil
	}
	// clone(2): no permission, an inner node, a threaded or a removed cgroup; before Linux 5.7, or
	// with clone3 forbidden, the rest
	for _, e := range [...]unix.Errno{unix.EACCES, unix.EBUSY, unix.EOPNOTSUPP, unix.ENODEV, unix.ENOSYS, unix.EINVAL, unix.E2BIG} {
		if errors.Is(err, e) {
			o.CgroupFD = -1
			proc, err = stage.Start(p, o)
			break
		}
	}
	return proc, false, err
}

// cgroup is the manager, from the state where it has to be.
func (c *Container) cgroup() *cgroup.Manager {
	if c.cg == nil {
		c.cg = cgroup.FromRecord(decodeRecord(c.st.Cgroup))
	}
	return c.cg
}

func (c *Container) hasCgroup() bool { return len(c.st.Cgroup) > 0 }

// removeCgroup kills what is still in it, and removes it.
func (c *Container) removeCgroup() error {
	if !c.hasCgroup() {
		return nil
	}
	m := c.cgroup()
	if pids, err := m.Pids(true); err == nil && len(pids) > 0 {
		if err := m.Kill(unix.SIGKILL); err != nil {
			return err
		}
	}
	if c.st.Cgroup["unit"] == "" && m.Delete(overdue()) == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), deleteTimeout)
	defer cancel()
	return m.Delete(ctx)
}

// overdue is a context that has ended. What has nothing to wait for, which is the usual case, needs
// no timer: Go would set up its poller and wake a thread for it.
func overdue() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func (c *Container) frozen() (bool, error) {
	if c.cg != nil {
		return c.cg.Frozen()
	}
	// list asks for every container: no Manager of each
	mode, key := cgroup.Mode(c.st.Cgroup["mode"]), "path:freezer"
	if mode == cgroup.V2 {
		key = "path:"
	}
	path := c.st.Cgroup[key]
	if path == "" {
		return false, nil
	}
	return cgroup.FrozenAt(mode, path)
}

// killCgroup signals every process of the container; killed is false if there is no cgroup to
// find them by.
func (c *Container) killCgroup(sig unix.Signal) (killed bool, err error) {
	if !c.hasCgroup() || c.cgroup().Absent() {
		return false, nil
	}
	pids, err := c.cgroup().Pids(true)
	if err != nil {
		return true, err
	}
	if len(pids) == 0 {
		return true, ErrNotRunning
	}
	return true, c.cgroup().Kill(sig)
}

// thawFor lets a frozen container receive a fatal signal.
func (c *Container) thawFor(sig unix.Signal) {
	if sig != unix.SIGKILL {
		return
	}
	if frozen, err := c.frozen(); err == nil && frozen {
		if err := c.setFrozen(false); err != nil {
			c.warnErr(err)
		}
	}
}

func (c *Container) setFrozen(on bool) error {
	if !c.hasCgroup() || c.cgroup().Absent() {
		return errdetail.New("linux.cgroupsPath", "the container has no cgroup of its own, so it cannot be paused")
	}
	ctx, cancel := context.WithTimeout(context.Background(), freezeTimeout)
	defer cancel()
	if on {
		return c.cgroup().Freeze(ctx)
	}
	return c.cgroup().Thaw(ctx)
}

// joinExec puts a further process into the container's cgroup, or one below it.
func (c *Container) joinExec(pid int, sub map[string]string) error {
	if !c.hasCgroup() {
		return nil
	}
	if len(sub) > 0 {
		return c.cgroup().JoinSub(pid, sub)
	}
	return c.cgroup().JoinLike(pid, c.st.Pid)
}

// Processes lists the ids of the container's processes, as the host sees them.
func (c *Container) Processes() ([]int, error) {
	if !c.hasCgroup() || c.cgroup().Absent() {
		if c.st.Pid == 0 {
			return nil, nil
		}
		return []int{c.st.Pid}, nil
	}
	return c.cgroup().Pids(true)
}

// Cgroup is the container's cgroup, for statistics and limits.
func (c *Container) Cgroup() *cgroup.Manager { return c.cgroup() }

// encodeRecord and decodeRecord keep a cgroup.Record in the state, which holds strings.
func encodeRecord(r cgroup.Record) map[string]string {
	m := map[string]string{"mode": string(r.Mode), "root": r.Root}
	put := func(k, v string) {
		if v != "" {
			m[k] = v
		}
	}
	put("unit", r.Unit)
	put("slice", r.Slice)
	if r.Rootless {
		m["rootless"] = "true"
	}
	if r.User {
		m["user"] = "true"
	}
	for k, v := range r.Paths {
		m["path:"+k] = v
	}
	return m
}

func decodeRecord(m map[string]string) cgroup.Record {
	r := cgroup.Record{
		Mode: cgroup.Mode(m["mode"]), Root: m["root"], Unit: m["unit"], Slice: m["slice"],
		Rootless: m["rootless"] == "true", User: m["user"] == "true", Paths: map[string]string{},
	}
	for k, v := range m {
		if name, ok := strings.CutPrefix(k, "path:"); ok {
			r.Paths[name] = v
		}
	}
	return r
}
