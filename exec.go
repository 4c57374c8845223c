// exec: a further process in a running container.

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox"
	"github.com/sandbox-runtime/sandbox-runtime/specconv"
	"github.com/urfave/cli/v2"
)

func execCommand() *cli.Command {
	return &cli.Command{
		Name:      "exec",
		Usage:     "run a further process in a container",
		ArgsUsage: "CONTAINER COMMAND [ARG...]",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "console-socket", Usage: "unix socket that receives the terminal's master"},
			&cli.StringFlag{Name: "pidfd-socket", Usage: "unix socket that receives a pidfd of the process"},
			&cli.StringFlag{Name: "cwd", Usage: "working directory in the container"},
			&cli.StringSliceFlag{Name: "env", Aliases: []string{"e"}, KeepSpace: true, Usage: "set an environment variable, NAME=VALUE"},
			&cli.BoolFlag{Name: "tty", Aliases: []string{"t"}, Usage: "give it a terminal"},
			&cli.StringFlag{Name: "user", Aliases: []string{"u"}, Usage: "numeric UID[:GID]"},
			&cli.StringSliceFlag{Name: "additional-gids", Aliases: []string{"g"}, KeepSpace: true, Usage: "a further group"},
			&cli.StringFlag{Name: "process", Aliases: []string{"p"}, Usage: "read the process from this JSON file"},
			&cli.BoolFlag{Name: "detach", Aliases: []string{"d"}, Usage: "do not wait for it"},
			&cli.StringFlag{Name: "pid-file", Usage: "file to write its process id to"},
			&cli.StringFlag{Name: "process-label", Usage: "SELinux label"},
			&cli.StringFlag{Name: "apparmor", Usage: "AppArmor profile"},
			&cli.BoolFlag{Name: "no-new-privs", Usage: "forbid new privileges"},
			&cli.StringSliceFlag{Name: "cap", Aliases: []string{"c"}, KeepSpace: true, Usage: "a capability to add"},
			&cli.IntFlag{Name: "preserve-fds", Usage: "pass this many further descriptors, from 3 on, to the program"},
			&cli.StringSliceFlag{Name: "cgroup", KeepSpace: true, Usage: "sub-cgroup of the container's, [CONTROLLER,...:]PATH"},
			&cli.BoolFlag{Name: "ignore-paused", Usage: "start it in a paused container too"},
		},
		SkipFlagParsing: false,
		Action:          action(exec),
	}
}

// execFailed is what runc exits with when the process could not be started.
const execFailed = 255

func exec(c *call) error {
	code, err := runExec(c)
	if err != nil {
		fatalCode(c, err, execFailed)
	}
	if code != 0 {
		return exitCode(code)
	}
	return nil
}

func runExec(c *call) (int, error) {
	if c.NArg() < 1 {
		return 0, usage(fmt.Errorf("exec: want a container id"))
	}
	if c.String("process") == "" && c.NArg() < 2 {
		return 0, usage(fmt.Errorf("exec: want a command after the container id, or --process"))
	}
	ctr, err := c.runtime().Load(c.Args().First())
	if err != nil {
		return 0, err
	}
	spec, err := ctr.Spec()
	if err != nil {
		return 0, err
	}
	p, err := execProcess(c, spec)
	if err != nil {
		return 0, err
	}
	for _, name := range c.StringSlice("cap") {
		if specconv.CapIndex(name) < 0 {
			c.log.Warnf("--cap: unknown capability %q is left out; the names look like CAP_NET_ADMIN", name)
		}
	}
	o, err := execOptions(c)
	if err != nil {
		return 0, err
	}
	detach := c.Bool("detach")
	var fg *foreground
	if !detach {
		if fg, err = newForeground(); err != nil {
			return 0, err
		}
		defer fg.onPanic()
		o.Master = fg.take
	}
	if socket := c.String("console-socket"); socket != "" {
		if !p.Terminal {
			return 0, fg.end(usage(fmt.Errorf("--console-socket: the process has no terminal, see --tty")))
		}
		o.Master = masterTo(socket)
	}
	proc, err := ctr.Exec(spec, p, o)
	if err != nil {
		return 0, fg.end(err)
	}
	if detach {
		proc.Detach()
		return 0, nil
	}
	if err := fg.follow(proc.PidFD()); err != nil {
		return 0, fg.end(err)
	}
	exit, err := proc.Wait()
	if err := fg.end(err); err != nil {
		return exit.Code, err
	}
	reportKilled(c, exit)
	return exit.Code, nil
}

func execOptions(c options) (libsandbox.ExecOptions, error) {
	o := libsandbox.ExecOptions{
		PidFile: c.String("pid-file"), PidfdSocket: c.String("pidfd-socket"), IgnorePaused: c.Bool("ignore-paused"),
		Stdin: std(0, "stdin"), Stdout: std(1, "stdout"), Stderr: std(2, "stderr"),
	}
	if o.PidFile != "" {
		abs, err := filepath.Abs(o.PidFile)
		if err != nil {
			return o, err
		}
		o.PidFile = abs
	}
	for _, s := range c.StringSlice("cgroup") {
		if o.Cgroup == nil {
			o.Cgroup = map[string]string{}
		}
		controllers, path, found := strings.Cut(s, ":")
		if !found {
			o.Cgroup[""] = s
			continue
		}
		for _, name := range strings.Split(controllers, ",") {
			o.Cgroup[name] = path
		}
	}
	// No socket activation here: sd_listen_fds(3) wants the reader's own pid in LISTEN_PID, and only
	// the init's is known before.
	var err error
	o.ExtraFiles, err = preserved(c, 0)
	return o, err
}

// execProcess is the process: from --process, or the container's own with the flags over it.
func execProcess(c options, spec *specs.Spec) (*specs.Process, error) {
	if path := c.String("process"); path != "" {
		return readProcess(path)
	}
	p := *spec.Process
	p.Args = c.Args().Tail()
	p.Terminal = c.Bool("tty")
	p.ConsoleSize = nil
	if cwd := c.String("cwd"); cwd != "" {
		p.Cwd = cwd
	}
	p.Env = append(append([]string(nil), p.Env...), c.StringSlice("env")...)
	if v := c.String("apparmor"); v != "" {
		p.ApparmorProfile = v
	}
	if v := c.String("process-label"); v != "" {
		p.SelinuxLabel = v
	}
	if c.IsSet("no-new-privs") {
		p.NoNewPrivileges = c.Bool("no-new-privs")
	}
	addCaps(&p, c.StringSlice("cap"))
	if err := execUser(c, &p); err != nil {
		return nil, err
	}
	return &p, specconv.CheckProcess(&p)
}

// readProcess reads --process.
func readProcess(path string) (*specs.Process, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("--process: %w", err)
	}
	p, err := specconv.DecodeProcess(data)
	if err == nil {
		err = specconv.CheckProcess(p)
	}
	if err != nil {
		return nil, fmt.Errorf("--process %s: %w", path, err)
	}
	return p, nil
}

// addCaps adds to the sets a program can use at once, never to the inheritable one
// (CVE-2022-29162).
func addCaps(p *specs.Process, names []string) {
	if len(names) == 0 {
		return
	}
	caps := specs.LinuxCapabilities{}
	if p.Capabilities != nil {
		caps = *p.Capabilities
	}
	with := func(set []string) []string { return append(append([]string(nil), set...), names...) }
	caps.Bounding, caps.Effective, caps.Permitted = with(caps.Bounding), with(caps.Effective), with(caps.Permitted)
	p.Capabilities = &caps
}

// execUser parses --user and --additional-gids strictly: a text that is almost a number must
// never become another user (CVE-2026-30892).
func execUser(c options, p *specs.Process) error {
	if v := c.String("user"); v != "" {
		uid, gid, hasGid := strings.Cut(v, ":")
		var err error
		if p.User.UID, err = parseID("--user", uid); err != nil {
			return err
		}
		if hasGid {
			if p.User.GID, err = parseID("--user", gid); err != nil {
				return err
			}
		}
	}
	for _, g := range c.StringSlice("additional-gids") {
		id, err := parseID("--additional-gids", g)
		if err != nil {
			return err
		}
		p.User.AdditionalGids = append(append([]uint32(nil), p.User.AdditionalGids...), id)
	}
	return nil
}

// parseID accepts decimal digits only, 0 to 2^32-2: -1 means "no change" to the kernel.
func parseID(flag, s string) (uint32, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || s[0] < '0' || s[0] > '9' || n == 1<<32-1 {
		return 0, usage(fmt.Errorf("%s: invalid id %q: want a number from 0 to 4294967294", flag, s))
	}
	return uint32(n), nil
}
