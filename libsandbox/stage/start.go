// Starting the stage as a process and the parent's end of its socket.

package stage

import (
	"encoding/binary"
	"errors"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/plan"
	"golang.org/x/sys/unix"
)

// Options is how the process is made.
type Options struct {
	// Files become the descriptors 0, 1, 2, ... of the process; the socket follows them.
	// A nil file leaves that number closed.
	Files []*os.File
	// Cloneflags are the namespaces that must exist from the first instruction on: CLONE_NEWPID,
	// CLONE_NEWUSER.
	Cloneflags uintptr
	// CgroupFD, where not negative, is the cgroup v2 folder that the process is born in.
	CgroupFD int
	// LastCap is the highest capability that the kernel knows; it is used with CLONE_NEWUSER.
	LastCap int
	// PidNS, where set, is a PID namespace that the process becomes a member of.
	PidNS *os.File
	// Dir serves Image where memory files cannot be executed.
	Dir string
	// Poll lets Wait wait by Go's poller, so that no thread is held meanwhile. A thread in a blocking
	// system call also keeps Go's monitor awake, which looks after it up to 100 times in its first 10 ms.
	Poll bool
	// Senders asks for Event.Pid.
	Senders bool
}

// Proc is a running stage.
type Proc struct {
	Pid   int
	PidFD *os.File // a pidfd (pidfd_open(2)); owned by Proc
	sock  int
	poll  *os.File // the socket as the poller's, with Options.Poll
	plan  *plan.Plan
	code  int
	msg   []byte
}

// ProcFD is the path by which this process reaches its own descriptor fd.
func ProcFD(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

// Start links p and starts it. The stage finds its socket at descriptor len(o.Files).
func Start(p *plan.Plan, o Options) (*Proc, error) {
	code := Code()
	elf, err := p.Link(code)
	if err != nil {
		return nil, err
	}
	image, err := Image(elf, o.Dir)
	if err != nil {
		return nil, err
	}
	defer func() { image.Close() }()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, errdetail.Sys("talk to the init", "socketpair", err)
	}
	pr := &Proc{sock: pair[0], plan: p, code: len(code), msg: make([]byte, 1024)}
	if err := pr.prepare(o); err != nil {
		pr.CloseSocket()
		unix.Close(pair[1])
		return nil, err
	}
	pidfd := -1
	files := make([]uintptr, 0, len(o.Files)+1)
	for _, f := range o.Files {
		if f == nil {
			files = append(files, ^uintptr(0))
			continue
		}
		files = append(files, f.Fd())
	}
	files = append(files, uintptr(pair[1]))
	if image, err = apart(image, files); err != nil {
		pr.CloseSocket()
		unix.Close(pair[1])
		return nil, err
	}
	attr := &syscall.ProcAttr{Files: files, Env: []string{}, Sys: &syscall.SysProcAttr{
		Cloneflags: o.Cloneflags, PidFD: &pidfd}}
	if o.Cloneflags&unix.CLONE_NEWUSER != 0 {
		// Until the maps are written the process has no id 0, so execve would take away the
		// capabilities that it was born with; ambient ones stay (capabilities(7)).
		for c := uintptr(0); c <= uintptr(o.LastCap); c++ {
			attr.Sys.AmbientCaps = append(attr.Sys.AmbientCaps, c)
		}
	}
	if o.CgroupFD >= 0 {
		attr.Sys.UseCgroupFD, attr.Sys.CgroupFD = true, o.CgroupFD
	}
	pr.Pid, err = spawn(ProcFD(int(image.Fd())), attr, o.PidNS)
	runtime.KeepAlive(o.Files)
	unix.Close(pair[1])
	if err != nil {
		pr.CloseSocket()
		return nil, err
	}
	pr.PidFD = os.NewFile(uintptr(pidfd), "pidfd")
	return pr, nil
}

// prepare sets up our end of the socket.
func (pr *Proc) prepare(o Options) error {
	if o.Senders {
		if err := unix.SetsockoptInt(pr.sock, unix.SOL_SOCKET, unix.SO_PASSCRED, 1); err != nil {
			return errdetail.Sys("talk to the init", "setsockopt", err)
		}
	}
	if o.Poll {
		if err := unix.SetNonblock(pr.sock, true); err != nil {
			return errdetail.Sys("talk to the init", "fcntl", err)
		}
		pr.poll = os.NewFile(uintptr(pr.sock), "init")
	}
	return nil
}

// apart moves image out of the way of files: it is executed by its number, in the child, after
// the files have been moved to 0, 1, 2, ... and some of them, by package syscall, to what follows
// the highest of them before.
func apart(image *os.File, files []uintptr) (*os.File, error) {
	top := len(files)
	for _, fd := range files {
		if fd != ^uintptr(0) {
			top = max(top, int(fd))
		}
	}
	top += len(files) + 2
	if int(image.Fd()) > top {
		return image, nil
	}
	fd, err := unix.FcntlInt(image.Fd(), unix.F_DUPFD_CLOEXEC, top)
	if err != nil {
		return image, errdetail.Sys("keep the init's executable apart", "fcntl", err)
	}
	image.Close()
	return os.NewFile(uintptr(fd), image.Name()), nil
}

// spawn forks and executes path. Joining a PID namespace affects only later children of the
// calling thread (setns(2)), which therefore goes back to its own afterwards.
func spawn(path string, attr *syscall.ProcAttr, pidns *os.File) (int, error) {
	if pidns == nil {
		return fork(path, attr)
	}
	runtime.LockOSThread()
	own, err := unix.Open("/proc/thread-self/ns/pid", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		runtime.UnlockOSThread()
		return 0, errdetail.Sys("find the runtime's own PID namespace", "open", err)
	}
	defer unix.Close(own)
	// Root of a user namespace has no right to return to a PID namespace that is the host's.
	if unix.Setns(own, unix.CLONE_NEWPID) != nil {
		runtime.UnlockOSThread()
		return spawnApart(path, attr, pidns)
	}
	pid, err := spawnIn(path, attr, pidns)
	if back := unix.Setns(own, unix.CLONE_NEWPID); back != nil {
		// Not unlocked: this thread makes children in the wrong namespace.
		return pid, errors.Join(err, errdetail.Sys("return to the runtime's own PID namespace", "setns", back))
	}
	runtime.UnlockOSThread()
	return pid, err
}

// spawnApart is spawn on a thread that ends with it.
func spawnApart(path string, attr *syscall.ProcAttr, pidns *os.File) (pid int, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: the thread dies with the goroutine
		pid, err = spawnIn(path, attr, pidns)
	}()
	<-done
	return pid, err
}

// spawnIn leaves the calling thread's later children in pidns.
func spawnIn(path string, attr *syscall.ProcAttr, pidns *os.File) (int, error) {
	if err := unix.Setns(int(pidns.Fd()), unix.CLONE_NEWPID); err != nil {
		return 0, errdetail.Sys("join the PID namespace", "setns", err)
	}
	return fork(path, attr)
}

func fork(path string, attr *syscall.ProcAttr) (int, error) {
	pid, err := syscall.ForkExec(path, []string{"sandbox-runtime: init"}, attr)
	if err != nil {
		return 0, spawnError(attr, err)
	}
	return pid, nil
}

func spawnError(attr *syscall.ProcAttr, err error) error {
	e := errdetail.Sys("start the container's init", "clone", err)
	switch {
	case errors.Is(err, syscall.ENOSPC):
		e.Hint = "a limit on namespaces is reached: see /proc/sys/user/max_*_namespaces"
	case errors.Is(err, syscall.EAGAIN):
		e.Hint = "a limit on processes is reached: pids.max of its cgroup or of one above, RLIMIT_NPROC, or kernel.threads-max"
	case errors.Is(err, syscall.EPERM) && attr.Sys.Cloneflags&unix.CLONE_NEWUSER != 0:
		e.Hint = "this host does not let this user make user namespaces: run \"sandbox-runtime check\""
	case errors.Is(err, syscall.EPERM) && attr.Sys.Cloneflags != 0:
		e.Hint = "without root, a container needs a user namespace: see \"spec --rootless\""
	}
	return e
}

// ErrGone means that the stage ended without a record: it was killed.
var ErrGone = errors.New("the container's init was killed before it was ready")

// Event is what the stage says at a sync point.
type Event struct {
	ID    uint64     // which sync point (plan data)
	Value uint64     // an argument, for example a pid
	Pid   int        // with Options.Senders: who says it, as the kernel knows it
	Files []*os.File // descriptors handed over
}

// StepError is the failure of one step of the plan.
type StepError struct {
	Step  int // index in the plan
	Name  string
	Errno syscall.Errno
	Facts *errdetail.Error
}

func (e *StepError) Error() string { return e.Facts.Error() }

// Unwrap gives the facts, and by them the errno.
func (e *StepError) Unwrap() error { return e.Facts }

// Wait receives the next event. It returns a *StepError if a step failed, ErrGone if the
// process died.
func (pr *Proc) Wait() (Event, error) {
	oob := make([]byte, unix.CmsgSpace(4*4)+unix.CmsgSpace(unix.SizeofUcred))
	n, oobn, err := pr.receive(oob)
	if err == unix.ECONNRESET {
		// It ended without having read an answer of ours: that is told first, and once. What it has said
		// before its end comes after it.
		n, oobn, err = pr.receive(oob)
	}
	switch {
	case err == unix.ECONNRESET || (err == nil && n < plan.RecordSize):
		return Event{}, ErrGone
	case err != nil:
		return Event{}, errdetail.Sys("listen to the init", "recvmsg", err)
	}
	first := binary.LittleEndian.Uint64(pr.msg)
	second := binary.LittleEndian.Uint64(pr.msg[8:])
	if first >= plan.CodeBase {
		return Event{}, Decode(pr.plan, pr.msg[:n])
	}
	ev := Event{ID: first, Value: second}
	ev.received(oob[:oobn])
	return ev, nil
}

// receive waits for a message, by the poller or in the call itself.
func (pr *Proc) receive(oob []byte) (n, oobn int, err error) {
	if pr.poll == nil {
		err = unix.EINTR
		for err == unix.EINTR {
			n, oobn, _, _, err = unix.Recvmsg(pr.sock, pr.msg, oob, unix.MSG_CMSG_CLOEXEC)
		}
		return n, oobn, err
	}
	raw, err := pr.poll.SyscallConn()
	if err != nil {
		return 0, 0, err
	}
	var rerr error
	err = raw.Read(func(fd uintptr) bool {
		n, oobn, _, _, rerr = unix.Recvmsg(int(fd), pr.msg, oob, unix.MSG_CMSG_CLOEXEC)
		return rerr != unix.EAGAIN && rerr != unix.EINTR
	})
	if err != nil {
		return 0, 0, err
	}
	return n, oobn, rerr
}

// received takes over what came beside a message.
func (ev *Event) received(oob []byte) {
	cmsgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return
	}
	for i := range cmsgs {
		if cred, err := unix.ParseUnixCredentials(&cmsgs[i]); err == nil {
			ev.Pid = int(cred.Pid)
			continue
		}
		fds, err := unix.ParseUnixRights(&cmsgs[i])
		if err != nil {
			continue
		}
		for _, fd := range fds {
			ev.Files = append(ev.Files, os.NewFile(uintptr(fd), "received"))
		}
	}
}

// Ack lets the stage go on after an event; v becomes the value it reads.
func (pr *Proc) Ack(v uint64) error {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], v)
	if err := unix.Sendto(pr.sock, b[:], unix.MSG_NOSIGNAL, nil); err != nil {
		return ErrGone
	}
	return nil
}

// SendFD hands a descriptor to the stage, which waits for it; the caller keeps its own.
func (pr *Proc) SendFD(f *os.File) error {
	if err := unix.Sendmsg(pr.sock, make([]byte, 8), unix.UnixRights(int(f.Fd())), nil, unix.MSG_NOSIGNAL); err != nil {
		return ErrGone
	}
	return nil
}

// WaitExec returns nil once the stage has become the program, or why it could not.
func (pr *Proc) WaitExec() error {
	_, err := pr.Wait()
	if err == ErrGone {
		return nil
	}
	return err
}

// Kill ends the process at once and reaps it, where it is our child.
func (pr *Proc) Kill() {
	_ = unix.Kill(pr.Pid, unix.SIGKILL)
	var ws unix.WaitStatus
	for {
		_, err := unix.Wait4(pr.Pid, &ws, 0, nil)
		if err != unix.EINTR {
			break
		}
	}
}

// Adopt makes pid, a child that the stage forked into our care, the process that Proc stands
// for; the one before it is reaped.
func (pr *Proc) Adopt(pid int) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return errdetail.Sys("follow the init's second process", "pidfd_open", err)
	}
	old := pr.Pid
	pr.PidFD.Close()
	pr.Pid, pr.PidFD = pid, os.NewFile(uintptr(fd), "pidfd")
	var ws unix.WaitStatus
	for {
		if _, err := unix.Wait4(old, &ws, 0, nil); err != unix.EINTR {
			return nil
		}
	}
}

// CloseSocket closes the parent's end only.
func (pr *Proc) CloseSocket() {
	if pr.poll != nil {
		pr.poll.Close()
	} else if pr.sock >= 0 {
		unix.Close(pr.sock)
	}
	pr.poll, pr.sock = nil, -1
}

// Close releases the descriptors; the process goes on if it no longer needs the socket, and
// ends if it does.
func (pr *Proc) Close() {
	pr.CloseSocket()
	pr.PidFD.Close()
}

// SetTimeout bounds each later Wait. 0 means no bound.
func (pr *Proc) SetTimeout(d time.Duration) {
	tv := unix.NsecToTimeval(int64(d))
	_ = unix.SetsockoptTimeval(pr.sock, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv)
}
