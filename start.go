// start: let a created container's program run.

package main

import "github.com/urfave/cli/v2"

func startCommand() *cli.Command {
	return &cli.Command{
		Name:      "start",
		Usage:     "let the program of a created container run",
		ArgsUsage: "CONTAINER",
		Action: func(c *cli.Context) error {
			id, err := oneID(c)
			if err != nil {
				return err
			}
			return newRuntime(c).Start(id)
		},
	}
}
