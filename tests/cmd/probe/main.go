// Command probe tries one forbidden thing and says how it went: "ok" or the errno's name. It is
// static and needs no library, so that it runs in any sandbox.
//
// usage: probe WHAT [ARGUMENT...]
//
//	traceme            ptrace(PTRACE_TRACEME)
//	seize PID          ptrace(PTRACE_SEIZE) of another process
//	mount              mount a tmpfs on /tmp; userns-mount: the same in a user namespace of its own
//	tiocsti            push a byte into the input of the terminal on descriptor 0
//	tty                open /dev/tty
//	connect ADDRESS    connect to TCP HOST:PORT, or to an abstract unix socket @NAME
//	mptcp              make a socket of Multipath TCP
//	listen ADDRESS     the other end: answers every connection until it is killed
//	uid                print the effective user id
//	fds                print the open descriptors
//	fork N             start N sleeping children, print how many could be started
//	open PATH [write]  open a file
package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

func main() {
	runtime.LockOSThread()
	what, args := "", []string{""}
	if len(os.Args) > 1 {
		what, args = os.Args[1], append(os.Args[2:], "", "")
	}
	say(try(what, args))
}

// say prints the outcome; a refusal is no failure of the probe.
func say(text string, err error) {
	var errno syscall.Errno
	switch {
	case err == nil && text == "":
		fmt.Println("ok")
	case err == nil:
		fmt.Println(text)
	case errors.As(err, &errno):
		fmt.Println(unix.ErrnoName(errno))
	default:
		fmt.Println(err)
	}
}

func try(what string, args []string) (string, error) {
	switch what {
	case "traceme":
		return "", ptrace(unix.PTRACE_TRACEME, 0)
	case "seize":
		pid, err := strconv.Atoi(args[0])
		if err != nil {
			return "", err
		}
		return "", ptrace(unix.PTRACE_SEIZE, pid)
	case "mount":
		return "", unix.Mount("tmpfs", "/tmp", "tmpfs", 0, "")
	case "userns-mount":
		return "", userNamespaceMount()
	case "tiocsti":
		return "", unix.IoctlSetPointerInt(0, unix.TIOCSTI, 'x')
	case "tty":
		_, err := unix.Open("/dev/tty", unix.O_RDWR|unix.O_NOCTTY, 0)
		return "", err
	case "connect":
		return "", connect(args[0])
	case "mptcp":
		_, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP)
		return "", err
	case "listen":
		return "", listen(args[0])
	case "uid":
		return strconv.Itoa(os.Geteuid()), nil
	case "fds":
		return fds(), nil
	case "fork":
		return fork(args[0])
	case "open":
		flags := unix.O_RDONLY
		if args[1] == "write" {
			flags = unix.O_WRONLY | unix.O_CREAT
		}
		_, err := unix.Open(args[0], flags, 0o644)
		return "", err
	}
	fmt.Fprintln(os.Stderr, "probe: unknown", what)
	os.Exit(2)
	return "", nil
}

func ptrace(request, pid int) error {
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, uintptr(request), uintptr(pid), 0, 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// userNamespaceMount: a process with several threads cannot make a user namespace, so a child
// is born in one.
func userNamespaceMount() error {
	cmd := exec.Command("/proc/self/exe", "mount")
	cmd.Stdout = os.Stdout
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}}}
	if err := cmd.Run(); err != nil {
		return err
	}
	os.Exit(0)
	return nil
}

func network(address string) string {
	if strings.HasPrefix(address, "@") {
		return "unix"
	}
	return "tcp"
}

func connect(address string) error {
	c, err := net.Dial(network(address), address)
	if err == nil {
		c.Close()
	}
	return err
}

func listen(address string) error {
	l, err := net.Listen(network(address), address)
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		c.Close()
	}
}

// fds asks for each number: to read a folder would open one more.
func fds() string {
	var open []string
	for fd := range 1024 {
		// What Go's own poller opens is close-on-exec, what was inherited is not.
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil && flags&unix.FD_CLOEXEC == 0 {
			open = append(open, strconv.Itoa(fd))
		}
	}
	return strings.Join(open, " ")
}

func fork(count string) (string, error) {
	n, err := strconv.Atoi(count)
	if err != nil {
		return "", err
	}
	for i := range n {
		if _, err := os.StartProcess("/bin/sleep", []string{"sleep", "1000"}, &os.ProcAttr{}); err != nil {
			return strconv.Itoa(i), nil
		}
	}
	return count, nil
}
