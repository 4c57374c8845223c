// profiles: what spawn --profile and --seccomp may be given.

package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/docker/go-units"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/seccomp"
	"github.com/urfave/cli/v2"
)

func profilesCommand() *cli.Command {
	return &cli.Command{
		Name:        "profiles",
		Usage:       "list the presets of spawn and the named seccomp filters",
		ArgsUsage:   "[SECCOMP-FILTER]",
		Description: "With the name of a seccomp filter its definition is printed, as linux.seccomp of config.json has it.",
		Action:      profiles,
	}
}

func profiles(c *cli.Context) error {
	w := c.App.Writer
	if c.NArg() > 1 {
		return usage(fmt.Errorf("profiles: takes no more than one name"))
	}
	if name := c.Args().First(); name != "" {
		p, err := seccomp.Named(name)
		if err != nil {
			return usage(err)
		}
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(p)
	}
	fmt.Fprintln(w, "presets (spawn --profile):")
	for _, name := range libsandbox.Presets() {
		p, err := libsandbox.Preset(name)
		if err != nil {
			return err
		}
		facts := []string{"seccomp " + p.SeccompProfile}
		if l := p.Limits; l.Memory > 0 {
			facts = append(facts, "memory "+units.BytesSize(float64(l.Memory)), fmt.Sprintf("cpus %g", l.CPUs), fmt.Sprintf("pids %d", l.Pids))
		}
		if p.Timeout > 0 {
			facts = append(facts, "timeout "+p.Timeout.String())
		}
		if p.Share&libsandbox.NamespaceNetwork != 0 {
			facts = append(facts, "the host's network")
		}
		fmt.Fprintf(w, "  %-13s %s\n", name, strings.Join(facts, ", "))
	}
	fmt.Fprintln(w, "\nseccomp filters (spawn --seccomp), each allows what the one before it allows:")
	for _, name := range seccomp.Names() {
		fmt.Fprintf(w, "  %-13s %s\n", name, seccomp.About(name))
	}
	fmt.Fprintf(w, "  %-13s %s\n", libsandbox.NoSeccomp, "no filter")
	return nil
}
