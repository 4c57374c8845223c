// This file relays between a pty master and the terminal (or files) that the runtime was started
// with, for `run` and `exec` in the foreground.

package terminal

import (
	"errors"
	"io"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/containerd/console"
	"golang.org/x/sys/unix"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// drainLimit is how much output is still relayed once the container's process has ended. The
// kernel buffers at most 640 KiB for a tty (TTYB_DEFAULT_MEM_LIMIT, drivers/tty/tty_buffer.c) and
// another 4 KiB in its line discipline, so everything written before the end is within it, and a
// process left behind that writes for ever can't keep the runtime.
const drainLimit = 1 << 20

// Relay copies between a pty master and host files. Make one with StartRelay and end it, on every
// path, with Finish or Detach; both may be called again, and from a defer.
type Relay struct {
	master  *os.File // our own duplicate, non-blocking, known to the poller
	in, out *os.File
	host    console.Console // the host terminal in raw mode; nil where in is none
	sizeOf  *os.File        // the host terminal whose size the container's follows; nil: none
	wake    *os.File        // write end: closing it ends the input side
	wakeR   *os.File
	signals chan os.Signal
	done    sync.WaitGroup // the input and signal goroutines
	outDone chan struct{}
	outErr  error
	once    sync.Once
	drain   atomic.Bool
}

// StartRelay begins to relay in to master and master to out, and returns at once. in may be nil
// (nothing is typed).
//
// If in is a terminal it is put into raw mode, until Finish or Detach. The container's terminal
// follows the size of in or else out, whichever is a terminal, now and at every SIGWINCH.
// If out is not a terminal the pty stops turning newlines into CR LF, as runc does, so that
// a file or pipe gets plain lines; a terminal gets the container's bytes unchanged.
//
// The caller keeps master, which becomes non-blocking, and may close it any time after
// StartRelay has returned.
func StartRelay(master, in, out *os.File) (*Relay, error) {
	r := &Relay{in: in, out: out, outDone: make(chan struct{})}
	var err error
	if r.master, err = dupNonblock(master); err != nil {
		return nil, &errdetail.Error{Op: "relay the terminal", Syscall: "fcntl", Err: err}
	}
	if r.wakeR, r.wake, err = os.Pipe(); err != nil {
		r.master.Close()
		return nil, &errdetail.Error{Op: "relay the terminal", Syscall: "pipe2", Err: errnoOf(err)}
	}
	if err := r.setUp(); err != nil {
		r.Restore()
		r.closeFiles()
		return nil, err
	}
	r.signals = make(chan os.Signal, 4)
	signal.Notify(r.signals, syscall.SIGWINCH, syscall.SIGCONT)
	r.done.Add(1)
	go r.watchSignals()
	if in != nil {
		r.done.Add(1)
		go r.copyIn()
	}
	go r.copyOut()
	return r, nil
}

// setUp sets modes and size before the first byte flows.
func (r *Relay) setUp() error {
	outTTY := IsTerminal(r.out)
	switch {
	case IsTerminal(r.in):
		r.sizeOf = r.in
		host, err := console.ConsoleFromFile(r.in)
		if err != nil {
			return &errdetail.Error{Op: "relay the terminal", Err: err}
		}
		r.host = host
	case outTTY:
		r.sizeOf = r.out
	}
	if !outTTY {
		if err := clearONLCR(r.master); err != nil {
			return &errdetail.Error{Op: "relay the terminal", Syscall: "ioctl", Args: "TCSETS", Err: err}
		}
	}
	r.resize()
	return r.setRaw()
}

// setRaw makes the host terminal hand every key to the container. console.SetRaw leaves the
// host's output processing on; that is right where out goes elsewhere, since what reads it writes
// to this terminal too, but where out is the terminal the container's own pty has done the
// processing, and a second one garbles programs that switch theirs off.
func (r *Relay) setRaw() error {
	if r.host == nil {
		return nil
	}
	if err := r.host.SetRaw(); err != nil {
		return &errdetail.Error{Op: "put the terminal into raw mode", Syscall: "ioctl", Args: "TCSETS", Err: err}
	}
	if !IsTerminal(r.out) {
		return nil
	}
	err := control(r.in, func(fd int) error {
		t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		if err != nil {
			return err
		}
		t.Oflag &^= unix.OPOST
		return unix.IoctlSetTermios(fd, unix.TCSETS, t)
	})
	if err != nil {
		return &errdetail.Error{Op: "put the terminal into raw mode", Syscall: "ioctl", Args: "TCSETS", Err: err}
	}
	return nil
}

// Restore gives the host's terminal the mode that it had, and nothing else: for a panic, after which
// there is nobody to call Finish.
func (r *Relay) Restore() {
	if r.host != nil {
		_ = r.host.Reset()
	}
}

// onPanic is for a defer: where the function panics, it restores the host's terminal and lets the panic
// go on. The user would else be left with a terminal that echoes nothing.
func (r *Relay) onPanic() {
	if p := recover(); p != nil {
		r.Restore()
		panic(p)
	}
}

// resize gives the container's terminal the size of the host's. A terminal of size 0 (a serial
// line, script(1) without a terminal) says nothing.
func (r *Relay) resize() {
	if r.sizeOf == nil {
		return
	}
	w, h, err := Size(r.sizeOf)
	if err == nil && (w != 0 || h != 0) {
		_ = Resize(r.master, w, h)
	}
}

// watchSignals follows the host terminal's size; and after a stop (SIGSTOP from outside, then
// fg), the shell has set its own modes, so raw mode is set anew.
func (r *Relay) watchSignals() {
	defer r.onPanic()
	defer r.done.Done()
	for s := range r.signals {
		if s == syscall.SIGCONT {
			_ = r.setRaw()
		}
		r.resize()
	}
}

// copyIn copies what is typed. It polls before each read so that it never sits in a read of the
// host's terminal when the relay ends: that read would swallow the next thing the user types.
func (r *Relay) copyIn() {
	defer r.onPanic()
	defer r.done.Done()
	buf := make([]byte, 4096)
	_ = control(r.in, func(in int) error {
		return control(r.wakeR, func(wake int) error {
			fds := []unix.PollFd{{Fd: int32(in), Events: unix.POLLIN}, {Fd: int32(wake), Events: unix.POLLIN}}
			for {
				if _, err := unix.Poll(fds, -1); err != nil && err != unix.EINTR {
					return err
				}
				if fds[1].Revents != 0 {
					return nil
				}
				if fds[0].Revents == 0 {
					continue
				}
				n, err := unix.Read(in, buf)
				if err == unix.EINTR || err == unix.EAGAIN {
					continue
				}
				if n <= 0 || err != nil {
					return err
				}
				if _, err := r.master.Write(buf[:n]); err != nil {
					return err
				}
			}
		})
	})
}

// copyOut copies the container's output until all slaves are closed (the master reads EIO) or the
// relay is told to end.
func (r *Relay) copyOut() {
	defer r.onPanic()
	defer close(r.outDone)
	buf := make([]byte, 32<<10)
	for {
		n, err := r.master.Read(buf)
		r.emit(buf[:n])
		switch {
		case err == nil:
		case errors.Is(err, os.ErrDeadlineExceeded):
			if r.drain.Load() {
				r.drainOut(buf)
			}
			return
		default:
			if !errors.Is(err, syscall.EIO) && !errors.Is(err, io.EOF) && r.outErr == nil {
				r.outErr = err
			}
			return
		}
	}
}

// emit writes to out. After the first error it goes on discarding: the container must not block
// on a terminal that nobody reads.
func (r *Relay) emit(b []byte) {
	if len(b) == 0 || r.outErr != nil {
		return
	}
	if _, err := r.out.Write(b); err != nil {
		r.outErr = err
	}
}

// drainOut relays what is in the pty now. A read of a master that is O_NONBLOCK flushes the
// kernel's work queue first (n_tty_read), so EAGAIN really means that nothing is left.
func (r *Relay) drainOut(buf []byte) {
	_ = control(r.master, func(fd int) error {
		for total := 0; total < drainLimit; {
			n, err := unix.Read(fd, buf)
			if err == unix.EINTR {
				continue
			}
			if n <= 0 {
				return err
			}
			r.emit(buf[:n])
			total += n
		}
		return nil
	})
}

// Finish is to be called when the container's process has ended: it relays all that was written
// before, restores the host's terminal and ends the relay. It does not wait for processes left
// behind that keep the terminal open. The error is the first of writing to out.
func (r *Relay) Finish() error { return r.end(true) }

// Detach ends the relay at once, restores the host's terminal and leaves the rest of the output
// where it is. The container goes on; the caller's master is its only one.
func (r *Relay) Detach() error { return r.end(false) }

func (r *Relay) end(drain bool) error {
	r.once.Do(func() {
		defer r.Restore()
		r.drain.Store(drain)
		_ = r.master.SetDeadline(time.Now())
		<-r.outDone
		r.wake.Close()
		signal.Stop(r.signals)
		close(r.signals)
		r.done.Wait()
		r.closeFiles()
	})
	return r.outErr
}

func (r *Relay) closeFiles() {
	r.master.Close()
	r.wake.Close()
	r.wakeR.Close()
}

// dupNonblock duplicates f such that Go's poller watches the duplicate.
func dupNonblock(f *os.File) (*os.File, error) {
	var dup int
	err := control(f, func(fd int) (err error) {
		dup, err = unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(dup, true); err != nil {
		unix.Close(dup)
		return nil, err
	}
	return os.NewFile(uintptr(dup), f.Name()), nil
}

func clearONLCR(tty *os.File) error {
	return control(tty, func(fd int) error {
		t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		if err != nil {
			return err
		}
		t.Oflag &^= unix.ONLCR
		return unix.IoctlSetTermios(fd, unix.TCSETS, t)
	})
}
