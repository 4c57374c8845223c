package seccomp

import (
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// tinyELF writes an executable without any library that makes one system call and exits with
// the error number it got, 0 for none. It is a 64-bit program; with i386 it makes the
// call through int $0x80, which the kernel reports as an i386 call.
func tinyELF(t *testing.T, i386 bool, nr uint32, a0, a1, a2 uint64) string {
	t.Helper()
	var code []byte
	imm64 := func(op byte, v uint64) { // mov imm64 to a register
		code = append(code, 0x48, op)
		code = binary.LittleEndian.AppendUint64(code, v)
	}
	if i386 {
		imm64(0xbb, a0) // rbx
		imm64(0xb9, a1) // rcx
		imm64(0xba, a2) // rdx
	} else {
		imm64(0xbf, a0) // rdi
		imm64(0xbe, a1) // rsi
		imm64(0xba, a2) // rdx
	}
	code = append(code, 0xb8) // mov eax, nr
	code = binary.LittleEndian.AppendUint32(code, nr)
	if i386 {
		code = append(code, 0xcd, 0x80)
	} else {
		code = append(code, 0x0f, 0x05)
	}
	code = append(code,
		0x31, 0xff, // xor edi, edi
		0x85, 0xc0, // test eax, eax
		0x79, 0x04, // jns exit
		0x89, 0xc7, // mov edi, eax
		0xf7, 0xdf, // neg edi
		0xb8, 60, 0, 0, 0, // exit: mov eax, SYS_exit
		0x0f, 0x05)
	const base = 0x400000
	elf := make([]byte, 120)
	copy(elf, "\x7fELF\x02\x01\x01")
	le := binary.LittleEndian
	le.PutUint16(elf[16:], 2)  // ET_EXEC
	le.PutUint16(elf[18:], 62) // EM_X86_64
	le.PutUint32(elf[20:], 1)
	le.PutUint64(elf[24:], base+120)
	le.PutUint64(elf[32:], 64)
	le.PutUint16(elf[52:], 64)
	le.PutUint16(elf[54:], 56)
	le.PutUint16(elf[56:], 1)
	le.PutUint32(elf[64:], 1) // PT_LOAD
	le.PutUint32(elf[68:], 5) // R+X
	le.PutUint64(elf[80:], base)
	le.PutUint64(elf[88:], base)
	le.PutUint64(elf[96:], uint64(120+len(code)))
	le.PutUint64(elf[104:], uint64(120+len(code)))
	le.PutUint64(elf[112:], 0x1000)
	path := filepath.Join(t.TempDir(), "call")
	if err := os.WriteFile(path, append(elf, code...), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

const killed = -int(unix.SIGSYS)

// ended is the exit code, or minus the signal.
func ended(cmd *exec.Cmd) int {
	if ws := cmd.ProcessState.Sys().(syscall.WaitStatus); ws.Signaled() {
		return -int(ws.Signal())
	}
	return cmd.ProcessState.ExitCode()
}

// hasI386 says whether this kernel runs int $0x80.
func hasI386(t *testing.T) bool {
	err := exec.Command(tinyELF(t, true, 20, 0, 0, 0)).Run()
	var e *exec.ExitError
	return err == nil || !errors.As(err, &e)
}

// kernelProfile has each action and each kind of comparison.
func kernelProfile() *specs.LinuxSeccomp {
	arg := func(i uint, o specs.LinuxSeccompOperator, v, w uint64) []specs.LinuxSeccompArg {
		return []specs.LinuxSeccompArg{{Index: i, Op: o, Value: v, ValueTwo: w}}
	}
	rule := func(a specs.LinuxSeccompAction, errno uint, args []specs.LinuxSeccompArg, names ...string) specs.LinuxSyscall {
		s := specs.LinuxSyscall{Names: names, Action: a, Args: args}
		if errno != 0 {
			s.ErrnoRet = &errno
		}
		return s
	}
	return &specs.LinuxSeccomp{DefaultAction: specs.ActErrno, DefaultErrnoRet: uintp(99), Architectures: []specs.Arch{specs.ArchX86},
		Syscalls: []specs.LinuxSyscall{
			rule(specs.ActAllow, 0, nil, "execve", "exit", "getpid", "openat2"),
			rule(specs.ActErrno, 41, nil, "chroot"),
			rule(specs.ActErrno, 42, arg(0, specs.OpEqualTo, 0x100000005, 0), "kcmp"),
			rule(specs.ActErrno, 43, arg(0, specs.OpGreaterThan, 0x200000000, 0), "kcmp"),
			rule(specs.ActErrno, 44, arg(1, specs.OpMaskedEqual, 0xf0000000f, 0x300000001), "kcmp"),
			rule(specs.ActErrno, 45, arg(2, specs.OpLessEqual, 7, 0), "kcmp"),
			rule(specs.ActKillProcess, 0, nil, "acct"),
			rule(specs.ActKillThread, 0, nil, "mount"),
			rule(specs.ActTrap, 0, nil, "umount2"),
			rule(specs.ActTrace, 0, nil, "sync"),
			rule(specs.ActLog, 0, nil, "getppid"),
		}}
}

// TestKernel makes calls under filters that the kernel has loaded.
func TestKernel(t *testing.T) {
	p := kernelProfile()
	f, err := Compile(p, Options{})
	if err != nil {
		t.Fatal(err)
	}
	const kcmp, big = 312, 1 << 63
	i386 := hasI386(t)
	if !i386 {
		t.Log("the cases of i386 calls are left out: this kernel was built without IA32_EMULATION, or does not start 32-bit calls")
	}
	for _, c := range []struct {
		what   string
		i386   bool
		nr     uint32
		args   [3]uint64
		expect int
	}{
		{"allowed", false, 39, [3]uint64{}, 0},
		{"default action", false, 40, [3]uint64{}, 99},
		{"errnoRet", false, 161, [3]uint64{}, 41},
		{"equal, 64 bits", false, kcmp, [3]uint64{0x100000005, 0, 8}, 42},
		{"upper half differs", false, kcmp, [3]uint64{5, 0, 8}, 99},
		{"greater by the upper half", false, kcmp, [3]uint64{0x300000000, 0, 8}, 43},
		{"greater by the lower half", false, kcmp, [3]uint64{0x200000001, 0, 8}, 43},
		{"not greater", false, kcmp, [3]uint64{0x200000000, 0, 8}, 99},
		{"unsigned", false, kcmp, [3]uint64{big, 0, 8}, 43},
		{"masked", false, kcmp, [3]uint64{0, 0x300000001, 8}, 44},
		{"less or equal", false, kcmp, [3]uint64{0, 0, 7}, 45},
		{"not less or equal, upper half", false, kcmp, [3]uint64{0, 0, 0x100000000}, 99},
		{"kill process", false, 163, [3]uint64{}, killed},
		{"kill thread", false, 165, [3]uint64{}, killed},
		{"trap", false, 166, [3]uint64{}, killed},
		{"trace without tracer", false, 162, [3]uint64{}, int(unix.ENOSYS)},
		{"log", false, 110, [3]uint64{}, 0},
		{"newer than the profile", false, 438, [3]uint64{}, int(unix.ENOSYS)},
		{"x32, which is not listed", false, x32Bit + 39, [3]uint64{}, killed},
		{"i386 allowed", true, 20, [3]uint64{}, 0},
		{"i386 default", true, 2, [3]uint64{}, 99},
		{"i386 errnoRet, its own number", true, 61, [3]uint64{}, 41},
		{"i386: chroot's x86_64 number is another call", true, 161, [3]uint64{}, 99},
		{"i386 compares 32 bits", true, 349, [3]uint64{5, 0, 8}, 42},
		{"i386 newer than the profile", true, 438, [3]uint64{}, int(unix.ENOSYS)},
		{"i386 kill", true, 51, [3]uint64{}, killed},
	} {
		if c.i386 && !i386 {
			continue
		}
		cmd, _ := underFilter(t, f, tinyELF(t, c.i386, c.nr, c.args[0], c.args[1], c.args[2]))
		if got := ended(cmd); got != c.expect {
			t.Errorf("%s: the program ended with %d, want %d", c.what, got, c.expect)
		}
	}
	p.Architectures = nil
	if f, err = Compile(p, Options{}); err != nil {
		t.Fatal(err)
	}
	if cmd, _ := underFilter(t, f, tinyELF(t, true, 20, 0, 0, 0)); i386 && ended(cmd) != killed {
		t.Errorf("an i386 call, where the profile does not list x86, ended with %d", ended(cmd))
	}
}

// TestKilledBy: the kernel's log says what a process was killed for.
func TestKilledBy(t *testing.T) {
	if _, err := os.ReadFile("/proc/sys/kernel/seccomp/actions_logged"); err != nil {
		t.Skip("this kernel does not log: ", err)
	}
	if !InitialPIDNS() {
		t.Skip("the kernel's log has the numbers of the initial pid namespace, and this is another")
	}
	if f, err := os.Open("/dev/kmsg"); err != nil {
		t.Skip("the kernel's log cannot be read: ", err)
	} else {
		f.Close()
	}
	p := &specs.LinuxSeccomp{DefaultAction: specs.ActAllow, Syscalls: []specs.LinuxSyscall{{Names: []string{"acct"}, Action: specs.ActKillProcess}}}
	f, err := Compile(p, Options{})
	if err != nil {
		t.Fatal(err)
	}
	program := tinyELF(t, false, 163, 0, 0, 0)
	var k Kill
	ok := false
	// The kernel prints at most ten such records in five seconds, whoever they are of.
	for range 20 {
		cmd, _ := underFilter(t, f, program)
		if ended(cmd) != killed {
			t.Fatalf("ended with %d", ended(cmd))
		}
		if k, ok = KilledBy(cmd.ProcessState.Pid(), time.Minute, time.Second); ok {
			break
		}
	}
	if !ok || k.Name != "acct" || k.String() != "acct (163, SCMP_ARCH_X86_64)" {
		t.Errorf("killed for %v (%v)", k, ok)
	}
	if k, ok := KilledBy(1, time.Minute, 0); ok {
		t.Errorf("process 1 was killed for %s", k)
	}
}

// TestKernelNotify: a filter with a listener loads, and when nobody holds the listener any more
// (it is closed by execve here), calls get ENOSYS instead of hanging.
func TestKernelNotify(t *testing.T) {
	p := &specs.LinuxSeccomp{DefaultAction: specs.ActAllow, Flags: []specs.LinuxSeccompFlag{specs.LinuxSeccompFlagWaitKillableRecv, specs.LinuxSeccompFlagLog},
		Syscalls: []specs.LinuxSyscall{{Names: []string{"mkdir"}, Action: specs.ActNotify}}}
	f, err := Compile(p, Options{OwnListener: true})
	if err != nil {
		t.Fatal(err)
	}
	if cmd, _ := underFilter(t, f, tinyELF(t, false, 83, 0, 0, 0)); ended(cmd) != int(unix.ENOSYS) {
		t.Errorf("ended with %d", ended(cmd))
	}
}
