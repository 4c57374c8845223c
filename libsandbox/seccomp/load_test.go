package seccomp

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// loadChild loads the filter on standard input and executes its arguments under it. It exits
// with 125 if it cannot.
func loadChild() {
	fail := func(err error) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(125)
	}
	runtime.LockOSThread()
	program, err := io.ReadAll(os.Stdin)
	if err != nil {
		fail(err)
	}
	flags, err := strconv.Atoi(os.Args[1])
	if err != nil {
		fail(err)
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		fail(err)
	}
	prog := unix.SockFprog{Len: uint16(len(program) / 8), Filter: (*unix.SockFilter)(unsafe.Pointer(&program[0]))}
	argv, err := syscall.SlicePtrFromStrings(os.Args[2:])
	if err != nil {
		fail(err)
	}
	env, err := syscall.SlicePtrFromStrings(os.Environ())
	if err != nil {
		fail(err)
	}
	// From here on only raw calls: the scheduler's own, futex above all, may be what the filter refuses.
	_, _, e := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, uintptr(flags), uintptr(unsafe.Pointer(&prog)))
	if e != 0 {
		fail(fmt.Errorf("seccomp: %w", e))
	}
	_, _, e = unix.RawSyscall(unix.SYS_EXECVE, uintptr(unsafe.Pointer(argv[0])), uintptr(unsafe.Pointer(&argv[0])), uintptr(unsafe.Pointer(&env[0])))
	fail(e)
}

// underFilter runs a program under a filter and returns how it ended.
func underFilter(t *testing.T, f *Filter, argv ...string) (*exec.Cmd, string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], append([]string{strconv.Itoa(int(f.Flags))}, argv...)...)
	// Go interrupts threads by a signal to preempt them. Under a filter without rt_sigreturn the first one
	// would be the last.
	cmd.Env = []string{"SECCOMP_TEST_CHILD=load", "PATH=/usr/bin:/bin", "LC_ALL=C", "GODEBUG=asyncpreemptoff=1"}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		in.Write(f.Bytes())
		in.Close()
	}()
	out, _ := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() == 125 {
		t.Fatalf("%v: %s", argv, out)
	}
	return cmd, string(out)
}
