// Tests of the hooks package; they run real programs (/bin/sh).

package hooks

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

var testState = &specs.State{Version: "1.3.0", ID: "c1", Status: specs.StateCreating, Pid: 42, Bundle: "/b"}

func sh(script string) specs.Hook {
	return specs.Hook{Path: "/bin/sh", Args: []string{"sh", "-c", script}}
}

func TestRunFeedsStateAndExactEnv(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	t.Setenv("HOOK_TEST_LEAK", "1")
	h := sh(`cat >` + out + `; echo >>` + out + `; tr '\0' '\n' </proc/$$/environ >>` + out)
	h.Env = []string{"A=1", "A=2", "PATH=/usr/bin:/bin"}
	if err := Run(context.Background(), h, "hooks.createRuntime[0]", testState, Options{}); err != nil {
		t.Fatal(err)
	}
	b, _ := os.ReadFile(out)
	want := `{"ociVersion":"1.3.0","id":"c1","status":"creating","pid":42,"bundle":"/b"}` +
		"\nA=1\nA=2\nPATH=/usr/bin:/bin\n"
	if string(b) != want {
		t.Errorf("got %q\nwant %q", b, want)
	}
}

func TestNoEnvMeansEmpty(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	t.Setenv("HOOK_TEST_LEAK", "1")
	h := specs.Hook{Path: "/bin/sh", Args: []string{"sh", "-c", "/bin/cat /proc/$$/environ >" + out}}
	if err := Run(context.Background(), h, "hooks.poststop[0]", testState, Options{}); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(out); err != nil || len(b) != 0 {
		t.Errorf("environment %q, %v; want empty", b, err)
	}
}

func TestFailureNamesHookAndKeepsTail(t *testing.T) {
	h := sh(`/usr/bin/head -c 100000 /dev/zero | /usr/bin/tr '\0' x >&2; echo first >&2; printf 'the \033last' >&2; exit 7`)
	err := Run(context.Background(), h, "hooks.createRuntime[3]", testState, Options{})
	if err == nil {
		t.Fatal("no error")
	}
	var e *errdetail.Error
	if !errors.As(err, &e) || e.Field != "hooks.createRuntime[3]" {
		t.Errorf("field of %v", err)
	}
	text := err.Error()
	for _, want := range []string{"hooks.createRuntime[3] (/bin/sh): error running hook: exit status 7, stderr: ...x", "xfirst | the  last"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %q", want, text)
		}
	}
	if len(text) > StderrLimit+200 || strings.ContainsAny(text, "\n\033") {
		t.Errorf("%d bytes, or control characters, in the text", len(text))
	}
}

func TestMissingProgram(t *testing.T) {
	err := Run(context.Background(), specs.Hook{Path: "/nonexistent/hook"}, "hooks.prestart[0]", testState, Options{})
	if !errors.Is(err, syscall.ENOENT) {
		t.Errorf("got %v", err)
	}
}

func TestHookMayIgnoreItsInput(t *testing.T) {
	big := *testState
	big.Annotations = map[string]string{"a": strings.Repeat("x", 1<<20)}
	if err := Run(context.Background(), sh("exit 0"), "hooks.prestart[0]", &big, Options{}); err != nil {
		t.Errorf("a hook that does not read: %v", err)
	}
	if err := Run(context.Background(), sh("exec 0<&-; exec /bin/true"), "hooks.prestart[0]", &big, Options{}); err != nil {
		t.Errorf("a hook that closes its input: %v", err)
	}
}

func TestLargeStateArrivesWhole(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	big := *testState
	big.Annotations = map[string]string{"a": strings.Repeat("x", 1<<20)}
	if err := Run(context.Background(), sh("/bin/cat >"+out), "hooks.prestart[0]", &big, Options{}); err != nil {
		t.Fatal(err)
	}
	want, _ := EncodeState(&big)
	if b, _ := os.ReadFile(out); string(b) != string(want) {
		t.Errorf("%d bytes arrived of %d", len(b), len(want))
	}
}

// The timeout must end the hook's children too, not only the hook.
func TestTimeoutKillsTheGroup(t *testing.T) {
	pidFile := filepath.Join(t.TempDir(), "pid")
	h := sh(`/bin/sh -c 'trap "" TERM; echo $$ >` + pidFile + `; while :; do /bin/sleep 1; done' & wait`)
	one := 1
	h.Timeout = &one
	begin := time.Now()
	err := Run(context.Background(), h, "hooks.createRuntime[0]", testState, Options{})
	if !errors.Is(err, ErrTimeout) {
		t.Fatalf("got %v", err)
	}
	if d := time.Since(begin); d < 900*time.Millisecond || d > 5*time.Second {
		t.Errorf("took %v", d)
	}
	b, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	pid, _ := strconv.Atoi(strings.TrimSpace(string(b)))
	if !gone(pid) {
		syscall.Kill(pid, syscall.SIGKILL)
		t.Error("the hook's child survived the timeout")
	}
}

// gone waits up to two seconds for a process to be dead (a zombie counts).
func gone(pid int) bool {
	for range 200 {
		b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil || strings.Contains(string(b), ") Z ") {
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}

func TestContextStopsAHook(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	err := Run(ctx, sh("exec /bin/sleep 30"), "hooks.createRuntime[0]", testState, Options{})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// A daemon that a hook leaves behind holds the hook's stderr: it must not hold up the runtime.
func TestDaemonDoesNotHoldTheRuntime(t *testing.T) {
	pidFile := filepath.Join(t.TempDir(), "pid")
	begin := time.Now()
	err := Run(context.Background(), sh("/bin/sleep 20 & echo $! >"+pidFile+"; echo oops >&2; exit 1"),
		"hooks.createRuntime[0]", testState, Options{})
	if b, rerr := os.ReadFile(pidFile); rerr == nil {
		pid, _ := strconv.Atoi(strings.TrimSpace(string(b)))
		defer syscall.Kill(pid, syscall.SIGKILL)
	}
	if err == nil || !strings.HasSuffix(err.Error(), "stderr: oops") {
		t.Errorf("got %v", err)
	}
	if d := time.Since(begin); d > 5*time.Second {
		t.Errorf("waited %v for the hook's daemon", d)
	}
}

func TestRunAllStopsAtTheFirstFailure(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	list := []specs.Hook{sh("echo 0 >>" + out), sh("echo 1 >>" + out + "; exit 1"), sh("echo 2 >>" + out)}
	err := RunAll(context.Background(), list, "hooks.createRuntime", testState, Options{})
	if err == nil || !strings.HasPrefix(err.Error(), "hooks.createRuntime[1] ") {
		t.Errorf("got %v", err)
	}
	if b, _ := os.ReadFile(out); string(b) != "0\n1\n" {
		t.Errorf("ran %q", b)
	}
	var warned []error
	RunAllWarn(context.Background(), list, "hooks.poststop", testState, Options{}, func(e error) { warned = append(warned, e) })
	if b, _ := os.ReadFile(out); string(b) != "0\n1\n0\n1\n2\n" || len(warned) != 1 {
		t.Errorf("ran %q, warned %v", b, warned)
	}
}

func TestEmptyListEncodesNothing(t *testing.T) {
	// Encoding a nil state gives "null" without an error, so count allocations instead.
	n := testing.AllocsPerRun(10, func() {
		if err := RunAll(context.Background(), nil, "hooks.createRuntime", testState, Options{}); err != nil {
			t.Fatal(err)
		}
	})
	if n > 0 {
		t.Errorf("%v allocations for no hooks", n)
	}
}

func TestStdoutGoesWhereTold(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	err = Run(context.Background(), sh("echo out"), "hooks.poststart[0]", testState, Options{Stdout: w, Dir: "/"})
	w.Close()
	buf := make([]byte, 10)
	n, _ := r.Read(buf)
	if err != nil || string(buf[:n]) != "out\n" {
		t.Errorf("%q, %v", buf[:n], err)
	}
}

func TestPrepareRefuses(t *testing.T) {
	zero, neg := 0, -1
	for _, c := range []struct {
		hook  specs.Hook
		field string
	}{
		{specs.Hook{Path: "bin/x"}, "h.path"},
		{specs.Hook{}, "h.path"},
		{specs.Hook{Path: "/x\x00"}, "h.path"},
		{specs.Hook{Path: "/x", Args: []string{"x", "a\x00b"}}, "h.args[1]"},
		{specs.Hook{Path: "/x", Env: []string{"A=1", "B"}}, "h.env[1]"},
		{specs.Hook{Path: "/x", Env: []string{"=1"}}, "h.env[0]"},
		{specs.Hook{Path: "/x", Env: []string{"A=\x00"}}, "h.env[0]"},
		{specs.Hook{Path: "/x", Timeout: &zero}, "h.timeout"},
		{specs.Hook{Path: "/x", Timeout: &neg}, "h.timeout"},
	} {
		_, err := Prepare(c.hook, "h", nil)
		var e *errdetail.Error
		if !errors.As(err, &e) || e.Field != c.field {
			t.Errorf("%+v: %v, want field %s", c.hook, err, c.field)
		}
	}
	p, err := Prepare(specs.Hook{Path: "/x"}, "h", nil)
	if err != nil || len(p.Argv) != 1 || p.Argv[0] != "/x" || p.Env == nil || p.Timeout != 0 {
		t.Errorf("%+v, %v", p, err)
	}
}

// Nor may a daemon that holds the hook's stdin, with more state than the pipe takes.
func TestDaemonHoldingStdin(t *testing.T) {
	pidFile := filepath.Join(t.TempDir(), "pid")
	big := *testState
	big.Annotations = map[string]string{"a": strings.Repeat("x", 1<<20)}
	begin := time.Now()
	err := Run(context.Background(), sh("exec 3<&0; /bin/sleep 20 <&3 2>/dev/null & echo $! >"+pidFile),
		"hooks.createRuntime[0]", &big, Options{})
	if b, rerr := os.ReadFile(pidFile); rerr == nil {
		pid, _ := strconv.Atoi(strings.TrimSpace(string(b)))
		defer syscall.Kill(pid, syscall.SIGKILL)
	}
	if d := time.Since(begin); err != nil || d > 5*time.Second {
		t.Errorf("%v after %v", err, d)
	}
}

// What was written just before the hook ended is in the pipe, not yet read, when the reader is
// told to stop.
func TestDrainTakesWhatIsLeft(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if _, err := w.WriteString("left over"); err != nil {
		t.Fatal(err)
	}
	_ = r.SetReadDeadline(time.Now())
	tail := &tailBuffer{}
	tail.readFrom(r)
	tail.drain(r)
	if tail.text() != "left over" {
		t.Errorf("got %q", tail.text())
	}
}
