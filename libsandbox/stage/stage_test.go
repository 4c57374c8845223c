// Tests of the machine code: plans run as real processes. On another architecture than the
// kernel's, set STAGE_RUNNER to an emulator (qemu-aarch64).

package stage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/plan"
	"golang.org/x/sys/unix"
)

// run links p and executes it; it returns its output and exit code.
func run(t *testing.T, p *plan.Plan) (string, int) {
	t.Helper()
	elf, err := p.Link(Code())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "stage")
	if err := os.WriteFile(file, elf, 0o755); err != nil {
		t.Fatal(err)
	}
	argv := []string{file}
	if r := os.Getenv("STAGE_RUNNER"); r != "" {
		argv = []string{r, file}
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func exit(p *plan.Plan, code plan.Arg) { p.Sys(unix.SYS_EXIT_GROUP, "exit_group", code) }

func TestResultsAndRegisters(t *testing.T) {
	p := plan.New()
	n := p.Reg("n")
	p.Sys(unix.SYS_WRITE, "write", plan.Int(1), p.Str("hello\n"), plan.Int(6)).To(n)
	exit(p, n.Val())
	if out, code := run(t, p); out != "hello\n" || code != 6 {
		t.Errorf("printed %q, exit code %d, want the result of write", out, code)
	}
}

func TestSixArguments(t *testing.T) {
	p := plan.New()
	addr := p.Reg("addr")
	// mmap takes all six; a wrong one makes it fail.
	p.Sys(unix.SYS_MMAP, "mmap", plan.Int(0), plan.Int(4096), plan.Int(unix.PROT_READ|unix.PROT_WRITE),
		plan.Int(unix.MAP_PRIVATE|unix.MAP_ANONYMOUS), plan.Int(-1), plan.Int(0)).To(addr)
	p.Sys(unix.SYS_MUNMAP, "munmap", addr.Val(), plan.Int(4096))
	exit(p, plan.Int(7))
	fail := p.Here()
	exit(p, plan.Int(1))
	p.OnFail(fail)
	if _, code := run(t, p); code != 7 {
		t.Errorf("exit code %d", code)
	}
}

func TestErrnoRules(t *testing.T) {
	// open fails with ENOENT; each case lists errnos and says where the plan must end.
	for _, c := range []struct {
		name string
		on   []syscall.Errno
		want int
	}{
		{"first", []syscall.Errno{syscall.ENOENT}, 10},
		{"fourth", []syscall.Errno{syscall.EPERM, syscall.EIO, syscall.EEXIST, syscall.ENOENT}, 10},
		{"other", []syscall.Errno{syscall.EPERM}, 20},
		{"any", []syscall.Errno{plan.AnyErrno}, 10},
		{"none", nil, 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := plan.New()
			matched, failed := p.NewLabel(), p.NewLabel()
			s := p.Sys(unix.SYS_OPENAT, "openat", plan.Int(unix.AT_FDCWD), p.Str("/does/not/exist"), plan.Int(0))
			if c.on != nil {
				s.On(matched, c.on...)
			}
			exit(p, plan.Int(30))
			p.Place(matched)
			exit(p, plan.Int(10))
			p.Place(failed)
			exit(p, plan.Int(20))
			p.OnFail(failed)
			if _, code := run(t, p); code != c.want {
				t.Errorf("exit code %d, want %d", code, c.want)
			}
		})
	}
}

func TestZeroJumpAndMove(t *testing.T) {
	p := plan.New()
	cwd := p.Reg("cwd")
	zero := p.NewLabel()
	p.Move(cwd, plan.Int(unix.AT_FDCWD)) // looks like an errno and is none
	p.Sys(plan.Move, "test", plan.Int(0)).IfZero(zero)
	exit(p, plan.Int(1))
	p.Place(zero)
	p.Sys(unix.SYS_OPENAT, "openat", cwd.Val(), p.Str("/"), plan.Int(unix.O_PATH))
	exit(p, plan.Int(5))
	fail := p.Here()
	exit(p, plan.Int(2))
	p.OnFail(fail)
	if _, code := run(t, p); code != 5 {
		t.Errorf("exit code %d", code)
	}
}

func TestOwnFailHandlerAndRecord(t *testing.T) {
	p := plan.New()
	own, def := p.NewLabel(), p.NewLabel()
	p.Section("root.path", "", "close what is not open")
	p.Sys(unix.SYS_CLOSE, "close", plan.Int(-1)).Fail(own)
	exit(p, plan.Int(1))
	p.Place(own)
	p.Sys(unix.SYS_WRITE, "write", plan.Int(1), plan.Ptr(plan.RecordAddr(), "record"), plan.Int(plan.RecordSize))
	exit(p, plan.Int(3))
	p.Place(def)
	exit(p, plan.Int(4))
	p.OnFail(def)
	out, code := run(t, p)
	if code != 3 || len(out) != plan.RecordSize {
		t.Fatalf("exit code %d, record %q", code, out)
	}
	if errno := binary.LittleEndian.Uint64([]byte(out)[8:]); errno != uint64(syscall.EBADF) {
		t.Errorf("errno %d in the record", errno)
	}
	err := Decode(p, []byte(out))
	var se *StepError
	if !errors.As(err, &se) || se.Step != 0 || !errors.Is(err, syscall.EBADF) {
		t.Errorf("decoded as %v", err)
	}
	if want := "root.path: close what is not open: close(-1): bad file descriptor"; err.Error() != want {
		t.Errorf("text %q, want %q", err, want)
	}
}

func TestCodeIsSmallAndSelfContained(t *testing.T) {
	if n := len(Code()); n < 100 || n > 400 {
		t.Errorf("%d bytes of code", n)
	}
	if !bytes.Equal(Code(), Code()) {
		t.Error("the code changes")
	}
}

func TestImageIsSealed(t *testing.T) {
	f, err := Image([]byte("x"), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	seals, err := unix.FcntlInt(f.Fd(), unix.F_GET_SEALS, 0)
	if err != nil {
		t.Fatal(err)
	}
	const all = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE
	if seals != all {
		t.Errorf("seals %#x, want %#x", seals, all)
	}
	if _, err := f.WriteAt([]byte("y"), 0); !errors.Is(err, syscall.EPERM) {
		t.Errorf("writing to a sealed image: %v", err)
	}
}

// TestFileImage is the way where vm.memfd_noexec=2 refuses memory files.
func TestFileImage(t *testing.T) {
	if os.Getenv("STAGE_RUNNER") != "" {
		t.Skip("an emulator cannot execute a descriptor")
	}
	p := plan.New()
	exit(p, plan.Int(9))
	elf, err := p.Link(Code())
	if err != nil {
		t.Fatal(err)
	}
	f, err := FileImage(elf, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cmd := exec.Command(ProcFD(3))
	cmd.ExtraFiles = []*os.File{f}
	_ = cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code != 9 {
		t.Errorf("exit code %d", code)
	}
}

func TestTalk(t *testing.T) {
	if os.Getenv("STAGE_RUNNER") != "" {
		t.Skip("an emulator cannot execute a descriptor")
	}
	p := plan.New()
	msg := p.Words(5, 77)
	ack := p.Zero(8)
	gone := p.NewLabel()
	p.Section("process.cwd", "", "close what is not open")
	p.Sys(unix.SYS_WRITE, "write", plan.Int(0), plan.Ptr(msg, "m"), plan.Int(16))
	p.Sys(unix.SYS_READ, "read", plan.Int(0), plan.Ptr(ack, "a"), plan.Int(8)).IfZero(gone)
	p.Sys(unix.SYS_CLOSE, "close", plan.Int(-1))
	p.Place(gone)
	exit(p, plan.Int(0))
	fail := p.Here()
	p.Sys(unix.SYS_WRITE, "write", plan.Int(0), plan.Ptr(plan.RecordAddr(), "record"), plan.Int(plan.RecordSize))
	exit(p, plan.Int(1))
	p.OnFail(fail)
	pr, err := Start(p, Options{CgroupFD: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer pr.Close()
	defer pr.Kill()
	ev, err := pr.Wait()
	if err != nil || ev.ID != 5 || ev.Value != 77 {
		t.Fatalf("event %+v, %v", ev, err)
	}
	if err := pr.Ack(1); err != nil {
		t.Fatal(err)
	}
	if _, err := pr.Wait(); !errors.Is(err, syscall.EBADF) || !strings.Contains(err.Error(), "process.cwd") {
		t.Errorf("failure reported as %v", err)
	}
	if _, err := pr.Wait(); !errors.Is(err, ErrGone) {
		t.Errorf("after the end: %v", err)
	}
}
