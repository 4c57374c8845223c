// Tests of the sdnotify package with real sockets and processes.

package sdnotify

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// manager is a service manager's socket; it collects messages and closes passed descriptors.
func manager(t *testing.T, name string) (messages chan string) {
	t.Helper()
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	messages = make(chan string, 10)
	go func() {
		buf, oob := make([]byte, 4096), make([]byte, 100)
		for {
			n, on, _, _, err := c.ReadMsgUnix(buf, oob)
			if err != nil {
				close(messages)
				return
			}
			if cm, _ := unix.ParseSocketControlMessage(oob[:on]); len(cm) == 1 {
				fds, _ := unix.ParseUnixRights(&cm[0])
				for _, fd := range fds {
					time.Sleep(50 * time.Millisecond)
					unix.Close(fd)
				}
			}
			messages <- string(buf[:n])
		}
	}()
	return messages
}

func sleeper(t *testing.T, seconds string) (*exec.Cmd, *os.File) {
	t.Helper()
	cmd := exec.Command("/bin/sleep", seconds)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.PidfdOpen(cmd.Process.Pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "pidfd")
	t.Cleanup(func() { f.Close(); _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd, f
}

func say(t *testing.T, path, message string) {
	t.Helper()
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte(message)); err != nil {
		t.Fatal(err)
	}
}

func TestOnlyReadyIsPassedOn(t *testing.T) {
	for _, host := range []string{filepath.Join(t.TempDir(), "host"), "@sdnotify-test-" + strconv.Itoa(os.Getpid())} {
		got := manager(t, host)
		p, err := Listen(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		if st, err := os.Stat(p.Path()); err != nil || st.Mode().Perm() != 0o777 {
			t.Errorf("socket's mode: %v, %v", st, err)
		}
		cmd, pidfd := sleeper(t, "60")
		say(t, p.Path(), "MAINPID=1\nSTATUS=x")
		say(t, p.Path(), "READY=10")
		say(t, p.Path(), "MAINPID=1\nREADY=1\nFDSTORE=1\n")
		begin := time.Now()
		ready, err := p.Run(host, cmd.Process.Pid, pidfd, 0)
		if !ready || err != nil {
			t.Fatalf("%v, %v", ready, err)
		}
		if d := time.Since(begin); d < 50*time.Millisecond || d > 4*time.Second {
			t.Errorf("did not wait for the barrier, or too long: %v", d)
		}
		if m := <-got; m != "READY=1\nMAINPID="+strconv.Itoa(cmd.Process.Pid) {
			t.Errorf("got %q", m)
		}
		if m := <-got; m != "BARRIER=1" {
			t.Errorf("got %q", m)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(p.Path()); err == nil {
			t.Error("the socket is left")
		}
	}
}

func TestRunEnds(t *testing.T) {
	p, err := Listen(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	_, pidfd := sleeper(t, "0.05")
	if ready, err := p.Run("/none", 1, pidfd, 0); ready || err != nil {
		t.Errorf("after the process: %v, %v", ready, err)
	}
	// What it said before its end counts, and an error of the host's socket is told.
	say(t, p.Path(), "READY=1")
	if _, err := p.Run("/none", 1, pidfd, 0); !errors.Is(err, unix.ENOENT) || !strings.Contains(err.Error(), "sendto(/none)") {
		t.Errorf("got %v", err)
	}
	_, pidfd = sleeper(t, "60")
	begin := time.Now()
	if ready, err := p.Run("/none", 1, pidfd, 60*time.Millisecond); ready || err != nil || time.Since(begin) > 5*time.Second {
		t.Errorf("timeout: %v, %v, %v", ready, err, time.Since(begin))
	}
}

func TestDeepDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("d", 60), strings.Repeat("e", 60))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	p, err := Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := os.Stat(p.Path()); err != nil {
		t.Error(err)
	}
	if _, err := Listen(dir); !errors.Is(err, unix.EADDRINUSE) {
		t.Errorf("a second one: %v", err)
	}
}

func TestSendPidfd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cmd, pidfd := sleeper(t, "60")
	if err := SendPidfd(path, pidfd, "pidfd"); err != nil {
		t.Fatal(err)
	}
	c, err := l.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	buf, oob := make([]byte, 100), make([]byte, 100)
	n, on, _, _, err := c.ReadMsgUnix(buf, oob)
	if err != nil || string(buf[:n]) != "pidfd" {
		t.Fatalf("%q, %v", buf[:n], err)
	}
	cm, _ := unix.ParseSocketControlMessage(oob[:on])
	fds, err := unix.ParseUnixRights(&cm[0])
	if err != nil || len(fds) != 1 {
		t.Fatal(err)
	}
	defer unix.Close(fds[0])
	if err := unix.PidfdSendSignal(fds[0], unix.SIGTERM, nil, 0); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the process did not get the signal")
	}
	err = SendPidfd(path+"x", pidfd, "pidfd")
	if !errors.Is(err, unix.ENOENT) || !strings.HasPrefix(err.Error(), "--pidfd-socket "+path+"x: send the pidfd: connect: ") {
		t.Errorf("got %v", err)
	}
}

func TestNotifyRefusesRelativePaths(t *testing.T) {
	for _, s := range []string{"", "x", "vsock:2:1234"} {
		if err := Notify(s, "READY=1"); err == nil {
			t.Errorf("%q was taken", s)
		}
	}
}

func TestIsReady(t *testing.T) {
	for msg, want := range map[string]bool{"READY=1": true, "READY=1\n": true, "A=b\nREADY=1": true,
		"READY=10": false, "XREADY=1": false, "STATUS=READY=1": false, "": false, "READY=0": false} {
		if isReady([]byte(msg)) != want {
			t.Errorf("%q: not %v", msg, want)
		}
	}
}
