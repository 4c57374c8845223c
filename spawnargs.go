// The command line of spawn. It is read by hand: a sandbox starts in a few milliseconds, of which
// package cli would take one; and values may hold commas, at which package cli splits them.

package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/sirupsen/logrus"
	"github.com/urfave/cli/v2"
)

// spawnFlags says what there is, for help.
func spawnFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "profile", Usage: "strict, moderate or permissive; see \"profiles\" (other flags refine it)"},
		&cli.StringFlag{Name: "memory", Usage: "limit, e.g. 512M"},
		&cli.StringFlag{Name: "cpus", Usage: "limit, e.g. 0.5"},
		&cli.StringFlag{Name: "pids", Usage: "limit of processes and threads"},
		&cli.BoolFlag{Name: "allow-weaker", Usage: "go on if a limit cannot be enforced here"},
		&cli.StringFlag{Name: "timeout", Usage: "end everything after this time, e.g. 30s"},
		&cli.StringSliceFlag{Name: "rlimit", Usage: "NAME=SOFT[:HARD], e.g. nofile=256"},
		&cli.StringFlag{Name: "seccomp", Usage: "name of a filter, or a JSON file; see \"profiles\""},
		&cli.StringFlag{Name: "net", Value: "none", Usage: "none or host"},
		&cli.StringSliceFlag{Name: "share", Usage: "share a namespace with the host: pid, mount, net, ipc, uts, cgroup, user"},
		&cli.StringSliceFlag{Name: "bind-ro", Usage: "SRC[:DST]: make a path of the host visible"},
		&cli.StringSliceFlag{Name: "bind", Usage: "SRC[:DST]: the same, writable"},
		&cli.StringSliceFlag{Name: "tmpfs", Usage: "DST[:SIZE]: an empty folder in memory"},
		&cli.StringSliceFlag{Name: "overlay", Usage: "SRC[:DST]: writable, but what is written is thrown away"},
		&cli.StringSliceFlag{Name: "overlay-keep", Usage: "SRC:DST:UPPER:WORK: writable, what is written is kept in UPPER"},
		&cli.StringSliceFlag{Name: "landlock-ro", Usage: "PATH: allow to read; with any --landlock flag what is not listed is denied"},
		&cli.StringSliceFlag{Name: "landlock-rw", Usage: "PATH: allow to read and write"},
		&cli.StringSliceFlag{Name: "landlock-exec", Usage: "PATH: allow to read and execute"},
		&cli.StringSliceFlag{Name: "landlock-connect", Usage: "PORT: allow to connect to a TCP port"},
		&cli.StringSliceFlag{Name: "landlock-bind", Usage: "PORT: allow to listen on a TCP port"},
		&cli.StringSliceFlag{Name: "env", Aliases: []string{"e"}, Usage: "KEY=VALUE, or KEY for the caller's value"},
		&cli.BoolFlag{Name: "inherit-env", Usage: "start with the caller's environment"},
		&cli.StringFlag{Name: "cwd", Usage: "working directory in the sandbox"},
		&cli.StringFlag{Name: "root", Usage: "folder that becomes the root"},
		&cli.BoolFlag{Name: "root-overlay", Usage: "send writes to the root to a layer that is thrown away"},
		&cli.BoolFlag{Name: "root-ro", Usage: "make the root read-only"},
		&cli.StringFlag{Name: "user", Aliases: []string{"u"}, Usage: "UID[:GID] that the program sees"},
		&cli.StringFlag{Name: "hostname", Usage: "host name in the sandbox"},
		&cli.BoolFlag{Name: "tty", Aliases: []string{"t"}, Usage: "give the program a terminal of its own (default: where it would have ours; --tty=false: never)"},
		&cli.StringFlag{Name: "mode", Value: "auto", Usage: "auto, privileged or unprivileged"},
		&cli.BoolFlag{Name: "json", Usage: "print the result as JSON to stderr at the end"},
		&cli.BoolFlag{Name: "summary", Usage: "print the result for people to stderr at the end"},
		&cli.BoolFlag{Name: "explain", Usage: "print the plan instead of running it"},
	}
}

// spawnArgs is a command line that was read.
type spawnArgs struct {
	values map[string][]string
	rest   []string // the program and its arguments
	help   bool
}

// String is the last value of a flag, "" if it was not given.
func (a *spawnArgs) String(name string) string {
	if v := a.values[name]; len(v) > 0 {
		return v[len(v)-1]
	}
	return ""
}

// StringSlice is every value of a flag, in the order given.
func (a *spawnArgs) StringSlice(name string) []string { return a.values[name] }

// Bool says whether a switch was given and not given as "=false".
func (a *spawnArgs) Bool(name string) bool { return a.String(name) == "true" }

// spawnFlag is the full name of a flag and whether a value follows it.
func spawnFlag(name string) (full string, value, known bool) {
	switch name {
	case "allow-weaker", "inherit-env", "root-overlay", "root-ro", "json", "summary", "explain", "tty":
		return name, false, true
	case "e":
		return "env", true, true
	case "u":
		return "user", true, true
	case "t":
		return "tty", false, true
	case "profile", "memory", "cpus", "pids", "timeout", "rlimit", "seccomp", "net", "share", "bind-ro", "bind", "tmpfs",
		"overlay", "overlay-keep", "landlock-ro", "landlock-rw", "landlock-exec", "landlock-connect", "landlock-bind",
		"env", "cwd", "root", "user", "hostname", "mode":
		return name, true, true
	}
	return "", false, false
}

// parseSpawn reads what follows "spawn". Flags end at "--" or at the first word that is none.
func parseSpawn(args []string) (*spawnArgs, error) {
	a := &spawnArgs{values: map[string][]string{}}
	for len(args) > 0 {
		word := args[0]
		if word == "--" {
			a.rest = args[1:]
			return a, nil
		}
		if len(word) < 2 || word[0] != '-' {
			break
		}
		args = args[1:]
		name, value, given := strings.Cut(strings.TrimPrefix(word[1:], "-"), "=")
		if name == "h" || name == "help" {
			a.help = true
			return a, nil
		}
		full, wants, known := spawnFlag(name)
		switch {
		case !known:
			return nil, fmt.Errorf("flag provided but not defined: %s: see spawn --help", word)
		case !wants && !given:
			value = "true"
		case !wants && value != "true" && value != "false":
			return nil, fmt.Errorf("--%s: %q: want true or false", full, value)
		case wants && !given && len(args) == 0:
			return nil, fmt.Errorf("flag needs an argument: --%s", full)
		case wants && !given:
			value, args = args[0], args[1:]
		}
		a.values[full] = append(a.values[full], value)
	}
	a.rest = args
	return a, nil
}

// spawnDirect is main for "sandbox-runtime spawn ..." without global flags. False means that this
// is something else.
func spawnDirect(args []string) bool {
	if len(args) < 2 || args[1] != "spawn" {
		return false
	}
	a, err := parseSpawn(args[2:])
	if err == nil && a.help {
		return false
	}
	if err != nil {
		err = usage(err)
	} else {
		err = spawn(a, os.Stdout)
	}
	err = spawnError(err)
	finish(logrus.New, err)
	return true
}
