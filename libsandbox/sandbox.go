// One sandboxed process from its start to its end. Execute, Cmd and Stream are made of it.

package libsandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/lower"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/rootfs"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/stage"
	"golang.org/x/sys/unix"
)

// box is a running sandbox.
type box struct {
	p       *prepared
	proc    *stage.Proc
	in      inherit
	files   int // standard streams and extra files
	res     *lower.Result
	pid     int      // the program's, on the host
	program *os.File // its pidfd
	init    *os.File // pidfd of the process whose end is the sandbox's end, for the poller
	cg      *boxCgroup
	watch   *denialWatch
	started time.Time
	timer   *time.Timer
	stop    func() bool // ends the watch over the context

	timedOut, canceled atomic.Bool

	mu     sync.Mutex
	ended  bool
	killed bool
	over   chan struct{} // closed when ended is set

	exited    *unix.WaitStatus // the program's end, where it was told before start returned
	removeErr error            // the cgroup could not be removed
}

// startBox starts the program with files as its descriptors 0, 1, 2, ... It returns when the
// program has been executed.
func startBox(ctx context.Context, p *prepared, files []*os.File) (*box, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b := &box{p: p, files: len(files), over: make(chan struct{}), in: inherit{files: append([]*os.File(nil), files...)}}
	defer b.in.close()
	if err := b.start(ctx); err != nil {
		b.abandon()
		return nil, err
	}
	b.guard(ctx)
	return b, nil
}

func (b *box) start(ctx context.Context) error {
	p := b.p
	if err := b.makeCgroup(); err != nil {
		return err
	}
	facts, err := b.facts()
	if err != nil {
		return err
	}
	if b.res, err = lower.Process(p.spec, facts, &p.sandbox); err != nil {
		return p.named(err)
	}
	p.nameSections(b.res)
	b.proc, err = stage.Start(b.res.Plan, stage.Options{Files: b.in.files, Cloneflags: b.res.Cloneflags, CgroupFD: -1, Dir: os.TempDir(), Poll: true, Senders: true})
	if err != nil {
		return err
	}
	b.in.close()
	if err := b.follow(ctx); err != nil && ctx.Err() != nil {
		return ctx.Err() // it was ended for that
	} else if err != nil {
		return err
	}
	return nil
}

// facts is what the plan depends on.
func (b *box) facts() (*lower.Facts, error) {
	p := b.p
	f := &lower.Facts{
		RootFD: -1, StartFD: -1, ResultFD: -1,
		FirstFD: b.files, NamespaceFDs: map[specs.LinuxNamespaceType]int{}, Sources: map[int]lower.Source{},
		RootPath: p.spec.Root.Path, Rootless: p.mode == Unprivileged,
		DenySetgroups: p.mode == Unprivileged && p.makes(NamespaceUser),
		LastCap:       lastCap(), IgnoredSigs: ignoredSignals(), TimerSlack: p.cfg.TimerSlack,
	}
	if err := b.sources(f); err != nil {
		return nil, err
	}
	if err := b.filter(f); err != nil {
		return nil, err
	}
	f.SockFD = len(b.in.files)
	f.EndFD = f.SockFD + 1
	return f, nil
}

// sources opens with privileges what the sandbox binds: its own process will not have them.
func (b *box) sources(f *lower.Facts) error {
	p := b.p
	if !p.makes(NamespaceMount) {
		return nil
	}
	if p.spec.Root.Path != "" && len(p.sandbox.RootOverlays) == 0 && p.mode == Privileged {
		clone, _, err := rootfs.Clone(p.spec.Root.Path, true)
		if err != nil {
			return &errdetail.Error{Field: "Root", Detail: p.spec.Root.Path, Op: "clone it", Err: err}
		}
		f.RootFD = b.in.add(clone)
	}
	for i := range p.spec.Mounts {
		m := &p.spec.Mounts[i]
		bind, recursive := lower.IsBind(m)
		if !bind {
			continue
		}
		src := lower.Source{FD: -1}
		var err error
		if p.mode == Privileged {
			var clone *os.File
			if clone, src.Dir, err = rootfs.Clone(m.Source, recursive); err == nil {
				src.FD = b.in.add(clone)
			}
		} else {
			src.Dir, err = rootfs.IsDir(m.Source)
		}
		if err != nil {
			return &errdetail.Error{Field: p.fields[i], Detail: m.Destination, Op: "bind " + m.Source, Err: err}
		}
		f.Sources[i] = src
	}
	return nil
}

// follow answers the sandbox until the program runs.
func (b *box) follow(ctx context.Context) error {
	// A caller that gives up must not wait for a set-up that hangs, say on a dead NFS mount.
	stop := context.AfterFunc(ctx, b.kill)
	defer stop()
	running := false
	for {
		ev, err := b.proc.Wait()
		if err == stage.ErrGone && !b.p.makes(NamespacePID) {
			return b.direct()
		}
		if err == stage.ErrGone && running {
			return nil // it ended before its listener was handed over
		}
		if err != nil {
			if err == stage.ErrGone && b.oomKilled() {
				return errdetail.New("Limits.Memory", "%d bytes are too few to start the program", b.p.cfg.Limits.Memory)
			}
			return b.p.named(err)
		}
		switch ev.ID {
		case lower.SyncRunning:
			// The init waits for the answer, so the program cannot have been reaped before its
			// pid is known.
			if err := b.running(ev.Files); err != nil {
				return err
			}
			if err := b.proc.Ack(1); err != nil {
				return err
			}
			running = true
		case lower.SyncListener:
			if err := b.listener(ev.Files); err != nil {
				return err
			}
		case lower.SyncExit: // a short program may overtake its listener
			ws := unix.WaitStatus(ev.Value)
			b.exited = &ws
		case lower.SyncPid: // expects no answer
			if err := b.adopt(ev.Pid); err != nil {
				return err
			}
		default:
			err := b.answer(ev)
			if err == nil {
				err = b.proc.Ack(1)
			}
			if err != nil {
				return b.reason(err)
			}
		}
		if running && (b.watch == nil || b.watch.ready()) {
			return nil
		}
	}
}

func (b *box) answer(ev stage.Event) error {
	switch ev.ID {
	case lower.SyncMaps:
		return b.writeMaps()
	case lower.SyncSetup:
		return b.joinCgroup()
	case lower.SyncMaster:
		if len(ev.Files) != 1 {
			closeAll(ev.Files)
			return errors.New("the sandbox sent no terminal")
		}
		return b.p.cfg.Terminal(ev.Files[0])
	}
	return fmt.Errorf("the sandbox reached an unknown point %d", ev.ID)
}

// adopt follows the first process of the PID namespace from here on.
func (b *box) adopt(pid int) error {
	b.mu.Lock() // kill may come at any time
	defer b.mu.Unlock()
	err := b.proc.Adopt(pid)
	if b.killed { // it may have hit the one before
		_ = unix.PidfdSendSignal(int(b.proc.PidFD.Fd()), unix.SIGKILL, nil, 0)
	}
	return err
}

// reason is why the sandbox could not be answered: what it has said before its end, if it has ended by itself,
// else err. It does not live on.
func (b *box) reason(err error) error {
	_ = unix.PidfdSendSignal(int(b.proc.PidFD.Fd()), unix.SIGKILL, nil, 0)
	for {
		ev, werr := b.proc.Wait()
		closeAll(ev.Files)
		var step *stage.StepError
		switch {
		case errors.As(werr, &step):
			return b.p.named(werr)
		case werr != nil:
			return err
		}
	}
}

// writeMaps gives the user namespace its maps while the process waits. Any failure is fatal.
func (b *box) writeMaps() error {
	dir := "/proc/" + strconv.Itoa(b.proc.Pid) + "/"
	write := func(file, text string) error {
		// The kernel takes a map only in one write (user_namespaces(7)).
		if err := os.WriteFile(dir+file, []byte(text), 0); err != nil {
			return &errdetail.Error{Op: "write " + file + " of the user namespace", Err: err}
		}
		return nil
	}
	l := b.p.spec.Linux
	if err := write("uid_map", mapText(l.UIDMappings)); err != nil {
		return err
	}
	if b.p.mode == Unprivileged {
		// Without privileges a gid map is accepted only after this.
		if err := write("setgroups", "deny"); err != nil {
			return err
		}
	}
	return write("gid_map", mapText(l.GIDMappings))
}

func mapText(maps []specs.LinuxIDMapping) string {
	var t strings.Builder
	for _, m := range maps {
		fmt.Fprintf(&t, "%d %d %d\n", m.ContainerID, m.HostID, m.Size)
	}
	return t.String()
}

// running takes over the program's pidfd.
func (b *box) running(files []*os.File) error {
	if len(files) != 1 {
		return errors.New("the sandbox sent no pidfd of its program")
	}
	b.program = files[0]
	b.pid = pidOf(b.program)
	return b.openInit()
}

// direct is running for a program without an init.
func (b *box) direct() error {
	fd, err := unix.FcntlInt(b.proc.PidFD.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("fcntl", err)
	}
	b.program, b.pid = os.NewFile(uintptr(fd), "pidfd"), b.proc.Pid
	return b.openInit()
}

// openInit makes a pidfd that the Go poller waits on, so that no thread is blocked by a running
// sandbox.
func (b *box) openInit() error {
	fd, err := unix.FcntlInt(b.proc.PidFD.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("fcntl", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return os.NewSyscallError("fcntl", err)
	}
	b.init = os.NewFile(uintptr(fd), "pidfd")
	b.started = time.Now()
	return nil
}

// pidOf is the process id behind a pidfd, 0 if it has ended (proc(5), fdinfo).
func pidOf(f *os.File) int {
	data, err := os.ReadFile("/proc/self/fdinfo/" + strconv.Itoa(int(f.Fd())))
	if err != nil {
		return 0
	}
	for _, line := range strings.Split(string(data), "\n") {
		if v, ok := strings.CutPrefix(line, "Pid:"); ok {
			if n, err := strconv.Atoi(strings.TrimSpace(v)); err == nil && n > 0 {
				return n
			}
		}
	}
	return 0
}

// guard ends the sandbox when its time is up or its caller gives up.
func (b *box) guard(ctx context.Context) {
	if d := b.p.cfg.Timeout; d > 0 {
		b.timer = time.AfterFunc(d, func() {
			b.timedOut.Store(true)
			b.kill()
		})
	}
	b.stop = context.AfterFunc(ctx, func() {
		b.canceled.Store(true)
		b.kill()
	})
}

// kill ends every process of the sandbox: with the first process of a PID namespace the kernel
// ends all others (pid_namespaces(7)); without one, the cgroup is killed.
func (b *box) kill() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return
	}
	b.killed = true
	b.killCgroup()
	_ = unix.PidfdSendSignal(int(b.proc.PidFD.Fd()), unix.SIGKILL, nil, 0)
}

// signal sends sig to the program.
func (b *box) signal(sig syscall.Signal) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return os.ErrProcessDone
	}
	err := unix.PidfdSendSignal(int(b.program.Fd()), sig, nil, 0)
	if err == unix.ESRCH {
		return os.ErrProcessDone
	}
	return err
}

// wait waits for the end of the whole sandbox and says how it ended. It is called once.
func (b *box) wait() (*Result, error) {
	var ws unix.WaitStatus
	var usage unix.Rusage
	raw, err := b.init.SyscallConn()
	if err != nil {
		return nil, err
	}
	var werr error
	err = raw.Read(func(uintptr) bool {
		var pid int
		pid, werr = unix.Wait4(b.proc.Pid, &ws, unix.WNOHANG, &usage)
		return pid != 0 && werr != unix.EINTR
	})
	wall := time.Since(b.started)
	if err == nil && werr != nil {
		err = os.NewSyscallError("wait4", werr)
	}
	b.end()
	if b.timer != nil {
		b.timer.Stop()
	}
	b.stop()
	if err != nil {
		b.release()
		return nil, err
	}
	r := b.result(ws, &usage, wall)
	b.release()
	return r, b.removeErr
}

// status is how the program ended: what its init told, or how the init was ended itself.
func (b *box) status(init unix.WaitStatus) unix.WaitStatus {
	if !b.p.makes(NamespacePID) {
		return init
	}
	if b.exited != nil {
		return *b.exited
	}
	for {
		ev, err := b.proc.Wait()
		if err != nil {
			return init
		}
		if ev.ID == lower.SyncExit {
			return unix.WaitStatus(ev.Value)
		}
		closeAll(ev.Files)
	}
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// abandon undoes a start that failed.
func (b *box) abandon() {
	if b.proc != nil {
		b.proc.Kill()
	}
	b.end()
	b.release()
}

// end marks that there is nothing left to signal or to look at.
func (b *box) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
	close(b.over)
}

// release gives back descriptors and the cgroup.
func (b *box) release() {
	if b.proc != nil {
		b.proc.Close()
	}
	if b.program != nil {
		b.program.Close()
	}
	if b.init != nil {
		b.init.Close()
	}
	if b.watch != nil {
		b.watch.close()
	}
	b.removeCgroup()
}
