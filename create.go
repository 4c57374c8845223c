// create: make a container and leave its init waiting for start.

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox"
	"github.com/urfave/cli/v2"
)

// createFlags are those that create and run share.
func createFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "bundle", Aliases: []string{"b"}, Usage: "the bundle's folder (default: the current folder)"},
		&cli.StringFlag{Name: "console-socket", Usage: "unix socket that receives the terminal's master"},
		&cli.StringFlag{Name: "pidfd-socket", Usage: "unix socket that receives a pidfd of the init"},
		&cli.StringFlag{Name: "pid-file", Usage: "file to write the init's process id to"},
		&cli.BoolFlag{Name: "no-pivot", Usage: "use chroot instead of pivot_root, for a root on initramfs; less secure"},
		&cli.BoolFlag{Name: "no-new-keyring", Usage: "keep the caller's session keyring"},
		&cli.IntFlag{Name: "preserve-fds", Usage: "pass this many further descriptors, from 3 on, to the program"},
	}
}

func createCommand() *cli.Command {
	return &cli.Command{
		Name:      "create",
		Usage:     "make a container; start lets its program run",
		ArgsUsage: "CONTAINER",
		Flags:     createFlags(),
		Action:    action(create),
	}
}

func create(c *call) error {
	id, err := c.oneID()
	if err != nil {
		return err
	}
	o, err := createOptions(c, c.String("bundle"))
	if err != nil {
		return err
	}
	if socket := c.String("console-socket"); socket != "" {
		o.Master, o.WantTerminal = masterTo(socket), true
	}
	_, err = c.runtime().Create(id, o)
	return err
}

// createOptions are the library's options as the flags say them.
func createOptions(c options, bundle string) (libsandbox.CreateOptions, error) {
	if bundle == "" {
		bundle = "."
	}
	o := libsandbox.CreateOptions{
		Bundle: bundle, PidFile: c.String("pid-file"), PidfdSocket: c.String("pidfd-socket"), NoPivot: c.Bool("no-pivot"),
		NoNewKeyring: c.Bool("no-new-keyring"), NotifySocket: os.Getenv("NOTIFY_SOCKET"),
		Stdin: std(0, "stdin"), Stdout: std(1, "stdout"), Stderr: std(2, "stderr"),
	}
	if o.PidFile != "" {
		abs, err := filepath.Abs(o.PidFile)
		if err != nil {
			return o, err
		}
		o.PidFile = abs
	}
	return o, preserve(c, &o)
}

// std is a standard stream, nil if it is closed.
func std(fd uintptr, name string) *os.File {
	f := os.NewFile(fd, name)
	if f == nil {
		return nil
	}
	if _, err := f.Stat(); err != nil {
		return nil
	}
	return f
}

// preserve passes descriptors on, and socket activation (sd_listen_fds(3)) with them: the program
// is process 1 of its container. Where LISTEN_PID is another process's, so are the descriptors.
func preserve(c options, o *libsandbox.CreateOptions) (err error) {
	activated := 0
	if os.Getenv("LISTEN_PID") == strconv.Itoa(os.Getpid()) {
		if n, err := strconv.Atoi(os.Getenv("LISTEN_FDS")); err == nil && n > 0 {
			activated = n
			o.Env = append(o.Env, "LISTEN_FDS="+strconv.Itoa(n), "LISTEN_PID=1")
		}
	}
	o.ExtraFiles, err = preserved(c, activated)
	return err
}

// preserved are the descriptors from 3 on: more, and those of --preserve-fds.
func preserved(c options, more int) (files []*os.File, err error) {
	n := c.Int("preserve-fds")
	if n < 0 {
		return nil, usage(fmt.Errorf("--preserve-fds: %d is negative", n))
	}
	for i := range n + more {
		f := os.NewFile(uintptr(3+i), "preserved")
		if _, err := f.Stat(); err != nil {
			return nil, fmt.Errorf("--preserve-fds: descriptor %d: %w", 3+i, err)
		}
		files = append(files, f)
	}
	return files, nil
}
