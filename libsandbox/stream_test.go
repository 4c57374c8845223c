// Streams, and many sandboxes at once.

package libsandbox

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestStreamOrderAndEnd(t *testing.T) {
	s, err := StartStream(context.Background(), ProcessConfig{Program: "sh",
		Args: []string{"-c", "i=0; while [ $i -lt 500 ]; do echo $i; echo e$i >&2; i=$((i+1)); done; exit 3"}})
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	var last Event
	for e := range s.All() {
		switch last = e; e.Kind {
		case StdoutEvent:
			out.Write(e.Data)
		case StderrEvent:
			errs.Write(e.Data)
		}
	}
	var wantOut, wantErr strings.Builder
	for i := range 500 {
		fmt.Fprintf(&wantOut, "%d\n", i)
		fmt.Fprintf(&wantErr, "e%d\n", i)
	}
	if out.String() != wantOut.String() || errs.String() != wantErr.String() {
		t.Errorf("stdout %d bytes, stderr %d bytes, not in order", out.Len(), errs.Len())
	}
	if last.Kind != ExitEvent || last.Result == nil || last.Result.ExitCode != 3 {
		t.Errorf("the last event is %+v", last)
	}
	if _, err := s.Next(); err != io.EOF {
		t.Errorf("after the end: %v", err)
	}
}

func TestStreamTry(t *testing.T) {
	s, err := StartStream(context.Background(), ProcessConfig{Program: "sleep", Args: []string{"60"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := s.Try(); ok || err != nil {
		t.Errorf("an event from a silent program: %v %v", ok, err)
	}
	begin := time.Now()
	s.Close()
	if d := time.Since(begin); d > 20*time.Second {
		t.Errorf("Close took %v", d)
	}
}

// TestStreamBackpressure: what nobody receives is not produced, and takes no memory.
func TestStreamBackpressure(t *testing.T) {
	s, err := StartStream(context.Background(), ProcessConfig{Program: "sh", Args: []string{"-c", "yes | head -c 10000000000"}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var before, after runtime.MemStats
	for deadline := time.Now().Add(20 * time.Second); len(s.events) < pending && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
	runtime.ReadMemStats(&before)
	time.Sleep(300 * time.Millisecond)
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 8<<20 {
		t.Errorf("the heap has grown by %d bytes while nobody received", grown)
	}
	if n := len(s.events); n != pending {
		t.Errorf("%d pieces wait, want %d", n, pending)
	}
}

func TestStats(t *testing.T) {
	asRootAndUser(t, func(t *testing.T) {
		cmd := Command("sh", "-c", "x=$(head -c 20000000 /dev/zero | tr '\\0' a); sleep 1000 & sleep 1000 & wait")
		cmd.Limits = Limits{Memory: 1 << 30}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		waited := make(chan error, 1)
		go func() { waited <- cmd.Wait() }()
		var most Stats
		late := time.AfterFunc(30*time.Second, func() { _ = cmd.Process.Kill() })
		defer late.Stop()
		for s := range cmd.Process.Stats(context.Background(), 5*time.Millisecond) { // until it is closed
			most.Memory, most.CPU, most.Pids = max(most.Memory, s.Memory), max(most.CPU, s.CPU), max(most.Pids, s.Pids)
			if most.Memory >= 20000000 && most.CPU > 0 && most.Pids >= 4 {
				_ = cmd.Process.Kill()
			}
			if os.Geteuid() == 0 && s.Cgroup == nil {
				t.Errorf("no cgroup's figures: %+v", s)
			}
		}
		if err := <-waited; err == nil || err.Error() != "signal: killed" {
			t.Errorf("Wait: %v", err)
		}
		if most.Memory < 20000000 || most.CPU == 0 || most.Pids < 4 {
			t.Errorf("at most %+v", most)
		}
	})
}
