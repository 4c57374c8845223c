// The fast reader of command lines against cli's: what it accepts, cli understands identically.

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/early"
	"github.com/sirupsen/logrus"
	"github.com/urfave/cli/v2"
)

// engines' command lines, and some by hand: all of them are for the fast reader.
var quickLines = []string{
	// containerd-shim-runc-v2 (go-runc)
	"--root /run/containerd/runc/k8s.io --log /run/x/log.json --log-format json create --bundle /run/x --pid-file /run/x/init.pid abc",
	"--root /run/containerd/runc/k8s.io --log /run/x/log.json --log-format json --systemd-cgroup create --bundle /run/x --pid-file /run/x/init.pid --console-socket /tmp/pty1/pty.sock abc",
	"--root /r --log /l --log-format json start abc",
	"--root /r --log /l --log-format json kill --all abc 9",
	"--root /r --log /l --log-format json kill abc 15",
	"--root /r --log /l --log-format json delete --force abc",
	"--root /r --log /l --log-format json delete abc",
	"--root /r --log /l --log-format json exec --process /tmp/p --console-socket /tmp/s --detach --pid-file /p abc",
	"--root /r --log /l --log-format json state abc",
	"--root /r create --bundle /b --no-pivot --no-new-keyring --preserve-fds 3 abc",
	// podman and conmon
	"--root=/run/x --systemd-cgroup create --bundle /b --pid-file /b/pidfile abc",
	"exec --pid-file /p --process /f --detach abc",
	"exec --preserve-fds 2 --process=/f --tty abc",
	"start abc",
	"kill abc KILL",
	// people
	"run abc",
	"run -b /b abc",
	"run --detach --keep --no-subreaper --pidfd-socket /s abc",
	"-root /r run -d abc",
	"--rootless=true run abc",
	"--log-format= --rootless x state abc",
	"exec abc sh -c true",
	"exec -t --user 1:2 -p /f --cwd /x --env A=1 --env B=2 --cap CAP_CHOWN --additional-gids 5 --cgroup sub abc --tty -- x",
	"exec --env A=1,B=2 --cgroup cpu,memory:x a true",
	"exec --no-new-privs --ignore-paused --apparmor a --process-label l abc /bin/true",
	"delete -f abc", "kill -a abc", "create", "state a b c", "kill", "run - abc",
}

// and lines that are cli's alone.
var cliLines = []string{
	"", "--help", "--version", "list", "spec", "run --help", "create -h", "state help", "start h", "nonsense", "--nonsense run a",
	"run --bundle", "run -b /a --bundle /b a", "run --detach --detach a", "run --detach=false a", "run --record-exit a", "run --id x a",
	"create --preserve-fds 0x3 a", "create --preserve-fds -1 a", "exec -e A=1 a true", "run -- a", "---root x run a",
}

// seen is everything that a command can ask of its call.
func seen(o options, command string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %q n=%d first=%q tail=%q get1=%q", command, o.Args().Slice(), o.NArg(), o.Args().First(), o.Args().Tail(), o.Args().Get(1))
	app := newApp(logrus.New())
	flags := app.Flags
	for _, c := range app.Commands {
		if c.Name == command {
			flags = append(slices.Clone(flags), c.Flags...)
		}
	}
	for _, f := range flags {
		name := f.Names()[0]
		fmt.Fprintf(&b, " %s=%v:", name, o.IsSet(name))
		switch f.(type) {
		case *cli.StringFlag:
			fmt.Fprintf(&b, "%q", o.String(name))
		case *cli.BoolFlag:
			fmt.Fprint(&b, o.Bool(name))
		case *cli.IntFlag:
			fmt.Fprint(&b, o.Int(name))
		case *cli.StringSliceFlag:
			fmt.Fprintf(&b, "%q", o.StringSlice(name))
		default:
			panic(fmt.Sprintf("a flag of a kind that calls can't ask for: %T", f))
		}
	}
	return b.String()
}

// byCli is what cli makes of argv.
func byCli(argv []string) (got string) {
	app := newApp(logrus.New())
	app.Before = nil
	app.Writer, app.ErrWriter = io.Discard, io.Discard
	for _, c := range app.Commands {
		c.Action = func(ctx *cli.Context) error {
			got = seen(ctx, ctx.Command.Name)
			return nil
		}
	}
	if err := app.Run(argv); err != nil {
		return "error: " + err.Error()
	}
	return got
}

func compare(t *testing.T, argv []string) (quick bool) {
	t.Helper()
	q := parseQuick(argv)
	compareEarly(t, argv, q)
	if q == nil {
		return false
	}
	if a, b := seen(q, q.command), byCli(argv); a != b {
		t.Errorf("%q\nquick %s\ncli   %s", argv, a, b)
	}
	return true
}

// compareEarly: what package early takes, this reader understands identically.
func compareEarly(t *testing.T, argv []string, q *quickLine) {
	t.Helper()
	e, ok := early.Parse(argv, []string{"HOME=/"})
	if !ok {
		return
	}
	if q == nil || q.command != e.Command || q.Args().First() != e.ID || q.String("log") != e.Log || q.Bool("debug") || q.Bool("all") {
		t.Fatalf("%q: early reads %+v, quick %+v", argv, e, q)
	}
	if want := libsandbox.NewRuntime(q.String("root")).Root; want != e.Root {
		t.Errorf("%q: early's root is %s, want %s", argv, e.Root, want)
	}
	if e.Command != "kill" {
		if q.NArg() != 1 {
			t.Errorf("%q: early overlooks an argument", argv)
		}
		return
	}
	name := q.Args().Get(1)
	if name == "" {
		name = "TERM"
	}
	if sig, err := parseSignal(name); err != nil || int(sig) != e.Signal || q.NArg() > 2 {
		t.Errorf("%q: early's signal is %d, want %d, %v", argv, e.Signal, sig, err)
	}
}

func TestQuickLines(t *testing.T) {
	for _, line := range quickLines {
		if !compare(t, append([]string{"sandbox-runtime"}, strings.Fields(line)...)) {
			t.Errorf("%q is left to cli", line)
		}
	}
	for _, line := range cliLines {
		if parseQuick(append([]string{"sandbox-runtime"}, strings.Fields(line)...)) != nil {
			t.Errorf("%q is not left to cli", line)
		}
	}
	if parseQuick(nil) != nil {
		t.Error("nothing is not left to cli")
	}
}

// Each flag of each command, alone, in each spelling.
func TestQuickFlags(t *testing.T) {
	for _, c := range newApp(logrus.New()).Commands {
		for _, f := range c.Flags {
			for _, name := range f.Names() {
				for _, dash := range []string{"-", "--"} {
					compare(t, []string{"x", c.Name, dash + name, "a", "b"})
					compare(t, []string{"x", c.Name, dash + name, "7", "b"})
					compare(t, []string{"x", c.Name, dash + name + "=7", "b"})
				}
			}
		}
	}
}

// Arguments are separated by line ends.
func FuzzQuick(f *testing.F) {
	for _, line := range append(slices.Clone(quickLines), cliLines...) {
		f.Add(strings.ReplaceAll(line, " ", "\n"))
	}
	f.Add("exec\n--env\n A=1 \na\ntrue")
	f.Add("exec\n--env\n\na\ntrue")
	f.Add("run\n\na")
	f.Fuzz(func(t *testing.T, text string) {
		compare(t, append([]string{"x"}, strings.Split(text, "\n")...))
	})
}
