// check: say what this host can do for containers, what is missing and what to do about it.

package main

import (
	"fmt"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/hostcheck"
	"github.com/urfave/cli/v2"
)

func checkCommand() *cli.Command {
	return &cli.Command{
		Name:      "check",
		Usage:     "say what this host can do for containers; exit code 1 if none can run",
		ArgsUsage: " ",
		Flags:     []cli.Flag{&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Value: "text", Usage: "text or json"}},
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return usage(fmt.Errorf("check takes no arguments, got %q", c.Args().First()))
			}
			format := c.String("format")
			if format != "text" && format != "json" {
				return usage(fmt.Errorf("--format: unknown %q: want text or json", format))
			}
			report := hostcheck.Run()
			write := report.Text
			if format == "json" {
				write = report.JSON
			}
			if err := write(c.App.Writer); err != nil {
				return err
			}
			if !report.OK {
				return exitCode(1)
			}
			return nil
		},
	}
}
