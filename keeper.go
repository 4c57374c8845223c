// run --detach --record-exit: a second process of this program makes the container, so that it is the
// parent of the init, and becomes its keeper.

package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox"
	"golang.org/x/sys/unix"
)

// keeperEnv tells the second process which descriptor says that the container runs.
const keeperEnv = "_SANDBOX_RUNTIME_KEEPER"

// startKeeper runs the command line again in a process that will keep the container, and returns
// when that container runs. Its error has been printed if it has failed.
func startKeeper(o *libsandbox.CreateOptions) error {
	ready, tell, err := os.Pipe()
	if err != nil {
		return err
	}
	defer ready.Close()
	// The same descriptors at the same numbers, for --preserve-fds; tell comes after them.
	var files []uintptr
	for _, f := range append([]*os.File{o.Stdin, o.Stdout, o.Stderr}, o.ExtraFiles...) {
		if f == nil {
			files = append(files, ^uintptr(0))
			continue
		}
		files = append(files, f.Fd())
	}
	files = append(files, tell.Fd())
	pid, err := syscall.ForkExec("/proc/self/exe", os.Args, &syscall.ProcAttr{
		Env: append(os.Environ(), keeperEnv+"="+strconv.Itoa(len(files)-1)), Files: files,
	})
	tell.Close()
	if err != nil {
		return fmt.Errorf("--record-exit: start the keeper: %w", err)
	}
	var b [1]byte
	if n, _ := ready.Read(b[:]); n == 1 {
		return nil
	}
	var ws unix.WaitStatus
	for {
		if _, err := unix.Wait4(pid, &ws, 0, nil); err != unix.EINTR {
			break
		}
	}
	if ws.Exited() && ws.ExitStatus() != 0 {
		return exitCode(ws.ExitStatus())
	}
	return errors.New("--record-exit: the keeper was killed before the container ran")
}

// keeperTell is the descriptor on which a keeper says that the container runs; nil in any other
// process.
func keeperTell() *os.File {
	n, err := strconv.Atoi(os.Getenv(keeperEnv))
	if err != nil {
		return nil
	}
	os.Unsetenv(keeperEnv)
	unix.CloseOnExec(n)
	return os.NewFile(uintptr(n), "keeper")
}
