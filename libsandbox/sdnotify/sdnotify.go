// Package sdnotify stands between a container and the service manager's notification socket
// (sd_notify(3)), and sends a container's pidfd to who asked for it.
//
// The manager's socket is never put into a container: whoever can write to it can tell systemd
// that another process is the service (MAINPID=) or hand it descriptors. The container gets
// a socket of ours, and of what it says only READY=1 is passed on, as runc does.
package sdnotify

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/terminal"
)

// SocketName is the name of the socket in the directory given to Listen.
const SocketName = "notify.sock"

// barrierTimeout is how long Run waits for the manager to have taken the message in. Were the
// runtime gone before, systemd could not find out which service it belonged to, and would drop it.
const barrierTimeout = 5 * time.Second

// Proxy is the container's notification socket.
type Proxy struct {
	fd   int
	path string
}

// Listen binds the socket dir/notify.sock. dir must exist, be empty of such a name, and be
// reachable for nobody but the runtime: the socket itself is open to every user, since the
// container's may be any. Bind-mount dir into the container and set NOTIFY_SOCKET to the socket there.
func Listen(dir string) (*Proxy, error) {
	path := filepath.Join(dir, SocketName)
	fail := func(sys string, err error) error {
		return &errdetail.Error{Op: "listen on the container's notification socket", Syscall: sys, Args: path, Err: err}
	}
	// By way of a descriptor: a sockaddr_un holds 107 bytes only.
	d, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fail("open", err)
	}
	defer unix.Close(d)
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fail("socket", err)
	}
	short := "/proc/self/fd/" + strconv.Itoa(d) + "/" + SocketName
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: short}); err != nil {
		unix.Close(fd)
		return nil, fail("bind", err)
	}
	if err := unix.Fchmodat(d, SocketName, 0o777, 0); err != nil {
		unix.Close(fd)
		_ = os.Remove(path)
		return nil, fail("fchmodat", err)
	}
	return &Proxy{fd: fd, path: path}, nil
}

// Path is the socket's path on the host.
func (p *Proxy) Path() string { return p.path }

// Close closes and removes the socket. A second call does nothing.
func (p *Proxy) Close() error {
	if p.fd < 0 {
		return nil
	}
	unix.Close(p.fd)
	p.fd = -1
	return os.Remove(p.path)
}

// Run waits until the container says READY=1 and passes that on to hostSocket (the runtime's own
// $NOTIFY_SOCKET: a path, or @ and an abstract name) together with MAINPID=mainPID. It returns
// true then; and false when pidfd's process has ended or timeout, if greater than 0, has passed before.
// Later messages of the container are not read.
func (p *Proxy) Run(hostSocket string, mainPID int, pidfd *os.File, timeout time.Duration) (bool, error) {
	raw, err := pidfd.SyscallConn()
	if err != nil {
		return false, err
	}
	var ready bool
	var rerr error
	if err := raw.Control(func(fd uintptr) { ready, rerr = p.await(int(fd), timeout) }); err != nil {
		return false, err
	}
	if !ready || rerr != nil {
		return false, rerr
	}
	return true, Notify(hostSocket, "READY=1\nMAINPID="+strconv.Itoa(mainPID))
}

// await waits for a READY=1, the end of a process, or a time.
func (p *Proxy) await(pidfd int, timeout time.Duration) (bool, error) {
	var deadline time.Time
	if timeout > 0 {
		deadline = time.Now().Add(timeout)
	}
	buf := make([]byte, 4096)
	for {
		// Messages first: a process may say READY=1 and end.
		n, _, err := unix.Recvfrom(p.fd, buf, 0)
		if err == nil {
			if isReady(buf[:n]) {
				return true, nil
			}
			continue
		}
		if err != unix.EAGAIN && err != unix.EINTR {
			return false, errdetail.Sys("read the container's notification", "recvfrom", err)
		}
		wait := -1
		if timeout > 0 {
			left := time.Until(deadline)
			if left <= 0 {
				return false, nil
			}
			wait = int(left/time.Millisecond) + 1
		}
		fds := []unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLIN}, {Fd: int32(pidfd), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, wait); err != nil && err != unix.EINTR {
			return false, errdetail.Sys("wait for the container's notification", "poll", err)
		}
		if fds[1].Revents != 0 && fds[0].Revents == 0 {
			return false, nil
		}
	}
}

// isReady says whether one line of a message is READY=1.
func isReady(msg []byte) bool {
	for line := range strings.Lines(string(msg)) {
		if strings.TrimSuffix(line, "\n") == "READY=1" {
			return true
		}
	}
	return false
}

// Notify sends a message to a service manager's socket and waits, for at most five seconds, until
// it has been taken in (BARRIER=1 of sd_notify_barrier(3)); a manager that does not know
// barriers closes the descriptor at once.
func Notify(hostSocket, message string) error {
	fail := func(sys string, err error) error {
		return &errdetail.Error{Op: "notify the service manager", Syscall: sys, Args: hostSocket, Err: err}
	}
	if hostSocket == "" || hostSocket[0] != '/' && hostSocket[0] != '@' {
		return fail("", errors.New("$NOTIFY_SOCKET is neither an absolute path nor an abstract name"))
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fail("socket", err)
	}
	defer unix.Close(fd)
	addr := &unix.SockaddrUnix{Name: hostSocket} // package unix turns the @ into a NUL
	if err := unix.Sendto(fd, []byte(message), unix.MSG_NOSIGNAL, addr); err != nil {
		return fail("sendto", err)
	}
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return fail("pipe2", err)
	}
	defer unix.Close(pipe[0])
	err = unix.Sendmsg(fd, []byte("BARRIER=1"), unix.UnixRights(pipe[1]), addr, unix.MSG_NOSIGNAL)
	unix.Close(pipe[1])
	if err != nil {
		return fail("sendmsg", err)
	}
	end := time.Now().Add(barrierTimeout)
	for left := barrierTimeout; left > 0; left = time.Until(end) {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(pipe[0])}}, int(left/time.Millisecond)+1)
		if n > 0 || err != unix.EINTR {
			break
		}
	}
	return nil
}

// SendPidfd sends a process's pidfd to the unix stream socket that --pidfd-socket names: one message
// with the descriptor (SCM_RIGHTS) and the text that runc sends, "standard" for a container's
// init and "setns" for a further process.
func SendPidfd(socketPath string, pidfd *os.File, text string) error {
	return terminal.SendFile(socketPath, pidfd, text, func(sys string, err error) error {
		return &errdetail.Error{Detail: "--pidfd-socket " + socketPath, Op: "send the pidfd", Syscall: sys, Err: err}
	})
}
