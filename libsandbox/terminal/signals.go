// This file passes the signals that the runtime gets in the foreground on to the container.

package terminal

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// Forwarder catches signals from the moment it is made, keeps those that come before there is a
// process to send them to, and passes each on once. Make it before the container's process, or a
// signal in between kills the runtime and leaves the container. A program has one at a time.
//
// It does without os/signal, which hands each signal number to a goroutine and back by two
// switches of threads: more than 100 for those caught here, in a command that else has
// some 20. A handler of our own (catch_*.s) writes the number into a pipe instead, which holds 65536
// before one is lost.
type Forwarder struct {
	r   int
	old map[int]sigaction // what was there before, by signal
}

// sigaction is the kernel's struct (rt_sigaction(2)); amd64 and arm64 have the same.
type sigaction struct {
	handler, flags, restorer uintptr
	mask                     uint64
}

// catchFD is the pipe's write end and goHandler the Go runtime's own handler. A signal's
// disposition belongs to the whole process, and a handler is given nothing but the number: hence
// variables of the package.
var (
	catchFD int32 = -1
	//lint:ignore U1000 catch_*.s jumps to it
	goHandler uintptr
)

// The handlers are called by the kernel, never by Go; handlers tells their addresses.
func handlers() (all, sent, restorer uintptr)

// NewForwarder begins to catch every signal that is worth passing on: all but
//
//   - SIGKILL and SIGSTOP, which can't be caught;
//   - SIGCHLD, which is about the runtime's own children;
//   - SIGPIPE, which is about the runtime's own output;
//   - SIGURG, which Go's scheduler uses to preempt;
//   - SIGWINCH, which the kernel sends by itself when Relay sets the new size;
//   - 32 and 33, which C libraries and Go use inside;
//   - those that were ignored when the runtime was started (nohup ignores SIGHUP).
//
// Of those that the processor raises (SIGSEGV) only the ones that somebody has sent are passed on.
func NewForwarder() (*Forwarder, error) {
	list := make([]unix.Signal, 0, 64)
	for n := unix.Signal(1); n <= 64; n++ {
		switch n {
		case unix.SIGKILL, unix.SIGSTOP, unix.SIGCHLD, unix.SIGPIPE, unix.SIGURG, unix.SIGWINCH, 32, 33:
			continue
		}
		list = append(list, n)
	}
	return NewForwarderOf(list...)
}

// NewForwarderOf is NewForwarder for the signals that are listed; those that were ignored stay so.
func NewForwarderOf(list ...unix.Signal) (*Forwarder, error) {
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return nil, errdetail.Sys("catch signals", "pipe2", err)
	}
	catchFD = int32(p[1])
	f := &Forwarder{r: p[0], old: make(map[int]sigaction, 64)}
	for _, n := range list {
		if err := f.catch(int(n)); err != nil {
			f.Stop()
			return nil, err
		}
	}
	return f, nil
}

func (f *Forwarder) catch(n int) error {
	const saSigInfo, saOnStack, saRestart, saRestorer = 4, 0x08000000, 0x10000000, 0x04000000
	all, sent, restorer := handlers()
	// On the thread's signal stack: a goroutine's own may have no room. All others are blocked
	// meanwhile.
	sa := sigaction{handler: all, flags: saSigInfo | saOnStack | saRestart, restorer: restorer, mask: ^uint64(0)}
	if restorer != 0 {
		sa.flags |= saRestorer
	}
	var old sigaction
	if err := rtSigaction(n, nil, &old); err != nil {
		return err
	}
	switch unix.Signal(n) {
	case unix.SIGSEGV, unix.SIGBUS, unix.SIGFPE, unix.SIGILL, unix.SIGTRAP, unix.SIGSYS:
		// A nil pointer still becomes a panic.
		sa.handler, goHandler = sent, old.handler
	}
	const sigIgn = 1
	if old.handler == sigIgn {
		return nil
	}
	if err := rtSigaction(n, &sa, nil); err != nil {
		return err
	}
	f.old[n] = old
	return nil
}

func rtSigaction(n int, sa, old *sigaction) error {
	_, _, e := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(n), uintptr(unsafe.Pointer(sa)), uintptr(unsafe.Pointer(old)), 8, 0, 0)
	if e != 0 {
		return errdetail.Sys("catch signals", "rt_sigaction", e)
	}
	return nil
}

// Pass hands in a signal that this program has caught by other means.
func (f *Forwarder) Pass(s unix.Signal) {
	_, _ = unix.Write(int(catchFD), []byte{byte(s)})
}

// Follow passes the caught signals, those from before first, to the process of pidfd, and returns
// when that has ended. Sending by pidfd can't hit a pid that is used again.
func (f *Forwarder) Follow(pidfd *os.File) error {
	return control(pidfd, func(fd int) error {
		fds := []unix.PollFd{{Fd: int32(f.r), Events: unix.POLLIN}, {Fd: int32(fd), Events: unix.POLLIN}}
		for {
			if _, err := unix.Poll(fds, -1); err != nil && err != unix.EINTR {
				return errdetail.Sys("wait for the process", "poll", err)
			}
			for _, s := range f.take() {
				_ = unix.PidfdSendSignal(fd, unix.Signal(s), nil, 0) // it may be gone
			}
			if fds[1].Revents != 0 {
				return nil
			}
		}
	})
}

// Each hands every caught signal to do, those from before first, until do returns false. It waits by Go's
// poller, so that no thread is held meanwhile. It is called once, and instead of Follow.
func (f *Forwarder) Each(do func(unix.Signal) bool) {
	r := os.NewFile(uintptr(f.r), "signals") // it does not block, so the poller takes it
	f.r = -1
	defer r.Close()
	buf := make([]byte, 64)
	for {
		n, err := r.Read(buf)
		if err != nil {
			return
		}
		for _, s := range buf[:n] {
			if !do(unix.Signal(s)) {
				return
			}
		}
	}
}

// take empties the pipe, some at a time.
func (f *Forwarder) take() []byte {
	buf := make([]byte, 64)
	n, err := unix.Read(f.r, buf)
	if err != nil {
		return nil // EAGAIN: nothing is there
	}
	return buf[:n]
}

// Stop gives the signals back to who had them. The pipe's write end stays open, as a handler may be
// about to write to it. A program that is about to end need not call this.
func (f *Forwarder) Stop() {
	for n, sa := range f.old {
		_ = rtSigaction(n, &sa, nil)
		delete(f.old, n)
	}
	if f.r >= 0 {
		unix.Close(f.r)
		f.r = -1
	}
}
