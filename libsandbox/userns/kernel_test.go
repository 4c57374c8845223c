// Tests on the running kernel: real children in real user namespaces, as root and, in a copy of
// the test program run as nobody, without privileges.

package userns

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// child starts a process in a new user namespace without maps.
func child(t *testing.T) int {
	t.Helper()
	cmd := exec.Command("/bin/sleep", "60")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER, Pdeathsig: unix.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd.Process.Pid
}

func mapOf(t *testing.T, pid int, file string) []idmap {
	t.Helper()
	got, err := readMap("/proc/" + strconv.Itoa(pid) + "/" + file)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func setgroupsOf(pid int) string {
	b, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/setgroups")
	return strings.TrimSpace(string(b))
}

func needRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: writes maps with CAP_SETUID")
	}
}

func TestWriteAsRoot(t *testing.T) {
	needRoot(t)
	pid := child(t)
	uid := []idmap{m(0, 100000, 1000), m(1000, 0, 1), m(1001, 200000, 5)}
	gid := []idmap{m(0, 300000, 7)}
	if err := Write(context.Background(), pid, uid, gid); err != nil {
		t.Fatal(err)
	}
	if got := mapOf(t, pid, "uid_map"); !reflect.DeepEqual(got, uid) {
		t.Errorf("uid_map %v", got)
	}
	if got := mapOf(t, pid, "gid_map"); !reflect.DeepEqual(got, gid) {
		t.Errorf("gid_map %v", got)
	}
	if s := setgroupsOf(pid); s != "allow" {
		t.Errorf("setgroups %q", s)
	}
	err := Write(context.Background(), pid, uid, gid)
	if !errors.Is(err, unix.EPERM) || !strings.HasPrefix(err.Error(), "linux.uidMappings: map ids: write(/proc/") {
		t.Errorf("a second write: %v", err)
	}
}

func TestIdentity(t *testing.T) {
	needRoot(t)
	uid, gid, err := Identity()
	if err != nil {
		t.Fatal(err)
	}
	pid := child(t)
	if err := Write(context.Background(), pid, uid, gid); err != nil {
		t.Fatal(err)
	}
	if got := mapOf(t, pid, "uid_map"); !reflect.DeepEqual(got, uid) {
		t.Errorf("%v, want %v", got, uid)
	}
}

func TestWriteToNobody(t *testing.T) {
	err := Write(context.Background(), 1<<30, []idmap{m(0, 0, 1)}, nil)
	if !errors.Is(err, unix.ENOENT) {
		t.Errorf("got %v", err)
	}
}

func TestAllowedHere(t *testing.T) {
	v := Allowed()
	cmd := exec.Command("/bin/true")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER}
	if err := cmd.Run(); (err == nil) != (v.Err == nil) {
		t.Errorf("%+v, but a real attempt says %v", v, err)
	}
}

// TestUnprivileged runs the tests named Inside... as nobody, with an /etc of their own that grants
// nobody ranges.
func TestUnprivileged(t *testing.T) {
	needRoot(t)
	if _, err := exec.LookPath("newuidmap"); err != nil {
		t.Skip("newuidmap is not installed (package uidmap)")
	}
	dir, err := os.MkdirTemp("", "userns")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	prog := filepath.Join(dir, "test")
	copyProgram(t, prog)
	script := `set -e
mount -t tmpfs t /mnt; chmod 755 /mnt
for f in passwd group login.defs nsswitch.conf; do cp -a /etc/$f /mnt/; done
echo nobody:100000:65536 >/mnt/subuid; echo nobody:200000:65536 >/mnt/subgid
mount --bind /mnt /etc
cd /
exec setpriv --reuid 65534 --regid 65534 --clear-groups "$0" -test.run '^TestInside' -test.v`
	cmd := exec.Command("unshare", "-m", "/bin/sh", "-c", script, prog)
	cmd.Env = append(os.Environ(), "USERNS_INSIDE=1")
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Count(string(out), "--- PASS") != 4 {
		t.Errorf("%v\n%s", err, out)
	}
}

func copyProgram(t *testing.T, to string) {
	t.Helper()
	in, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

func inside(t *testing.T) {
	if os.Getenv("USERNS_INSIDE") == "" {
		t.Skip("run by TestUnprivileged as nobody")
	}
}

func TestInsideOwnID(t *testing.T) {
	inside(t)
	pid := child(t)
	own := []idmap{m(0, 65534, 1)}
	if err := Write(context.Background(), pid, own, own); err != nil {
		t.Fatal(err)
	}
	if s := setgroupsOf(pid); s != "deny" {
		t.Errorf("setgroups %q", s)
	}
	if got := mapOf(t, pid, "gid_map"); !reflect.DeepEqual(got, own) {
		t.Errorf("gid_map %v", got)
	}
}

func TestInsideAutoMappings(t *testing.T) {
	inside(t)
	uid, gid, err := AutoMappings()
	if err != nil {
		t.Fatal(err)
	}
	want := []idmap{m(0, 65534, 1), m(1, 100000, 65536)}
	if !reflect.DeepEqual(uid, want) {
		t.Errorf("uid %v", uid)
	}
	pid := child(t)
	if err := Write(context.Background(), pid, uid, gid); err != nil {
		t.Fatal(err)
	}
	if got := mapOf(t, pid, "gid_map"); !reflect.DeepEqual(got, []idmap{m(0, 65534, 1), m(1, 200000, 65536)}) {
		t.Errorf("gid_map %v", got)
	}
	if s := setgroupsOf(pid); s != "allow" {
		t.Errorf("setgroups %q", s)
	}
}

func TestInsideRangeNotGranted(t *testing.T) {
	inside(t)
	pid := child(t)
	err := Write(context.Background(), pid, []idmap{m(0, 65534, 1), m(1, 150000, 65536)}, nil)
	want := "linux.uidMappings[1] asks for host ids 150000 to 215535, which /etc/subuid does not grant to nobody: add the line nobody:150000:65536 there"
	if err == nil || !strings.HasPrefix(err.Error(), "linux.uidMappings: map ids with ") || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %v", err)
	}
}

func TestInsideToolMissing(t *testing.T) {
	inside(t)
	t.Setenv("PATH", "/nonexistent")
	err := Write(context.Background(), child(t), nil, []idmap{m(0, 65534, 1), m(1, 200000, 5)})
	if err == nil || !strings.HasPrefix(err.Error(), "linux.gidMappings: ") || !strings.Contains(err.Error(), "install it (package uidmap") {
		t.Errorf("got %v", err)
	}
	uid, _, err := AutoMappings()
	if err != nil || !reflect.DeepEqual(uid, []idmap{m(0, 65534, 1)}) {
		t.Errorf("auto mappings without the tools: %v, %v", uid, err)
	}
}
