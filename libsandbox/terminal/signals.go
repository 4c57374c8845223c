// This file passes the signals that the runtime gets in the foreground on to the container.

package terminal

import (
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Forwarder catches signals from the moment it is made, keeps those that come before there is
// a process to send them to, and passes each on once. Make it before the container's process, or
// a signal in between kills the runtime and leaves the container.
type Forwarder struct {
	caught chan os.Signal
	stop   chan struct{}
	done   sync.WaitGroup
	once   sync.Once
}

// NewForwarder begins to catch the signals that are sent to a service or typed: SIGHUP, SIGINT,
// SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2. To catches the rest. They are apart since os/signal takes
// some 9 µs for each: all of them would be half a millisecond before the container's
// process exists, a tenth of its whole start.
func NewForwarder() *Forwarder {
	// 2048 as in runc: signals that find the channel full are lost, and before To nothing empties it.
	f := &Forwarder{caught: make(chan os.Signal, 2048), stop: make(chan struct{})}
	f.catch(unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2)
	return f
}

// catch begins to catch signals but for those that were ignored when the runtime was started (nohup
// ignores SIGHUP): catching one would undo that.
func (f *Forwarder) catch(signals ...syscall.Signal) {
	for _, n := range signals {
		if !signal.Ignored(n) {
			signal.Notify(f.caught, n)
		}
	}
}

// catchRest catches every other signal that is worth passing on: all but
//
//   - SIGKILL and SIGSTOP, which can't be caught;
//   - SIGCHLD, which is about the runtime's own children;
//   - SIGPIPE, which is about the runtime's own output;
//   - SIGURG, which Go's scheduler uses to preempt;
//   - SIGWINCH, which the kernel sends by itself when Relay sets the new size;
//   - 32 and 33, which C libraries use inside.
func (f *Forwarder) catchRest() {
	for n := syscall.Signal(1); n <= 64; n++ {
		switch n {
		case unix.SIGKILL, unix.SIGSTOP, unix.SIGCHLD, unix.SIGPIPE, unix.SIGURG, unix.SIGWINCH, 32, 33,
			unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2:
			continue
		}
		f.catch(n)
	}
}

// To begins to catch the other signals too, and to send the caught ones, those from before first,
// to the process of pidfd; it returns without waiting for either. It
// keeps a duplicate of the descriptor, so a pid that is used again can't be hit. Signals that the
// process is not there for any more are dropped. Call it at most once.
func (f *Forwarder) To(pidfd *os.File) error {
	var dup int
	err := control(pidfd, func(fd int) (err error) {
		dup, err = unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
		return err
	})
	if err != nil {
		return err
	}
	f.done.Add(1)
	go func() {
		defer f.done.Done()
		defer unix.Close(dup)
		f.catchRest()
		for {
			select {
			case s := <-f.caught:
				_ = unix.PidfdSendSignal(dup, s.(syscall.Signal), nil, 0)
			case <-f.stop:
				return
			}
		}
	}()
	return nil
}

// ForwardSignals is NewForwarder and To in one, for a process that exists already; call stop when
// it has ended.
func ForwardSignals(pidfd *os.File) (stop func(), err error) {
	f := NewForwarder()
	if err := f.To(pidfd); err != nil {
		f.Stop()
		return nil, err
	}
	return f.Stop, nil
}

// Stop gives the signals back to Go's default handling. It may be called more than once.
func (f *Forwarder) Stop() {
	f.once.Do(func() {
		close(f.stop)
		f.done.Wait() // before signal.Stop: catchRest may be at work
		signal.Stop(f.caught)
	})
}
