// This file holds what is asked of the kernel itself: version, system calls, namespaces, security
// modules, file systems.

package hostcheck

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/landlock"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/seccomp"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/userns"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// The kernel that everything here was written for (mount_setattr).
const floorMajor, floorMinor = 5, 12

// host is what the checks look at; tests put parts of another one in.
type host struct {
	root       string // "/"
	release    string // uname -r
	euid       int
	hasSyscall func(nr uintptr) bool
	landlock   func() (landlock.ABI, error)
	userns     func() userns.Verdict
	action     func(specs.LinuxSeccompAction) bool
	flag       func(specs.LinuxSeccompFlag) bool
	lookPath   func(string) (string, error)
}

func thisHost() *host {
	h := &host{root: "/", euid: os.Geteuid(), hasSyscall: hasSyscall, landlock: landlock.Probe, userns: userns.Allowed,
		action: seccomp.ActionSupported, flag: seccomp.FlagSupported, lookPath: exec.LookPath}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		h.release = unix.ByteSliceToString(u.Release[:])
	}
	return h
}

// hasSyscall calls a system call with arguments that are nonsense to each of those asked about
// (descriptor -1, a bad address, all flags), so that it fails before it does anything. ENOSYS
// means that the kernel has none. EPERM comes, for root, from a filter or a sandbox around us, which
// is as bad; another user gets it from some of the mount calls outside of a user namespace.
func hasSyscall(nr uintptr) bool {
	bad := ^uintptr(0)
	_, _, errno := unix.RawSyscall6(nr, bad, bad, bad, bad, bad, bad)
	return errno != unix.ENOSYS && (errno != unix.EPERM || os.Geteuid() != 0)
}

// atLeast compares the kernel's version.
func (h *host) atLeast(major, minor int) bool {
	var a, b int
	if n, _ := fmt.Sscanf(h.release, "%d.%d", &a, &b); n != 2 {
		return false
	}
	return a > major || a == major && b >= minor
}

func (h *host) kernel() []Check {
	return []Check{{Name: "kernel", OK: h.atLeast(floorMajor, floorMinor), Required: true, Value: h.release,
		Need: fmt.Sprintf("Linux %d.%d or later", floorMajor, floorMinor), Remedy: "run a newer kernel"}}
}

func (h *host) syscalls() []Check {
	group := func(name string, required bool, need string, calls ...any) Check {
		var missing []string
		for i := 0; i < len(calls); i += 2 {
			if !h.hasSyscall(calls[i+1].(uintptr)) {
				missing = append(missing, calls[i].(string))
			}
		}
		c := Check{Name: name, OK: len(missing) == 0, Required: required, Value: "available", Need: need}
		if !c.OK {
			c.Value = "missing or forbidden: " + strings.Join(missing, ", ")
			c.Remedy = "run a newer kernel, or allow these calls in the seccomp profile around this process"
		}
		return c
	}
	return []Check{
		group("mount API", true, "assembling a root file system", "fsopen", uintptr(unix.SYS_FSOPEN), "fsmount", uintptr(unix.SYS_FSMOUNT),
			"open_tree", uintptr(unix.SYS_OPEN_TREE), "move_mount", uintptr(unix.SYS_MOVE_MOUNT), "mount_setattr", uintptr(unix.SYS_MOUNT_SETATTR)),
		group("openat2", true, "paths that can't leave the root", "openat2", uintptr(unix.SYS_OPENAT2)),
		group("pidfd", true, "waiting and signals without races", "pidfd_open", uintptr(unix.SYS_PIDFD_OPEN),
			"pidfd_send_signal", uintptr(unix.SYS_PIDFD_SEND_SIGNAL)),
		group("clone3", false, "starting straight in a cgroup", "clone3", uintptr(unix.SYS_CLONE3)),
		group("close_range", true, "closing inherited descriptors", "close_range", uintptr(unix.SYS_CLOSE_RANGE)),
	}
}

func (h *host) namespaces() []Check {
	var have, missing, lacking []string
	for _, n := range []string{"mnt", "pid", "uts", "ipc", "net", "user", "cgroup", "time"} {
		switch {
		case h.exists("/proc/self/ns/" + n):
			have = append(have, n)
		case n == "mnt" || n == "pid":
			missing = append(missing, n)
		default:
			lacking = append(lacking, n)
		}
	}
	c := Check{Name: "namespaces", OK: len(missing)+len(lacking) == 0, Required: len(missing) > 0, Value: strings.Join(have, " "),
		Need: "isolation"}
	if !c.OK {
		c.Value += "; missing: " + strings.Join(append(missing, lacking...), " ")
		c.Remedy = "run a kernel built with these namespaces (CONFIG_NAMESPACES), and mount /proc"
	}
	return []Check{c}
}

func (h *host) security() []Check {
	lsm := h.read("/sys/kernel/security/lsm")
	if lsm == "" {
		lsm = "unknown (securityfs is not mounted)"
	}
	apparmor := h.read("/sys/module/apparmor/parameters/enabled") == "Y"
	selinux := h.exists("/sys/fs/selinux/enforce")
	checks := []Check{
		{Name: "security modules", OK: true, Value: lsm},
		{Name: "apparmor", OK: apparmor, Value: onOff(apparmor), Need: "process.apparmorProfile", Remedy: "boot with apparmor in the lsm= parameter"},
		{Name: "selinux", OK: selinux, Value: onOff(selinux), Need: "process.selinuxLabel, linux.mountLabel"},
	}
	var acts, noActs []string
	for _, a := range []specs.LinuxSeccompAction{specs.ActKillProcess, specs.ActKillThread, specs.ActTrap, specs.ActErrno,
		specs.ActNotify, specs.ActTrace, specs.ActLog, specs.ActAllow} {
		name := strings.TrimPrefix(string(a), "SCMP_ACT_")
		if h.action(a) {
			acts = append(acts, name)
		} else {
			noActs = append(noActs, name)
		}
	}
	c := Check{Name: "seccomp", OK: len(noActs) == 0, Required: len(acts) == 0, Value: "actions " + strings.Join(acts, " "), Need: "linux.seccomp"}
	if !c.OK {
		c.Value += "; missing: " + strings.Join(noActs, " ")
		c.Remedy = "run a kernel with CONFIG_SECCOMP_FILTER"
	}
	checks = append(checks, c)
	var flags, noFlags []string
	for _, f := range seccomp.Flags() {
		name := strings.TrimPrefix(string(f), "SECCOMP_FILTER_FLAG_")
		if h.flag(f) {
			flags = append(flags, name)
		} else {
			noFlags = append(noFlags, name)
		}
	}
	c = Check{Name: "seccomp flags", OK: len(noFlags) == 0, Value: strings.Join(flags, " "), Need: "linux.seccomp.flags"}
	if !c.OK {
		c.Value += "; missing: " + strings.Join(noFlags, " ")
		c.Remedy = "run a newer kernel"
	}
	return append(checks, c, h.landlockCheck())
}

func (h *host) landlockCheck() Check {
	c := Check{Name: "landlock", Need: "restricting files and ports without root (spawn --landlock-*)"}
	abi, err := h.landlock()
	if err != nil {
		c.Value = "not available"
		c.Remedy = "boot a kernel of 5.13 or later with landlock in the lsm= parameter"
		return c
	}
	c.OK = true
	c.Value = "ABI " + strconv.Itoa(int(abi))
	return c
}

func (h *host) mounts() []Check {
	fs := "\n" + h.read("/proc/filesystems") + "\n"
	overlay := strings.Contains(fs, "\toverlay\n")
	checks := []Check{
		{Name: "overlay", OK: overlay, Value: onOff(overlay), Need: "overlay mounts, spawn --overlay", Remedy: "modprobe overlay"},
		{Name: "overlay without root", OK: overlay && h.atLeast(5, 11), Value: "kernel " + h.release, Need: "overlay mounts in a user namespace (Linux 5.11)",
			Remedy: "modprobe overlay; run a kernel of 5.11 or later"},
		{Name: "idmapped mounts", OK: h.atLeast(5, 12), Value: "kernel " + h.release + "; which file systems can be idmapped is up to each of them",
			Need: "mounts[].uidMappings (Linux 5.12)", Remedy: "run a newer kernel"},
		{Name: "terminals", OK: h.exists("/dev/ptmx"), Value: "/dev/ptmx", Need: "process.terminal", Remedy: "mount devpts on /dev/pts"},
	}
	memfd := h.read("/proc/sys/vm/memfd_noexec")
	c := Check{Name: "executable memfds", OK: memfd != "2", Value: "vm.memfd_noexec=" + memfd, Need: "the container's init; a slower way is used instead",
		Remedy: "sysctl -w vm.memfd_noexec=1"}
	if memfd == "" {
		c.Value = "no restriction"
	}
	return append(checks, c)
}

func (h *host) extras() []Check {
	rdt := strings.Contains("\n"+h.read("/proc/filesystems")+"\n", "\tresctrl\n")
	return []Check{
		{Name: "resctrl", OK: rdt, Value: onOff(rdt), Need: "linux.intelRdt"},
	}
}

func onOff(b bool) string {
	if b {
		return "available"
	}
	return "not available"
}
