// Cmd: a sandboxed program in the manner of os/exec.

package libsandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Cmd is a sandboxed program that is being prepared or run. Its methods do what those of
// os/exec.Cmd do. The differences: Args does not begin with the program's name; a nil Env is not
// the caller's environment (see InheritEnv); Wait returns when every process of the sandbox has
// ended, not only the first.
//
// A Cmd can be started once.
type Cmd struct {
	ProcessConfig

	// Process is set by Start.
	Process *CmdProcess
	// Result is set by Wait.
	Result *Result
	// Cancel is called instead of ending the sandbox when the context ends, as in os/exec; with
	// WaitDelay the sandbox is ended that much later if it still runs.
	Cancel    func() error
	WaitDelay time.Duration

	ctx      context.Context
	box      *box
	children []*os.File // our copies of the program's streams, closed after the start
	parents  []*os.File // our ends, closed by Wait
	feed     func()     // copies Stdin
	feedEnd  *os.File   // the pipe that feed writes to
	copies   []func() error
	copied   chan error
	unwatch  func()
	waited   bool
}

// CmdProcess is the running program of a Cmd.
type CmdProcess struct {
	// Pid is the program's process id on the host.
	Pid int
	box *box
}

// Signal sends a signal to the program, not to its children.
func (p *CmdProcess) Signal(sig os.Signal) error {
	s, ok := sig.(syscall.Signal)
	if !ok {
		return errors.New("unsupported signal type")
	}
	return p.box.signal(s)
}

// Kill ends every process of the sandbox.
func (p *CmdProcess) Kill() error {
	p.box.kill()
	return nil
}

// ExitError is a program that did not succeed, as in os/exec. Stderr holds the end of what it
// wrote there, if Output was used and nothing else took it.
type ExitError struct {
	*Result
	Stderr []byte
}

func (e *ExitError) Error() string {
	switch {
	case e.TimedOut:
		return "timed out"
	case e.OOMKilled:
		return "out of memory"
	case e.SeccompKilled:
		return "killed by the seccomp filter"
	case e.Signal != 0:
		return "signal: " + e.Signal.String()
	}
	return fmt.Sprintf("exit status %d", e.ExitCode)
}

// Command returns a Cmd for the program and its arguments.
func Command(program string, args ...string) *Cmd {
	return &Cmd{ProcessConfig: ProcessConfig{Program: program, Args: args}, ctx: context.Background()}
}

// CommandContext is Command with a context that ends the sandbox when it ends.
func CommandContext(ctx context.Context, program string, args ...string) *Cmd {
	c := Command(program, args...)
	c.ctx = ctx
	return c
}

// String is the program and its arguments.
func (c *Cmd) String() string { return strings.Join(append([]string{c.Program}, c.Args...), " ") }

// Environ is the environment that the program will see.
func (c *Cmd) Environ() []string { return c.environment() }

// Start starts the program. Wait must be called after it.
func (c *Cmd) Start() error {
	if c.box != nil {
		return errors.New("libsandbox: already started")
	}
	if c.ctx == nil {
		c.ctx = context.Background()
	}
	p, err := prepareProcess(&c.ProcessConfig)
	if err != nil {
		c.closeAll()
		return err
	}
	files, err := c.streams()
	if err != nil {
		c.closeAll()
		return err
	}
	ctx := c.ctx
	if c.Cancel != nil {
		ctx = context.WithoutCancel(ctx)
	}
	c.box, err = startBox(ctx, p, files)
	closeAll(c.children)
	c.children = nil
	if err != nil {
		c.closeAll()
		return err
	}
	c.Process = &CmdProcess{Pid: c.box.pid, box: c.box}
	c.unwatch = c.watchContext()
	c.copied = make(chan error, len(c.copies))
	if c.feed != nil {
		go c.feed()
	}
	for _, f := range c.copies {
		go func() { c.copied <- f() }()
	}
	return nil
}

func (c *Cmd) closeAll() {
	closeAll(c.children)
	closeAll(c.parents)
	c.children, c.parents = nil, nil
}

// streams opens what becomes the descriptors of the program.
func (c *Cmd) streams() ([]*os.File, error) {
	in, err := c.input()
	if err != nil {
		return nil, err
	}
	out, err := c.output(c.Stdout)
	if err != nil {
		return nil, err
	}
	errs := out
	if c.Stderr == nil || !sameWriter(c.Stderr, c.Stdout) {
		if errs, err = c.output(c.Stderr); err != nil {
			return nil, err
		}
	}
	return append([]*os.File{in, out, errs}, c.ExtraFiles...), nil
}

func sameWriter(a, b io.Writer) (same bool) {
	defer func() { _ = recover() }() // types that cannot be compared are not the same
	return a == b
}

func (c *Cmd) null(flag int) (*os.File, error) {
	f, err := os.OpenFile(os.DevNull, flag, 0)
	if err == nil {
		c.children = append(c.children, f)
	}
	return f, err
}

func (c *Cmd) input() (*os.File, error) {
	if c.Stdin == nil {
		return c.null(os.O_RDONLY)
	}
	if f, ok := c.Stdin.(*os.File); ok {
		return f, nil
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	c.children, c.parents = append(c.children, r), append(c.parents, w)
	src := c.Stdin
	c.feedEnd = w
	c.feed = func() {
		_, _ = io.Copy(w, src) // it ends early if the program does not want all of it
		w.Close()
	}
	return r, nil
}

func (c *Cmd) output(dst io.Writer) (*os.File, error) {
	if dst == nil {
		return c.null(os.O_WRONLY)
	}
	if f, ok := dst.(*os.File); ok {
		return f, nil
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	c.children, c.parents = append(c.children, w), append(c.parents, r)
	c.copies = append(c.copies, func() error {
		_, err := io.Copy(dst, r)
		r.Close() // a program that goes on writing gets SIGPIPE
		return err
	})
	return w, nil
}

// Wait waits until every process of the sandbox has ended and the output was delivered. The
// error is an *ExitError if the program did not succeed.
func (c *Cmd) Wait() error {
	if c.box == nil {
		return errors.New("libsandbox: not started")
	}
	if c.waited {
		return errors.New("libsandbox: Wait was already called")
	}
	c.waited = true
	res, err := c.box.wait()
	c.unwatch()
	c.Result = res
	cerr := c.waitCopies()
	closeAll(c.parents)
	c.parents = nil
	switch {
	case err != nil:
		return err
	case res.Canceled:
		return c.ctx.Err()
	case !res.Success() || res.TimedOut:
		return &ExitError{Result: res}
	}
	return cerr
}

// watchContext carries out Cancel and WaitDelay.
func (c *Cmd) watchContext() (stop func()) {
	if c.Cancel == nil {
		return func() {}
	}
	var once sync.Once
	end := context.AfterFunc(c.ctx, func() {
		once.Do(func() {
			c.box.canceled.Store(true)
			_ = c.Cancel()
			if c.WaitDelay > 0 {
				time.AfterFunc(c.WaitDelay, c.box.kill)
			}
		})
	})
	return func() { end() }
}

// waitCopies waits for the output. No process of the sandbox holds it open any more, so it ends,
// unless the caller's Writer blocks: WaitDelay bounds that. Input is not waited for: its Reader
// may never return.
func (c *Cmd) waitCopies() (err error) {
	if c.feedEnd != nil {
		c.feedEnd.Close()
	}
	var late <-chan time.Time
	if c.WaitDelay > 0 {
		t := time.NewTimer(c.WaitDelay)
		defer t.Stop()
		late = t.C
	}
	for range c.copies {
		select {
		case e := <-c.copied:
			if err == nil {
				err = e
			}
		case <-late:
			return ErrWaitDelay
		}
	}
	return err
}

// ErrWaitDelay is returned by Wait if the output could not be delivered within WaitDelay.
var ErrWaitDelay = errors.New("libsandbox: WaitDelay expired before the output was delivered")

// Run starts the program and waits for it.
func (c *Cmd) Run() error {
	if err := c.Start(); err != nil {
		return err
	}
	return c.Wait()
}

// Output runs the program and returns what it wrote to its standard output.
func (c *Cmd) Output() ([]byte, error) {
	if c.Stdout != nil {
		return nil, errors.New("libsandbox: Stdout already set")
	}
	var out bytes.Buffer
	c.Stdout = &out
	var errs *tailBuffer
	if c.Stderr == nil {
		errs = &tailBuffer{}
		c.Stderr = errs
	}
	err := c.Run()
	var exit *ExitError
	if errs != nil && errors.As(err, &exit) {
		exit.Stderr = errs.data
	}
	return out.Bytes(), err
}

// CombinedOutput runs the program and returns what it wrote to both streams.
func (c *Cmd) CombinedOutput() ([]byte, error) {
	if c.Stdout != nil || c.Stderr != nil {
		return nil, errors.New("libsandbox: Stdout or Stderr already set")
	}
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	err := c.Run()
	return out.Bytes(), err
}

// maxTail bounds what ExitError.Stderr keeps, in bytes.
const maxTail = 32 << 10

// tailBuffer keeps the end of what is written to it.
type tailBuffer struct{ data []byte }

func (t *tailBuffer) Write(p []byte) (int, error) {
	t.data = append(t.data, p...)
	if extra := len(t.data) - maxTail; extra > 0 {
		t.data = append(t.data[:0], t.data[extra:]...)
	}
	return len(p), nil
}

// StdinPipe returns a pipe to the program's standard input. Wait closes it.
func (c *Cmd) StdinPipe() (io.WriteCloser, error) {
	if c.Stdin != nil {
		return nil, errors.New("libsandbox: Stdin already set")
	}
	r, w, err := c.pipe()
	if err != nil {
		return nil, err
	}
	c.Stdin = r
	c.children, c.parents = append(c.children, r), append(c.parents, w)
	return w, nil
}

// StdoutPipe returns a pipe from the program's standard output. Wait closes it: read to the end
// before.
func (c *Cmd) StdoutPipe() (io.ReadCloser, error) { return c.outputPipe(&c.Stdout, "Stdout") }

// StderrPipe is StdoutPipe for standard error.
func (c *Cmd) StderrPipe() (io.ReadCloser, error) { return c.outputPipe(&c.Stderr, "Stderr") }

func (c *Cmd) outputPipe(dst *io.Writer, name string) (io.ReadCloser, error) {
	if *dst != nil {
		return nil, fmt.Errorf("libsandbox: %s already set", name)
	}
	r, w, err := c.pipe()
	if err != nil {
		return nil, err
	}
	*dst = w
	c.children, c.parents = append(c.children, w), append(c.parents, r)
	return r, nil
}

func (c *Cmd) pipe() (r, w *os.File, err error) {
	if c.box != nil {
		return nil, nil, errors.New("libsandbox: pipe after the process was started")
	}
	return os.Pipe()
}
