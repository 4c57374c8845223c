// Result: how a sandboxed program ended and what it used.

package libsandbox

import (
	"syscall"
	"time"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/seccomp"
	"golang.org/x/sys/unix"
)

// Result is the end of a sandboxed program.
type Result struct {
	// Pid is the program's process id as the host saw it.
	Pid int `json:"pid"`
	// ExitCode is the program's own, -1 if a signal ended it. Code gives one number for both.
	ExitCode int `json:"exit_code"`
	// Signal is what ended it, 0 if it exited.
	Signal syscall.Signal `json:"signal,omitempty"`
	// TimedOut and Canceled say that the sandbox was ended from outside.
	TimedOut bool `json:"timed_out"`
	Canceled bool `json:"canceled"`
	// OOMKilled says that the kernel ended a process of the sandbox for lack of memory. It is
	// known only where there is a cgroup: see Limits.
	OOMKilled bool `json:"oom_killed"`
	// SeccompKilled says that the seccomp filter ended the program.
	SeccompKilled bool `json:"seccomp_killed"`
	// SeccompCall is the system call it was ended for, where they are watched or the kernel's log
	// can be read.
	SeccompCall string `json:"seccomp_call,omitempty"`
	// Denied lists the system calls that the filter refused, where they are watched: see
	// ProcessConfig.WatchDenied. At most 64 different ones are kept.
	Denied []Denial `json:"denied,omitempty"`
	// DeniedPaths lists the paths and addresses that the sandbox kept from the program, where they
	// are watched. At most 64 different ones are kept.
	DeniedPaths []DeniedPath `json:"denied_paths,omitempty"`
	// Wall is from the program's start to the end of the sandbox.
	Wall time.Duration `json:"wall_ns"`
	// User and System are the CPU time of all processes of the sandbox.
	User   time.Duration `json:"user_ns"`
	System time.Duration `json:"system_ns"`
	// PeakMemory in bytes: of the whole sandbox if Usage is "cgroup", of its largest process if
	// it is "rusage".
	PeakMemory int64 `json:"peak_memory"`
	// Usage says where CPU times and memory come from: cgroup or rusage.
	Usage string `json:"usage"`
	// Mode is the privilege mode that was used, ModeReason why.
	Mode       Mode   `json:"mode"`
	ModeReason string `json:"mode_reason"`
	// Limits says how each limit was enforced.
	Limits LimitReport `json:"limits"`
	// LandlockABI is the version of Landlock that was used, 0 for none.
	LandlockABI int `json:"landlock_abi,omitempty"`
}

// Denial is a system call that the filter refused, and how often.
type Denial struct {
	Syscall string `json:"syscall"`
	Count   int    `json:"count"`
}

// Code is one number for the end: the exit code, or 128+N for signal N, as shells have it.
func (r *Result) Code() int {
	if r.Signal != 0 {
		return 128 + int(r.Signal)
	}
	return r.ExitCode
}

// Success says that the program exited with 0 by itself.
func (r *Result) Success() bool { return r.Signal == 0 && r.ExitCode == 0 }

func (b *box) result(init unix.WaitStatus, usage *unix.Rusage, wall time.Duration) *Result {
	ws := b.status(init)
	r := &Result{Pid: b.pid, ExitCode: -1, TimedOut: b.timedOut.Load(), Canceled: b.canceled.Load(),
		Wall: wall, User: duration(usage.Utime), System: duration(usage.Stime),
		PeakMemory: usage.Maxrss << 10, // in kilobytes (getrusage(2))
		Usage:      "rusage", Mode: b.p.mode, ModeReason: b.p.reason, Limits: b.p.limits,
		LandlockABI: b.p.landlockABI}
	switch {
	case ws.Signaled():
		r.Signal = ws.Signal()
	default:
		r.ExitCode = ws.ExitStatus()
	}
	r.SeccompKilled = r.Signal == unix.SIGSYS
	if w := b.watch; w != nil {
		w.report(r)
	}
	if r.SeccompKilled && r.SeccompCall == "" && (b.p.seccomp != nil || b.p.profileName != "") {
		// From the kernel's log, which an unprivileged user may not read everywhere.
		if k, ok := seccomp.KilledBy(b.pid, r.Wall+time.Second, 500*time.Millisecond); ok {
			r.SeccompCall = k.Name
		}
	}
	b.cgroupUsage(r)
	return r
}

func duration(t unix.Timeval) time.Duration {
	return time.Duration(t.Sec)*time.Second + time.Duration(t.Usec)*time.Microsecond
}
