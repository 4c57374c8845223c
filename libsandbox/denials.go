// The seccomp filter of a sandbox, and watching what it refuses.

package libsandbox

import (
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"unsafe"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/lower"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/seccomp"
	"golang.org/x/sys/unix"
)

// NoSeccomp is the SeccompProfile that loads no filter at all.
const NoSeccomp = "none"

// DefaultSeccomp is the profile that is used if none is named.
const DefaultSeccomp = "network"

// maxDenials bounds how many different system calls Result.Denied lists.
const maxDenials = 64

// profile finds the filter that was asked for.
func (p *prepared) profile() error {
	c := p.cfg
	name := c.SeccompProfile
	switch {
	case c.Seccomp != nil:
		p.seccomp = c.Seccomp
		return nil
	case name == NoSeccomp:
		return nil
	case name == "":
		name = DefaultSeccomp
	}
	if !slices.Contains(seccomp.Names(), name) {
		return errdetail.New("SeccompProfile", "there is no seccomp profile %q: want one of %s, or none", name, strings.Join(seccomp.Names(), ", "))
	}
	p.profileName = name
	return nil
}

// compile makes the filter's program; nil if there is none to load.
func (p *prepared) compile() (*seccomp.Filter, error) {
	switch {
	case p.profileName != "":
		return seccomp.CompileNamed(p.profileName)
	case p.seccomp == nil && !p.cfg.WatchDenied:
		return nil, nil
	case p.seccomp == nil:
		p.seccomp = &specs.LinuxSeccomp{DefaultAction: specs.ActAllow} // refuses nothing: for the paths only
	}
	return seccomp.Compile(p.seccomp, seccomp.Options{OwnListener: true})
}

// filter compiles it.
func (b *box) filter(f *lower.Facts) error {
	p := b.p
	filter, err := p.compile()
	if err != nil {
		return p.named(err)
	}
	if filter == nil {
		return nil
	}
	if filter.Notify {
		return errdetail.New("Seccomp", "SCMP_ACT_NOTIFY is for containers: here nobody would answer")
	}
	f.Seccomp = &lower.Filter{Program: filter.Bytes(), Flags: uint32(filter.Flags)}
	if p.cfg.WatchDenied {
		if !p.makes(NamespacePID) {
			return errdetail.New("WatchDenied", "needs a PID namespace of the sandbox's own")
		}
		b.watch = &denialWatch{box: b, program: slices.Clone(filter.Program), done: make(chan struct{})}
		watchRefusals(filter.Program)
		filter.Program = watchPaths(filter.Program)
		f.Seccomp = &lower.Filter{Program: filter.Bytes(), Flags: uint32(filter.Flags) | unix.SECCOMP_FILTER_FLAG_NEW_LISTENER, Notify: true}
	}
	return nil
}

// watchRefusals changes a program so that what it refuses comes to us. ENOSYS is no refusal: it
// tells a library to do the same by other calls.
func watchRefusals(program []unix.SockFilter) {
	for i := range program {
		ins := &program[i]
		if ins.Code != unix.BPF_RET|unix.BPF_K {
			continue
		}
		switch ins.K & unix.SECCOMP_RET_ACTION_FULL {
		case unix.SECCOMP_RET_ERRNO:
			if unix.Errno(ins.K&unix.SECCOMP_RET_DATA) == unix.ENOSYS {
				continue
			}
		case unix.SECCOMP_RET_KILL_PROCESS, unix.SECCOMP_RET_KILL_THREAD:
		default:
			continue
		}
		ins.K = unix.SECCOMP_RET_USER_NOTIF
	}
}

// denialWatch answers for the filter and remembers what it refused.
type denialWatch struct {
	box     *box
	program []unix.SockFilter // as it was compiled
	file    *os.File
	done    chan struct{}

	mu     sync.Mutex
	counts []Denial
	paths  []DeniedPath
	killed string // the call that ended the sandbox
}

// listener takes over the filter's listener.
func (b *box) listener(files []*os.File) error {
	if b.watch == nil || len(files) != 1 {
		closeAll(files)
		return errors.New("the sandbox sent no seccomp listener")
	}
	fd, err := unix.FcntlInt(files[0].Fd(), unix.F_DUPFD_CLOEXEC, 0)
	files[0].Close()
	if err != nil {
		return os.NewSyscallError("fcntl", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // for the Go poller
		unix.Close(fd)
		return os.NewSyscallError("fcntl", err)
	}
	b.watch.file = os.NewFile(uintptr(fd), "seccomp")
	go b.watch.run()
	return nil
}

func (w *denialWatch) ready() bool { return w.file != nil }

func (w *denialWatch) close() {
	if w.file != nil {
		w.file.Close()
		<-w.done
	}
}

// report puts into r what was seen.
func (w *denialWatch) report(r *Result) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r.Denied, r.DeniedPaths = slices.Clone(w.counts), slices.Clone(w.paths)
	if w.killed != "" {
		r.SeccompKilled, r.SeccompCall, r.Signal, r.ExitCode = true, w.killed, unix.SIGSYS, -1
	}
}

// Requests of seccomp_unotify(2), and its structures.
const (
	notifRecv = 0xc0502100
	notifSend = 0xc0182101
)

type notification struct {
	id         uint64
	pid, flags uint32
	nr         int32
	arch       uint32
	ip         uint64
	args       [6]uint64
}

type notifResponse struct {
	id    uint64
	val   int64
	errno int32
	flags uint32
}

// run answers until the last process with the filter has ended.
func (w *denialWatch) run() {
	defer close(w.done)
	raw, err := w.file.SyscallConn()
	if err != nil {
		return
	}
	for {
		var n notification
		ended, got := false, false
		err := raw.Read(func(fd uintptr) bool {
			fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
			if k, err := unix.Poll(fds, 0); err != nil || k == 0 {
				return err != nil && err != unix.EINTR
			}
			if fds[0].Revents&unix.POLLIN == 0 {
				ended = true
				return true
			}
			_, _, errno := unix.Syscall(unix.SYS_IOCTL, fd, notifRecv, uintptr(unsafe.Pointer(&n)))
			got = errno == 0
			return true
		})
		if err != nil || ended {
			return
		}
		if got {
			w.answer(raw, &n)
		}
	}
}

// answer does what the filter would have done.
func (w *denialWatch) answer(raw syscall.RawConn, n *notification) {
	name := seccomp.NameOf(n.arch, int(n.nr))
	r := notifResponse{id: n.id, errno: -int32(unix.EPERM)}
	data := &seccomp.Data{Nr: uint32(n.nr), Arch: n.arch, IP: n.ip, Args: n.args}
	value, _, err := seccomp.Run(w.program, data, false) // all our architectures are little-endian
	switch action := value & unix.SECCOMP_RET_ACTION_FULL; {
	case err != nil:
	case action == unix.SECCOMP_RET_ERRNO:
		r.errno = -int32(value & unix.SECCOMP_RET_DATA)
	case action == unix.SECCOMP_RET_KILL_PROCESS, action == unix.SECCOMP_RET_KILL_THREAD:
		w.count(name)
		w.mu.Lock()
		w.killed = name
		w.mu.Unlock()
		w.box.kill()
		return
	default: // allowed by the filter: here only for its path
		w.look(name, n)
		r.errno, r.flags = 0, unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE
	}
	if r.flags == 0 && r.errno != -int32(unix.ENOSYS) {
		w.count(name)
	}
	_ = raw.Control(func(fd uintptr) {
		// ENOENT: the process was killed meanwhile.
		_, _, _ = unix.Syscall(unix.SYS_IOCTL, fd, notifSend, uintptr(unsafe.Pointer(&r)))
	})
}

func (w *denialWatch) count(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.counts {
		if w.counts[i].Syscall == name {
			w.counts[i].Count++
			return
		}
	}
	if len(w.counts) < maxDenials {
		w.counts = append(w.counts, Denial{Syscall: name, Count: 1})
	}
}
