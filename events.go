// events: a container's statistics, and when it ran out of memory.

package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/cgroup"
	"github.com/urfave/cli/v2"
)

func eventsCommand() *cli.Command {
	return &cli.Command{
		Name: "events", Usage: "print statistics and lack of memory, one JSON object a line", ArgsUsage: "CONTAINER",
		Flags: []cli.Flag{
			&cli.DurationFlag{Name: "interval", Value: 5 * time.Second, Usage: "time between statistics"},
			&cli.BoolFlag{Name: "stats", Usage: "print the statistics once and exit"},
		},
		Action: func(c *cli.Context) error {
			id, err := oneID(c)
			if err != nil {
				return err
			}
			interval := c.Duration("interval")
			if interval <= 0 {
				return usage(fmt.Errorf("duration interval must be greater than 0"))
			}
			ctr, err := newRuntime(c).Load(id)
			if err != nil {
				return err
			}
			out := json.NewEncoder(c.App.Writer)
			if c.Bool("stats") {
				st, err := ctr.Stats()
				if err != nil {
					return err
				}
				return out.Encode(&cgroup.Event{Type: "stats", ID: id, Data: st})
			}
			return ctr.Events(c.Context, interval, func(e *cgroup.Event) error { return out.Encode(e) })
		},
	}
}
