// kill: send a signal to a container.

package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"
)

func killCommand() *cli.Command {
	return &cli.Command{
		Name:      "kill",
		Usage:     "send a signal (default: TERM) to the container's init",
		ArgsUsage: "CONTAINER [SIGNAL]",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "send it to every process of the container"},
		},
		Action: action(kill),
	}
}

func kill(c *call) error {
	if c.NArg() < 1 || c.NArg() > 2 {
		return usage(fmt.Errorf("kill: want a container id and at most one signal"))
	}
	name := c.Args().Get(1)
	if name == "" {
		name = "TERM"
	}
	sig, err := parseSignal(name)
	if err != nil {
		return err
	}
	return c.runtime().Kill(c.Args().First(), sig, c.Bool("all"))
}

// parseSignal accepts 9, KILL, SIGKILL, and RTMIN+3.
func parseSignal(s string) (unix.Signal, error) {
	if n, err := strconv.Atoi(s); err == nil {
		if n < 0 || n > 64 {
			return 0, usage(fmt.Errorf("unknown signal %q: want 1 to 64 or a name", s))
		}
		return unix.Signal(n), nil
	}
	name := strings.TrimPrefix(strings.ToUpper(s), "SIG")
	if sig := unix.SignalNum("SIG" + name); sig != 0 {
		return sig, nil
	}
	// signal(7): glibc's RTMIN is 34.
	for _, r := range [...]struct {
		prefix    string
		base, dir int
	}{{"RTMIN+", 34, 1}, {"RTMAX-", 64, -1}} {
		if rest, ok := strings.CutPrefix(name, r.prefix); ok {
			if n, err := strconv.Atoi(rest); err == nil && n >= 0 && n <= 30 {
				return unix.Signal(r.base + r.dir*n), nil
			}
		}
	}
	switch name {
	case "RTMIN":
		return 34, nil
	case "RTMAX":
		return 64, nil
	}
	return 0, usage(fmt.Errorf("unknown signal %q: want 1 to 64 or a name", s))
}
