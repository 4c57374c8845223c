// What a hostile program tries. Each attempt is first shown to succeed without the sandbox, or
// with the one thing taken away that is to stop it, so that the tests can fail.

package libsandbox

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// publicDir is a folder that everybody may enter.
func publicDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "libsandbox-escape-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestSecretsOfTheHost(t *testing.T) {
	asRootAndUser(t, func(t *testing.T) {
		secret := filepath.Join(publicDir(t), "secret")
		if err := os.WriteFile(secret, []byte("secret"), 0o644); err != nil {
			t.Fatal(err)
		}
		script := fmt.Sprintf(`cat %s; cat /etc/shadow; ls /root /home; cat /tmp/../..%s; cat /proc/1/root%s
			ln -s %s /tmp/l; cat /tmp/l; ln -s ../../../../..%s /tmp/m; cat /tmp/m; cat /proc/self/cwd/../..%s`,
			secret, secret, secret, secret, secret, secret)
		if out, _ := exec.Command("sh", "-c", "cat "+secret).CombinedOutput(); string(out) != "secret" {
			t.Fatalf("outside: %q", out)
		}
		out, _ := sh(t, ProcessConfig{}, script)
		if strings.Contains(out, "\nsecret") || strings.HasPrefix(out, "secret") || strings.Contains(out, "root:*") || strings.Contains(out, "root:$") {
			t.Errorf("reached: %s", out)
		}
		if out, _ := sh(t, ProcessConfig{Mounts: []Mount{{Kind: BindReadOnly, Source: secret}}}, "cat "+secret); out != "secret" {
			t.Errorf("with the bind that makes it visible: %q", out)
		}
	})
}

// TestBindDoesNotLeak: from a bound folder, links and .. lead nowhere else.
func TestBindDoesNotLeak(t *testing.T) {
	asRootAndUser(t, func(t *testing.T) {
		dir := publicDir(t)
		if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("secret"), 0o644); err != nil {
			t.Fatal(err)
		}
		shared := filepath.Join(dir, "shared")
		if err := os.Mkdir(shared, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, target := range map[string]string{"abs": filepath.Join(dir, "secret"), "rel": "../secret"} {
			if err := os.Symlink(target, filepath.Join(shared, name)); err != nil {
				t.Fatal(err)
			}
		}
		const script = "cd %s; cat abs rel ../secret; touch x && echo wrote"
		if out, _ := exec.Command("sh", "-c", fmt.Sprintf(script, shared)).CombinedOutput(); string(out) != "secretsecretsecretwrote\n" {
			t.Fatalf("outside: %q", out)
		}
		out, _ := sh(t, ProcessConfig{Mounts: []Mount{{Kind: BindReadOnly, Source: shared, Dest: "/shared"}}}, fmt.Sprintf(script, "/shared"))
		if strings.Contains(out, "secretsecret") || strings.Contains(out, "wrote") {
			t.Errorf("inside: %q", out)
		}
	})
}

func TestLoopbackOfTheHost(t *testing.T) {
	asRootAndUser(t, func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				c.Close()
			}
		}()
		script := fmt.Sprintf("exec 3<>/dev/tcp/127.0.0.1/%d && echo connected", l.Addr().(*net.TCPAddr).Port)
		run := func(share Namespace) string {
			out, _ := execute(t, ProcessConfig{Program: "bash", Args: []string{"-c", script}, Share: share})
			return out
		}
		if out := run(NamespaceNetwork); !strings.Contains(out, "connected") {
			t.Errorf("with the host's network: %q", out)
		}
		if out := run(0); strings.Contains(out, "connected") {
			t.Errorf("without it: %q", out)
		}
	})
}

// execute runs c and gives back what it wrote.
func execute(t *testing.T, c ProcessConfig) (string, *Result) {
	t.Helper()
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	r, err := Execute(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), r
}

// TestSetuidProgram: a setuid program gives nothing, by no_new_privs and by nosuid.
func TestSetuidProgram(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("making a setuid program takes root")
	}
	dir := publicDir(t)
	id, err := os.ReadFile("/usr/bin/id")
	if err != nil {
		t.Fatal(err)
	}
	prog := filepath.Join(dir, "id")
	if err := os.WriteFile(prog, id, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(prog, 0o755|os.ModeSetuid); err != nil {
		t.Fatal(err)
	}
	outside := exec.Command(prog, "-u")
	outside.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: ordinaryUser, Gid: ordinaryUser}}
	if out, err := outside.CombinedOutput(); string(out) != "0\n" {
		t.Fatalf("outside: %q %v", out, err)
	}
	for _, share := range []Namespace{0, NamespaceUser} {
		out, _ := sh(t, ProcessConfig{Mounts: []Mount{{Kind: BindReadOnly, Source: dir, Dest: "/suid"}}, Share: share}, "/suid/id -u")
		if out != "65534\n" {
			t.Errorf("inside (sharing %d): %q", share, out)
		}
	}
}

func TestInheritedDescriptors(t *testing.T) {
	f, err := os.Open("/etc/shadow")
	if err != nil {
		t.Skipf("needs a file of its own to leave open: %v", err)
	}
	defer f.Close()
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD, 77) // not close-on-exec
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if out, _ := exec.Command("sh", "-c", "ls -l /proc/self/fd").CombinedOutput(); !strings.Contains(string(out), "/etc/shadow") {
		t.Fatalf("outside: %s", out)
	}
	if out, _ := sh(t, ProcessConfig{}, "ls -l /proc/self/fd; ls -l /proc/1/fd"); strings.Contains(out, "shadow") || strings.Contains(out, " 77 ") {
		t.Errorf("inside: %s", out)
	}
	// What is handed over on purpose arrives.
	c := ProcessConfig{ExtraFiles: []*os.File{f}}
	c.Program, c.Args = "sh", []string{"-c", "head -c 5 <&3"}
	if out, _ := execute(t, c); out != "root:" {
		t.Errorf("ExtraFiles: %q", out)
	}
}

// TestTypingIntoTheTerminal: TIOCSTI needs the terminal to be the controlling one. The caller is
// a session's leader on that terminal, as a shell's job is.
func TestTypingIntoTheTerminal(t *testing.T) {
	const script = "import fcntl, termios, sys\ntry:\n  open('/dev/tty'); print('has a terminal')\nexcept OSError: print('none')\n" +
		"try:\n  fcntl.ioctl(0, termios.TIOCSTI, b'x'); print('typed')\nexcept OSError as e: print('refused')\n"
	if os.Getenv("LIBSANDBOX_TEST_TERMINAL") != "" {
		out, _ := execute(t, ProcessConfig{Program: "python3", Args: []string{"-c", script}, Stdin: os.Stdin})
		fmt.Print(out)
		os.Exit(0)
	}
	master, slave := openPty(t)
	defer master.Close()
	defer slave.Close()
	onTerminal := func(cmd *exec.Cmd) string {
		cmd.Stdin = slave
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	if s := onTerminal(exec.Command("python3", "-c", script)); !strings.HasPrefix(s, "has a terminal\n") {
		t.Errorf("outside: %q", s)
	}
	self := exec.Command("/proc/self/exe", "-test.run=^TestTypingIntoTheTerminal$")
	self.Env = append(os.Environ(), "LIBSANDBOX_TEST_TERMINAL=1")
	if s := onTerminal(self); s != "none\nrefused\n" {
		t.Errorf("inside: %q", s)
	}
}

func openPty(t *testing.T) (master, slave *os.File) {
	t.Helper()
	m, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(m.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(m.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	s, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return m, s
}

// TestTenGigabytesOfOutput: a flood is delivered no faster than it is taken, and ended by the
// timeout.
func TestTenGigabytesOfOutput(t *testing.T) {
	slow := writerFunc(func(p []byte) (int, error) { time.Sleep(10 * time.Millisecond); return len(p), nil })
	c := ProcessConfig{Program: "head", Args: []string{"-c", "10000000000", "/dev/zero"}, Stdout: slow, Timeout: 500 * time.Millisecond}
	begin := time.Now()
	r, err := Execute(context.Background(), c)
	if err != nil || !r.TimedOut || time.Since(begin) > 20*time.Second {
		t.Errorf("%+v %v after %v", r, err, time.Since(begin))
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// TestPtrace: a filter keeps debuggers away; without it only the sandbox's own can be traced.
func TestPtrace(t *testing.T) {
	asRootAndUser(t, func(t *testing.T) {
		const script = `import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
print(libc.ptrace(0, 0, 0, 0))           # PTRACE_TRACEME
print(libc.ptrace(0x4206, 1, 0, 0))      # PTRACE_SEIZE of the init`
		run := func(profile string) string {
			out, _ := execute(t, ProcessConfig{Program: "python3", Args: []string{"-c", script}, SeccompProfile: profile})
			return out
		}
		if out := run(""); out != "-1\n-1\n" {
			t.Errorf("with the filter: %q", out)
		}
		if out := run("unrestricted"); out != "0\n-1\n" {
			t.Errorf("without it: %q", out)
		}
	})
}

// TestCallerDies: with the caller every process of its sandboxes ends.
func TestCallerDies(t *testing.T) {
	if os.Getenv("LIBSANDBOX_TEST_CALLER") != "" {
		cmd := Command("sh", "-c", "trap '' TERM HUP; sleep 60 & sleep 60")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		fmt.Printf("pid=%d\n", cmd.Process.Pid)
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	self := exec.Command("/proc/self/exe", "-test.run=^TestCallerDies$")
	self.Env = append(os.Environ(), "LIBSANDBOX_TEST_CALLER=1")
	out, _ := self.Output()
	var pid int
	if _, err := fmt.Sscanf(string(out), "pid=%d", &pid); err != nil {
		t.Fatalf("%q: %v", out, err)
	}
	deadline := time.Now().Add(20 * time.Second)
	for syscall.Kill(pid, 0) == nil {
		if time.Now().After(deadline) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			t.Fatal("the program outlives its caller")
		}
		time.Sleep(5 * time.Millisecond)
	}
}
