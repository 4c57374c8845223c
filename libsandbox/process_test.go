// Sandboxed processes, really run: as root, and again as an ordinary user.

package libsandbox

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const ordinaryUser = 61234 // an id that nobody has

// asRootAndUser runs f as it is and, if that is as root, the whole test again as an ordinary
// user.
func asRootAndUser(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	if os.Geteuid() != 0 {
		f(t)
		return
	}
	t.Run("root", f)
	t.Run("user", func(t *testing.T) {
		parent, _, _ := strings.Cut(t.Name(), "/")
		dir, err := os.MkdirTemp("/tmp", "libsandbox-test-")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		self, err := os.ReadFile("/proc/self/exe")
		if err != nil {
			t.Fatal(err)
		}
		bin := filepath.Join(dir, "test")
		if err := os.WriteFile(bin, self, 0o755); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(bin, "-test.run=^"+parent+"$", "-test.v")
		cmd.Dir = "/"
		cmd.Env = append(os.Environ(), "HOME=/nonexistent")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: ordinaryUser, Gid: ordinaryUser}}
		out, err := cmd.CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("--- PASS: "+parent)) {
			t.Fatalf("as an ordinary user: %v\n%s", err, out)
		}
	})
}

// sh runs a script in a sandbox and gives back what it wrote.
func sh(t *testing.T, c ProcessConfig, script string) (string, *Result) {
	t.Helper()
	var out bytes.Buffer
	c.Program, c.Args = "/bin/sh", []string{"-c", script}
	c.Stdout, c.Stderr = &out, &out
	if c.Timeout == 0 {
		c.Timeout = 20 * time.Second
	}
	r, err := Execute(context.Background(), c)
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	return out.String(), r
}

func TestExecuteExitCodes(t *testing.T) {
	asRootAndUser(t, func(t *testing.T) {
		for _, c := range []struct {
			script string
			code   int
			signal syscall.Signal
		}{
			{"exit 0", 0, 0}, {"exit 7", 7, 0}, {"kill -TERM $$", 143, syscall.SIGTERM}, {"kill -KILL $$", 137, syscall.SIGKILL},
			{"(sleep 0.05 & ); sleep 0.15; exit 5", 5, 0}, // the orphan ends first and is reaped by the init
		} {
			_, r := sh(t, ProcessConfig{}, c.script)
			if r.Code() != c.code || r.Signal != c.signal || r.TimedOut || r.Pid == 0 {
				t.Errorf("%s: %+v", c.script, r)
			}
		}
	})
}

func TestExecuteIsolation(t *testing.T) {
	asRootAndUser(t, func(t *testing.T) {
		self, _ := os.Readlink("/proc/self/ns/net")
		for _, c := range []struct{ name, script, want string }{
			{"no capabilities", "grep -c 'Cap.*:.0000000000000000' /proc/self/status", "5"},
			{"no new privileges", "grep NoNewPrivs /proc/self/status", "NoNewPrivs:\t1"},
			{"only its own processes", "[ $(ls -d /proc/[0-9]* | wc -l) -le 6 ] && echo few", "few"},
			{"own network", "readlink /proc/self/ns/net | grep -c -F '" + self + "'", "0"},
			{"only lo", "tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '", "lo"},
			{"root is read-only", "touch /x 2>/dev/null || echo no", "no"},
			{"usr is read-only", "touch /usr/x 2>/dev/null || echo no", "no"},
			{"tmp is its own", "ls /tmp; touch /tmp/x && ls /tmp", "x"},
			{"no home", "ls /home /root 2>/dev/null | wc -l", "0"},
			{"host name", "uname -n", "sandbox"},
			{"no more environment", "env | grep -c LIBSANDBOX_TEST_SECRET", "0"},
			{"descriptors", "ls /proc/self/fd | tr '\\n' ' '", "0 1 2 3 "}, // 3 is ls's own
		} {
			t.Setenv("LIBSANDBOX_TEST_SECRET", "1")
			out, r := sh(t, ProcessConfig{}, c.script)
			if strings.TrimSuffix(out, "\n") != c.want {
				t.Errorf("%s: %q, want %q (%+v)", c.name, out, c.want, r)
			}
		}
	})
}

func TestExecuteTimeoutEndsEverything(t *testing.T) {
	asRootAndUser(t, func(t *testing.T) {
		begin := time.Now()
		// The children ignore SIGTERM, leave the session and hold the output open.
		out, r := sh(t, ProcessConfig{Timeout: 300 * time.Millisecond},
			"trap '' TERM; setsid sh -c \"trap '' TERM; sleep 60\" & sleep 61 & echo up; wait")
		took := time.Since(begin)
		if !r.TimedOut || r.Signal != syscall.SIGKILL || out != "up\n" {
			t.Errorf("%q %+v", out, r)
		}
		if took > 20*time.Second { // how fast exactly: TestKillIsQuick
			t.Errorf("took %v", took)
		}
	})
}

func TestExecuteCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cmd := CommandContext(ctx, "sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	cancel()
	if err := cmd.Wait(); !errors.Is(err, context.Canceled) || !cmd.Result.Canceled {
		t.Errorf("%v %+v", err, cmd.Result)
	}
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("took %v", took)
	}
	if err := syscall.Kill(cmd.Process.Pid, 0); err != syscall.ESRCH {
		t.Errorf("the program is still there: %v", err)
	}
}

func TestCommandNotFound(t *testing.T) {
	for _, c := range []struct {
		cfg  ProcessConfig
		want error
	}{
		{ProcessConfig{Program: "no-such-program"}, ErrNotFound},
		{ProcessConfig{Program: "/no/such/program"}, ErrNotFound},
		{ProcessConfig{Program: "true", Env: []string{"PATH=/nowhere"}}, ErrNotFound},
		{ProcessConfig{Program: "usr/bin/true", Env: []string{"PATH="}}, nil}, // relative to Dir
		{ProcessConfig{Program: "true", Env: []string{"PATH=:/nowhere"}, Dir: "/usr/bin"}, ErrNotFound},
		{ProcessConfig{Program: "true", Env: []string{"PATH=:/nowhere"}, Dir: "/usr/bin", PathCurrentDir: true}, nil},
		{ProcessConfig{Program: "/etc/passwd"}, os.ErrPermission},
		{ProcessConfig{Program: "/usr"}, os.ErrPermission},
		{ProcessConfig{Program: "/bin/../bin/true"}, nil},
	} {
		_, err := Execute(context.Background(), c.cfg)
		if !errors.Is(err, c.want) {
			t.Errorf("%s %v: %v, want %v", c.cfg.Program, c.cfg.Env, err, c.want)
		}
	}
}

func TestCmdLikeOsExec(t *testing.T) {
	asRootAndUser(t, func(t *testing.T) {
		out, err := Command("echo", "hello").Output()
		if err != nil || string(out) != "hello\n" {
			t.Errorf("Output: %q %v", out, err)
		}
		_, err = Command("sh", "-c", "echo why >&2; exit 4").Output()
		var exit *ExitError
		if !errors.As(err, &exit) || exit.ExitCode != 4 || string(exit.Stderr) != "why\n" || err.Error() != "exit status 4" {
			t.Errorf("ExitError: %v %+v", err, exit)
		}
		both, err := Command("sh", "-c", "echo a; echo b >&2; echo c").CombinedOutput()
		if err != nil || string(both) != "a\nb\nc\n" {
			t.Errorf("CombinedOutput: %q %v", both, err)
		}
		cat := Command("cat")
		cat.Stdin = strings.NewReader("through a pipe")
		if out, err := cat.Output(); err != nil || string(out) != "through a pipe" {
			t.Errorf("Stdin: %q %v", out, err)
		}
		pipes(t)
	})
}

func pipes(t *testing.T) {
	cmd := Command("tr", "a-z", "A-Z")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(in, "abc"); err != nil {
		t.Fatal(err)
	}
	in.Close()
	got, err := io.ReadAll(out)
	if err != nil || string(got) != "ABC" {
		t.Errorf("pipes: %q %v", got, err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("Wait: %v", err)
	}
}
