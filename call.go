// call: one call of a command, however its command line was read.

package main

import (
	"io"
	"os"

	"github.com/sirupsen/logrus"
	"github.com/urfave/cli/v2"
)

// options are the flags of a call, global ones included. *cli.Context and *quickLine are this.
type options interface {
	String(name string) string
	Bool(name string) bool
	Int(name string) int
	StringSlice(name string) []string
	IsSet(name string) bool
	NArg() int
	Args() cli.Args
}

// call is what a command on the fast path gets.
type call struct {
	options
	command string
	log     *logrus.Logger
	out     io.Writer
}

func from(c *cli.Context) *call {
	return &call{c, c.Command.Name, c.App.Metadata["log"].(*logrus.Logger), c.App.Writer}
}

// action makes a command that both ways of reading a command line lead to one of cli's.
func action(f func(*call) error) cli.ActionFunc {
	return func(c *cli.Context) error { return f(from(c)) }
}

// quickly runs the command line, if it is one of the plain forms that engines use. Building the
// App and parsing by it costs as much as the whole of `state` does.
func quickly(argv []string, log *logrus.Logger) (done bool, err error) {
	q := parseQuick(argv)
	if q == nil {
		return false, nil
	}
	var f func(*call) error
	switch q.command {
	case "create":
		f = create
	case "start":
		f = start
	case "run":
		f = run
	case "exec":
		f = exec
	case "state":
		f = stateOf
	case "kill":
		f = kill
	case "delete":
		f = remove
	default:
		return false, nil
	}
	if err := configureLog(q, log); err != nil {
		return true, err
	}
	return true, f(&call{q, q.command, log, os.Stdout})
}
