// System calls, and paths for them.

package early

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

//go:nosplit
func exit(code uintptr) { syscall.RawSyscall(unix.SYS_EXIT_GROUP, code, 0, 0) }

//go:nosplit
func geteuid() uintptr {
	id, _, _ := syscall.RawSyscall(unix.SYS_GETEUID, 0, 0, 0)
	return id
}

//go:nosplit
func closeFD(fd int) { syscall.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0) }

// hostIDs says whether this process is in the first user namespace, whose map covers all ids
// (user_namespaces(7)).
//
//go:nosplit
func hostIDs() bool {
	if !place(nil, "/proc/self/uid_map", nil) {
		return false
	}
	fd, err := openAt(cwd, 0, 0)
	if err != 0 {
		return false
	}
	n, ok := readAll(fd, line[:])
	closeFD(fd)
	return ok && is(line[:n], "         0          0 4294967295\n")
}

var pipeSignal = uint64(1) << (unix.SIGPIPE - 1)

//go:nosplit
func blockPipe() {
	syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_BLOCK, uintptr(unsafe.Pointer(&pipeSignal)), 0, unsafe.Sizeof(pipeSignal), 0, 0)
}

// cwd stands for a folder where the path begins with "/".
const cwd = unix.AT_FDCWD

//go:nosplit
func fromRoot() uintptr {
	fd := cwd
	return uintptr(fd)
}

// openAt opens the path in package variable path, close-on-exec.
//
//go:nosplit
func openAt(dir, flags int, mode uintptr) (int, syscall.Errno) {
	fd, _, err := syscall.RawSyscall6(unix.SYS_OPENAT, uintptr(dir), uintptr(unsafe.Pointer(&path)),
		uintptr(flags|unix.O_CLOEXEC), mode, 0, 0)
	return int(fd), err
}

// readAll reads what fd holds into buf, at once: the kernel's files here and state.json are given
// whole to a buffer that is large enough. False if it is not, or on an error.
//
//go:nosplit
func readAll(fd int, buf []byte) (int, bool) {
	n, _, err := syscall.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)))
	if err != 0 || int(n) < 0 || int(n) >= len(buf) {
		return 0, false
	}
	return int(n), true
}

// unlinkAt removes the path in package variable path; flags may be AT_REMOVEDIR.
//
//go:nosplit
func unlinkAt(dir int, flags uintptr) syscall.Errno {
	_, _, err := syscall.RawSyscall(unix.SYS_UNLINKAT, uintptr(dir), uintptr(unsafe.Pointer(&path)), flags)
	return err
}

// place puts a path into package variable path: a, b and c, one after the other.
//
//go:nosplit
func place(a []byte, b string, c []byte) bool {
	if len(a)+len(b)+len(c) >= len(path) {
		return false
	}
	n := 0
	for i := 0; i < len(a); i++ {
		path[n] = a[i]
		n++
	}
	for i := 0; i < len(b); i++ {
		path[n] = b[i]
		n++
	}
	for i := 0; i < len(c); i++ {
		path[n] = c[i]
		n++
	}
	path[n] = 0
	return true
}

// placeProc puts the path of a file in /proc/PID into package variable path.
//
//go:nosplit
func placeProc(pid int, name string) bool {
	const dir = "/proc/"
	if pid <= 0 {
		return false
	}
	digits := 1
	for n := pid / 10; n > 0; n /= 10 {
		digits++
	}
	end := len(dir) + digits
	if end+len(name) >= len(path) {
		return false
	}
	for i := 0; i < len(dir); i++ {
		path[i] = dir[i]
	}
	for i := end - 1; i >= len(dir); i-- {
		path[i] = byte('0' + pid%10)
		pid /= 10
	}
	for i := 0; i < len(name); i++ {
		path[end+i] = name[i]
	}
	path[end+len(name)] = 0
	return true
}
