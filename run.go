// run: create, start, wait and delete in one.

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox"
	"github.com/urfave/cli/v2"
)

func runCommand() *cli.Command {
	return &cli.Command{
		Name:      "run",
		Usage:     "run a container: create, start, wait, delete",
		ArgsUsage: "CONTAINER | BUNDLE",
		Description: "The argument is a container id. Where neither --bundle is given nor the current folder is a\n" +
			"bundle, it may be a bundle's folder; its base name, or --id, is then the id.",
		Flags: append(createFlags(),
			&cli.BoolFlag{Name: "detach", Aliases: []string{"d"}, Usage: "do not wait for the program"},
			&cli.BoolFlag{Name: "record-exit", Usage: "with --detach: leave a small process that records how the program ends, for wait and state"},
			&cli.BoolFlag{Name: "keep", Usage: "do not delete the container when its program ends"},
			&cli.BoolFlag{Name: "no-subreaper", Usage: "accepted for runc's sake: this runtime is never a subreaper"},
			&cli.StringFlag{Name: "id", Usage: "the container's id, where the argument is a bundle"},
		),
		Action: action(run),
	}
}

func run(c *call) error {
	id, bundle, err := idOrBundle(c)
	if err != nil {
		return err
	}
	o, err := createOptions(c, bundle)
	if err != nil {
		return err
	}
	detach, socket := c.Bool("detach"), c.String("console-socket")
	var tell *os.File
	if detach && c.Bool("record-exit") {
		if tell = keeperTell(); tell == nil {
			return startKeeper(&o)
		}
	}
	o.RecordExit = !detach || tell != nil
	var fg *foreground
	if !detach {
		if fg, err = newForeground(); err != nil {
			return err
		}
		defer fg.onPanic()
		o.Master = fg.take
	}
	if socket != "" {
		o.Master, o.WantTerminal = masterTo(socket), true
	}
	f, err := c.runtime().Run(id, o)
	if err != nil {
		return fg.end(err)
	}
	if detach {
		if err := f.Notify(f.Pid()); err != nil {
			return err
		}
	} else if o.NotifySocket != "" {
		go notifyBeside(c, f)
	}
	if tell != nil {
		return keep(c.runtime(), f, tell)
	}
	if detach {
		f.Detach()
		return nil
	}
	if err := fg.follow(f.PidFD()); err != nil {
		return fg.end(err)
	}
	exit, err := f.Wait(c.Bool("keep"))
	if err := fg.end(err); err != nil {
		return err
	}
	reportKilled(c, exit)
	if exit.Code != 0 {
		return exitCode(exit.Code)
	}
	return nil
}

// notifyBeside passes a container's notification on while this process goes on as the service's
// main one.
func notifyBeside(c *call, f *libsandbox.Foreground) {
	if err := f.Notify(os.Getpid()); err != nil {
		c.log.Warn(err)
	}
}

// keep makes this process the container's keeper, and then lets the one that was called go.
func keep(rt *libsandbox.Runtime, f *libsandbox.Foreground, tell *os.File) error {
	if _, err := tell.Write([]byte{1}); err != nil { // it was killed: nobody knows of the container
		return errors.Join(fmt.Errorf("--record-exit: %w", err), rt.Delete(f.ID(), true))
	}
	return f.BecomeKeeper()
}

// idOrBundle reads the argument of run.
func idOrBundle(c *call) (id, bundle string, err error) {
	arg, err := c.oneID()
	if err != nil {
		return "", "", err
	}
	bundle = c.String("bundle")
	if bundle == "" && !isBundle(".") && isBundle(arg) {
		abs, err := filepath.Abs(arg)
		if err != nil {
			return "", "", err
		}
		id := c.String("id")
		if id == "" {
			id = filepath.Base(abs)
		}
		return id, abs, nil
	}
	if c.String("id") != "" {
		return "", "", usage(fmt.Errorf("--id: the argument %q is the id already", arg))
	}
	return arg, bundle, nil
}

func isBundle(dir string) bool {
	st, err := os.Stat(filepath.Join(dir, "config.json"))
	return err == nil && st.Mode().IsRegular()
}
