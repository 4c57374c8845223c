// A process in the foreground: its terminal is relayed to ours, signals are passed on to it.

package main

import (
	"os"
	"os/signal"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/terminal"
	"golang.org/x/sys/unix"
)

// foreground connects this process with the one in the container. Make it before that process,
// and end it on every path.
type foreground struct {
	signals *terminal.Forwarder
	relay   *terminal.Relay
}

// newForeground begins to catch signals.
func newForeground() (*foreground, error) {
	signals, err := terminal.NewForwarder()
	return &foreground{signals: signals}, err
}

// take receives the terminal's master.
func (f *foreground) take(master *os.File, _ string) (err error) {
	defer master.Close()
	if f.relay, err = terminal.StartRelay(master, os.Stdin, os.Stdout); err != nil {
		return err
	}
	// The relay sets modes anew after a stop, by os/signal, so the forwarder sees no SIGCONT.
	cont := make(chan os.Signal, 4)
	signal.Notify(cont, unix.SIGCONT)
	go func() {
		for range cont {
			f.signals.Pass(unix.SIGCONT)
		}
	}()
	return nil
}

// follow passes signals on to the process of pidfd until that has ended.
func (f *foreground) follow(pidfd *os.File) error { return f.signals.Follow(pidfd) }

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

// onPanic is for a defer: a panic must not leave the user's terminal raw.
func (f *foreground) onPanic() {
	if p := recover(); p != nil {
		if f.relay != nil {
			f.relay.Restore()
		}
		panic(p)
	}
}

// masterTo is the option that hands the terminal's master to --console-socket.
func masterTo(path string) func(*os.File, string) error {
	return func(master *os.File, name string) error {
		defer master.Close()
		return terminal.SendMaster(path, master, name)
	}
}
