// spawn: run a program in a sandbox, without a bundle.

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/docker/go-units"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/stage"
	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"
)

func spawnCommand() *cli.Command {
	return &cli.Command{
		Name:      "spawn",
		Usage:     "run a program in a sandbox, with or without root",
		ArgsUsage: "[--] PROGRAM [ARG...]",
		Description: "Without flags the program sees the host's /usr read-only, a private /tmp, /dev and /proc, no\n" +
			"network and no home. The exit code is the program's; 128+N if signal N ended it.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "profile", Usage: "strict, moderate or permissive; see \"profiles\" (other flags refine it)"},
			&cli.StringFlag{Name: "memory", Usage: "limit, e.g. 512M"},
			&cli.Float64Flag{Name: "cpus", Usage: "limit, e.g. 0.5"},
			&cli.Int64Flag{Name: "pids", Usage: "limit of processes and threads"},
			&cli.BoolFlag{Name: "allow-weaker", Usage: "go on if a limit cannot be enforced here"},
			&cli.DurationFlag{Name: "timeout", Usage: "end everything after this time, e.g. 30s"},
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
			&cli.StringFlag{Name: "mode", Value: "auto", Usage: "auto, privileged or unprivileged"},
			&cli.BoolFlag{Name: "json", Usage: "print the result as JSON to stderr at the end"},
			&cli.BoolFlag{Name: "summary", Usage: "print the result for people to stderr at the end"},
			&cli.BoolFlag{Name: "explain", Usage: "print the plan instead of running it"},
		},
		Action: spawn,
	}
}

func spawn(c *cli.Context) error {
	cfg, err := spawnConfig(c)
	if err != nil {
		return err
	}
	if c.Bool("explain") {
		return spawnExplain(c, cfg)
	}
	cfg.Stdin, cfg.Stdout, cfg.Stderr = os.Stdin, os.Stdout, os.Stderr
	cfg.WatchDenied = c.Bool("json") || c.Bool("summary")
	cmd := libsandbox.Command(cfg.Program)
	cmd.ProcessConfig = *cfg
	// Before the program exists: a signal that comes early must not be lost.
	signals := make(chan os.Signal, 64)
	signal.Notify(signals, unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2, unix.SIGWINCH, unix.SIGCONT)
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() {
		for s := range signals {
			if errors.Is(cmd.Process.Signal(s.(syscall.Signal)), os.ErrProcessDone) {
				return
			}
		}
	}()
	err = cmd.Wait()
	var exit *libsandbox.ExitError
	if err != nil && !errors.As(err, &exit) {
		return err
	}
	r := cmd.Result
	switch {
	case c.Bool("json"):
		err = json.NewEncoder(os.Stderr).Encode(r)
	case c.Bool("summary"):
		err = summary(os.Stderr, cfg, r)
	default:
		err = nil
	}
	if err != nil {
		return err
	}
	if code := r.Code(); code != 0 {
		return exitCode(code)
	}
	return nil
}

func spawnExplain(c *cli.Context, cfg *libsandbox.ProcessConfig) error {
	p, elf, err := libsandbox.ExplainProcess(*cfg)
	if err != nil {
		return err
	}
	steps, data := p.Size()
	fmt.Fprintf(c.App.Writer, "# %d steps, %d bytes of data, %d of code; linked: %d bytes\n", steps, data, len(stage.Code()), len(elf))
	return p.Print(c.App.Writer)
}

// summary is the result for people. What was denied comes with the flag that allows it.
func summary(w io.Writer, cfg *libsandbox.ProcessConfig, r *libsandbox.Result) error {
	end := fmt.Sprintf("exit code %d", r.ExitCode)
	if r.Signal != 0 {
		end = fmt.Sprintf("signal %d (%s)", int(r.Signal), unix.SignalName(r.Signal))
	}
	fmt.Fprintf(w, "\nsandbox: %s after %v; CPU %v user, %v system; peak memory %s (%s)\n", end, r.Wall.Round(time.Millisecond),
		r.User.Round(time.Millisecond), r.System.Round(time.Millisecond), units.BytesSize(float64(r.PeakMemory)), r.Usage)
	fmt.Fprintf(w, "mode: %s, because %s\n", r.Mode, r.ModeReason)
	if l := r.Limits; l.Memory != "" || l.CPUs != "" || l.Pids != "" {
		fmt.Fprint(w, "limits:")
		for _, x := range [...]struct {
			name string
			by   libsandbox.Enforcement
		}{{"memory", l.Memory}, {"cpus", l.CPUs}, {"pids", l.Pids}} {
			if x.by != "" {
				fmt.Fprintf(w, " %s by %s", x.name, x.by)
			}
		}
		fmt.Fprintln(w)
	}
	if r.LandlockABI > 0 {
		fmt.Fprintf(w, "landlock: ABI %d\n", r.LandlockABI)
	}
	switch {
	case r.TimedOut:
		fmt.Fprintf(w, "ended: the time of %v was up; --timeout allows more\n", cfg.Timeout)
	case r.OOMKilled:
		fmt.Fprintf(w, "ended: it needed more than %s of memory; --memory allows more\n", units.BytesSize(float64(cfg.Limits.Memory)))
	}
	for _, d := range r.Denied {
		allow := libsandbox.ProfileAllowing(d.Syscall)
		hint := "no named filter allows it"
		if allow != "" {
			hint = "--seccomp " + allow + " allows it"
		}
		fmt.Fprintf(w, "denied: system call %s, %d times; %s\n", d.Syscall, d.Count, hint)
	}
	return nil
}
