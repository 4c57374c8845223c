// A favour to the Go runtime that is about to start.

package early

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Go's monitor thread sleeps 20 µs at a time while a program is young, some hundred times in the life of a
// command, and with two processors each of its wake-ups may put the new container off one. Threads inherit
// the timer slack of the one that makes them (prctl(2)): with this one the kernel may let the monitor sleep up
// to a millisecond. What that saves is in docs/performance.md.
const calmSlack = 1_000_000 // ns

// slackBefore is what the process was started with, or 0 if it was left so.
var slackBefore uintptr

//go:nosplit
func calm() {
	old, _, err := syscall.RawSyscall(unix.SYS_PRCTL, unix.PR_GET_TIMERSLACK, 0, 0)
	if err != 0 || old == 0 || old >= calmSlack { // 0: a real-time process has none
		return
	}
	if _, _, err := syscall.RawSyscall(unix.SYS_PRCTL, unix.PR_SET_TIMERSLACK, calmSlack, 0); err == 0 {
		slackBefore = old
	}
}

// TimerSlack is the timer slack that this process was started with, where it was changed for the threads of
// the Go runtime; otherwise 0. What is started for others has to get it back.
func TimerSlack() time.Duration { return time.Duration(slackBefore) }
