// seccomp: what a profile does with a call, and how its filter looks.

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/urfave/cli/v2"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/seccomp"
)

func seccompCommand() *cli.Command {
	arch := &cli.StringFlag{Name: "arch", Usage: "architecture, like SCMP_ARCH_AARCH64 (default: this machine's)"}
	return &cli.Command{
		Name:  "seccomp",
		Usage: "explain seccomp profiles",
		Subcommands: []*cli.Command{
			{
				Name:      "explain",
				Usage:     "say what a profile does with a system call, and by which rule",
				ArgsUsage: "PROFILE SYSCALL [ARG...]",
				Description: "PROFILE is a built-in profile's name, or a file: a config.json, or the linux.seccomp object of one; - is standard input.\n" +
					"SYSCALL is a name or a number. Arguments are numbers; those left out are 0.",
				Flags:  []cli.Flag{arch, &cli.BoolFlag{Name: "json", Usage: "print an object"}},
				Action: seccompExplain,
			},
			{
				Name:      "dump",
				Usage:     "print a profile's filter program in readable form",
				ArgsUsage: "PROFILE",
				Flags:     []cli.Flag{arch, &cli.BoolFlag{Name: "raw", Usage: "write the program's bytes instead, as seccomp(2) takes them"}},
				Action:    seccompDump,
			},
			{
				Name:      "list",
				Usage:     "list the built-in profiles, or the calls that one of them adds to the one before",
				ArgsUsage: "[NAME]",
				Action:    seccompList,
			},
		},
	}
}

func seccompExplain(c *cli.Context) error {
	args := c.Args().Slice()
	if len(args) < 2 || len(args) > 8 {
		return usage(errors.New("seccomp explain: want PROFILE SYSCALL [up to 6 ARGs]"))
	}
	p, err := seccompProfile(args[0])
	if err != nil {
		return err
	}
	var values []uint64
	for _, a := range args[2:] {
		v, err := callArgument(a)
		if err != nil {
			return usage(err)
		}
		values = append(values, v)
	}
	v, err := seccomp.Explain(p, args[1], values, seccomp.Options{Arch: specs.Arch(c.String("arch")), OwnListener: true})
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return json.NewEncoder(c.App.Writer).Encode(map[string]any{"action": v.Action, "value": v.Value,
			"field": v.Field, "why": v.Why, "syscall": v.Syscall, "nr": v.Nr, "arch": v.Arch})
	}
	name := v.Syscall
	if name == "" {
		name = "system call"
	}
	_, err = fmt.Fprintf(c.App.Writer, "%s (%d): %s: %s\n", name, int32(v.Nr), v.Action, v.Why)
	return err
}

// callArgument reads an argument of a system call; negative numbers are as the kernel sees them.
func callArgument(s string) (uint64, error) {
	if v, err := strconv.ParseInt(s, 0, 64); err == nil {
		return uint64(v), nil
	}
	v, err := strconv.ParseUint(s, 0, 64)
	if err != nil {
		return 0, fmt.Errorf("seccomp explain: %q is not a number", s)
	}
	return v, nil
}

func seccompDump(c *cli.Context) error {
	if c.NArg() != 1 {
		return usage(errors.New("seccomp dump: want one PROFILE"))
	}
	p, err := seccompProfile(c.Args().First())
	if err != nil {
		return err
	}
	f, err := seccomp.Compile(p, seccomp.Options{Arch: specs.Arch(c.String("arch")), OwnListener: true})
	switch {
	case err != nil:
		return err
	case f == nil:
		return errors.New("the profile asks for no filter: it has neither a default action nor rules")
	case c.Bool("raw"):
		_, err = c.App.Writer.Write(f.Bytes())
		return err
	}
	fmt.Fprintf(c.App.Writer, "# %d instructions, flags %#x, back end %s\n", len(f.Program), f.Flags, seccomp.Backend())
	return seccomp.Dump(c.App.Writer, f.Program)
}

func seccompList(c *cli.Context) error {
	names := seccomp.Names()
	if c.NArg() == 0 {
		for _, n := range names {
			fmt.Fprintf(c.App.Writer, "%-13s %s\n", n, seccomp.About(n))
		}
		return nil
	}
	if c.NArg() > 1 {
		return usage(errors.New("seccomp list: want at most one NAME"))
	}
	name := c.Args().First()
	p, err := seccomp.Named(name)
	if err != nil {
		return usage(err)
	}
	skip := 0
	if i := slices.Index(names, name); i > 0 && p.DefaultAction != specs.ActAllow {
		before, err := seccomp.Named(names[i-1])
		if err != nil {
			return err
		}
		skip = len(before.Syscalls)
	}
	fmt.Fprintf(c.App.Writer, "default %s\n", p.DefaultAction)
	for _, s := range p.Syscalls[skip:] {
		fmt.Fprintf(c.App.Writer, "%s %s", s.Action, strings.Join(s.Names, " "))
		for _, a := range s.Args {
			fmt.Fprintf(c.App.Writer, ", if argument %d %s %#x", a.Index, a.Op, a.Value)
			if a.Op == specs.OpMaskedEqual {
				fmt.Fprintf(c.App.Writer, " %#x", a.ValueTwo)
			}
		}
		fmt.Fprintln(c.App.Writer)
	}
	return nil
}

// seccompProfile finds a profile: by its built-in name, else in a file.
func seccompProfile(name string) (*specs.LinuxSeccomp, error) {
	if slices.Contains(seccomp.Names(), name) {
		return seccomp.Named(name)
	}
	text, err := readProfile(name)
	if err != nil {
		return nil, fmt.Errorf("%w; the built-in profiles are %s", err, strings.Join(seccomp.Names(), ", "))
	}
	// Either of the two forms; a config.json has no defaultAction, a profile no linux.
	var doc struct {
		specs.LinuxSeccomp
		Linux *struct {
			Seccomp *specs.LinuxSeccomp `json:"seccomp"`
		} `json:"linux"`
		ArchMap json.RawMessage `json:"archMap"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	switch {
	case doc.ArchMap != nil:
		return nil, fmt.Errorf("%s: this is an engine's template (it has archMap), not the profile that an engine makes of it for config.json", name)
	case doc.Linux != nil && doc.Linux.Seccomp == nil:
		return nil, fmt.Errorf("%s: there is no linux.seccomp in it", name)
	case doc.Linux != nil:
		return doc.Linux.Seccomp, nil
	case doc.DefaultAction == "":
		return nil, fmt.Errorf("%s: it is neither a config.json with a linux.seccomp nor a profile with a defaultAction", name)
	}
	return &doc.LinuxSeccomp, nil
}

func readProfile(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(os.Stdin)
	}
	return os.ReadFile(name)
}
