// How fast a sandbox is ended, and that nothing of it survives.

package libsandbox

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// stubborn is a script whose processes ignore every signal that can be ignored, leave the session
// and hold the output open. Each says a byte when it is there.
const stubborn = `trap '' TERM HUP INT QUIT
i=0; while [ $i -lt 20 ]; do setsid sh -c 'printf x; exec sleep 1000' & i=$((i+1)); done; sleep 1000; sleep 1000`

// quick is how long the end of a sandbox may take. On a loaded machine a single measurement says
// more about its scheduler, so the best of several counts.
const (
	quick    = 100 * time.Millisecond
	attempts = 20
)

func TestKillIsQuick(t *testing.T) {
	asRootAndUser(t, func(t *testing.T) {
		ways := []Namespace{0}
		if os.Geteuid() == 0 {
			ways = append(ways, NamespacePID) // without a PID namespace it is the cgroup that is killed
		}
		for _, share := range ways {
			best := time.Hour
			for range attempts {
				if best = min(best, timeToKill(t, share)); best < quick {
					break
				}
			}
			if best >= quick {
				t.Errorf("sharing %d: from kill to the return of Wait: %v at best, want less than %v", share, best, quick)
			}
		}
	})
}

func timeToKill(t *testing.T, share Namespace) time.Duration {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	cmd := CommandContext(ctx, "sh", "-c", stubborn)
	cmd.Share = share
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, 20)); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	cancel()
	err = cmd.Wait()
	took := time.Since(begin)
	if !errors.Is(err, context.Canceled) || !cmd.Result.Canceled {
		t.Errorf("Wait: %v %+v", err, cmd.Result)
	}
	return took
}

// TestTimeoutIsQuick: the same for Timeout, which counts from the start of the program.
func TestTimeoutIsQuick(t *testing.T) {
	asRootAndUser(t, func(t *testing.T) {
		const timeout = 200 * time.Millisecond
		best := time.Hour
		for range attempts {
			out, r := sh(t, ProcessConfig{Timeout: timeout}, "trap '' TERM; setsid sleep 1000 & sleep 1000; sleep 1000")
			if !r.TimedOut || r.Code() != 137 || strings.Contains(out, "Terminated") {
				t.Fatalf("%q %+v", out, r)
			}
			if r.Wall < timeout {
				t.Fatalf("ended early, after %v", r.Wall)
			}
			if best = min(best, r.Wall-timeout); best < quick {
				return
			}
		}
		t.Errorf("ended %v after its time was up, at best; want less than %v", best, quick)
	})
}

// TestCancelDuringSetup gives up at every moment of the set-up: Execute returns at once, and nothing is left.
func TestCancelDuringSetup(t *testing.T) {
	asRootAndUser(t, func(t *testing.T) {
		if out, err := Command("true").CombinedOutput(); err != nil {
			t.Fatalf("%s %v", out, err)
		}
		before := holds(t)
		for i := range 150 {
			ctx, cancel := context.WithTimeout(context.Background(), time.Duration(i)*100*time.Microsecond)
			begin := time.Now()
			r, err := Execute(ctx, ProcessConfig{Program: "sleep", Args: []string{"600"}})
			cancel()
			if err == nil && !r.Canceled || err != nil && !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("after %v: %+v %v", time.Duration(i)*100*time.Microsecond, r, err)
			}
			if took := time.Since(begin); took > time.Minute {
				t.Fatalf("took %v", took)
			}
		}
		nothingLeft(t, before)
	})
}

// TestCancelBeforeWait: a context that ends while somebody still reads the output, as os/exec has it: Cancel is
// called then, not only by Wait.
func TestCancelBeforeWait(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	cmd := CommandContext(ctx, "sh", "-c", "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.05; done")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = time.Minute
	late := time.AfterFunc(30*time.Second, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var ready [6]byte
	if _, err := io.ReadFull(out, ready[:]); err != nil {
		t.Fatal(err)
	}
	cancel()
	rest, err := io.ReadAll(out)
	if err != nil || string(rest) != "bye\n" {
		t.Errorf("read %q, %v, want what the program says to SIGTERM", rest, err)
	}
	if err := cmd.Wait(); !errors.Is(err, context.Canceled) || cmd.Result.ExitCode != 0 {
		t.Errorf("Wait: %v %+v", err, cmd.Result)
	}
}
