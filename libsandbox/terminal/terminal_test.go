// Tests of the terminal package; they drive real ptys and real processes.

package terminal

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// newPty makes a pty; both ends are closed when the test ends.
func newPty(t *testing.T) (master, slave *os.File) {
	t.Helper()
	m, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	var sfd int
	err = control(m, func(fd int) error {
		if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
			return err
		}
		r, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TIOCGPTPEER, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)
		if e != 0 {
			return e
		}
		sfd = int(r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	s := os.NewFile(uintptr(sfd), "slave")
	t.Cleanup(func() { m.Close(); s.Close() })
	return m, s
}

func termios(t *testing.T, f *os.File) unix.Termios {
	t.Helper()
	var got *unix.Termios
	if err := control(f, func(fd int) (err error) {
		got, err = unix.IoctlGetTermios(fd, unix.TCGETS)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return *got
}

// startOn runs a shell script with the pty's slave as its controlling terminal.
func startOn(t *testing.T, slave *os.File, script string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", script)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd
}

// readUntil reads from f until what it read contains want, for up to five seconds.
func readUntil(t *testing.T, f *os.File, want string) string {
	t.Helper()
	var got []byte
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		buf := make([]byte, 4096)
		for !bytes.Contains(got, []byte(want)) {
			n, err := f.Read(buf)
			if err != nil {
				return
			}
			got = append(got, buf[:n]...)
		}
	}()
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Fatalf("no %q came", want)
	}
	return string(got)
}

func openFDs(t *testing.T) int {
	t.Helper()
	l, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(l)
}

func TestRelayOnATerminal(t *testing.T) {
	hostM, hostS := newPty(t)
	ctrM, ctrS := newPty(t)
	before := termios(t, hostS)
	if err := Resize(hostM, 101, 37); err != nil {
		t.Fatal(err)
	}
	fds := openFDs(t)
	r, err := StartRelay(ctrM, hostS, hostS)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Finish()
	if raw := termios(t, hostS); raw.Lflag&(unix.ICANON|unix.ECHO|unix.ISIG) != 0 || raw.Oflag&unix.OPOST != 0 {
		t.Errorf("host terminal is not raw: lflag %#x oflag %#x", raw.Lflag, raw.Oflag)
	}
	cmd := startOn(t, ctrS, `stty size; read x; echo "got<$x>"; trap 'stty size; exit 3' WINCH; echo ready; while :; do sleep 0.05; done`)
	readUntil(t, hostM, "37 101\r\n")
	if _, err := hostM.WriteString("typed\r"); err != nil {
		t.Fatal(err)
	}
	if got := readUntil(t, hostM, "ready"); !strings.Contains(got, "typed\r\ngot<typed>\r\n") {
		t.Errorf("got %q", got)
	}
	if err := Resize(hostM, 50, 20); err != nil {
		t.Fatal(err)
	}
	// The host's pty is not this process's controlling terminal: make the kernel's signal ourselves.
	if err := unix.Kill(os.Getpid(), unix.SIGWINCH); err != nil {
		t.Fatal(err)
	}
	readUntil(t, hostM, "20 50\r\n")
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 3 {
		t.Errorf("wait: %v", err)
	}
	if err := r.Finish(); err != nil {
		t.Errorf("Finish: %v", err)
	}
	if after := termios(t, hostS); after != before {
		t.Errorf("terminal not restored: %+v, was %+v", after, before)
	}
	if n := openFDs(t); n != fds-1 { // startOn closed the slave
		t.Errorf("%d descriptors open, %d before", n, fds-1)
	}
}

// What is typed after the relay has ended belongs to the next program.
func TestEndedRelayLeavesInputAlone(t *testing.T) {
	hostM, hostS := newPty(t)
	ctrM, _ := newPty(t)
	before := termios(t, hostS)
	r, err := StartRelay(ctrM, hostS, hostS)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(20 * time.Millisecond)
	if err := r.Detach(); err != nil {
		t.Fatal(err)
	}
	if after := termios(t, hostS); after != before {
		t.Error("terminal not restored")
	}
	hostM.WriteString("next\n")
	if got := readUntil(t, hostS, "\n"); got != "next\n" {
		t.Errorf("got %q", got)
	}
	if err := r.Finish(); err != nil { // a second end does nothing
		t.Error(err)
	}
}

// Everything that was written before the end arrives, through a slow reader too, and a file gets
// plain newlines.
func TestFinishLosesNothing(t *testing.T) {
	for i := range 5 {
		ctrM, ctrS := newPty(t)
		outR, outW, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		r, err := StartRelay(ctrM, nil, outW)
		if err != nil {
			t.Fatal(err)
		}
		cmd := startOn(t, ctrS, "i=0; while [ $i -lt 20000 ]; do echo $i; i=$((i+1)); done; printf last")
		read := make(chan []byte)
		go func() {
			var all []byte
			buf := make([]byte, 1000)
			for {
				n, err := outR.Read(buf)
				all = append(all, buf[:n]...)
				if err != nil {
					read <- all
					return
				}
				time.Sleep(50 * time.Microsecond)
			}
		}()
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
		if err := r.Finish(); err != nil {
			t.Error(err)
		}
		outW.Close()
		got := <-read
		outR.Close()
		var want bytes.Buffer
		for n := range 20000 {
			want.WriteString(strconv.Itoa(n) + "\n")
		}
		want.WriteString("last")
		if !bytes.Equal(got, want.Bytes()) {
			t.Fatalf("round %d: %d bytes of %d arrived", i, len(got), want.Len())
		}
	}
}

// The slave is still open when the relay ends: output written before must come, and no waiting
// for the one who holds it.
func TestFinishWithTheTerminalHeldOpen(t *testing.T) {
	ctrM, ctrS := newPty(t)
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	r, err := StartRelay(ctrM, nil, out)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Repeat("x", 3000) + "\n"
	if _, err := ctrS.WriteString(want); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if err := r.Finish(); err != nil {
		t.Error(err)
	}
	if d := time.Since(begin); d > 2*time.Second {
		t.Errorf("Finish took %v", d)
	}
	if b, _ := os.ReadFile(out.Name()); string(b) != want {
		t.Errorf("%d bytes of %d", len(b), len(want))
	}
}

// A writer that never stops must not keep the runtime.
func TestFinishIsBounded(t *testing.T) {
	ctrM, ctrS := newPty(t)
	out, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	r, err := StartRelay(ctrM, nil, out)
	if err != nil {
		t.Fatal(err)
	}
	startOn(t, ctrS, "exec yes")
	time.Sleep(50 * time.Millisecond)
	ended := make(chan error, 1)
	go func() { ended <- r.Finish() }()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Fatal("Finish does not return")
	}
}

// Nobody reads the output any more: the container must go on, and the error be known.
func TestOutputErrorDoesNotBlockTheContainer(t *testing.T) {
	ctrM, ctrS := newPty(t)
	outR, outW, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	outR.Close()
	defer outW.Close()
	r, err := StartRelay(ctrM, nil, outW)
	if err != nil {
		t.Fatal(err)
	}
	cmd := startOn(t, ctrS, "head -c 2000000 /dev/zero")
	waited := make(chan error, 1)
	go func() { waited <- cmd.Wait() }()
	select {
	case err := <-waited:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the container blocks")
	}
	if err := r.Finish(); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("Finish: %v", err)
	}
}

func TestSendMaster(t *testing.T) {
	deep := filepath.Join(t.TempDir(), strings.Repeat("d", 60), strings.Repeat("e", 60))
	if err := os.MkdirAll(deep, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(t.TempDir(), "s"), filepath.Join(deep, "s")} {
		bindAt := path
		if len(path) > 107 {
			d, err := os.Open(deep)
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			bindAt = "/proc/self/fd/" + strconv.Itoa(int(d.Fd())) + "/s"
		}
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: bindAt, Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		master, slave := newPty(t)
		if err := SendMaster(path, master, "/dev/pts/77"); err != nil {
			t.Fatal(err)
		}
		conn, err := l.AcceptUnix()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		buf, oob := make([]byte, 100), make([]byte, 100)
		n, oobn, _, _, err := conn.ReadMsgUnix(buf, oob)
		if err != nil || string(buf[:n]) != "/dev/pts/77" {
			t.Fatalf("%q, %v", buf[:n], err)
		}
		msgs, err := unix.ParseSocketControlMessage(oob[:oobn])
		if err != nil || len(msgs) != 1 {
			t.Fatalf("%v, %v", msgs, err)
		}
		got, err := unix.ParseUnixRights(&msgs[0])
		if err != nil || len(got) != 1 {
			t.Fatalf("%v, %v", got, err)
		}
		f := os.NewFile(uintptr(got[0]), "got")
		defer f.Close()
		if _, err := f.WriteString("hi\n"); err != nil {
			t.Fatal(err)
		}
		if s := readUntil(t, slave, "\n"); s != "hi\n" {
			t.Errorf("through the received master: %q", s)
		}
		if n, err := conn.Read(buf); n != 0 || err != io.EOF {
			t.Errorf("connection left open: %d, %v", n, err)
		}
	}
}

func TestSendMasterErrors(t *testing.T) {
	master, _ := newPty(t)
	path := filepath.Join(t.TempDir(), "none")
	err := SendMaster(path, master, "x")
	if !errors.Is(err, syscall.ENOENT) || !strings.Contains(err.Error(), "--console-socket "+path) {
		t.Errorf("got %v", err)
	}
	if err := SendMaster(path, master, strings.Repeat("x", 5000)); err == nil || errors.Is(err, syscall.ENOENT) {
		t.Errorf("a name too long: %v", err)
	}
}

func pidfdOf(t *testing.T, pid int) *os.File {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(fd), "pidfd")
}

// Signals that come before the process exists wait for it; later ones pass through.
func TestForwarder(t *testing.T) {
	// Whoever runs the tests under nohup ignores it, and the shell below would too.
	var old sigaction
	if err := rtSigaction(int(unix.SIGHUP), &sigaction{}, &old); err != nil { // SIG_DFL
		t.Fatal(err)
	}
	defer rtSigaction(int(unix.SIGHUP), &old, nil)
	f, err := NewForwarder()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Stop()
	unix.Kill(os.Getpid(), unix.SIGUSR1)
	cmd := exec.Command("/bin/sh", "-c",
		`trap 'echo USR1' USR1; trap 'echo HUP' HUP; trap 'echo WINCH' WINCH; trap 'echo RT' 37; trap 'echo SEGV' SEGV; trap 'echo TERM; exit 5' TERM; echo ready; while :; do sleep 0.02; done`)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	lines := bufio.NewScanner(out)
	next := func(want string) {
		t.Helper()
		if !lines.Scan() || lines.Text() != want {
			t.Fatalf("got %q, want %q", lines.Text(), want)
		}
	}
	next("ready")
	pidfd := pidfdOf(t, cmd.Process.Pid)
	defer pidfd.Close()
	followed := make(chan error)
	go func() { followed <- f.Follow(pidfd) }()
	next("USR1")
	unix.Kill(os.Getpid(), unix.SIGWINCH)
	unix.Kill(os.Getpid(), unix.SIGHUP)
	next("HUP")
	unix.Kill(os.Getpid(), 37) // SIGRTMIN+3: systemd as an init takes it for "halt"
	next("RT")
	unix.Kill(os.Getpid(), unix.SIGSEGV)
	next("SEGV")
	f.Pass(unix.SIGUSR1)
	next("USR1")
	unix.Kill(os.Getpid(), unix.SIGTERM)
	next("TERM")
	if err := <-followed; err != nil {
		t.Error(err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 5 {
		t.Errorf("wait: %v", err)
	}
	if err := f.Follow(pidfd); err != nil {
		t.Errorf("of one that has ended: %v", err)
	}
}

// A mistake of our own still becomes a panic, and not a signal for the container.
func TestForwarderLeavesFaults(t *testing.T) {
	f, err := NewForwarder()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Stop()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
		if caught := f.take(); caught != nil {
			t.Errorf("caught %v", caught)
		}
	}()
	var nothing *Relay
	nothing.drain.Store(true)
}

func TestForwarderRespectsIgnored(t *testing.T) {
	var old sigaction
	if err := rtSigaction(int(unix.SIGHUP), &sigaction{handler: 1}, &old); err != nil { // SIG_IGN
		t.Fatal(err)
	}
	defer rtSigaction(int(unix.SIGHUP), &old, nil)
	f, err := NewForwarder()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Stop()
	unix.Kill(os.Getpid(), unix.SIGHUP)
	unix.Kill(os.Getpid(), unix.SIGUSR1)
	for {
		caught := f.take()
		if len(caught) == 0 {
			runtime.Gosched() // delivered on another thread
			continue
		}
		if string(caught) != string([]byte{byte(unix.SIGUSR1)}) {
			t.Errorf("caught %v", caught)
		}
		return
	}
}
