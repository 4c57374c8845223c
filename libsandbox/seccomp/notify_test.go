package seccomp

import (
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// TestHandOver: the agent gets one descriptor and the state, also by a path that is too long for
// a socket's address.
func TestHandOver(t *testing.T) {
	for _, dir := range []string{t.TempDir(), filepath.Join(t.TempDir(), strings.Repeat("d", 120))} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		short := filepath.Join(t.TempDir(), "s")
		if err := os.Symlink(dir, short); err != nil {
			t.Fatal(err)
		}
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: short + "/agent", Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		state := specs.ContainerProcessState{Version: "1.3.0", Pid: 42, Metadata: strings.Repeat("m", 300000), State: specs.State{ID: "c", Status: specs.StateCreating}}
		done := make(chan error, 1)
		go func() { done <- HandOver(filepath.Join(dir, "agent"), state, r, 5*time.Second) }()
		conn, err := l.AcceptUnix()
		if err != nil {
			t.Fatal(err)
		}
		got, fds := receive(t, conn)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		var s specs.ContainerProcessState
		if err := json.Unmarshal(got, &s); err != nil {
			t.Fatal(err)
		}
		if len(s.Fds) != 1 || s.Fds[0] != "seccompFd" || s.Pid != 42 || len(s.Metadata) != 300000 || s.State.ID != "c" {
			t.Errorf("state %v, pid %d, %d bytes of metadata", s.Fds, s.Pid, len(s.Metadata))
		}
		if len(fds) != 1 {
			t.Fatalf("%d descriptors", len(fds))
		}
		defer unix.Close(fds[0])
		var a, b unix.Stat_t
		if unix.Fstat(fds[0], &a) != nil || unix.Fstat(int(r.Fd()), &b) != nil || a.Ino != b.Ino {
			t.Error("another descriptor arrived")
		}
	}
}

// receive reads to the end of a connection.
func receive(t *testing.T, conn *net.UnixConn) (text []byte, fds []int) {
	t.Helper()
	buf, oob := make([]byte, 64<<10), make([]byte, 1024)
	for {
		n, on, _, _, err := conn.ReadMsgUnix(buf, oob)
		msgs, _ := unix.ParseSocketControlMessage(oob[:on])
		for _, m := range msgs {
			list, _ := unix.ParseUnixRights(&m)
			fds = append(fds, list...)
		}
		text = append(text, buf[:n]...)
		if n == 0 || err != nil {
			return text, fds
		}
	}
}

// TestHandOverFails: no agent, and one that never reads, are errors within the time given.
func TestHandOverFails(t *testing.T) {
	dir := t.TempDir()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if err := HandOver(filepath.Join(dir, "none"), specs.ContainerProcessState{}, null, time.Second); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("no agent: %v", err)
	}
	if err := HandOver("relative", specs.ContainerProcessState{}, null, time.Second); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("relative path: %v", err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "agent"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	start := time.Now()
	state := specs.ContainerProcessState{Metadata: strings.Repeat("m", 4<<20)}
	if err := HandOver(filepath.Join(dir, "agent"), state, null, 100*time.Millisecond); !errors.Is(err, syscall.EAGAIN) {
		t.Errorf("an agent that does not read: %v", err)
	}
	if d := time.Since(start); d > 3*time.Second {
		t.Errorf("gave up after %v", d)
	}
}

func TestParseKill(t *testing.T) {
	const line = `5,916,7087644412,-;audit: type=1326 audit(1795442483.745:17): auid=4294967295 uid=0 gid=0 ses=4294967295 pid=11277 comm="call" exe="/x" sig=31 arch=c000003e syscall=165 compat=0 ip=0x40009d code=0x80000000` + "\n"
	for _, c := range []struct {
		name, record string
		pid          int
		oldest       int64
		want         string
	}{
		{"as it is", line, 11277, 0, "mount (165, SCMP_ARCH_X86_64)"},
		{"another process", line, 1127, 0, ""},
		{"too old", line, 11277, 7087644413, ""},
		{"another record", strings.Replace(line, "1326", "1300", 1), 11277, 0, ""},
		{"only logged", strings.Replace(line, "0x80000000", "0x7ffc0000", 1), 11277, 0, ""},
		{"errno", strings.Replace(line, "0x80000000", "0x50001", 1), 11277, 0, ""},
		{"no code", strings.Replace(line, " code=0x80000000", "", 1), 11277, 0, ""},
		{"i386", strings.NewReplacer("c000003e", "40000003", "=165", "=21").Replace(line), 11277, 0, "mount (21, SCMP_ARCH_X86)"},
		{"no name", strings.Replace(line, "=165", "=9999", 1), 11277, 0, "unknown (9999, SCMP_ARCH_X86_64)"},
		{"trapped, with the flag LOG", strings.Replace(line, "0x80000000", "0x30000", 1), 11277, 0, "mount (165, SCMP_ARCH_X86_64)"},
		{"not a record", "audit: type=1326 pid=11277", 11277, 0, ""},
	} {
		k, ok := parseKill(c.record, c.pid, c.oldest)
		if ok != (c.want != "") || ok && k.String() != c.want {
			t.Errorf("%s: %v %v, want %q", c.name, k, ok, c.want)
		}
	}
}
