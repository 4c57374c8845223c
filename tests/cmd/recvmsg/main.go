// Command recvmsg is the other end of sockets that a runtime sends to, for the tests.
//
// usage:
//
//	recvmsg pidfd SOCKET      take one connection, print the text, what the descriptor that comes with
//	                          it is, and the pid that it stands for
//	recvmsg notify SOCKET     print each line of each datagram: a service manager's socket
//	                          (sd_notify(3)). It answers barriers and never ends by itself
//	recvmsg send SOCKET TEXT  send a datagram, as a service does; static, so it runs in any container
//
// It makes the socket itself, so a test waits for the file to appear.
package main

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

func main() {
	modes := map[string]func([]string) error{"pidfd": pidfd, "notify": notify, "send": send}
	if len(os.Args) < 3 || modes[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: recvmsg pidfd|notify|send SOCKET [TEXT]")
		os.Exit(2)
	}
	if err := modes[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "recvmsg:", err)
		os.Exit(1)
	}
}

func send(args []string) error {
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: args[0], Net: "unixgram"})
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Write([]byte(strings.Join(args[1:], "\n")))
	return err
}

func pidfd(args []string) error {
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: args[0], Net: "unix"})
	if err != nil {
		return err
	}
	defer listener.Close()
	conn, err := listener.AcceptUnix()
	if err != nil {
		return err
	}
	defer conn.Close()
	text, fds, err := receive(conn)
	if err != nil {
		return err
	}
	if len(fds) != 1 {
		return fmt.Errorf("%d descriptors, want 1", len(fds))
	}
	self := "/proc/self/fd"
	target, err := os.Readlink(self + "/" + strconv.Itoa(fds[0]))
	if err != nil {
		return err
	}
	info, err := os.ReadFile(self + "info/" + strconv.Itoa(fds[0]))
	if err != nil {
		return err
	}
	pid := "none"
	for line := range strings.Lines(string(info)) {
		if v, ok := strings.CutPrefix(line, "Pid:"); ok {
			pid = strings.TrimSpace(v)
		}
	}
	fmt.Printf("text %s\ndescriptor %s\npid %s\n", text, target, pid)
	return nil
}

func notify(args []string) error {
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: args[0], Net: "unixgram"})
	if err != nil {
		return err
	}
	defer conn.Close()
	for {
		text, fds, err := receive(conn)
		if err != nil {
			return err
		}
		fmt.Println(strings.TrimSuffix(text, "\n"))
		for _, fd := range fds {
			unix.Close(fd) // the answer to BARRIER=1
		}
	}
}

func receive(conn *net.UnixConn) (string, []int, error) {
	text, oob := make([]byte, 4096), make([]byte, unix.CmsgSpace(4*4))
	n, oobn, _, _, err := conn.ReadMsgUnix(text, oob)
	if err != nil {
		return "", nil, err
	}
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil {
		return "", nil, err
	}
	var fds []int
	for i := range messages {
		list, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			return "", nil, err
		}
		fds = append(fds, list...)
	}
	return string(text[:n]), fds, nil
}
