// Package landlock makes Landlock rulesets (landlock(7)): lists of paths and TCP ports outside of
// which a process can do nothing, whatever its permissions. It needs no privilege.
//
// A ruleset is made here, in the runtime, as a file descriptor; the container's process enforces
// it on itself with prctl(PR_SET_NO_NEW_PRIVS) and landlock_restrict_self(fd, 0), and closes it.
package landlock

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// ABI is a version of Landlock's interface. Each contains the ones before:
//
//	1 Linux 5.13  paths
//	2 Linux 5.19  renaming and linking between directories can be allowed (REFER); before: never
//	3 Linux 6.2   truncating is a right of its own; before: not restricted
//	4 Linux 6.7   TCP bind and connect
//	5 Linux 6.10  ioctl(2) on devices
//	6 Linux 6.12  signals and abstract unix sockets
//	7 Linux 6.15  audit
type ABI int

// Newest is the newest version that this package knows; a newer kernel is used like this one.
const Newest ABI = 7

// Probe asks the kernel for its version. The error says whether it was built without Landlock
// (ENOSYS) or booted without it (EOPNOTSUPP).
func Probe() (ABI, error) {
	v, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno == 0 {
		return min(ABI(v), Newest), nil
	}
	e := &errdetail.Error{Op: "ask for Landlock", Syscall: "landlock_create_ruleset", Err: errno}
	switch errno {
	case unix.ENOSYS:
		e.Hint = "the kernel is older than 5.13 or built without CONFIG_SECURITY_LANDLOCK"
	case unix.EOPNOTSUPP:
		e.Hint = "Landlock is built in but switched off: add landlock to the kernel's lsm= parameter"
	}
	return 0, e
}

// Kind says what a rule allows.
type Kind uint8

// The kinds of rules. Rules for the same path add up: ReadWrite does not include Execute.
const (
	ReadOnly   Kind = iota + 1 // "ro": read files, list directories
	ReadWrite                  // "rw": that, write and truncate files, make, remove, rename; no device nodes
	Execute                    // "exec": read and execute
	BindTCP                    // "bind": bind a TCP socket to the port
	ConnectTCP                 // "connect": connect a TCP socket to the port
)

// String gives the name used in the text form of rules.
func (k Kind) String() string {
	switch k {
	case ReadOnly:
		return "ro"
	case ReadWrite:
		return "rw"
	case Execute:
		return "exec"
	case BindTCP:
		return "bind"
	case ConnectTCP:
		return "connect"
	}
	return "invalid"
}

// Rule allows one thing. Path is for the first three kinds: the file, or the directory and all
// below it. Port is for the other two; bind to port 0 means any port that the kernel picks.
type Rule struct {
	Kind Kind
	Path string
	Port uint16
	// Field is what errors call the rule: a flag, or a place in a configuration. May be empty.
	Field string
}

// String gives the form that ParseRule reads.
func (r Rule) String() string {
	if r.Kind >= BindTCP {
		return r.Kind.String() + ":" + strconv.Itoa(int(r.Port))
	}
	return r.Kind.String() + ":" + r.Path
}

// ParseRule reads a rule: ro:/PATH, rw:/PATH, exec:/PATH, bind:PORT or connect:PORT. Paths are
// absolute; ports decimal, 1 to 65535, for bind also 0.
func ParseRule(text, field string) (Rule, error) {
	kind, arg, ok := strings.Cut(text, ":")
	if !ok {
		return Rule{}, errdetail.New(field, "%q is not of the form ro:/PATH, rw:/PATH, exec:/PATH, bind:PORT or connect:PORT", text)
	}
	r := Rule{Field: field}
	for k := ReadOnly; k <= ConnectTCP; k++ {
		if kind == k.String() {
			r.Kind = k
		}
	}
	switch r.Kind {
	case 0:
		return Rule{}, errdetail.New(field, "%q is none of ro, rw, exec, bind, connect", kind)
	case ReadOnly, ReadWrite, Execute:
		r.Path = arg
	default:
		port, err := strconv.ParseUint(arg, 10, 16)
		if err != nil || len(arg) > 5 || arg[0] == '+' {
			return Rule{}, errdetail.New(field, "%q is not a port", arg)
		}
		r.Port = uint16(port)
	}
	if err := r.check(); err != nil {
		return Rule{}, err
	}
	return r, nil
}

func (r Rule) check() error {
	switch r.Kind {
	case ReadOnly, ReadWrite, Execute:
		if r.Path == "" || r.Path[0] != '/' || strings.IndexByte(r.Path, 0) >= 0 {
			return errdetail.New(r.Field, "%q is not an absolute path", r.Path)
		}
	case ConnectTCP:
		if r.Port == 0 {
			return errdetail.New(r.Field, "0 is not a port to connect to")
		}
	case BindTCP:
	default:
		return errdetail.New(r.Field, "a Landlock rule without a kind")
	}
	return nil
}

// Ruleset is what is to be restricted, and what stays allowed nevertheless.
type Ruleset struct {
	Rules []Rule
	// FS and TCP restrict files and TCP even where no rule allows any; a rule of that sort
	// switches them on by itself.
	FS, TCP bool
	// Signals keeps signals from leaving the sandbox; AbstractUnix, connections to abstract unix
	// sockets made outside.
	Signals, AbstractUnix bool
	// AllowLess accepts a kernel that can't enforce all of this; Created.Missing then says what is
	// not enforced. Without it that is an error.
	AllowLess bool
	// Root is the directory that the rules' paths begin at, for a root file system; no symbolic
	// link and no ".." leads out of it. Nil means the runtime's own root.
	Root *os.File
}

// Created describes a ruleset that was made.
type Created struct {
	// ABI is the version used: the kernel's, or Newest.
	ABI ABI
	// FS, Net and Scoped are the kernel's words for what is restricted (LANDLOCK_ACCESS_FS_*,
	// LANDLOCK_ACCESS_NET_*, LANDLOCK_SCOPE_*).
	FS, Net, Scoped uint64
	// Missing says in plain words what this kernel can't enforce of what was asked for.
	Missing []string
}

// plan works out what to restrict with a version of Landlock.
func (s *Ruleset) plan(abi ABI) (Created, error) {
	c := Created{ABI: abi}
	files, tcp := s.FS, s.TCP
	for _, r := range s.Rules {
		if err := r.check(); err != nil {
			return c, err
		}
		if r.Kind >= BindTCP {
			tcp = true
		} else {
			files = true
		}
	}
	miss := func(least ABI, text string) bool {
		if abi >= least {
			return false
		}
		c.Missing = append(c.Missing, text)
		return true
	}
	if files {
		c.FS = handledFS(abi)
		miss(3, "truncating files (Linux 6.2)")
		miss(5, "ioctl on devices that are open to reading or writing (Linux 6.10)")
	}
	if tcp && !miss(4, "TCP ports (Linux 6.7)") {
		c.Net = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
	}
	if s.Signals && !miss(6, "signals (Linux 6.12)") {
		c.Scoped |= unix.LANDLOCK_SCOPE_SIGNAL
	}
	if s.AbstractUnix && !miss(6, "abstract unix sockets (Linux 6.12)") {
		c.Scoped |= unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET
	}
	if len(c.Missing) > 0 && !s.AllowLess {
		return c, errdetail.New("", "Landlock of this kernel (ABI %d) does not restrict %s", abi, strings.Join(c.Missing, ", "))
	}
	return c, nil
}

// Create makes the ruleset. The file is close-on-exec; pass it on to the process that is to
// enforce it. It is nil, without an error, where there is nothing to restrict, or AllowLess is set
// and nothing can be.
func (s *Ruleset) Create() (*os.File, Created, error) {
	abi, err := Probe()
	if err != nil && (!s.AllowLess || !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.EOPNOTSUPP)) {
		return nil, Created{}, err
	}
	if abi == 0 {
		c, err := s.plan(0)
		c.FS = 0
		if len(c.Missing) > 0 {
			c.Missing = []string{"anything (no Landlock)"}
		}
		return nil, c, err
	}
	c, err := s.plan(abi)
	if err != nil || c.FS|c.Net|c.Scoped == 0 {
		return nil, c, err
	}
	f, err := createRuleset(c)
	if err != nil {
		return nil, c, err
	}
	for _, r := range s.Rules {
		if err := s.add(f, c, r); err != nil {
			f.Close()
			return nil, c, err
		}
	}
	return f, c, nil
}

func createRuleset(c Created) (*os.File, error) {
	attr := struct{ fs, net, scoped uint64 }{c.FS, c.Net, c.Scoped}
	// A kernel takes a longer struct than its own if the rest is zero, as it is here (plan).
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0)
	if errno != 0 {
		return nil, errdetail.Sys("make the Landlock ruleset", "landlock_create_ruleset", errno)
	}
	return os.NewFile(fd, "landlock"), nil
}
