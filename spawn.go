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
			"network and no home. The exit code is the program's; 128+N if signal N ended it; 127 if there is no\n" +
			"such program, 126 if it cannot be executed, 125 for anything else that kept it from running.",
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
			return spawnError(spawn(a, c.App.Writer))
		},
	}
}

func spawn(c *spawnArgs, out io.Writer) error {
	cfg, err := spawnConfig(c)
	if err != nil {
		return err
	}
	if c.Bool("explain") {
		return flagged(spawnExplain(out, cfg), cfg)
	}
	cfg.WatchDenied = c.Bool("json") || c.Bool("summary")
	r, err := spawnRun(c, cfg)
	if err != nil {
		return err
	}
	switch {
	case c.Bool("json"):
		err = json.NewEncoder(os.Stderr).Encode(r)
	case c.Bool("summary"):
		err = summary(os.Stderr, cfg, r)
	}
	if err != nil {
		return err
	}
	if code := r.Code(); code != 0 {
		return exitCode(code)
	}
	return nil
}

// spawnRun runs the program, on our streams or on a terminal of its own, and passes signals on to it.
func spawnRun(c *spawnArgs, cfg *libsandbox.ProcessConfig) (*libsandbox.Result, error) {
	caught := []unix.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2}
	var relay *terminal.Relay
	defer func() {
		if relay != nil {
			_ = relay.Finish() // again: restores our terminal when something failed
		}
	}()
	if wantsTerminal(c) {
		cfg.Terminal = func(master *os.File) (err error) {
			defer master.Close()
			relay, err = terminal.StartRelay(master, os.Stdin, os.Stdout)
			return err
		}
	} else {
		cfg.Stdin, cfg.Stdout, cfg.Stderr = os.Stdin, os.Stdout, os.Stderr
		caught = append(caught, unix.SIGWINCH, unix.SIGCONT) // else the relay's
	}
	cmd := libsandbox.Command(cfg.Program)
	cmd.ProcessConfig = *cfg
	// Before the program exists: a signal that comes early must not be lost.
	signals, err := terminal.NewForwarderOf(caught...)
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, flagged(err, cfg)
	}
	go signals.Each(func(s unix.Signal) bool {
		return !errors.Is(cmd.Process.Signal(s), os.ErrProcessDone)
	})
	err = cmd.Wait()
	var exit *libsandbox.ExitError
	if errors.As(err, &exit) {
		err = nil
	}
	if relay != nil {
		if rerr := relay.Finish(); err == nil {
			err = rerr
		}
	}
	return cmd.Result, err
}

// wantsTerminal says whether the program gets a terminal of its own. By default it does where it would
// have ours, all of it: a program that shares ours has no job control on it, as it is in another
// session, and could leave it in any state.
func wantsTerminal(c *spawnArgs) bool {
	switch v := c.String("tty"); v {
	case "true", "false":
		return v == "true"
	}
	return terminal.IsTerminal(os.Stdin) && terminal.IsTerminal(os.Stdout) && terminal.IsTerminal(os.Stderr)
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
