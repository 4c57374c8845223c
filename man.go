// man: print the manual pages, made from the command definitions. It is hidden: packagers use it.

package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"
)

func manCommand() *cli.Command {
	return &cli.Command{
		Name:      "man",
		Usage:     "print a manual page (roff), of the program or of one command",
		ArgsUsage: "[COMMAND]",
		Hidden:    true,
		Flags:     []cli.Flag{&cli.StringFlag{Name: "dir", Usage: "write all pages into this folder instead"}},
		Action: func(c *cli.Context) error {
			app := c.App
			if dir := c.String("dir"); dir != "" {
				return manAll(app, dir)
			}
			if !c.Args().Present() {
				return manMain(app.Writer, app)
			}
			for _, cmd := range visibleCommands(app) {
				if cmd.HasName(c.Args().First()) {
					return manOf(app.Writer, app, cmd)
				}
			}
			return usage(fmt.Errorf("man: no command %q", c.Args().First()))
		},
	}
}

// manAll writes sandbox-runtime.8 and sandbox-runtime-COMMAND.8 into a folder.
func manAll(app *cli.App, dir string) error {
	page := func(name string, write func(io.Writer) error) error {
		f, err := os.Create(filepath.Join(dir, name+".8"))
		if err != nil {
			return err
		}
		if err := write(f); err != nil {
			f.Close()
			return err
		}
		return f.Close()
	}
	if err := page(app.Name, func(w io.Writer) error { return manMain(w, app) }); err != nil {
		return err
	}
	for _, c := range visibleCommands(app) {
		if err := page(app.Name+"-"+c.Name, func(w io.Writer) error { return manOf(w, app, c) }); err != nil {
			return err
		}
	}
	return nil
}

func manMain(w io.Writer, app *cli.App) error {
	var b strings.Builder
	manHead(&b, app, app.Name, app.Usage)
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n[\\fIglobal options\\fR] \\fIcommand\\fR [\\fIoptions\\fR] [\\fIarguments\\fR]\n", roff(app.Name))
	manText(&b, app.Description)
	b.WriteString(".SH GLOBAL OPTIONS\n")
	manFlags(&b, flagDocs(app.Flags))
	b.WriteString(".SH COMMANDS\n")
	for _, c := range visibleCommands(app) {
		fmt.Fprintf(&b, ".TP\n.B %s\n%s; see\n.BR %s (8).\n", roff(c.Name), roff(c.Usage), roff(app.Name+"-"+c.Name))
	}
	b.WriteString(".SH EXIT STATUS\n0: success. 1: an error, printed to stderr. 2: a mistake on the command line.\n" +
		"run and exec exit with the status of the program that they ran, 128+N if signal N ended it.\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func manOf(w io.Writer, app *cli.App, c *cli.Command) error {
	var b strings.Builder
	manHead(&b, app, app.Name+"-"+c.Name, c.Usage)
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s %s\n[\\fIoptions\\fR] %s\n", roff(app.Name), roff(c.Name), roff(strings.TrimSpace(c.ArgsUsage)))
	manText(&b, c.Description)
	b.WriteString(".SH OPTIONS\n")
	manFlags(&b, flagDocs(c.Flags))
	for _, s := range c.Subcommands {
		if s.Hidden || s.Name == "help" {
			continue
		}
		fmt.Fprintf(&b, ".SH %s\n.B %s %s %s\n%s\n.PP\n%s\n", strings.ToUpper(roff(c.Name+" "+s.Name)), roff(app.Name),
			roff(c.Name), roff(s.Name), roff(strings.TrimSpace(s.ArgsUsage)), roff(s.Usage))
		manFlags(&b, flagDocs(s.Flags))
	}
	fmt.Fprintf(&b, ".SH SEE ALSO\n.BR %s (8)\n", roff(app.Name))
	_, err := io.WriteString(w, b.String())
	return err
}

// manHead writes title and name; there is no date in it, so that builds can be reproduced.
func manHead(b *strings.Builder, app *cli.App, name, about string) {
	fmt.Fprintf(b, ".TH %s 8 \"\" \"%s %s\" \"\"\n.SH NAME\n%s \\- %s\n",
		strings.ToUpper(roff(name)), roff(app.Name), roff(app.Version), roff(name), roff(about))
}

func manText(b *strings.Builder, text string) {
	if text = strings.TrimSpace(text); text == "" {
		return
	}
	b.WriteString(".SH DESCRIPTION\n")
	for line := range strings.Lines(text) {
		b.WriteString(roff(strings.TrimSpace(line)) + "\n.br\n")
	}
}

func manFlags(b *strings.Builder, flags []flagDoc) {
	for _, f := range flags {
		var names []string
		for _, n := range f.names {
			n = `\fB` + roff(dashed(n)) + `\fR`
			if f.value {
				n += ` \fIvalue\fR`
			}
			names = append(names, n)
		}
		text := roff(f.usage)
		if f.deflt != "" {
			text += " (default: " + roff(f.deflt) + ")"
		}
		fmt.Fprintf(b, ".TP\n%s\n%s\n", strings.Join(names, ", "), text)
	}
}

// roff makes text safe for troff: backslashes and dashes escaped, one line, and not mistaken for a
// request.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, "\n", " ").Replace(s)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	return s
}
