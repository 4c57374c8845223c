// Command recvtty is the engine's end of --console-socket: it listens on a unix socket, takes the
// terminal's descriptor that the runtime sends, copies stdin to it and what it prints to stdout.
//
// usage: recvtty [--size ROWSxCOLS] [--name FILE] SOCKET
//
// It makes the socket itself, so a test waits for the file to appear. It ends when the terminal does.
// --name FILE gets the text that came with the descriptor (runc sends the terminal's name).
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

func main() {
	size := flag.String("size", "", "set the window size once the terminal is here, ROWSxCOLS")
	name := flag.String("name", "", "write the message's text to this file")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: recvtty [--size ROWSxCOLS] [--name FILE] SOCKET")
		os.Exit(2)
	}
	if err := run(flag.Arg(0), *size, *name); err != nil {
		fmt.Fprintln(os.Stderr, "recvtty:", err)
		os.Exit(1)
	}
}

func run(socket, size, nameFile string) error {
	tty, name, err := receive(socket)
	if err != nil {
		return err
	}
	defer tty.Close()
	if nameFile != "" {
		if err := os.WriteFile(nameFile, []byte(name), 0o644); err != nil {
			return err
		}
	}
	if size != "" {
		var ws unix.Winsize
		if _, err := fmt.Sscanf(size, "%dx%d", &ws.Row, &ws.Col); err != nil {
			return fmt.Errorf("--size %s: %w", size, err)
		}
		if err := unix.IoctlSetWinsize(int(tty.Fd()), unix.TIOCSWINSZ, &ws); err != nil {
			return err
		}
	}
	// The end of stdin is not the end of the terminal: only its other side closes it.
	go func() { _, _ = io.Copy(tty, os.Stdin) }()
	_, err = io.Copy(os.Stdout, tty)
	if errors.Is(err, unix.EIO) { // a master whose last slave is closed
		err = nil
	}
	return err
}

// receive waits for one message that carries one descriptor.
func receive(socket string) (*os.File, string, error) {
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		return nil, "", err
	}
	defer listener.Close()
	conn, err := listener.AcceptUnix()
	if err != nil {
		return nil, "", err
	}
	defer conn.Close()
	text, oob := make([]byte, 4096), make([]byte, unix.CmsgSpace(4*4))
	n, oobn, _, _, err := conn.ReadMsgUnix(text, oob)
	if err != nil {
		return nil, "", err
	}
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil || len(messages) != 1 {
		return nil, "", fmt.Errorf("%d control messages, want 1 (%v)", len(messages), err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return nil, "", fmt.Errorf("%d descriptors, want 1 (%v)", len(fds), err)
	}
	return os.NewFile(uintptr(fds[0]), "terminal"), string(text[:n]), nil
}
