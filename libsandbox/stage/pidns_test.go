// Processes started in another PID namespace.

package stage

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/plan"
	"golang.org/x/sys/unix"
)

const pidnsHelper = "STAGE_TEST_IN_USERNS"

// The process is born in the namespace, and what this program starts later is not.
func TestPidNS(t *testing.T) {
	if os.Geteuid() != 0 && os.Getenv(pidnsHelper) == "" {
		t.Skip("needs root: an ordinary user may not join a PID namespace")
	}
	if os.Getenv("STAGE_RUNNER") != "" {
		t.Skip("an emulator does not know clone's flags for namespaces")
	}
	// No Pdeathsig: it is sent when the thread ends that has started the holder, and Start ends one.
	holder := exec.Command("sleep", "1000")
	holder.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	defer holder.Wait()
	defer holder.Process.Kill()
	ns, err := os.Open("/proc/" + strconv.Itoa(holder.Process.Pid) + "/ns/pid")
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	p := plan.New()
	pid := p.Reg("pid")
	p.Sys(unix.SYS_GETPID, "getpid").To(pid)
	exit(p, pid.Val())
	pr, err := Start(p, Options{CgroupFD: -1, PidNS: ns})
	if err != nil {
		t.Fatal(err)
	}
	defer pr.Close()
	var ws unix.WaitStatus
	if _, err := unix.Wait4(pr.Pid, &ws, 0, nil); err != nil {
		t.Fatal(err)
	}
	if ws.ExitStatus() != 2 {
		t.Errorf("it was process %d of the namespace, want 2", ws.ExitStatus())
	}
	own, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		later, err := exec.Command("readlink", "/proc/self/ns/pid").Output()
		if err != nil || strings.TrimSpace(string(later)) != own {
			t.Fatalf("a later child is in %s (%v), this process is in %s", later, err, own)
		}
	}
}

// Root of a user namespace may join the PID namespaces that it has made, but not return to the
// host's, in which it is.
func TestPidNSOfUserNS(t *testing.T) {
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestPidNS$", "-test.v")
	cmd.Env = append(os.Environ(), pidnsHelper+"=1")
	one := func(id int) []syscall.SysProcIDMap { return []syscall.SysProcIDMap{{HostID: id, Size: 1}} }
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER,
		UidMappings: one(os.Getuid()), GidMappings: one(os.Getgid())}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Skip("this host does not let this user make user namespaces: ", err)
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
