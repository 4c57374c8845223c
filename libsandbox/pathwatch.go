// Watching which paths and addresses a program is denied. The kernel tells nobody: a path that is
// not in the sandbox is just ENOENT, and Landlock's audit records need the audit system. So the
// calls that name a path come to us by the filter's listener before they are carried out, we look
// the path up as the kernel will, and let the call go on. This decides nothing: what is enforced
// is the mount tree, Landlock and the network namespace, and a program that changes the path
// meanwhile deceives only the report.

package libsandbox

import (
	"encoding/binary"
	"net/netip"
	"os"
	"path"
	"runtime"
	"strconv"
	"strings"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/seccomp"
	"golang.org/x/sys/unix"
)

// DeniedPath is something that the program wanted to reach and the sandbox keeps from it.
type DeniedPath struct {
	// Path is a path in the sandbox, or for Access "connect" an address with its port.
	Path string `json:"path"`
	// Access is read, write, create, execute or connect.
	Access string `json:"access"`
	// Reason is why: "absent" (it is on the host and not in the sandbox), "read-only", "landlock",
	// "network" (a network namespace of its own has no way to there).
	Reason string `json:"reason"`
	Count  int    `json:"count"`
}

// watchedCalls name a path or an address. Those that an architecture does not have are left out.
func watchedCalls() []string {
	return []string{"open", "openat", "openat2", "creat", "mkdir", "mkdirat", "execve", "execveat", "connect"}
}

// auditArch is the kernel's number for this architecture (linux/audit.h).
func auditArch() uint32 {
	if runtime.GOARCH == "arm64" {
		return unix.AUDIT_ARCH_AARCH64
	}
	return unix.AUDIT_ARCH_X86_64
}

// watchPaths puts in front of a program what sends the watched calls to the listener.
func watchPaths(program []unix.SockFilter) []unix.SockFilter {
	var numbers []uint32
	for _, name := range watchedCalls() {
		if n, ok := seccomp.NumberOf(string(seccomp.NativeArch()), name); ok {
			numbers = append(numbers, uint32(n))
		}
	}
	const offNr, offArch = 0, 4 // in struct seccomp_data
	load := func(off uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: off}
	}
	jump := func(k uint32, yes, no int) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: uint8(yes), Jf: uint8(no), K: k}
	}
	n := len(numbers)
	out := []unix.SockFilter{load(offArch), jump(auditArch(), 0, n+2), load(offNr)}
	for i, nr := range numbers {
		miss := 0
		if i == n-1 {
			miss = 1
		}
		out = append(out, jump(nr, n-1-i, miss))
	}
	out = append(out, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_USER_NOTIF})
	return append(out, program...)
}

// attempt is what a call wants of a path.
type attempt struct {
	dirfd   int32
	path    string
	access  string
	noFinal bool // the path itself need not exist: its folder has to
}

// look reports the call if the sandbox will deny it.
func (w *denialWatch) look(name string, n *notification) {
	pid := int(n.pid)
	if name == "connect" {
		w.lookConnect(pid, n)
		return
	}
	a := attempt{dirfd: unix.AT_FDCWD, access: "read"}
	addr, flags := n.args[0], uint64(0)
	switch name {
	case "open":
		flags = n.args[1]
	case "creat":
		flags = unix.O_WRONLY | unix.O_CREAT
	case "openat":
		a.dirfd, addr, flags = int32(n.args[0]), n.args[1], n.args[2]
	case "openat2":
		a.dirfd, addr = int32(n.args[0]), n.args[1]
		if how := readMemory(pid, n.args[2], 8); len(how) == 8 {
			flags = binary.NativeEndian.Uint64(how)
		}
	case "mkdirat":
		a.dirfd, addr = int32(n.args[0]), n.args[1]
	case "execveat":
		a.dirfd, addr = int32(n.args[0]), n.args[1]
	}
	switch {
	case strings.HasPrefix(name, "exec"):
		a.access = "execute"
	case strings.HasPrefix(name, "mkdir"):
		a.access, a.noFinal = "create", true
	case flags&unix.O_PATH != 0:
		return // gives no access
	case flags&unix.O_ACCMODE != unix.O_RDONLY || flags&unix.O_TRUNC != 0:
		a.access, a.noFinal = "write", flags&unix.O_CREAT != 0
	case flags&unix.O_CREAT != 0:
		a.noFinal = true
	}
	if a.path = readString(pid, addr); a.path == "" {
		return
	}
	if d, denied := w.box.judgePath(pid, a); denied {
		w.countPath(d)
	}
}

func (w *denialWatch) countPath(d DeniedPath) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.paths {
		p := &w.paths[i]
		if p.Path == d.Path && p.Access == d.Access && p.Reason == d.Reason {
			p.Count++
			return
		}
	}
	if len(w.paths) < maxDenials {
		d.Count = 1
		w.paths = append(w.paths, d)
	}
}

// lookConnect reports an address that a network namespace of its own cannot reach.
func (w *denialWatch) lookConnect(pid int, n *notification) {
	if !w.box.p.makes(NamespaceNetwork) {
		return
	}
	sa := readMemory(pid, n.args[1], int(min(n.args[2], unix.SizeofSockaddrInet6)))
	if len(sa) < unix.SizeofSockaddrInet4 {
		return
	}
	port := binary.BigEndian.Uint16(sa[2:])
	var ip netip.Addr
	switch binary.NativeEndian.Uint16(sa) {
	case unix.AF_INET:
		ip = netip.AddrFrom4([4]byte(sa[4:8]))
	case unix.AF_INET6:
		if len(sa) < 24 {
			return
		}
		ip = netip.AddrFrom16([16]byte(sa[8:24])).Unmap()
	default:
		return
	}
	if ip.IsLoopback() || ip.IsUnspecified() {
		return // its own
	}
	w.countPath(DeniedPath{Path: netip.AddrPortFrom(ip, port).String(), Access: "connect", Reason: "network"})
}

// readMemory reads from a process, at most n bytes, up to the end of what is mapped.
func readMemory(pid int, addr uint64, n int) []byte {
	buf := make([]byte, n)
	got := 0
	page := uint64(os.Getpagesize())
	for got < n {
		at := addr + uint64(got)
		k := min(n-got, int(page-at%page)) // a page may be the last one
		local := []unix.Iovec{{Base: &buf[got]}}
		local[0].SetLen(k)
		m, err := unix.ProcessVMReadv(pid, local, []unix.RemoteIovec{{Base: uintptr(at), Len: k}}, 0)
		if err != nil || m <= 0 {
			break
		}
		got += m
	}
	return buf[:got]
}

// readString is the text at addr, "" if it is none.
func readString(pid int, addr uint64) string {
	page := os.Getpagesize()
	var text []byte
	for len(text) < unix.PathMax {
		chunk := readMemory(pid, addr+uint64(len(text)), min(256, page-int((addr+uint64(len(text)))%uint64(page))))
		if len(chunk) == 0 {
			return ""
		}
		for i, c := range chunk {
			if c == 0 {
				return string(append(text, chunk[:i]...))
			}
		}
		text = append(text, chunk...)
	}
	return ""
}

// absolute is the path from the sandbox's root.
func (a *attempt) absolute(pid int) string {
	if path.IsAbs(a.path) {
		return path.Clean(a.path)
	}
	link := "/proc/" + strconv.Itoa(pid) + "/cwd"
	if a.dirfd != unix.AT_FDCWD {
		link = "/proc/" + strconv.Itoa(pid) + "/fd/" + strconv.Itoa(int(a.dirfd))
	}
	base, err := os.Readlink(link)
	if err != nil || !path.IsAbs(base) {
		return ""
	}
	return path.Join(base, a.path)
}
