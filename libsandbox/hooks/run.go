// This file starts one prepared hook in a process group of its own, feeds it, keeps the tail of
// what it complains about, and ends it in time.

package hooks

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// drainLimit bounds how much of a hook's standard error is read after its end: a process that the
// hook left behind may hold the pipe and write for ever.
const drainLimit = 1 << 20

// Run executes the prepared hook in the runtime's namespaces; see the function Run.
func (p *Prepared) Run(ctx context.Context, opts Options) error {
	if err := ctx.Err(); err != nil {
		return p.Fail(err, "")
	}
	pipes, err := openPipes(opts)
	if err != nil {
		return p.Fail(err, "")
	}
	defer pipes.closeAll()
	proc, err := os.StartProcess(p.Path, p.Argv, &os.ProcAttr{
		Dir:   opts.Dir,
		Env:   p.Env,
		Files: []*os.File{pipes.stdinR, pipes.stdout, pipes.stderrW},
		Sys:   &syscall.SysProcAttr{Setpgid: true},
	})
	if err != nil {
		return p.Fail(startError(err), "")
	}
	pipes.closeChildEnds()
	fed := make(chan struct{})
	go func() {
		defer close(fed)
		// A hook need not read its input: EPIPE is not a failure, nor is a deadline set at its end.
		_, _ = pipes.stdinW.Write(p.Stdin)
		pipes.stdinW.Close()
	}()
	stderr := Collect(pipes.stderrR, opts.Stderr)

	stopped := p.await(ctx, proc.Pid)
	state, werr := proc.Wait()

	_ = pipes.stdinW.SetWriteDeadline(time.Now())
	<-fed
	text := stderr.Text()
	switch {
	case stopped != nil:
		return p.Fail(stopped, text)
	case werr != nil:
		return p.Fail(werr, text)
	case !state.Success():
		return p.Fail(errors.New(state.String()), text)
	}
	return nil
}

// Collector keeps the end of what a hook writes to its standard error.
type Collector struct {
	tail tailBuffer
	from *os.File
	read chan struct{}
}

// Collect begins to read the pipe from; what it reads is copied to copyTo, unless that is nil.
func Collect(from, copyTo *os.File) *Collector {
	c := &Collector{tail: tailBuffer{copyTo: copyTo}, from: from, read: make(chan struct{})}
	go func() {
		defer close(c.read)
		c.tail.readFrom(from)
	}()
	return c
}

// Text stops reading and returns the last StderrLimit bytes as one line. To be called when the hook
// has ended: what it left behind may keep the pipe open, and is not waited for.
func (c *Collector) Text() string {
	_ = c.from.SetReadDeadline(time.Now())
	<-c.read
	c.tail.drain(c.from)
	return c.tail.text()
}

// await returns when the process has ended, having killed its process group if the timeout or ctx
// came first; the error says which did. The process is left unreaped (WNOWAIT): as long as it is a
// zombie neither its pid nor its group's id can belong to anybody else, so the kill hits no stranger.
func (p *Prepared) await(ctx context.Context, pid int) error {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
			if err != unix.EINTR {
				return
			}
		}
	}()
	var timeout <-chan time.Time
	if p.Timeout > 0 {
		t := time.NewTimer(p.Timeout)
		defer t.Stop()
		timeout = t.C
	}
	var stopped error
	select {
	case <-ended:
		return nil
	case <-timeout:
		stopped = fmt.Errorf("%w after %v", ErrTimeout, p.Timeout)
	case <-ctx.Done():
		stopped = context.Cause(ctx)
	}
	_ = unix.Kill(-pid, unix.SIGKILL)
	<-ended
	return stopped
}

// startError takes the path out of os.StartProcess's error: fail names it already.
func startError(err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return fmt.Errorf("execve: %w", pe.Err)
	}
	return err
}

// pipeSet is the child's three descriptors and our ends of them.
type pipeSet struct {
	stdinR, stdinW, stderrR, stderrW, stdout *os.File
	ownStdout                                bool
}

func openPipes(opts Options) (*pipeSet, error) {
	s := &pipeSet{stdout: opts.Stdout}
	var err error
	if s.stdinR, s.stdinW, err = os.Pipe(); err != nil {
		return nil, err
	}
	if s.stderrR, s.stderrW, err = os.Pipe(); err != nil {
		s.closeAll()
		return nil, err
	}
	if s.stdout == nil {
		if s.stdout, err = os.OpenFile(os.DevNull, os.O_WRONLY, 0); err != nil {
			s.closeAll()
			return nil, err
		}
		s.ownStdout = true
	}
	return s, nil
}

func (s *pipeSet) closeChildEnds() {
	s.stdinR.Close()
	s.stderrW.Close()
	if s.ownStdout {
		s.stdout.Close()
	}
}

// closeAll closes every end; (*os.File).Close does no harm on a nil or closed file.
func (s *pipeSet) closeAll() {
	for _, f := range []*os.File{s.stdinR, s.stdinW, s.stderrR, s.stderrW} {
		f.Close()
	}
	if s.ownStdout {
		s.stdout.Close()
	}
}

// tailBuffer keeps the last StderrLimit bytes written to it.
type tailBuffer struct {
	kept   []byte
	cut    bool
	copyTo *os.File
}

func (t *tailBuffer) write(b []byte) {
	if t.copyTo != nil {
		_, _ = t.copyTo.Write(b)
	}
	t.kept = append(t.kept, b...)
	if over := len(t.kept) - StderrLimit; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
		t.cut = true
	}
}

func (t *tailBuffer) readFrom(f *os.File) {
	buf := make([]byte, 4096)
	for {
		n, err := f.Read(buf)
		t.write(buf[:n])
		if err != nil {
			return
		}
	}
}

// drain takes what is in the pipe without waiting for more: a daemon that the hook started may
// keep the other end open for as long as it likes, and the hook itself is over.
func (t *tailBuffer) drain(f *os.File) {
	raw, err := f.SyscallConn()
	if err != nil {
		return
	}
	_ = f.SetReadDeadline(time.Time{})
	buf := make([]byte, 4096)
	_ = raw.Read(func(fd uintptr) bool {
		for total := 0; total < drainLimit; {
			n, err := unix.Read(int(fd), buf)
			if err == unix.EINTR {
				continue
			}
			if n <= 0 {
				break
			}
			t.write(buf[:n])
			total += n
		}
		return true
	})
}

// text is the kept tail on one line, valid UTF-8 and free of control characters: the bytes come
// from a program and end up on a terminal or in a JSON log.
func (t *tailBuffer) text() string {
	s := strings.ToValidUTF8(strings.TrimSpace(string(t.kept)), string(utf8.RuneError))
	s = strings.ReplaceAll(s, "\n", " | ")
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	if t.cut {
		s = "..." + s
	}
	return s
}
