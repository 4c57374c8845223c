// spec: write a config.json to start from.

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/sandbox-runtime/sandbox-runtime/specconv"
	"github.com/urfave/cli/v2"
)

func specCommand() *cli.Command {
	return &cli.Command{
		Name:  "spec",
		Usage: "write a config.json to start from",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "bundle", Aliases: []string{"b"}, Value: ".", Usage: "the folder to write it to"},
			&cli.BoolFlag{Name: "rootless", Usage: "for a container of an unprivileged user"},
		},
		Action: func(c *cli.Context) error {
			if c.NArg() != 0 {
				return usage(fmt.Errorf("spec: takes no argument"))
			}
			spec := specconv.Default()
			if c.Bool("rootless") {
				specconv.Rootless(spec, uint32(os.Geteuid()), uint32(os.Getegid()))
			}
			data, err := json.MarshalIndent(spec, "", "\t")
			if err != nil {
				return err
			}
			path := filepath.Join(c.String("bundle"), "config.json")
			// O_EXCL: a config.json that is there is somebody's work.
			f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
			if err != nil {
				return fmt.Errorf("spec: %w", err)
			}
			if _, err := f.Write(append(data, '\n')); err != nil {
				f.Close()
				return err
			}
			return f.Close()
		},
	}
}
