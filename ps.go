// ps: the processes of a container.

package main

import (
	"encoding/json"
	"fmt"
	osexec "os/exec"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"
)

func psCommand() *cli.Command {
	return &cli.Command{
		Name:      "ps",
		Usage:     "list the processes of a container",
		ArgsUsage: "CONTAINER [PS-OPTION...]",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Value: "table", Usage: "table, by ps(1), or json"},
		},
		Action: ps,
	}
}

func ps(c *cli.Context) error {
	if c.NArg() < 1 {
		return usage(fmt.Errorf("ps: want a container id"))
	}
	ctr, err := newRuntime(c).Load(c.Args().First())
	if err != nil {
		return err
	}
	pids, err := ctr.Processes()
	if err != nil {
		return err
	}
	switch f := c.String("format"); f {
	case "json":
		if pids == nil {
			pids = []int{}
		}
		return json.NewEncoder(c.App.Writer).Encode(pids)
	case "table":
	default:
		return usage(fmt.Errorf("--format: unknown %q: want table or json", f))
	}
	args := c.Args().Tail()
	if len(args) == 0 {
		args = []string{"-ef"}
	}
	out, err := osexec.Command("ps", args...).Output()
	if err != nil {
		return fmt.Errorf("ps %s: %w", strings.Join(args, " "), err)
	}
	return filterPS(c, string(out), pids)
}

// filterPS prints the head line of ps and the lines of the given processes.
func filterPS(c *cli.Context, out string, pids []int) error {
	lines := strings.Split(strings.TrimRight(out, "\n"), "\n")
	col := slices.Index(strings.Fields(lines[0]), "PID")
	if col < 0 {
		return fmt.Errorf("ps: its output has no PID column")
	}
	fmt.Fprintln(c.App.Writer, lines[0])
	for _, line := range lines[1:] {
		fields := strings.Fields(line)
		if col >= len(fields) {
			continue
		}
		if pid, err := strconv.Atoi(fields[col]); err == nil && slices.Contains(pids, pid) {
			fmt.Fprintln(c.App.Writer, line)
		}
	}
	return nil
}
