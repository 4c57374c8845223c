// Which call a process was killed for. The kernel tells nobody but its log: a record of audit
// type 1326 (AUDIT_SECCOMP in linux/audit.h), in the kernel's ring buffer as long as no audit
// daemon takes it.

package seccomp

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Kill is the call that a process was killed for.
type Kill struct {
	Audit uint32 // AUDIT_ARCH_* of the call
	Nr    int
	Name  string // "" if the table does not have the number
}

// String is the name with number and architecture: "acct (163, SCMP_ARCH_X86_64)".
func (k Kill) String() string {
	name, arch := k.Name, fmt.Sprintf("architecture %#x", k.Audit)
	if name == "" {
		name = "unknown"
	}
	if a, ok := archByAudit(k.Audit, k.Nr); ok {
		arch = string(a.name)
	}
	return fmt.Sprintf("%s (%d, %s)", name, k.Nr, arch)
}

// KilledBy looks for the call that the process pid (as the initial pid namespace numbers it) was
// killed for by a filter, in the kernel's log of at most the last age. The log is written a
// moment after the death, so KilledBy waits for it up to wait. It is for a process that has ended
// by SIGSYS. The answer is not certain to be there: reading /dev/kmsg needs CAP_SYSLOG where
// kernel.dmesg_restrict is set, an audit daemon takes the records away, the kernel limits
// their rate, and kernel.seccomp.actions_logged may leave the kill actions out. In a pid namespace
// below the initial one there is none: the log's numbers are of other processes there.
func KilledBy(pid int, age, wait time.Duration) (Kill, bool) {
	if !InitialPIDNS() {
		return Kill{}, false
	}
	fd, err := unix.Open("/dev/kmsg", unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return Kill{}, false
	}
	defer unix.Close(fd)
	var now unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &now) != nil {
		return Kill{}, false
	}
	oldest := (now.Nano() - age.Nanoseconds()) / 1000
	deadline := time.Now().Add(wait)
	var found Kill
	ok := false
	buf := make([]byte, 8<<10) // a record has at most 8 KiB (CONSOLE_EXT_LOG_MAX and its likes)
	for {
		n, err := unix.Read(fd, buf)
		switch {
		case err == unix.EINTR || err == unix.EPIPE: // EPIPE: records were overwritten meanwhile
		case err == unix.EAGAIN:
			left := time.Until(deadline)
			if ok || left <= 0 {
				return found, ok
			}
			p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
			_, _ = unix.Poll(p, int(left.Milliseconds())+1)
		case err != nil || n <= 0:
			return found, ok
		default:
			if k, hit := parseKill(string(buf[:n]), pid, oldest); hit {
				found, ok = k, true
			}
		}
	}
}

// InitialPIDNS tells whether this process's numbers of processes are those of the kernel's log.
func InitialPIDNS() bool {
	const initial = "pid:[4026531836]" // PROC_PID_INIT_INO in linux/proc_ns.h
	buf := make([]byte, 64)
	n, err := unix.Readlink("/proc/self/ns/pid", buf)
	return err == nil && string(buf[:n]) == initial
}

// parseKill reads a record of /dev/kmsg ("priority,sequence,microseconds,flags;text", see
// Documentation/ABI/testing/dev-kmsg). What a process can choose of the text, its name and
// executable, comes in quotes or in hexadecimal, so it cannot imitate the other fields.
func parseKill(record string, pid int, oldest int64) (Kill, bool) {
	head, text, ok := strings.Cut(record, ";")
	fields := strings.Split(head, ",")
	if !ok || len(fields) < 3 || !strings.HasPrefix(text, "audit: type=1326 ") {
		return Kill{}, false
	}
	if us, err := strconv.ParseInt(fields[2], 10, 64); err != nil || us < oldest {
		return Kill{}, false
	}
	var k Kill
	seen := 0
	for _, f := range strings.Fields(text) {
		name, value, _ := strings.Cut(f, "=")
		base := 10
		switch name {
		case "arch", "code":
			base = 16
			value = strings.TrimPrefix(value, "0x")
		case "pid", "syscall":
		default:
			continue
		}
		n, err := strconv.ParseInt(value, base, 64)
		if err != nil {
			return Kill{}, false
		}
		switch name {
		case "pid":
			if n != int64(pid) {
				return Kill{}, false
			}
		case "arch":
			k.Audit = uint32(n)
		case "syscall":
			k.Nr = int(int32(n))
		case "code":
			switch uint32(n) & retAction {
			case unix.SECCOMP_RET_KILL_THREAD, unix.SECCOMP_RET_KILL_PROCESS, unix.SECCOMP_RET_TRAP:
			default:
				return Kill{}, false // logged only
			}
		}
		seen++
	}
	k.Name = NameOf(k.Audit, k.Nr)
	return k, seen == 4
}
