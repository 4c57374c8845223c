// Stream: a sandboxed program's output as it comes.

package libsandbox

import (
	"context"
	"errors"
	"io"
	"iter"
	"os"
	"sync"
)

// EventKind says what an Event is.
type EventKind string

// The kinds of events.
const (
	StdoutEvent EventKind = "stdout"
	StderrEvent EventKind = "stderr"
	ExitEvent   EventKind = "exit" // the last one, always
)

// Event is one piece of output, or the end.
type Event struct {
	Kind EventKind
	// Data is what was written, as bytes, in pieces of at most 32 KiB. It is the receiver's.
	Data []byte
	// Result and Err are set with ExitEvent: what Execute would have returned.
	Result *Result
	Err    error
}

// chunk is the largest piece of output in bytes, pending how many pieces a Stream holds at most.
// When it is full, nothing more is read and the program blocks in write(2), as on a full pipe.
const (
	chunk   = 32 << 10
	pending = 16
)

// Stream is a running program whose output is received piece by piece. It must be received to
// its end or closed.
type Stream struct {
	// Process is the running program.
	Process *CmdProcess

	cmd    *Cmd
	events chan Event
	cancel context.CancelFunc
	gone   chan struct{} // closed by Close: nobody receives any more
	once   sync.Once
}

// StartStream starts the program of c. Its Stdout and Stderr must be nil: the Stream has them.
func StartStream(ctx context.Context, c ProcessConfig) (*Stream, error) {
	if c.Stdout != nil || c.Stderr != nil {
		return nil, errors.New("libsandbox: Stdout or Stderr already set")
	}
	ctx, cancel := context.WithCancel(ctx)
	s := &Stream{cmd: &Cmd{ProcessConfig: c, ctx: ctx}, events: make(chan Event, pending), cancel: cancel, gone: make(chan struct{})}
	out, err := s.cmd.StdoutPipe()
	if err == nil {
		var errs io.ReadCloser
		if errs, err = s.cmd.StderrPipe(); err == nil {
			if err = s.cmd.Start(); err == nil {
				s.Process = s.cmd.Process
				go s.pump(out, errs)
				return s, nil
			}
		}
	}
	s.cmd.closeAll()
	cancel()
	return nil, err
}

// pump delivers both streams, each in its order, and the end after them.
func (s *Stream) pump(out, errs io.Reader) {
	var both sync.WaitGroup
	both.Add(2)
	go func() { defer both.Done(); s.read(StdoutEvent, out) }()
	go func() { defer both.Done(); s.read(StderrEvent, errs) }()
	both.Wait()
	err := s.cmd.Wait()
	var exit *ExitError
	if errors.As(err, &exit) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		err = nil
	}
	s.send(Event{Kind: ExitEvent, Result: s.cmd.Result, Err: err})
	s.cancel()
	close(s.events)
}

func (s *Stream) read(kind EventKind, r io.Reader) {
	for {
		buf := make([]byte, chunk)
		n, err := r.Read(buf)
		if n > 0 {
			s.send(Event{Kind: kind, Data: buf[:n:n]})
		}
		if err != nil {
			return
		}
	}
}

func (s *Stream) send(e Event) {
	select {
	case s.events <- e:
	case <-s.gone:
	}
}

// Next waits for the next event. It returns io.EOF after ExitEvent.
func (s *Stream) Next() (Event, error) {
	e, ok := <-s.events
	if !ok {
		return Event{}, io.EOF
	}
	return e, nil
}

// Try is Next without waiting: false means that there is nothing yet.
func (s *Stream) Try() (Event, bool, error) {
	select {
	case e, ok := <-s.events:
		if !ok {
			return Event{}, false, io.EOF
		}
		return e, true, nil
	default:
		return Event{}, false, nil
	}
}

// C is the channel of the events, closed after ExitEvent.
func (s *Stream) C() <-chan Event { return s.events }

// All iterates over the events up to and including ExitEvent. Leaving the loop early ends the
// sandbox.
func (s *Stream) All() iter.Seq[Event] {
	return func(yield func(Event) bool) {
		for e := range s.events {
			if !yield(e) {
				s.Close()
				return
			}
		}
	}
}

// Signal sends a signal to the program.
func (s *Stream) Signal(sig os.Signal) error { return s.Process.Signal(sig) }

// Close ends the sandbox if it still runs and waits until nothing is left of it. Events that
// were not received are lost.
func (s *Stream) Close() error {
	s.once.Do(func() { close(s.gone) })
	s.cancel()
	for range s.events {
		continue
	}
	return nil
}
