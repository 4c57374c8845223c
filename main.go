// Command sandbox-runtime is an OCI container runtime: a drop-in for runc, and a sandbox for
// single programs. Each command has a file of its own; here are the global flags, the log and
// the one place that prints errors.
package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/early"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
	"github.com/sirupsen/logrus"
	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"
)

// commit is set by the build: -ldflags "-X main.commit=...".
var commit = "unknown"

// exitCode is an error that is only an exit code: the payload's own.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

func main() {
	hide()
	if slack := early.TimerSlack(); slack > 0 {
		// For this thread, and so for what it starts, it is what it was. The containers get it in any case.
		_ = unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(slack), 0, 0, 0)
	}
	if spawnDirect(os.Args) {
		return
	}
	// What the caller left open is not for the helpers and hooks that are started from here; a
	// container gets exactly the descriptors that it is meant to have in any case.
	_ = unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	log := logrus.New()
	done, err := quickly(os.Args, log)
	if !done {
		err = newApp(log).Run(os.Args)
	}
	finish(func() *logrus.Logger { return log }, err)
}

// finish ends the process the way err asks for.
func finish(log func() *logrus.Logger, err error) {
	var code exitCode
	var own *notRun
	switch {
	case err == nil:
	case errors.As(err, &code):
		os.Exit(int(code))
	case errors.As(err, &own):
		fatal(log(), own.error, own.code)
	default:
		fatal(log(), err, 1)
	}
}

// hide takes this process out of reach of ptrace(2) and /proc/PID for everything without
// CAP_SYS_PTRACE. Until it executes the stage, a child made by vfork shares our memory and counts as
// us, and exec makes it in the container's PID namespace. Without root it would take our own files in
// /proc away from us, and a container's capabilities end at its user namespace anyway.
func hide() {
	if os.Geteuid() == 0 {
		_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	}
}

// fatalCode is fatal for a command with an exit code of its own.
func fatalCode(c *call, err error, code int) {
	fatal(c.log, err, code)
}

// fatal reports err and ends.
func fatal(log *logrus.Logger, err error, code int) {
	report(log, err)
	os.Exit(code)
}

// report prints err once to the log and, if that is a file, to stderr as well.
func report(log *logrus.Logger, err error) {
	entry := logrus.NewEntry(log)
	if _, ok := log.Formatter.(*logrus.JSONFormatter); ok {
		for k, v := range errdetail.Facts(err) {
			entry = entry.WithField(k, v)
		}
	}
	if log.Out != os.Stderr {
		fmt.Fprintln(os.Stderr, "sandbox-runtime: "+err.Error())
		entry.Error(err)
	} else if _, ok := log.Formatter.(*logrus.JSONFormatter); ok {
		entry.Error(err)
	} else {
		fmt.Fprintln(os.Stderr, "sandbox-runtime: "+err.Error())
	}
}

// The defaults of the global flags that have one.
const (
	defaultLogFormat = "text"
	defaultRootless  = "auto"
)

func newApp(log *logrus.Logger) *cli.App {
	cli.VersionPrinter = func(c *cli.Context) {
		fmt.Fprintf(c.App.Writer, "sandbox-runtime version %s\ncommit: %s\nspec: %s\ngo: %s\n",
			c.App.Version, commit, specs.Version, runtime.Version())
	}
	return &cli.App{
		Name:                 "sandbox-runtime",
		Usage:                "run OCI containers, and single programs in a sandbox",
		Version:              libsandbox.Version,
		HideHelpCommand:      true,
		EnableBashCompletion: false,
		// A value may hold commas: -e LIST=a,b is one variable.
		DisableSliceFlagSeparator: true,
		// Errors are printed by main, once.
		ExitErrHandler: func(*cli.Context, error) {},
		OnUsageError:   func(_ *cli.Context, err error, _ bool) error { return usage(err) },
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "root", Usage: "folder for the state of containers (default: /run/sandbox-runtime, or in $XDG_RUNTIME_DIR without root)"},
			&cli.StringFlag{Name: "log", Usage: "append messages to this file instead of stderr"},
			&cli.StringFlag{Name: "log-format", Value: defaultLogFormat, Usage: "text or json"},
			&cli.BoolFlag{Name: "debug", Usage: "log more"},
			&cli.BoolFlag{Name: "systemd-cgroup", Usage: "let systemd make the cgroups; linux.cgroupsPath is then slice:prefix:name"},
			&cli.StringFlag{Name: "rootless", Value: defaultRootless, Usage: "do without host privileges: true, false or auto"},
		},
		Before:   func(c *cli.Context) error { return configureLog(c, log) },
		Action:   noCommand,
		Metadata: map[string]any{"log": log},
		Commands: commands(),
	}
}

func commands() []*cli.Command {
	return []*cli.Command{
		createCommand(), startCommand(), runCommand(), waitCommand(), stateCommand(), killCommand(), deleteCommand(),
		listCommand(), updateCommand(), eventsCommand(), execCommand(), pauseCommand(), resumeCommand(), psCommand(), specCommand(), explainCommand(),
		featuresCommand(), seccompCommand(),
		spawnCommand(), profilesCommand(),
		checkCommand(), completionCommand(), manCommand(),
	}
}

// noCommand is what happens without a command that we know.
func noCommand(c *cli.Context) error {
	if c.Args().Present() {
		return usage(fmt.Errorf("unknown command %q: see --help", c.Args().First()))
	}
	return cli.ShowAppHelp(c)
}

// usageError is a mistake on the command line.
type usageError struct{ error }

func usage(err error) error { return usageError{err} }

func configureLog(c options, log *logrus.Logger) error {
	log.SetOutput(os.Stderr)
	if c.Bool("debug") {
		log.SetLevel(logrus.DebugLevel)
	}
	switch f := c.String("log-format"); f {
	case "text":
	case "json":
		log.SetFormatter(&logrus.JSONFormatter{})
	default:
		return usage(fmt.Errorf("--log-format: unknown %q: want text or json", f))
	}
	if path := c.String("log"); path != "" {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND|os.O_SYNC, 0o644)
		if err != nil {
			return fmt.Errorf("--log: %w", err)
		}
		log.SetOutput(f)
	}
	switch r := c.String("rootless"); r {
	case "auto", "true", "false":
	default:
		return usage(fmt.Errorf("--rootless: unknown %q: want true, false or auto", r))
	}
	return nil
}

// newRuntime is the library's runtime with what the global flags say.
func newRuntime(c *cli.Context) *libsandbox.Runtime { return from(c).runtime() }

func (c *call) runtime() *libsandbox.Runtime {
	rt := libsandbox.NewRuntime(c.String("root"))
	rt.SystemdCgroup = c.Bool("systemd-cgroup")
	switch c.String("rootless") {
	case "true":
		rt.Rootless = true
	case "false":
		rt.Rootless = false
	}
	rt.TimerSlack = early.TimerSlack()
	rt.Warn = func(msg string) { c.log.Warn(msg) }
	return rt
}

// oneID is the container id of a command that takes just that.
func oneID(c *cli.Context) (string, error) { return from(c).oneID() }

func (c *call) oneID() (string, error) {
	switch c.NArg() {
	case 1:
		return c.Args().First(), nil
	case 0:
		return "", usage(fmt.Errorf("%s: want a container id", c.command))
	}
	return "", usage(fmt.Errorf("%s: too many arguments: want one container id; flags come before it", c.command))
}
