// The sysctls: only those that a namespace of the container's own keeps apart from the host.

package specconv

import (
	"fmt"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// SysctlPath is the file below /proc/sys of a sysctl, by the rule of sysctl(8): names are written
// with dots or with slashes between their parts, whichever of the two comes first separates, and
// the other one stands for the first inside a part: net.ipv4.conf.eth0/100.mtu names the file
// net/ipv4/conf/eth0.100/mtu. The result may hold ".." parts; Check refuses those.
func SysctlPath(key string) string {
	if i := strings.IndexAny(key, "./"); i < 0 || key[i] == '/' {
		return key
	}
	swapped := []byte(key)
	for i, c := range swapped {
		switch c {
		case '.':
			swapped[i] = '/'
		case '/':
			swapped[i] = '.'
		}
	}
	return string(swapped)
}

func checkSysctls(l *specs.Linux) error {
	if bad := badCount(len(l.Sysctl), maxSysctls); bad != "" {
		return errdetail.New("sysctl", "%s", bad)
	}
	for _, key := range sortedKeys(l.Sysctl) {
		if bad := badSysctl(key, Namespaces(l.Namespaces)); bad != "" {
			return errdetail.New(fmt.Sprintf("sysctl[%q]", clip(key)), "%s", bad)
		}
		if bad := badText(l.Sysctl[key], maxValueSize); bad != "" {
			return errdetail.New(fmt.Sprintf("sysctl[%q]", clip(key)), "%s", bad)
		}
	}
	return nil
}

func badSysctl(key string, n Namespaces) string {
	if bad := badLine(key, maxPathSize); bad != "" {
		return bad
	}
	path := SysctlPath(key)
	// What the name begins with decides whether it is allowed, so nothing in it may lead elsewhere.
	for part := range strings.SplitSeq(path, "/") {
		if part == "" || part == "." || part == ".." {
			return fmt.Sprintf("sysctl %q is not a name like net.ipv4.ip_forward", clip(key))
		}
	}
	top, _, _ := strings.Cut(path, "/")
	switch {
	case top == "net":
		if !n.Has(specs.NetworkNamespace) {
			return fmt.Sprintf("sysctl %q not allowed in host network namespace: "+
				`add {"type": "network"} to linux.namespaces`, clip(key))
		}
	case top == "user":
		if !n.Has(specs.UserNamespace) {
			return fmt.Sprintf("sysctl %q is not allowed without a user namespace: "+
				`add {"type": "user"} to linux.namespaces`, clip(key))
		}
	case isIPCSysctl(path):
		if !n.Has(specs.IPCNamespace) {
			return fmt.Sprintf("sysctl %q is not allowed in the hosts ipc namespace: "+
				`add {"type": "ipc"} to linux.namespaces`, clip(key))
		}
	case path == "kernel/hostname":
		return fmt.Sprintf("sysctl %q is not allowed as it conflicts with the OCI \"hostname\" field",
			key)
	case path == "kernel/domainname":
		if !n.Has(specs.UTSNamespace) {
			return fmt.Sprintf("sysctl %q is not allowed in the hosts uts namespace: "+
				`add {"type": "uts"} to linux.namespaces`, clip(key))
		}
	default:
		return fmt.Sprintf("sysctl %q is not in a separate kernel namespace: want net.*, user.*, fs.mqueue.*, "+
			"kernel.domainname, or kernel.msg*, sem or shm* of System V IPC", clip(key))
	}
	return ""
}

// isIPCSysctl reports whether the sysctl belongs to an IPC namespace (ipc_namespaces(7)).
func isIPCSysctl(path string) bool {
	switch path {
	case "kernel/msgmax", "kernel/msgmnb", "kernel/msgmni", "kernel/sem", "kernel/shmall",
		"kernel/shmmax", "kernel/shmmni", "kernel/shm_rmid_forced":
		return true
	}
	return strings.HasPrefix(path, "fs/mqueue/")
}
