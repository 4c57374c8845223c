// Capability names (capabilities(7)), by number. The one table of them in this program.

package specconv

import "strconv"

// capNames is in the kernel's order, include/uapi/linux/capability.h.
var capNames = [...]string{
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL",
	"CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE",
	"CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER",
	"CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT",
	"CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE", "CAP_SYS_TIME",
	"CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL",
	"CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
}

// CapIndex is the number of a capability by its name, -1 if there is none of that name.
func CapIndex(name string) int {
	for i, n := range capNames {
		if n == name {
			return i
		}
	}
	return -1
}

// CapName is the name of capability i.
func CapName(i int) string {
	if i < len(capNames) {
		return capNames[i]
	}
	return "CAP_" + strconv.Itoa(i)
}

// KnownCapability reports whether name is a capability of capabilities(7), as of Linux 6.18.
func KnownCapability(name string) bool { return CapIndex(name) >= 0 }

// CapNames lists the capabilities by number, from 0 on.
func CapNames() []string { return append([]string(nil), capNames[:]...) }
