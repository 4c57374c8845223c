// Create: from a bundle to an init that waits for start.

package libsandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/lower"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/sdnotify"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/stage"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/state"
	"github.com/sandbox-runtime/sandbox-runtime/specconv"
	"golang.org/x/sys/unix"
)

// CreateOptions is what create is asked for besides config.json.
type CreateOptions struct {
	// Bundle is the folder with config.json; relative root paths are below it.
	Bundle string
	// PidFile receives the init's process id.
	PidFile string
	// PidfdSocket is a unix socket that receives a pidfd of the init.
	PidfdSocket string
	// Stdin, Stdout, Stderr become the standard streams; nil leaves one closed. They are
	// ignored for a process with a terminal, whose master Master receives.
	Stdin, Stdout, Stderr *os.File
	// Master is called with the pseudo-terminal's master. It owns the file.
	Master func(master *os.File, name string) error
	// WantTerminal makes it an error that the process has no terminal.
	WantTerminal bool
	// ExtraFiles become the descriptors 3, 4, ... of the program.
	ExtraFiles []*os.File
	// Env is added to process.env.
	Env []string
	// NoPivot uses chroot instead of pivot_root, for a root on initramfs. It is less secure.
	NoPivot bool
	// NoNewKeyring keeps the caller's session keyring.
	NoNewKeyring bool
	// RecordExit keeps how the init ends, for Runtime.Wait. It is the caller of Run who records it,
	// by Foreground.Wait or Foreground.BecomeKeeper; Create ignores it.
	RecordExit bool
	// NotifySocket is the service manager's socket (sd_notify(3)): an absolute path, or @ and an
	// abstract name. The container gets one of its own, see Foreground.Notify and StartNotify.
	NotifySocket string
}

// creation is a Create under way.
type creation struct {
	r       *Runtime
	o       *CreateOptions
	spec    *specs.Spec
	c       *Container
	in      inherit
	facts   *lower.Facts
	result  *lower.Result
	proc    *stage.Proc
	unified string // hybrid: the v2 cgroup that the init is born in
	early   bool   // the cgroup is made before the init
	born    bool   // v2: the init was born in it
	direct  bool   // run: no FIFO, the program starts when the state is written
	notify  *sdnotify.Proxy
	record  *os.File // the exit record, locked; nil: none will be written
}

// Create makes the container id from the bundle and leaves its init waiting for Start. On error
// nothing is left behind.
func (r *Runtime) Create(id string, o CreateOptions) (*Container, error) {
	cr, err := r.create(id, &o, false)
	if err != nil {
		return nil, err
	}
	cr.proc.Close()
	cr.c.dir.Close()
	return cr.c, nil
}

func (r *Runtime) create(id string, o *CreateOptions, direct bool) (cr *creation, err error) {
	if err := CheckID(id); err != nil {
		return nil, err
	}
	bundle, err := filepath.Abs(o.Bundle)
	if err != nil {
		return nil, err
	}
	o.Bundle = bundle
	spec, raw, err := loadSpec(bundle)
	if err != nil {
		return nil, err
	}
	for _, w := range specconv.Warnings(spec) {
		r.warn("%s", w)
	}
	cr = &creation{r: r, o: o, spec: spec, direct: direct}
	defer cr.in.closeAll()
	if direct && len(spec.Process.Args) == 0 {
		return nil, errNoProgram()
	}
	if err := cr.prepare(); err != nil {
		return nil, err
	}
	if r.Root == tmpRoot() {
		_ = os.Mkdir(r.Root, 0o700) // before it is looked at
	}
	if err := r.checkRoot(); err != nil {
		return nil, err
	}
	dir, err := state.New(r.Root, id)
	if err != nil {
		return nil, err
	}
	cr.c = &Container{rt: r, dir: dir, st: r.firstState(id, bundle, spec, cr.facts.RootPath)}
	if err := cr.make(raw); err != nil {
		cr.undo()
		return nil, err
	}
	return cr, nil
}

func errNoProgram() error {
	return errdetail.New("process", "missing: it is required to start a container")
}

// loadSpec reads and checks config.json; the bytes are kept for later calls.
func loadSpec(bundle string) (*specs.Spec, []byte, error) {
	data, err := specconv.ReadConfig(bundle)
	if err != nil {
		return nil, nil, err
	}
	spec, err := specconv.Decode(data)
	if err != nil {
		return nil, nil, err
	}
	if err := specconv.Check(spec); err != nil {
		return nil, nil, err
	}
	if spec.Process == nil {
		// Only start needs it (config.md, "process"): the init is made, and waits.
		spec.Process = &specs.Process{Cwd: "/"}
	}
	return spec, data, nil
}

func (r *Runtime) firstState(id, bundle string, spec *specs.Spec, root string) *state.State {
	self := os.Getpid()
	st, _ := state.ReadProc(self)
	return &state.State{
		Version: state.Version, ID: id, OCIVersion: spec.Version, Bundle: bundle, Rootfs: root,
		Created: time.Now().UTC(), Owner: strconv.Itoa(os.Geteuid()),
		Creator: self, CreatorStart: st.Start,
		Annotations: spec.Annotations, SharedPid: !hasNamespace(spec, specs.PIDNamespace),
		Hooks: laterHooks(spec.Hooks), NoProgram: len(spec.Process.Args) == 0,
	}
}

func hasNamespace(spec *specs.Spec, t specs.LinuxNamespaceType) bool {
	for i := range spec.Linux.Namespaces {
		if spec.Linux.Namespaces[i].Type == t {
			return true
		}
	}
	return false
}

func laterHooks(h *specs.Hooks) bool {
	return h != nil && len(h.StartContainer)+len(h.Poststart)+len(h.Poststop) > 0
}

// prepare does all that can fail without leaving anything: descriptors and facts.
func (cr *creation) prepare() error {
	o := cr.o
	if cr.spec.Process.Terminal && o.Master == nil {
		return errdetail.New("process.terminal", "a terminal needs somebody who takes it: give --console-socket, or run in the foreground")
	}
	if o.WantTerminal && !cr.spec.Process.Terminal {
		return errdetail.New("process.terminal", "false, but a console socket was given: nothing would be sent to it")
	}
	std := []*os.File{o.Stdin, o.Stdout, o.Stderr}
	if cr.spec.Process.Terminal {
		null, err := openPlain("/dev/null", unix.O_RDWR)
		if err != nil {
			return err
		}
		cr.in.own = append(cr.in.own, null)
		std = []*os.File{null, null, null}
	}
	cr.r.withoutLSM(cr.spec)
	cr.in.files = append(std, o.ExtraFiles...)
	first := len(cr.in.files)
	f, err := cr.r.facts(cr.spec, o.Bundle, &cr.in)
	if err != nil {
		return err
	}
	f.FirstFD, f.NoPivot, f.Env = first, o.NoPivot, o.Env
	if f.Seccomp, err = compileSeccomp(cr.spec, cr.r); err != nil {
		return err
	}
	cr.facts = f
	return nil
}

// make has side effects; undo removes them.
func (cr *creation) make(raw []byte) error {
	c := cr.c
	if !cr.o.NoNewKeyring {
		cr.facts.Keyring = "_ses." + c.st.ID
	}
	if err := cr.planCgroup(); err != nil {
		return err
	}
	if err := c.dir.SaveConfig(raw); err != nil {
		return err
	}
	if err := c.dir.Save(c.st); err != nil {
		return err
	}
	if err := cr.addNotify(); err != nil {
		return err
	}
	if cr.o.RecordExit && cr.direct {
		var err error
		if cr.record, err = c.dir.NewExit(); err != nil {
			return err
		}
	}
	if err := cr.rootlessCgroup(); err != nil {
		return err
	}
	if err := cr.earlyCgroup(); err != nil {
		return err
	}
	if err := cr.fifos(); err != nil {
		return err
	}
	cr.facts.SockFD = len(cr.in.files)
	cr.facts.EndFD = cr.facts.SockFD + 1
	if err := cr.compile(); err != nil {
		return err
	}
	if err := cr.spawn(); err != nil {
		return err
	}
	return cr.follow()
}

// fifos makes the two FIFOs of start. The init inherits both open for reading and writing, so
// opening never blocks and a reader sees the end only when the init is gone or executes.
func (cr *creation) fifos() error {
	if cr.direct {
		return nil
	}
	open := func(name string) (int, error) {
		path := cr.c.dir.File(name)
		if err := unix.Mkfifo(path, 0o600); err != nil {
			return -1, &os.PathError{Op: "mkfifo", Path: path, Err: err}
		}
		fd, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC, 0)
		if err != nil {
			return -1, &os.PathError{Op: "open", Path: path, Err: err}
		}
		return cr.in.add(os.NewFile(uintptr(fd), path)), nil
	}
	var err error
	if cr.facts.StartFD, err = open(state.StartFIFO); err != nil {
		return err
	}
	cr.facts.ResultFD, err = open(state.ResultFIFO)
	return err
}

func (cr *creation) compile() (err error) {
	cr.result, err = lower.Init(cr.spec, cr.facts)
	return err
}

func (cr *creation) spawn() error {
	opts := stage.Options{Files: cr.in.files, Cloneflags: cr.result.Cloneflags, CgroupFD: -1,
		LastCap: cr.facts.LastCap, Dir: cr.c.dir.Path()}
	if n, ok := cr.facts.NamespaceFDs[specs.PIDNamespace]; ok && !lower.JoinsPidInside(cr.facts) {
		opts.PidNS = cr.in.files[n]
	}
	if len(cr.facts.CgroupTasks) > 0 {
		unified, err := openUnified(cr.unified)
		if err != nil {
			return err
		}
		if unified != nil {
			defer unified.Close()
			opts.CgroupFD = int(unified.Fd())
		}
	}
	var err error
	if fd, ok := cr.c.cg.FD(); ok && cr.early {
		cr.proc, cr.born, err = startIn(fd, cr.result.Plan, opts)
		cr.c.cg.Close()
	} else {
		cr.proc, err = stage.Start(cr.result.Plan, opts)
	}
	if err != nil {
		return err
	}
	cr.in.close()
	return cr.startCgroup()
}

// follow answers the init's sync points until it is ready.
func (cr *creation) follow() error {
	for {
		ev, err := cr.proc.Wait()
		if err != nil {
			return explainStep(cr.lockedHint(err), cr.spec.Process, cr.result)
		}
		done, err := cr.answer(ev)
		if err != nil {
			return err
		}
		if done && cr.direct {
			return nil // Run lets the program go
		}
		if err := cr.proc.Ack(1); err != nil || done {
			return err
		}
	}
}

func (cr *creation) answer(ev stage.Event) (done bool, err error) {
	switch ev.ID {
	case lower.SyncPid:
		return false, cr.proc.Adopt(int(ev.Value))
	case lower.SyncMaps:
		return false, cr.writeMaps()
	case lower.SyncSetup:
		return false, cr.setup()
	case lower.SyncRoot:
		return false, cr.createContainerHooks()
	case lower.SyncMaster:
		if len(ev.Files) != 1 {
			return false, errors.New("the init sent no terminal")
		}
		return false, cr.o.Master(ev.Files[0], fmt.Sprintf("/dev/pts/%d", ev.Value))
	case lower.SyncSeccomp:
		return false, cr.seccompListener(ev.Files)
	case lower.SyncCopyUp:
		return false, cr.copyUp(int(ev.Value), ev.Files)
	case lower.SyncBinds:
		return false, cr.sendBinds(int(ev.Value))
	case lower.SyncDevice:
		return false, cr.checkDevice(int(ev.Value), ev.Files)
	case lower.SyncReady:
		return true, cr.ready()
	}
	return false, fmt.Errorf("the init reached an unknown point %d", ev.ID)
}

// ready commits: from here on the container exists without us.
func (cr *creation) ready() error {
	p := cr.spec.Process
	if err := setScheduling(cr.proc.Pid, p); err != nil {
		return err
	}
	if err := setRlimits(cr.proc.Pid, cr.spec, p.Rlimits); err != nil {
		return err
	}
	start, err := procStart(cr.proc.Pid)
	if err != nil {
		return err
	}
	s := cr.c.st
	s.Pid, s.Start, s.Ready = cr.proc.Pid, start, true
	s.Creator, s.CreatorStart = 0, 0
	s.Tail = tail(cr.result)
	if err := cr.c.dir.Save(s); err != nil {
		return err
	}
	if socket := cr.o.PidfdSocket; socket != "" {
		if err := sdnotify.SendPidfd(socket, cr.proc.PidFD, "standard"); err != nil {
			return err
		}
	}
	if cr.o.PidFile != "" {
		return writePidFile(cr.o.PidFile, cr.proc.Pid)
	}
	return nil
}

// writePidFile writes atomically, and without a newline, as engines expect.
func writePidFile(path string, pid int) error {
	tmp := filepath.Join(filepath.Dir(path), "."+filepath.Base(path))
	if err := os.WriteFile(tmp, []byte(strconv.Itoa(pid)), 0o644); err != nil {
		return fmt.Errorf("--pid-file: %w", err)
	}
	return os.Rename(tmp, path)
}

// undo removes whatever make has done.
func (cr *creation) undo() {
	if cr.proc != nil {
		cr.proc.Kill()
		cr.proc.Close()
	}
	if cr.c.cg != nil {
		cr.c.cg.Undo()
	}
	if err := cr.c.removeCgroup(); err != nil {
		cr.r.warn("%v", err)
	}
	if err := cr.c.removeRdt(); err != nil {
		cr.r.warn("%v", err)
	}
	if err := cr.c.dir.Remove(); err != nil {
		cr.r.warn("%v", err)
	}
	cr.c.dir.Close()
	if cr.record != nil {
		cr.record.Close()
	}
	if cr.notify != nil {
		cr.notify.Close()
	}
	if cr.proc != nil {
		cr.c.runPoststop(cr.spec)
	}
	if cr.o.PidFile != "" {
		os.Remove(cr.o.PidFile)
	}
}
