// Package terminal is the runtime's end of a container's pseudo terminal: it hands the master to
// an engine over its console socket, or relays between it and the runtime's own terminal, and it
// passes signals on. It knows ptys and sockets, not containers.
package terminal

import (
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// maxName bounds the message that goes along with the master; receivers made for runc read no
// more than 4096 bytes.
const maxName = 4096

// SendMaster connects to the unix stream socket at consoleSocketPath and sends the pty master over
// it: one message whose payload is name (the pty's path) and whose ancillary data is one
// SCM_RIGHTS descriptor, which is what containerd, conmon and recvtty expect (terminals.md of
// runc describes it). The caller keeps his own descriptor and closes it himself. The master's
// file status flags are left alone: they are shared with the receiver.
func SendMaster(consoleSocketPath string, master *os.File, name string) error {
	fail := func(sys string, err error) error {
		return &errdetail.Error{Detail: "--console-socket " + consoleSocketPath,
			Op: "send the terminal", Syscall: sys, Err: err}
	}
	if name == "" || len(name) > maxName {
		return fail("", errdetail.New("", "a pty's name has 1 to %d bytes, not %d", maxName, len(name)))
	}
	return SendFile(consoleSocketPath, master, name, fail)
}

// SendFile is the way SendMaster sends, for other descriptors than a terminal's (a pidfd). fail
// makes the error of a failed system call.
func SendFile(socketPath string, f *os.File, name string, fail func(sys string, err error) error) error {
	sock, err := dialUnix(socketPath)
	if err != nil {
		return fail("connect", err)
	}
	defer unix.Close(sock)
	err = control(f, func(fd int) error {
		for {
			// MSG_NOSIGNAL: a receiver that went away is an error here, not the runtime's death.
			err := unix.Sendmsg(sock, []byte(name), unix.UnixRights(fd), nil, unix.MSG_NOSIGNAL)
			if err != unix.EINTR {
				return err
			}
		}
	})
	if err != nil {
		return fail("sendmsg", err)
	}
	return nil
}

// dialUnix connects to a socket whose path may be longer than the 107 bytes that fit into a
// sockaddr_un (engines nest theirs deep in their state directories): then by way of a descriptor
// of its directory. Package net is avoided: its initialisation costs every start 30 µs.
func dialUnix(path string) (int, error) {
	const longest = 107
	if path == "" || path[0] == '@' {
		return -1, unix.EINVAL // package unix would take these for abstract names (CVE-2020-15257)
	}
	if len(path) > longest {
		dir, err := unix.Open(filepath.Dir(path), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return -1, err
		}
		defer unix.Close(dir)
		path = "/proc/self/fd/" + strconv.Itoa(dir) + "/" + filepath.Base(path)
	}
	sock, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	for {
		err = unix.Connect(sock, &unix.SockaddrUnix{Name: path})
		if err != unix.EINTR {
			break
		}
	}
	if err != nil {
		unix.Close(sock)
		return -1, err
	}
	return sock, nil
}

// Resize sets the size of a terminal, in characters; either end of a pty will do. The kernel sends
// SIGWINCH to its foreground process group if the size changed.
func Resize(tty *os.File, width, height uint16) error {
	err := control(tty, func(fd int) error {
		return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: height, Col: width})
	})
	if err != nil {
		return &errdetail.Error{Op: "set the size of the terminal", Syscall: "ioctl", Args: "TIOCSWINSZ", Err: err}
	}
	return nil
}

// Size gives the size of a terminal in characters; 0, 0 is what a terminal says that has none.
func Size(tty *os.File) (width, height uint16, err error) {
	err = control(tty, func(fd int) error {
		ws, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ)
		if err == nil {
			width, height = ws.Col, ws.Row
		}
		return err
	})
	if err != nil {
		err = &errdetail.Error{Op: "read the size of the terminal", Syscall: "ioctl", Args: "TIOCGWINSZ", Err: err}
	}
	return width, height, err
}

// IsTerminal says whether f is a terminal (tcgetattr(3) works on it); false for nil.
func IsTerminal(f *os.File) bool {
	if f == nil {
		return false
	}
	return control(f, func(fd int) error {
		_, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		return err
	}) == nil
}

// control runs do with f's descriptor, held open meanwhile. Unlike f.Fd it leaves alone whether
// the descriptor blocks.
func control(f *os.File, do func(fd int) error) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var derr error
	if err := raw.Control(func(fd uintptr) { derr = do(int(fd)) }); err != nil {
		return err
	}
	return derr
}
