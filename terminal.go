// A process in the foreground: its terminal is relayed to ours, signals are passed on to it.

package main

import (
	"os"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/terminal"
)

// foreground connects this process with the one in the container. Make it before that process,
// and end it on every path.
type foreground struct {
	caught  chan struct{} // closed when signals is there
	signals *terminal.Forwarder
	relay   *terminal.Relay
}

// newForeground begins to catch signals, beside the work of the main goroutine: to register all of
// them takes as long as making half a container.
func newForeground() *foreground {
	f := &foreground{caught: make(chan struct{})}
	go func() {
		f.signals = terminal.NewForwarder()
		close(f.caught)
	}()
	return f
}

// take receives the terminal's master.
func (f *foreground) take(master *os.File, _ string) (err error) {
	defer master.Close()
	f.relay, err = terminal.StartRelay(master, os.Stdin, os.Stdout)
	return err
}

// follow begins to pass signals on to the process of pidfd.
func (f *foreground) follow(pidfd *os.File) error {
	<-f.caught
	return f.signals.To(pidfd)
}

// end drains what the process has written, and gives back the terminal. It
// returns err, or its own error if that is nil. A nil foreground has nothing to end.
func (f *foreground) end(err error) error {
	if f == nil {
		return err
	}
	// The signals stay caught: this process is about to exit, and giving them back takes longer
	// than that.
	if f.relay == nil {
		return err
	}
	if rerr := f.relay.Finish(); err == nil {
		err = rerr
	}
	return err
}

// masterTo is the option that hands the terminal's master to --console-socket.
func masterTo(path string) func(*os.File, string) error {
	return func(master *os.File, name string) error {
		defer master.Close()
		return terminal.SendMaster(path, master, name)
	}
}
