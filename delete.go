// delete: remove a stopped container.

package main

import "github.com/urfave/cli/v2"

func deleteCommand() *cli.Command {
	return &cli.Command{
		Name:      "delete",
		Usage:     "remove a stopped container and all that belongs to it",
		ArgsUsage: "CONTAINER",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "force", Aliases: []string{"f"}, Usage: "kill it first; an unknown container is no error"},
		},
		Action: action(remove),
	}
}

func remove(c *call) error {
	id, err := c.oneID()
	if err != nil {
		return err
	}
	return c.runtime().Delete(id, c.Bool("force"))
}
