// Command inpty runs a command in a terminal of its own, types, and looks at what happens: the person
// at the keyboard, for the tests.
//
// usage: inpty COMMAND [ARG...]    with a script on stdin, one step a line:
//
//	expect TEXT     wait until the terminal has shown it, after what was expected last
//	type TEXT       \n, \003 and so on as in a Go string
//	size ROWSxCOLS  resize the terminal
//	raw, cooked     wait until the terminal's mode is that
//	signal N        send a signal to the command
//	exit CODE       wait for the command's end, and check its exit code; 128+N for signal N
//
// It prints all that the terminal has shown. A step that does not come true within 30 seconds is an error.
package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const patience = 30 * time.Second

type pty struct {
	master *os.File
	cmd    *exec.Cmd
	ended  chan struct{}

	mu    sync.Mutex
	shown bytes.Buffer
	seen  int // how much of shown has been expected
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: inpty COMMAND [ARG...] <SCRIPT")
		os.Exit(2)
	}
	p, err := start(os.Args[1:])
	if err == nil {
		err = p.script()
	}
	if p != nil {
		_ = p.cmd.Process.Kill()
		p.mu.Lock()
		os.Stdout.Write(p.shown.Bytes())
		p.mu.Unlock()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "\ninpty:", err)
		os.Exit(1)
	}
}

func start(args []string) (*pty, error) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		return nil, err
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		return nil, err
	}
	slave, err := os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	// It stays open: the mode can be asked for after the command's end, too.
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80}); err != nil {
		return nil, err
	}
	p := &pty{master: master, cmd: exec.Command(args[0], args[1:]...), ended: make(chan struct{})}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = slave, slave, slave
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go p.read()
	go func() { _ = p.cmd.Wait(); close(p.ended) }()
	return p, nil
}

func (p *pty) read() {
	buf := make([]byte, 4096)
	for {
		n, err := p.master.Read(buf)
		p.mu.Lock()
		p.shown.Write(buf[:n])
		p.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (p *pty) script() error {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		line := strings.TrimLeft(lines.Text(), "\t")
		step, arg, _ := strings.Cut(line, " ")
		if step == "" {
			continue
		}
		if err := p.step(step, arg); err != nil {
			return fmt.Errorf("%s: %w", line, err)
		}
	}
	return lines.Err()
}

func (p *pty) step(step, arg string) error {
	switch step {
	case "expect":
		return p.until(func() bool { return p.expected(arg) })
	case "type":
		text, err := strconv.Unquote(`"` + arg + `"`)
		if err != nil {
			return err
		}
		_, err = p.master.WriteString(text)
		return err
	case "size":
		var ws unix.Winsize
		if _, err := fmt.Sscanf(arg, "%dx%d", &ws.Row, &ws.Col); err != nil {
			return err
		}
		return unix.IoctlSetWinsize(int(p.master.Fd()), unix.TIOCSWINSZ, &ws)
	case "raw", "cooked":
		return p.until(func() bool { return p.raw() == (step == "raw") })
	case "signal":
		n, err := strconv.Atoi(arg)
		if err != nil {
			return err
		}
		return p.cmd.Process.Signal(syscall.Signal(n))
	case "exit":
		return p.exit(arg)
	}
	return errors.New("unknown step")
}

func (p *pty) until(ok func() bool) error {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if ok() {
			return nil
		}
	}
	return errors.New("not within " + patience.String())
}

func (p *pty) expected(text string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := bytes.Index(p.shown.Bytes()[p.seen:], []byte(text))
	if i < 0 {
		return false
	}
	p.seen += i + len(text)
	return true
}

// raw looks at the flags that a shell's line editing needs: none of them is left in raw mode.
func (p *pty) raw() bool {
	t, err := unix.IoctlGetTermios(int(p.master.Fd()), unix.TCGETS)
	return err == nil && t.Lflag&(unix.ICANON|unix.ISIG|unix.ECHO) == 0
}

func (p *pty) exit(want string) error {
	select {
	case <-p.ended:
	case <-time.After(patience):
		return errors.New("it has not ended")
	}
	ws := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	code := ws.ExitStatus()
	if ws.Signaled() {
		code = 128 + int(ws.Signal())
	}
	if strconv.Itoa(code) != want {
		return fmt.Errorf("exit code %d", code)
	}
	return nil
}
