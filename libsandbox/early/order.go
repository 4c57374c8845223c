// The reader of command lines as ordinary Go sees it: for tests that hold it against package main's.

package early

import "unsafe"

// Order is a command line that was understood.
type Order struct {
	Command string // start, kill or delete
	Root    string
	Log     string // --log, or empty
	ID      string
	Signal  int // of kill
}

// Parse reads a command line, argv[0] included, and an environment; false means that the program goes on
// in Go. Nothing is executed.
func Parse(argv, env []string) (Order, bool) {
	var args, vars vector
	for i, a := range argv {
		args[i] = cString(a)
	}
	for i, v := range env {
		vars[i] = cString(v)
	}
	c := &call{argc: len(argv), argv: &args, env: &vars}
	if !c.parse() {
		return Order{}, false
	}
	names := [...]string{start: "start", kill: "kill", remove: "delete"}
	return Order{names[c.verb], string(c.root), string(c.log), string(c.id), int(c.signal)}, true
}

func cString(s string) *byte { return unsafe.SliceData(append([]byte(s), 0)) }
