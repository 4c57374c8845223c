// Package early carries out start, kill and delete before the Go runtime exists.
//
// These commands do little: a handful of system calls for start and kill, one per cgroup for
// delete. Starting the Go runtime, 170 page faults and four threads, costs more than all of that. So
// the program's ELF entry is a function of this package (linker flag -E, see the Makefile). It reads the
// command line and state.json, and if both are of the plain kind that engines use and all goes well,
// the command is done. Whatever else it meets (an unusual flag, a hook, a frozen cgroup, any error)
// it leaves to the ordinary program: it closes what it has opened and enters Go as if nothing had
// been. So there is one place that explains errors, and what is done here is only what
// package libsandbox would have done with the same system calls. A program that is linked
// without -E, or that imports libsandbox, has nothing of this.
//
// There is no Go runtime: no stack to grow, no heap, no g. Hence the rules of this package, which
// TestRules checks as far as it can: every function is nosplit (the linker proves that they fit the
// stack), memory is in package variables, nothing is allocated or converted, no maps, interfaces,
// closures, defer or go, and every index is checked before it is used.
package early

import "unsafe"

// run is called by entry with the stack as execve(2) leaves it: argc, argv, environment.
//
//go:nosplit
func run(stack *uintptr) {
	c := &one
	c.argc = int(*stack)
	c.argv = (*vector)(unsafe.Add(unsafe.Pointer(stack), unsafe.Sizeof(uintptr(0))))
	c.env = (*vector)(unsafe.Add(unsafe.Pointer(stack), unsafe.Sizeof(uintptr(0))*uintptr(c.argc+2)))
	if c.parse() && c.open() && c.do() {
		exit(0)
	}
	c.giveUp()
	calm()
}

//go:nosplit
func (c *call) do() bool {
	switch c.verb {
	case start:
		return c.start()
	case kill:
		return c.kill()
	case remove:
		return c.remove()
	}
	return false
}

// giveUp closes all that was opened: above all the lock, which Go would wait for in vain.
//
//go:nosplit
func (c *call) giveUp() {
	for i := range c.fds {
		if c.fds[i] > 0 {
			closeFD(c.fds[i] - 1)
			c.fds[i] = 0
		}
	}
}

// The descriptors of a call.
const (
	dirFD = iota
	fileFD
	pidFD
	resultFD
	startFD
	countFDs
)

// verb is a command.
type verb int

const (
	none verb = iota
	start
	kill
	remove
)

// call is the one call that a process is.
type call struct {
	argc int
	argv *vector
	env  *vector

	verb   verb
	root   []byte // --root, or the default
	log    []byte // --log, or nil
	id     []byte
	signal uintptr
	force  bool

	fds [countFDs]int // plus one

	state facts
}

// vector is argv or the environment: pointers to strings that end with 0, then a nil.
type vector [maxArgs]*byte

const (
	maxArgs = 1 << 16
	maxArg  = 2048 // of a string that is used
)

// Memory.
var (
	one  call
	path [2*maxArg + 64]byte // of a file, ends with 0
	text [16 << 10]byte      // what state.json holds
	line [512]byte           // what a file of the kernel holds
	// record is what the init said when it could not execute its program.
	record    [1024]byte
	recordLen int
)

// Failure is the record that the init of the container left in this very call of start, in
// which it was told to go on and could not execute its program; nil in all other cases.
func Failure() []byte {
	if recordLen == 0 {
		return nil
	}
	return record[:recordLen]
}
