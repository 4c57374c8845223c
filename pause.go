// pause and resume: stop a container's processes, let them go on.

package main

import "github.com/urfave/cli/v2"

func pauseCommand() *cli.Command {
	return &cli.Command{
		Name: "pause", Usage: "stop all processes of a container", ArgsUsage: "CONTAINER",
		Action: func(c *cli.Context) error {
			id, err := oneID(c)
			if err != nil {
				return err
			}
			return newRuntime(c).Pause(id)
		},
	}
}

func resumeCommand() *cli.Command {
	return &cli.Command{
		Name: "resume", Usage: "let a paused container go on", ArgsUsage: "CONTAINER",
		Action: func(c *cli.Context) error {
			id, err := oneID(c)
			if err != nil {
				return err
			}
			return newRuntime(c).Resume(id)
		},
	}
}
