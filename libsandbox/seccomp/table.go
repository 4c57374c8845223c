// Look-ups in the table of system call numbers. The table is text with lines of equal length,
// sorted by name, and is searched as it lies in the binary: nothing is built when the program
// starts, and only the pages that a search touches are read.

package seccomp

import (
	_ "embed"
	"strings"
)

//go:embed syscalls.txt
var table string

const (
	nameWidth   = 28
	columnWidth = 5
	columns     = 18
	lineWidth   = nameWidth + columns*columnWidth + 1
)

// line returns the table's line for a name, "" if no architecture has such a system call.
func line(name string) string {
	lo, hi := 0, len(table)/lineWidth
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		l := table[mid*lineWidth : (mid+1)*lineWidth]
		switch c := compareName(l, name); {
		case c == 0:
			return l
		case c < 0:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return ""
}

// compareName orders the name that begins the line l (padded with spaces) against name.
func compareName(l, name string) int {
	for i := 0; i < len(name); i++ {
		if i >= nameWidth || l[i] == ' ' {
			return -1
		}
		if l[i] != name[i] {
			return int(l[i]) - int(name[i])
		}
	}
	if len(name) < nameWidth && l[len(name)] != ' ' {
		return 1
	}
	return 0
}

// number reads an architecture's number from a line.
func (a *arch) number(l string) (uint32, bool) {
	start := nameWidth + a.column*columnWidth
	n, ok := uint32(0), false
	for _, c := range []byte(l[start : start+columnWidth]) {
		if c >= '0' && c <= '9' {
			n, ok = n*10+uint32(c-'0'), true
		}
	}
	return n + a.base, ok
}

// armPrivate is where ARM's own calls begin (__ARM_NR_BASE in asm/unistd.h). They lie far above
// the others and say nothing about how new a kernel is.
const armPrivate = 0xf0000

// armCall gives the number of one of ARM's own calls.
func armCall(name string) (uint32, bool) {
	for i, n := range [...]string{"breakpoint", "cacheflush", "usr26", "usr32", "set_tls", "get_tls"} {
		if n == name {
			return armPrivate + 1 + uint32(i), true
		}
	}
	return 0, false
}

func armCallName(nr uint32) string {
	names := [...]string{"breakpoint", "cacheflush", "usr26", "usr32", "set_tls", "get_tls"}
	if i := nr - armPrivate - 1; i < uint32(len(names)) {
		return names[i]
	}
	return ""
}

// known says whether any architecture has a call of that name.
func known(name string) bool {
	_, arm := armCall(name)
	return arm || line(name) != ""
}

// lookup gives the number of a system call, of which l is the table's line ("" if it has none).
func (a *arch) lookup(name, l string) (uint32, bool) {
	if a.column == armColumn {
		if n, ok := armCall(name); ok {
			return n, true
		}
	}
	if l == "" {
		return 0, false
	}
	return a.number(l)
}

const armColumn = 4

// nameOf finds the name of a number by reading the architecture's column from top to bottom.
func (a *arch) nameOf(nr uint32) string {
	if a.column == armColumn && nr > armPrivate {
		return armCallName(nr)
	}
	for i := 0; i+lineWidth <= len(table); i += lineWidth {
		l := table[i : i+lineWidth]
		if n, ok := a.number(l); ok && n == nr {
			return strings.TrimRight(l[:nameWidth], " ")
		}
	}
	return ""
}

// NameOf names the system call with number nr, as the kernel reports it in a SIGSYS (si_arch,
// si_syscall), in the audit log or in seccomp_data. auditArch is an AUDIT_ARCH_* value. The
// result is "" if the table does not have it.
func NameOf(auditArch uint32, nr int) string {
	if a, ok := archByAudit(auditArch, nr); ok {
		return a.nameOf(uint32(nr))
	}
	return ""
}

// archByAudit finds the architecture that the kernel reports a call of. x32 has the value of
// x86_64, and a bit in the number.
func archByAudit(audit uint32, nr int) (arch, bool) {
	for _, a := range architectures() {
		if a.audit == audit && (audit != 0xc000003e || (a.base == x32Bit) == (nr&x32Bit != 0)) {
			return a, true
		}
	}
	return arch{}, false
}

// NumberOf gives the number of the named system call in the ABI of arch ("SCMP_ARCH_X86_64").
func NumberOf(archName string, name string) (int, bool) {
	for _, a := range architectures() {
		if string(a.name) == archName {
			n, ok := a.lookup(name, line(name))
			return int(n), ok
		}
	}
	return 0, false
}

// muxed gives the call and the first argument by which the multiplexers socketcall(2)
// (linux/net.h) and ipc(2) (linux/ipc.h) do the work of name.
func muxed(name string) (through string, sub uint64) {
	switch name {
	case "semop":
		return "ipc", 1
	case "semget":
		return "ipc", 2
	case "semctl":
		return "ipc", 3
	case "semtimedop":
		return "ipc", 4
	case "msgsnd":
		return "ipc", 11
	case "msgrcv":
		return "ipc", 12
	case "msgget":
		return "ipc", 13
	case "msgctl":
		return "ipc", 14
	case "shmat":
		return "ipc", 21
	case "shmdt":
		return "ipc", 22
	case "shmget":
		return "ipc", 23
	case "shmctl":
		return "ipc", 24
	}
	for i, n := range [...]string{"socket", "bind", "connect", "listen", "accept", "getsockname",
		"getpeername", "socketpair", "send", "recv", "sendto", "recvfrom", "shutdown", "setsockopt",
		"getsockopt", "sendmsg", "recvmsg", "accept4", "recvmmsg", "sendmmsg"} {
		if n == name {
			return "socketcall", uint64(i + 1)
		}
	}
	return "", 0
}
