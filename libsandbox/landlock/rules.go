// This file turns rules into the kernel's rights and adds them to a ruleset.

package landlock

import (
	"os"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

const (
	readRights = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	makeNodes  = unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK
	// fileRights are those that make sense for something that is not a directory; the kernel
	// refuses the others there.
	fileRights = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE |
		unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	ruleNetPort = 2 // LANDLOCK_RULE_NET_PORT
)

// handledFS gives all rights on files that a version knows: whatever is not handled is allowed.
func handledFS(abi ABI) uint64 {
	if abi < 1 {
		return 0
	}
	all := uint64(unix.LANDLOCK_ACCESS_FS_MAKE_SYM<<1 - 1) // the 13 of version 1
	if abi >= 2 {
		all |= unix.LANDLOCK_ACCESS_FS_REFER
	}
	if abi >= 3 {
		all |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	if abi >= 5 {
		all |= unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	}
	return all
}

// rights gives what a kind of path rule allows, before it is cut to what is handled.
func (k Kind) rights() uint64 {
	switch k {
	case ReadOnly:
		return readRights
	case Execute:
		return readRights | unix.LANDLOCK_ACCESS_FS_EXECUTE
	case ReadWrite:
		return handledFS(Newest) &^ (unix.LANDLOCK_ACCESS_FS_EXECUTE | makeNodes)
	}
	return 0
}

func (s *Ruleset) add(ruleset *os.File, c Created, r Rule) error {
	if r.Kind >= BindTCP {
		return addPort(ruleset, c, r)
	}
	fd, err := s.open(r)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return r.fail("fstat", err)
	}
	rights := r.Kind.rights() & c.FS
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		rights &= fileRights
	}
	attr := unix.LandlockPathBeneathAttr{Allowed_access: rights, Parent_fd: int32(fd)}
	return addRule(ruleset, unix.LANDLOCK_RULE_PATH_BENEATH, unsafe.Pointer(&attr), r)
}

// open opens a rule's path, below Root if there is one.
func (s *Ruleset) open(r Rule) (int, error) {
	if s.Root == nil {
		fd, err := unix.Open(r.Path, unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			return -1, r.fail("open", err)
		}
		return fd, nil
	}
	raw, err := s.Root.SyscallConn()
	if err != nil {
		return -1, r.fail("", err)
	}
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS}
	var fd int
	var operr error
	if err := raw.Control(func(root uintptr) {
		fd, operr = unix.Openat2(int(root), r.Path, &how)
	}); err != nil {
		return -1, r.fail("", err)
	}
	if operr != nil {
		return -1, r.fail("openat2", operr)
	}
	return fd, nil
}

func addPort(ruleset *os.File, c Created, r Rule) error {
	if c.Net == 0 {
		return nil // AllowLess: reported in Missing
	}
	attr := struct{ access, port uint64 }{unix.LANDLOCK_ACCESS_NET_BIND_TCP, uint64(r.Port)}
	if r.Kind == ConnectTCP {
		attr.access = unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
	}
	return addRule(ruleset, ruleNetPort, unsafe.Pointer(&attr), r)
}

func addRule(ruleset *os.File, typ uintptr, attr unsafe.Pointer, r Rule) error {
	raw, err := ruleset.SyscallConn()
	if err != nil {
		return r.fail("", err)
	}
	var errno unix.Errno
	if err := raw.Control(func(fd uintptr) {
		_, _, errno = unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, fd, typ, uintptr(attr), 0, 0, 0)
	}); err != nil {
		return r.fail("", err)
	}
	if errno != 0 {
		return r.fail("landlock_add_rule", errno)
	}
	return nil
}

func (r Rule) fail(sys string, err error) error {
	return &errdetail.Error{Field: r.Field, Op: "allow " + r.String(), Syscall: sys, Err: err}
}

// Describe says, one line each, what the ruleset restricts and what it allows, for a person.
func (s *Ruleset) Describe(c Created) []string {
	var lines []string
	say := func(what string, allowed []string) {
		if len(allowed) == 0 {
			allowed = []string{"nothing"}
		}
		lines = append(lines, what+": only "+strings.Join(allowed, ", "))
	}
	var paths, ports []string
	for _, r := range s.Rules {
		if r.Kind >= BindTCP {
			ports = append(ports, r.String())
		} else {
			paths = append(paths, r.String())
		}
	}
	if c.FS != 0 {
		say("files", paths)
	}
	if c.Net != 0 {
		say("TCP", ports)
	}
	if c.Scoped&unix.LANDLOCK_SCOPE_SIGNAL != 0 {
		lines = append(lines, "signals: only to the sandbox itself")
	}
	if c.Scoped&unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET != 0 {
		lines = append(lines, "abstract unix sockets: only the sandbox's own")
	}
	for _, m := range c.Missing {
		lines = append(lines, "not restricted: "+m)
	}
	return lines
}
