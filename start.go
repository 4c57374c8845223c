// start: let a created container's program run.

package main

import (
	"os"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/early"
	"github.com/urfave/cli/v2"
)

func startCommand() *cli.Command {
	return &cli.Command{
		Name:      "start",
		Usage:     "let the program of a created container run",
		ArgsUsage: "CONTAINER",
		Description: "In a systemd service with Type=notify ($NOTIFY_SOCKET), it waits until the program says that\n" +
			"it is ready, and passes that on with the program's process id.",
		Action: action(start),
	}
}

func start(c *call) error {
	id, err := c.oneID()
	if err != nil {
		return err
	}
	// The plain case has been done before Go began. All that can be left of it is a reason.
	if record := early.Failure(); record != nil {
		return c.runtime().StartFailure(id, record)
	}
	return c.runtime().StartNotify(id, os.Getenv("NOTIFY_SOCKET"))
}
