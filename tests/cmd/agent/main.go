// Command agent answers for a seccomp filter with SCMP_ACT_NOTIFY, as an engine's agent does.
//
// usage: agent [--errno N | --continue | --die] [--state FILE] SOCKET
//
// It makes the socket itself, so a test waits for the file to appear. Every connection brings a
// container process state, which is appended to FILE as a line, and a listener. A call that is
// reported gets the errno N, goes on, or is left waiting by an agent that dies. It prints
// "CALL PID" for each and ends with its last listener, or when it is killed.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"sync"
	"unsafe"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Requests of seccomp_unotify(2), and its structures.
const (
	notifRecv = 0xc0502100
	notifSend = 0xc0182101
	goOn      = 1 // SECCOMP_USER_NOTIF_FLAG_CONTINUE
)

type notification struct {
	id         uint64
	pid, flags uint32
	nr         int32
	arch       uint32
	ip         uint64
	args       [6]uint64
}

type response struct {
	id    uint64
	val   int64
	errno int32
	flags uint32
}

type agent struct {
	errno int
	goOn  bool
	die   bool
	state string
	mu    sync.Mutex
}

func main() {
	var a agent
	flag.IntVar(&a.errno, "errno", int(unix.EPERM), "what reported calls return")
	flag.BoolVar(&a.goOn, "continue", false, "let reported calls go on")
	flag.BoolVar(&a.die, "die", false, "die when the first call is reported")
	flag.StringVar(&a.state, "state", "", "append the container process states to this file")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: agent [--errno N | --continue | --die] [--state FILE] SOCKET")
		os.Exit(2)
	}
	fmt.Fprintln(os.Stderr, "agent:", a.serve(flag.Arg(0)))
	os.Exit(1)
}

// serve ends only by an error.
func (a *agent) serve(socket string) error {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		return err
	}
	for {
		conn, err := l.AcceptUnix()
		if err != nil {
			return err
		}
		fd, err := a.receive(conn)
		if err != nil {
			return err
		}
		go a.answer(fd)
	}
}

// receive takes one state and its listener.
func (a *agent) receive(conn *net.UnixConn) (int, error) {
	defer conn.Close()
	text, oob := make([]byte, 64<<10), make([]byte, unix.CmsgSpace(4*4))
	n, oobn, _, _, err := conn.ReadMsgUnix(text, oob)
	if err != nil {
		return -1, err
	}
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil || len(messages) != 1 {
		return -1, fmt.Errorf("%d control messages, want 1 (%v)", len(messages), err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return -1, fmt.Errorf("%d descriptors, want 1 (%v)", len(fds), err)
	}
	var st specs.ContainerProcessState
	if err := json.Unmarshal(text[:n], &st); err != nil {
		return -1, fmt.Errorf("the container process state: %w", err)
	}
	if a.state == "" {
		return fds[0], nil
	}
	f, err := os.OpenFile(a.state, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return -1, err
	}
	defer f.Close()
	_, err = f.Write(append(text[:n], '\n'))
	return fds[0], err
}

func (a *agent) answer(fd int) {
	defer unix.Close(fd)
	for {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, -1); err == unix.EINTR {
			continue
		}
		if fds[0].Revents&unix.POLLIN == 0 {
			return // the last process with the filter has ended
		}
		var n notification
		if _, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), notifRecv, uintptr(unsafe.Pointer(&n))); e != 0 {
			continue // ENOENT: the process was killed meanwhile
		}
		a.mu.Lock()
		fmt.Printf("%d %d\n", n.nr, n.pid)
		a.mu.Unlock()
		if a.die {
			os.Exit(0)
		}
		r := response{id: n.id, errno: -int32(a.errno)}
		if a.goOn {
			r.errno, r.flags = 0, goOn
		}
		_, _, _ = unix.Syscall(unix.SYS_IOCTL, uintptr(fd), notifSend, uintptr(unsafe.Pointer(&r)))
	}
}
