// explain: print the plan of a container's birth.

package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/stage"
	"github.com/urfave/cli/v2"
)

func explainCommand() *cli.Command {
	return &cli.Command{
		Name:  "explain",
		Usage: "print the system calls by which a bundle becomes a container",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "bundle", Aliases: []string{"b"}, Usage: "the bundle's folder (default: the current folder)"},
			&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Value: "text", Usage: "text or json"},
			&cli.StringFlag{Name: "elf", Usage: "also write the init's executable to this file"},
			&cli.BoolFlag{Name: "no-pivot", Usage: "as with create"},
		},
		Action: explain,
	}
}

func explain(c *cli.Context) error {
	bundle := c.String("bundle")
	if bundle == "" && c.NArg() == 1 && isBundle(c.Args().First()) {
		bundle = c.Args().First()
	} else if c.NArg() != 0 {
		return usage(fmt.Errorf("explain: takes no argument but a bundle's folder"))
	}
	o, err := createOptions(c, bundle)
	if err != nil {
		return err
	}
	o.Master = func(f *os.File, _ string) error { return f.Close() }
	p, elf, err := newRuntime(c).Explain("ID", o)
	if err != nil {
		return err
	}
	if path := c.String("elf"); path != "" {
		if err := os.WriteFile(path, elf, 0o755); err != nil {
			return fmt.Errorf("--elf: %w", err)
		}
	}
	switch f := c.String("format"); f {
	case "text":
		steps, data := p.Size()
		fmt.Fprintf(c.App.Writer, "# %d steps, %d bytes of data, %d of code; linked: %d bytes\n",
			steps, data, len(stage.Code()), len(elf))
		return p.Print(c.App.Writer)
	case "json":
		enc := json.NewEncoder(c.App.Writer)
		enc.SetIndent("", "  ")
		return enc.Encode(p.Doc())
	default:
		return usage(fmt.Errorf("--format: unknown %q: want text or json", f))
	}
}
