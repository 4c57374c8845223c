// spawn: run a program in a sandbox, without a bundle.

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/stage"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/terminal"
	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"
)

func spawnCommand() *cli.Command {
	return &cli.Command{
		Name:      "spawn",
		Usage:     "run a program in a sandbox, with or without root",
		ArgsUsage: "[--] PROGRAM [ARG...]",
		Description: "Without flags the program sees the host's /usr read-only, a private /tmp, /dev and /proc, no\n" +
			"network and no home. The exit code is the program's; 128+N if signal N ended it.",
		Flags: spawnFlags(),
		// Read by parseSpawn: here only for help, completion and the manual page.
		SkipFlagParsing: true,
		Action: func(c *cli.Context) error {
			a, err := parseSpawn(c.Args().Slice())
			switch {
			case err != nil:
				return usage(err)
			case a.help:
				return cli.ShowSubcommandHelp(c)
			}
			return spawn(a, c.App.Writer)
		},
	}
}

func spawn(c *spawnArgs, out io.Writer) error {
	cfg, err := spawnConfig(c)
	if err != nil {
		return err
	}
	if c.Bool("explain") {
		return spawnExplain(out, cfg)
	}
	cfg.Stdin, cfg.Stdout, cfg.Stderr = os.Stdin, os.Stdout, os.Stderr
	cfg.WatchDenied = c.Bool("json") || c.Bool("summary")
	cmd := libsandbox.Command(cfg.Program)
	cmd.ProcessConfig = *cfg
	// Before the program exists: a signal that comes early must not be lost.
	signals, err := terminal.NewForwarderOf(unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2,
		unix.SIGWINCH, unix.SIGCONT)
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	go signals.Each(func(s unix.Signal) bool {
		return !errors.Is(cmd.Process.Signal(s), os.ErrProcessDone)
	})
	err = cmd.Wait()
	var exit *libsandbox.ExitError
	if err != nil && !errors.As(err, &exit) {
		return err
	}
	r := cmd.Result
	switch {
	case c.Bool("json"):
		err = json.NewEncoder(os.Stderr).Encode(r)
	case c.Bool("summary"):
		err = summary(os.Stderr, cfg, r)
	default:
		err = nil
	}
	if err != nil {
		return err
	}
	if code := r.Code(); code != 0 {
		return exitCode(code)
	}
	return nil
}

func spawnExplain(out io.Writer, cfg *libsandbox.ProcessConfig) error {
	p, elf, err := libsandbox.ExplainProcess(*cfg)
	if err != nil {
		return err
	}
	steps, data := p.Size()
	fmt.Fprintf(out, "# %d steps, %d bytes of data, %d of code; linked: %d bytes\n", steps, data, len(stage.Code()), len(elf))
	return p.Print(out)
}
