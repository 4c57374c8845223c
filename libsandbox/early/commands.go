// The commands: what libsandbox does for a container without anything special, by the same
// system calls in the same order. false means: not done, go on in Go. Up to that no step has been
// taken that the same command in Go would not repeat, or find done.

package early

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// open opens the log as the flag --log asks, the container's folder, and reads its state. All but
// kill lock the folder, as state.Open does.
//
//go:nosplit
func (c *call) open() bool {
	if c.log != nil {
		if !place(c.log, "", nil) {
			return false
		}
		fd, err := openAt(cwd, unix.O_CREAT|unix.O_WRONLY|unix.O_APPEND, 0o644)
		if err != 0 {
			return false
		}
		closeFD(fd)
	}
	if !place(c.root, "/", c.id) || !c.hold(dirFD, cwd, unix.O_DIRECTORY) {
		return false
	}
	if c.verb != kill {
		if _, _, err := syscall.RawSyscall(unix.SYS_FLOCK, uintptr(c.fd(dirFD)), unix.LOCK_EX, 0); err != 0 {
			return false
		}
	}
	// In a folder that was removed before it was locked, there is no state.json.
	if !place(nil, "state.json", nil) || !c.hold(fileFD, c.fd(dirFD), 0) {
		return false
	}
	n, ok := readAll(c.fd(fileFD), text[:])
	return ok && c.state.read(text[:n])
}

// hold opens the path in package variable path for reading and remembers the descriptor.
//
//go:nosplit
func (c *call) hold(which, dir, flags int) bool {
	fd, err := openAt(dir, flags, 0)
	if err != 0 {
		return false
	}
	c.fds[which] = fd + 1
	return true
}

//go:nosplit
func (c *call) fd(which int) int { return c.fds[which] - 1 }

// start is libsandbox's Container.start of a container that has no hooks.
//
//go:nosplit
func (c *call) start() bool {
	if c.alive() != yes || c.frozen() != no || !c.waits() || !c.openPidfd() {
		return false
	}
	if !place(nil, "result.fifo", nil) || !c.hold(resultFD, c.fd(dirFD), unix.O_NONBLOCK) || !place(nil, "exec.fifo", nil) {
		return false
	}
	fd, err := openAt(c.fd(dirFD), unix.O_WRONLY|unix.O_NONBLOCK, 0)
	if err != 0 {
		return false
	}
	c.fds[startFD] = fd + 1
	blockPipe() // of an init that died just now, the write shall only fail
	line[0] = 1
	if _, _, err := syscall.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&line)), 1); err != 0 {
		return false
	}
	closeFD(fd)
	c.fds[startFD] = 0
	if !c.await() {
		return false
	}
	unlinkAt(c.fd(dirFD), 0) // exec.fifo; left over, it does no harm
	if place(nil, "result.fifo", nil) {
		unlinkAt(c.fd(dirFD), 0)
	}
	return recordLen == 0 // otherwise Go says what the record means, see Failure
}

// await waits until the init has executed its program, or has said why it could not, or has died.
//
//go:nosplit
func (c *call) await() bool {
	polls[0] = unix.PollFd{Fd: int32(c.fd(resultFD)), Events: unix.POLLIN}
	polls[1] = unix.PollFd{Fd: int32(c.fd(pidFD)), Events: unix.POLLIN}
	for {
		_, _, err := syscall.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&polls)), uintptr(len(polls)), 0, 0, 0, 0)
		if err == 0 {
			break
		}
		if err != unix.EINTR {
			return false
		}
	}
	n, _, err := syscall.RawSyscall(unix.SYS_READ, uintptr(c.fd(resultFD)), uintptr(unsafe.Pointer(&record)), uintptr(len(record)))
	if err == 0 && int(n) > 0 && int(n) <= len(record) {
		recordLen = int(n)
	}
	return err == 0 || err == unix.EAGAIN
}

var (
	polls [2]unix.PollFd
	limit unix.Timespec
)

// waits says whether the init is still the stage: see libsandbox's waitsForStart.
//
//go:nosplit
func (c *call) waits() bool {
	const stage = "/memfd:sandbox-runtime:init"
	if !placeProc(int(c.state.pid), "/exe") {
		return false
	}
	n, _, err := syscall.RawSyscall6(unix.SYS_READLINKAT, fromRoot(), uintptr(unsafe.Pointer(&path)),
		uintptr(unsafe.Pointer(&line)), uintptr(len(line)), 0, 0)
	return err == 0 && int(n) >= len(stage) && int(n) <= len(line) && is(line[:len(stage)], stage)
}

// kill is libsandbox's Container.kill of a container with a PID namespace of its own.
//
//go:nosplit
func (c *call) kill() bool {
	// A frozen process has to be thawed to die.
	if c.signal == uintptr(unix.SIGKILL) && c.frozen() != no {
		return false
	}
	if !c.openPidfd() {
		return false
	}
	_, _, err := syscall.RawSyscall6(unix.SYS_PIDFD_SEND_SIGNAL, uintptr(c.fd(pidFD)), c.signal, 0, 0, 0, 0)
	return err == 0
}

// remove is libsandbox's Container.delete.
//
//go:nosplit
func (c *call) remove() bool {
	switch c.alive() {
	case yes:
		if !c.end() {
			return false
		}
	case unknown:
		return false
	}
	if !place(nil, "intelrdt.json", nil) {
		return false
	}
	if _, _, err := syscall.RawSyscall(unix.SYS_FACCESSAT, uintptr(c.fd(dirFD)), uintptr(unsafe.Pointer(&path)), 0); err != unix.ENOENT {
		return false
	}
	for i := 0; i < c.state.count && i < maxDirs; i++ {
		if !place(c.state.dirs[i], "", nil) {
			return false
		}
		if err := unlinkAt(cwd, unix.AT_REMOVEDIR); err != 0 && err != unix.ENOENT {
			return false // processes in it, or cgroups below
		}
	}
	for i := range files {
		if !place(nil, files[i], nil) {
			return false
		}
		unlinkAt(c.fd(dirFD), 0) // what is left makes rmdir fail
	}
	return place(c.root, "/", c.id) && unlinkAt(cwd, unix.AT_REMOVEDIR) == 0
}

// end is libsandbox's Container.end: it kills the init and waits until it is gone, where that is asked
// for or the program has not been started.
//
//go:nosplit
func (c *call) end() bool {
	if c.frozen() != no || !c.force && !c.waits() || !c.openPidfd() {
		return false
	}
	if _, _, err := syscall.RawSyscall6(unix.SYS_PIDFD_SEND_SIGNAL, uintptr(c.fd(pidFD)), uintptr(unix.SIGKILL), 0, 0, 0, 0); err != 0 {
		return false
	}
	polls[0] = unix.PollFd{Fd: int32(c.fd(pidFD)), Events: unix.POLLIN}
	limit = unix.Timespec{Sec: 1} // then Go waits, and says what there is to say
	n, _, err := syscall.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&polls)), 1, uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
	return err == 0 && n == 1
}

// files are those of a container's folder, as in state.Dir.Remove.
var files = [...]string{"state.json", "config.json", "exec.fifo", "result.fifo", "exit"}

// answer is what is known of a question.
type answer int

const (
	unknown answer = iota
	yes
	no
)

// alive is state.Alive: the process runs, and is no zombie and no other one of the same number.
//
//go:nosplit
func (c *call) alive() answer {
	if !placeProc(int(c.state.pid), "/stat") {
		return unknown
	}
	fd, err := openAt(cwd, 0, 0)
	if err == unix.ENOENT {
		return no
	}
	if err != 0 {
		return unknown
	}
	n, ok := readAll(fd, line[:])
	closeFD(fd)
	if !ok {
		return unknown // also one that has ended since it was opened
	}
	state, start, ok := parseStat(line[:n])
	switch {
	case !ok:
		return unknown
	case start != c.state.start || state == 'Z' || state == 'X':
		return no
	}
	return yes
}

// parseStat takes fields 3 and 22 of proc(5)'s stat. The command's name in parentheses may hold
// anything.
//
//go:nosplit
func parseStat(b []byte) (state byte, start uint64, ok bool) {
	at := len(b) - 1
	for at >= 0 && b[at] != ')' {
		at--
	}
	if at < 0 || at+2 >= len(b) || b[at+1] != ' ' {
		return 0, 0, false
	}
	at += 2
	state = b[at]
	for field := 3; field < 22; field++ {
		for at < len(b) && b[at] != ' ' {
			at++
		}
		at++
	}
	start, end := number(b, at)
	return state, start, end > at
}

// openPidfd opens a pidfd of the init that is certainly the init: the start time is compared
// after the pidfd is held.
//
//go:nosplit
func (c *call) openPidfd() bool {
	fd, _, err := syscall.RawSyscall(unix.SYS_PIDFD_OPEN, uintptr(c.state.pid), 0, 0)
	if err != 0 {
		return false
	}
	c.fds[pidFD] = int(fd) + 1
	return c.alive() == yes
}

// frozen is cgroup.Manager.Frozen.
//
//go:nosplit
func (c *call) frozen() answer {
	if c.state.freezer == nil {
		return no
	}
	if !place(c.state.freezer, "/cgroup.freeze", nil) {
		return unknown
	}
	if got := reads("0\n"); got != unknown {
		return got
	}
	if !place(c.state.freezer, "/freezer.state", nil) {
		return unknown
	}
	return reads("THAWED\n")
}

// reads says no if the file in package variable path has just this text, and yes if another.
//
//go:nosplit
func reads(thawed string) answer {
	fd, err := openAt(cwd, 0, 0)
	if err != 0 {
		return unknown
	}
	n, ok := readAll(fd, line[:])
	closeFD(fd)
	switch {
	case !ok:
		return unknown
	case is(line[:n], thawed):
		return no
	}
	return yes
}
