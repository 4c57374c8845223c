// Exec: a further process in a running container.

package libsandbox

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/lower"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/sdnotify"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/stage"
	"github.com/sandbox-runtime/sandbox-runtime/specconv"
	"golang.org/x/sys/unix"
)

// ExecOptions is what exec is asked for besides the process.
type ExecOptions struct {
	PidFile string
	// PidfdSocket is a unix socket that receives a pidfd of the process.
	PidfdSocket           string
	Stdin, Stdout, Stderr *os.File
	// Master is called with the terminal's master, as in CreateOptions.
	Master     func(master *os.File, name string) error
	ExtraFiles []*os.File
	Env        []string
	// IgnorePaused starts the process in a paused container; it runs when that is resumed.
	IgnorePaused bool
	// Cgroup is a sub-cgroup of the container's, by controller on v1, "" for all.
	Cgroup map[string]string
}

// execution is an Exec under way.
type execution struct {
	c    *Container
	spec *specs.Spec
	p    *specs.Process
	o    *ExecOptions
	in   inherit
	proc *stage.Proc
	res  *lower.Result

	paused bool
}

// Process is a running process of a container that this program has started.
type Process struct {
	proc *stage.Proc
	spec *specs.Spec
}

// Pid is its id as the host sees it; PidFD a pidfd, owned by p.
func (p *Process) Pid() int        { return p.proc.Pid }
func (p *Process) PidFD() *os.File { return p.proc.PidFD }

// Wait waits for it to end.
func (p *Process) Wait() (Exit, error) {
	e, err := waitChild(p.proc.Pid)
	p.proc.Close()
	e.name(p.proc.Pid, p.spec)
	return e, err
}

// Detach leaves it running.
func (p *Process) Detach() { p.proc.Close() }

// Spec is the container's config.json as it was at create.
func (c *Container) Spec() (*specs.Spec, error) {
	data, err := specconv.ReadConfig(c.dir.ConfigDir())
	if err != nil {
		return nil, err
	}
	return specconv.Decode(data)
}

// Exec starts p in the container id. spec is the container's, from Container.Spec.
//
// What p leaves open of its security and its place in the system is the container's: capabilities,
// AppArmor profile, SELinux label, umask, OOM score, scheduler, I/O priority and CPU affinity. A
// process may be given less or more than the container has, but never more by saying nothing.
func (c *Container) Exec(spec *specs.Spec, p *specs.Process, o ExecOptions) (*Process, error) {
	status, err := c.Status()
	if err != nil {
		return nil, err
	}
	switch {
	case status == Paused && !o.IgnorePaused:
		return nil, fmt.Errorf("cannot exec in a paused container (use --ignore-paused to override): %w", ErrPaused)
	case status != Running && status != Created && status != Paused:
		return nil, fmt.Errorf("cannot exec in a %s container: %w", status, ErrNotRunning)
	}
	p = completed(p, spec.Process)
	c.rt.withoutAppArmor(p)
	x := &execution{c: c, spec: spec, p: p, o: &o, paused: status == Paused}
	defer x.in.close()
	if err := x.start(); err != nil {
		if x.proc != nil {
			x.proc.Kill()
			x.proc.Close()
		}
		return nil, err
	}
	return &Process{x.proc, x.spec}, nil
}

// completed is p with what it leaves open from the container's own process. See Exec.
func completed(p, from *specs.Process) *specs.Process {
	if from == nil {
		return p
	}
	full := *p
	orElse(&full.Capabilities, from.Capabilities)
	orElse(&full.ApparmorProfile, from.ApparmorProfile)
	orElse(&full.SelinuxLabel, from.SelinuxLabel)
	orElse(&full.User.Umask, from.User.Umask)
	orElse(&full.OOMScoreAdj, from.OOMScoreAdj)
	orElse(&full.Scheduler, from.Scheduler)
	orElse(&full.IOPriority, from.IOPriority)
	orElse(&full.ExecCPUAffinity, from.ExecCPUAffinity)
	return &full
}

func orElse[T comparable](v *T, other T) {
	var unset T
	if *v == unset {
		*v = other
	}
}

func (x *execution) start() error {
	facts, join, err := x.prepare()
	if err != nil {
		return err
	}
	opts := stage.Options{Files: x.in.files, CgroupFD: -1, Dir: x.c.dir.Path()}
	if x.entersBySelf() {
		var path string
		facts.CgroupTasks, path = x.c.selfJoin()
		unified, err := openUnified(path)
		if err != nil {
			return err
		}
		if unified != nil {
			defer unified.Close()
			opts.CgroupFD = int(unified.Fd())
		}
	}
	if x.res, err = lower.Exec(x.spec, x.p, facts, join); err != nil {
		return err
	}
	if !x.c.st.SharedPid && !join.Fork {
		ns, err := openPlain("/proc/"+strconv.Itoa(x.c.st.Pid)+"/ns/pid", unix.O_RDONLY)
		if err != nil {
			return ErrNotRunning
		}
		defer ns.Close()
		opts.PidNS = ns
	}
	born := false
	if fd, ok := x.birthplace(); ok {
		x.proc, born, err = startIn(fd, x.res.Plan, opts)
		x.c.cgroup().Close()
	} else {
		x.proc, err = stage.Start(x.res.Plan, opts)
	}
	if err != nil {
		return err
	}
	x.in.close()
	if a := x.p.ExecCPUAffinity; a != nil {
		if err := setAffinity(x.proc.Pid, "process.execCPUAffinity.initial", a.Initial); err != nil {
			return err
		}
	}
	if len(facts.CgroupTasks) == 0 && !born {
		if err := x.c.joinExec(x.proc.Pid, x.o.Cgroup); err != nil {
			return err
		}
	}
	return x.follow()
}

// entersBySelf says that the process may be in the container's cgroup from the beginning. With an
// affinity for the time before it must not: the CPUs may be none of the cgroup's, which the kernel then
// refuses (sched_setaffinity(2), EINVAL), and once in the cgroup those of its cpuset count.
func (x *execution) entersBySelf() bool {
	a := x.p.ExecCPUAffinity
	return len(x.o.Cgroup) == 0 && (a == nil || a.Initial == "")
}

// birthplace is the container's cgroup v2 folder, for the process to be born in. There is none for
// a paused container: the vfork that waits for the frozen child would block this process as well.
func (x *execution) birthplace() (int, bool) {
	if !x.entersBySelf() || !x.c.hasCgroup() || x.paused {
		return -1, false
	}
	return x.c.cgroup().FD()
}

func (x *execution) prepare() (*lower.Facts, lower.Join, error) {
	o := x.o
	std := []*os.File{o.Stdin, o.Stdout, o.Stderr}
	if x.p.Terminal {
		if o.Master == nil {
			return nil, lower.Join{}, errors.New("a terminal needs --console-socket, or exec in the foreground")
		}
		null, err := openPlain("/dev/null", unix.O_RDWR)
		if err != nil {
			return nil, lower.Join{}, err
		}
		x.in.own = append(x.in.own, null)
		std = []*os.File{null, null, null}
	}
	x.in.files = append(std, o.ExtraFiles...)
	facts, join, err := joinFacts(x.c, &x.in, lower.NeedsLabels(x.p))
	if err != nil {
		return nil, join, err
	}
	facts.Env = o.Env
	x.c.rt.heldCaps(x.spec, x.p, facts)
	if err := x.viaUser(facts, &join); err != nil {
		return nil, join, err
	}
	if x.p.User.UID != 0 && !x.p.Terminal {
		facts.ChownStdio = stdioToChown()
	}
	if needsHome(x.p.Env) {
		facts.Home = x.c.home(x.p.User.UID)
	}
	if facts.Seccomp, err = compileSeccomp(x.spec, x.c.rt); err != nil {
		return nil, join, err
	}
	return facts, join, nil
}

// viaUser plans the way into the PID namespace by a second fork, where it has to be the last one
// that is joined: without root only having joined the user namespace gives the right to it, and with
// root see mayTrace.
func (x *execution) viaUser(facts *lower.Facts, join *lower.Join) error {
	if !x.c.rt.Rootless {
		join.Fork = !x.c.st.SharedPid && mayTrace(x.spec, x.p)
	} else {
		join.Fork = !x.c.st.SharedPid && hasNamespace(x.spec, specs.UserNamespace)
	}
	if !x.c.rt.Rootless && !inUserNS() {
		return nil // it writes all maps itself
	}
	return idMaps(x.spec, x.p, facts)
}

// mayTrace says that processes of the container may look at ours: they have CAP_SYS_PTRACE in the
// user namespace that we are in. From the fork until it has joined the container, an exec'd process
// in their PID namespace would lend them the host's root and our binary, by /proc/PID/root and
// /proc/PID/exe (CVE-2016-9962, CVE-2019-5736); PR_SET_DUMPABLE does not stop that capability. So it
// is forked into the PID namespace by a process that has joined all others before.
func mayTrace(spec *specs.Spec, p *specs.Process) bool {
	if hasNamespace(spec, specs.UserNamespace) {
		return false
	}
	const ptrace = 1 << unix.CAP_SYS_PTRACE
	for _, p := range [...]*specs.Process{spec.Process, p} {
		if p != nil && (p.Capabilities == nil || lower.CapMask(p.Capabilities.Bounding)&ptrace != 0) {
			return true
		}
	}
	return false
}

// joinFacts opens the container's init, for labels the host's /proc as well, and counts descriptors.
func joinFacts(c *Container, in *inherit, labels bool) (*lower.Facts, lower.Join, error) {
	first := len(in.files)
	fd, err := c.openPidfd()
	if err != nil {
		return nil, lower.Join{}, err
	}
	join := lower.Join{PidFD: in.add(os.NewFile(uintptr(fd), "pidfd")), Root: -1}
	f := &lower.Facts{
		RootFD: -1, StartFD: -1, ResultFD: -1, FirstFD: first,
		Rootless: c.rt.Rootless, LastCap: lastCap(), IgnoredSigs: ignoredSignals(), TimerSlack: c.rt.TimerSlack,
	}
	if labels {
		proc, err := openProc()
		if err != nil {
			return nil, lower.Join{}, err
		}
		f.ProcFD = in.add(proc)
	}
	f.SockFD = len(in.files)
	f.EndFD = f.SockFD + 1
	return f, join, nil
}

func (x *execution) follow() error {
	for {
		ev, err := x.proc.Wait()
		if err != nil {
			return explainStep(err, x.p, x.res)
		}
		switch ev.ID {
		case lower.SyncPid:
			err = x.proc.Adopt(int(ev.Value))
		case lower.SyncMaster:
			if len(ev.Files) != 1 {
				return errors.New("the process sent no terminal")
			}
			err = x.o.Master(ev.Files[0], fmt.Sprintf("/dev/pts/%d", ev.Value))
		case lower.SyncSeccomp:
			err = sendListener(x.spec, ev.Files, x.c.hookState(Running, x.c.st.Pid), x.proc.Pid)
		case lower.SyncReady:
			return x.finish()
		default:
			err = fmt.Errorf("the process reached an unknown point %d", ev.ID)
		}
		if err != nil {
			return err
		}
		if err := x.proc.Ack(1); err != nil {
			return err
		}
	}
}

// finish sets the limits, writes the pid file and lets the program run.
func (x *execution) finish() error {
	if err := setRlimits(x.proc.Pid, x.spec, x.p.Rlimits); err != nil {
		return err
	}
	if err := x.c.joinRdt(x.spec, x.proc.Pid); err != nil {
		return err
	}
	if err := setScheduling(x.proc.Pid, x.p); err != nil {
		return err
	}
	if a := x.p.ExecCPUAffinity; a != nil {
		if err := setAffinity(x.proc.Pid, "process.execCPUAffinity.final", a.Final); err != nil {
			return err
		}
	}
	if adj := x.p.OOMScoreAdj; adj != nil {
		if err := setOOMScore(x.proc.Pid, *adj, x.c.rt.Rootless); err != nil {
			return err
		}
	}
	if socket := x.o.PidfdSocket; socket != "" {
		if err := sdnotify.SendPidfd(socket, x.proc.PidFD, "setns"); err != nil {
			return err
		}
	}
	if x.o.PidFile != "" {
		if err := writePidFile(x.o.PidFile, x.proc.Pid); err != nil {
			return err
		}
	}
	if err := x.proc.Ack(1); err != nil {
		return err
	}
	if err := x.proc.WaitExec(); err != nil {
		return explainStep(err, x.p, x.res)
	}
	x.proc.CloseSocket()
	return nil
}

// home is the home folder of uid, from the running container's own root.
func (c *Container) home(uid uint32) string {
	root, err := openInitRoot(c.st.Pid)
	if err != nil {
		return "/"
	}
	defer root.Close()
	return root.Home(uid)
}

// setOOMScore writes oom_score_adj from outside.
func setOOMScore(pid, adj int, rootless bool) error {
	err := os.WriteFile("/proc/"+strconv.Itoa(pid)+"/oom_score_adj", []byte(strconv.Itoa(adj)), 0)
	if err == nil || rootless {
		return nil // the spec lets what the kernel denies to users pass
	}
	e := &errdetail.Error{Field: "process.oomScoreAdj", Op: "set it to " + strconv.Itoa(adj), Err: err}
	if errors.Is(err, unix.EACCES) {
		e.Hint = "to lower it below the runtime's own needs CAP_SYS_RESOURCE"
	}
	return e
}

// Pause stops all processes of the container; Resume lets them go on.
func (r *Runtime) Pause(id string) error { return r.freeze(id, true) }

// Resume is the opposite of Pause.
func (r *Runtime) Resume(id string) error { return r.freeze(id, false) }

func (r *Runtime) freeze(id string, on bool) error {
	c, err := r.load(id, true)
	if err != nil {
		return err
	}
	defer c.dir.Close()
	status, err := c.Status()
	if err != nil {
		return err
	}
	switch {
	case on && status != Running && status != Created:
		return fmt.Errorf("cannot pause a %s container: %w", status, ErrNotRunning)
	case !on && status != Paused:
		return fmt.Errorf("container %s is not paused: it is %s", id, status)
	}
	return c.setFrozen(on)
}
