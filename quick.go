// The fast reader of command lines: the forms that engines use, read as urfave/cli would read
// them. Whatever else it meets (help, a mistake, a spelling that nobody uses) it leaves to cli,
// whose answer is then the only one there is. Tests hold the two against each other.

package main

import (
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"
)

// quickLine is a command line that was read: options for a call.
type quickLine struct {
	command string
	flags   []quickValue
	args    quickArgs
}

type quickValue struct{ name, value string } // a bool's value is empty

// The kinds of flags.
const (
	noFlag = iota
	boolFlag
	textFlag
	numberFlag
	listFlag
)

// parseQuick reads a whole command line, argv[0] included; nil if it is nothing for it.
func parseQuick(argv []string) *quickLine {
	q := &quickLine{flags: make([]quickValue, 0, 8)}
	if len(argv) < 2 {
		return nil
	}
	rest, ok := q.readFlags(argv[1:], globalFlag)
	if !ok || len(rest) == 0 {
		return nil
	}
	var known func(name string) (string, int)
	q.command = rest[0]
	switch q.command {
	case "create":
		known = createFlag
	case "run":
		known = runFlag
	case "exec":
		known = execFlag
	case "delete":
		known = deleteFlag
	case "kill":
		known = killFlag
	case "start", "state":
		known = func(string) (string, int) { return "", noFlag }
	default:
		return nil
	}
	if rest, ok = q.readFlags(rest[1:], known); !ok {
		return nil
	}
	// cli knows the sub-command help, also by this name.
	if len(rest) > 0 && (rest[0] == "help" || rest[0] == "h") {
		return nil
	}
	q.args = rest
	return q
}

// readFlags reads flags up to the first argument, as package flag does.
func (q *quickLine) readFlags(argv []string, known func(string) (string, int)) (rest []string, ok bool) {
	for len(argv) > 0 && len(argv[0]) > 1 && argv[0][0] == '-' {
		name := argv[0][1:]
		if name[0] == '-' {
			name = name[1:]
		}
		name, value, given := strings.Cut(name, "=")
		canonical, kind := known(name)
		argv = argv[1:]
		switch kind {
		case noFlag: // unknown, or "--"
			return nil, false
		case boolFlag:
			if given {
				return nil, false
			}
		default:
			if !given {
				if len(argv) == 0 {
					return nil, false
				}
				value, argv = argv[0], argv[1:]
			}
		}
		if !plain(kind, value) || !q.add(canonical, name, value, kind) {
			return nil, false
		}
	}
	return argv, true
}

// plain says that there is one way only to understand value.
func plain(kind int, value string) bool {
	switch kind {
	case numberFlag:
		n, err := strconv.Atoi(value)
		return err == nil && n >= 0 && n < 1<<20 && strconv.Itoa(n) == value
	case listFlag: // cli has a prefix of its own
		return !strings.HasPrefix(value, "sl:")
	}
	return true
}

// add refuses what cli has rules for: a flag given twice, by one name or by two.
func (q *quickLine) add(canonical, name, value string, kind int) bool {
	for i := range q.flags {
		if q.flags[i].name == canonical && (kind != listFlag || name != canonical) {
			return false
		}
	}
	if kind == listFlag && name != canonical {
		return false
	}
	q.flags = append(q.flags, quickValue{canonical, value})
	return true
}

func globalFlag(name string) (string, int) {
	switch name {
	case "root", "log", "log-format", "rootless":
		return name, textFlag
	case "debug", "systemd-cgroup":
		return name, boolFlag
	}
	return "", noFlag
}

func createFlag(name string) (string, int) {
	switch name {
	case "b":
		return "bundle", textFlag
	case "bundle", "console-socket", "pidfd-socket", "pid-file":
		return name, textFlag
	case "no-pivot", "no-new-keyring":
		return name, boolFlag
	case "preserve-fds":
		return name, numberFlag
	}
	return "", noFlag
}

func runFlag(name string) (string, int) {
	switch name {
	case "d":
		return "detach", boolFlag
	case "detach", "keep", "no-subreaper":
		return name, boolFlag
	}
	return createFlag(name)
}

func deleteFlag(name string) (string, int) {
	if name == "force" || name == "f" {
		return "force", boolFlag
	}
	return "", noFlag
}

func killFlag(name string) (string, int) {
	if name == "all" || name == "a" {
		return "all", boolFlag
	}
	return "", noFlag
}

func execFlag(name string) (string, int) {
	switch name {
	case "p":
		return "process", textFlag
	case "u":
		return "user", textFlag
	case "t":
		return "tty", boolFlag
	case "d":
		return "detach", boolFlag
	case "console-socket", "pidfd-socket", "cwd", "user", "process", "pid-file", "process-label", "apparmor":
		return name, textFlag
	case "tty", "detach", "no-new-privs", "ignore-paused":
		return name, boolFlag
	case "preserve-fds":
		return name, numberFlag
	case "env", "additional-gids", "cap", "cgroup":
		return name, listFlag
	}
	return "", noFlag
}

func (q *quickLine) find(name string) (string, bool) {
	for i := range q.flags {
		if q.flags[i].name == name {
			return q.flags[i].value, true
		}
	}
	return "", false
}

// String is a flag's value; the two that have a default have the one that newApp gives them.
func (q *quickLine) String(name string) string {
	v, ok := q.find(name)
	switch {
	case ok:
	case name == "log-format":
		return defaultLogFormat
	case name == "rootless":
		return defaultRootless
	}
	return v
}

func (q *quickLine) Bool(name string) bool  { return q.IsSet(name) }
func (q *quickLine) IsSet(name string) bool { _, ok := q.find(name); return ok }

func (q *quickLine) Int(name string) int {
	v, _ := q.find(name)
	n, _ := strconv.Atoi(v) // plain has seen it
	return n
}

func (q *quickLine) StringSlice(name string) (list []string) {
	for i := range q.flags {
		if q.flags[i].name == name {
			list = append(list, q.flags[i].value)
		}
	}
	return list
}

func (q *quickLine) NArg() int      { return len(q.args) }
func (q *quickLine) Args() cli.Args { return q.args }

// quickArgs are cli.Args.
type quickArgs []string

// Get is argument n, or empty.
func (a quickArgs) Get(n int) string {
	if n < len(a) {
		return a[n]
	}
	return ""
}

// First is argument 0, or empty; Tail the others.
func (a quickArgs) First() string { return a.Get(0) }

// Tail is all arguments but the first.
func (a quickArgs) Tail() []string {
	if len(a) < 2 {
		return []string{}
	}
	return append([]string(nil), a[1:]...)
}

// Len, Present and Slice are as their names say.
func (a quickArgs) Len() int        { return len(a) }
func (a quickArgs) Present() bool   { return len(a) > 0 }
func (a quickArgs) Slice() []string { return append([]string(nil), a...) }
