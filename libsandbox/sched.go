// Scheduling of a process, set from outside before its program runs: process.scheduler,
// ioPriority, execCPUAffinity, rlimits.

package libsandbox

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
	"github.com/sandbox-runtime/sandbox-runtime/specconv"
	"golang.org/x/sys/unix"
)

// setScheduling carries out what sched(7) and ioprio_set(2) can do to another process.
func setScheduling(pid int, p *specs.Process) error {
	if s := p.Scheduler; s != nil {
		if err := setScheduler(pid, s); err != nil {
			return err
		}
	}
	if p.IOPriority == nil {
		return nil
	}
	class := map[specs.IOPriorityClass]int{
		specs.IOPRIO_CLASS_RT: 1, specs.IOPRIO_CLASS_BE: 2, specs.IOPRIO_CLASS_IDLE: 3,
	}[p.IOPriority.Class]
	const whoProcess, classShift = 1, 13
	_, _, e := unix.Syscall(unix.SYS_IOPRIO_SET, whoProcess, uintptr(pid), uintptr(class<<classShift|p.IOPriority.Priority))
	if e != 0 {
		return &errdetail.Error{Field: "process.ioPriority", Op: "set " + string(p.IOPriority.Class), Syscall: "ioprio_set", Err: e}
	}
	return nil
}

func setScheduler(pid int, s *specs.Scheduler) error {
	attr := &unix.SchedAttr{
		Policy: schedPolicy(s.Policy), Nice: s.Nice, Priority: uint32(s.Priority),
		Runtime: s.Runtime, Deadline: s.Deadline, Period: s.Period,
	}
	attr.Size = unix.SizeofSchedAttr
	for _, f := range s.Flags {
		attr.Flags |= schedFlag(f)
	}
	if err := unix.SchedSetAttr(pid, attr, 0); err != nil {
		e := &errdetail.Error{Field: "process.scheduler", Op: "set " + string(s.Policy), Syscall: "sched_setattr", Err: err}
		switch {
		case err != unix.EPERM:
		case s.Policy == specs.SchedOther || s.Policy == specs.SchedBatch:
			e.Hint = "a nice value below the runtime's own needs CAP_SYS_NICE or RLIMIT_NICE"
		default:
			e.Hint = "real-time and deadline policies need CAP_SYS_NICE, and on cgroup v1 a real-time budget (linux.resources.cpu.realtimeRuntime)"
		}
		return e
	}
	return nil
}

// schedPolicy is SCHED_* by name (sched(7)).
func schedPolicy(p specs.LinuxSchedulerPolicy) uint32 {
	switch p {
	case specs.SchedFIFO:
		return 1
	case specs.SchedRR:
		return 2
	case specs.SchedBatch:
		return 3
	case specs.SchedISO:
		return 4
	case specs.SchedIdle:
		return 5
	case specs.SchedDeadline:
		return 6
	}
	return 0
}

// schedFlag is SCHED_FLAG_* by name (sched_setattr(2)).
func schedFlag(f specs.LinuxSchedulerFlag) uint64 {
	switch f {
	case specs.SchedFlagResetOnFork:
		return 0x01
	case specs.SchedFlagReclaim:
		return 0x02
	case specs.SchedFlagDLOverrun:
		return 0x04
	case specs.SchedFlagKeepPolicy:
		return 0x08
	case specs.SchedFlagKeepParams:
		return 0x10
	case specs.SchedFlagUtilClampMin:
		return 0x20
	case specs.SchedFlagUtilClampMax:
		return 0x40
	}
	return 0
}

// setAffinity sets the CPUs of a process from a list like 0-3,7.
func setAffinity(pid int, field, list string) error {
	if list == "" {
		return nil
	}
	var set unix.CPUSet
	for _, part := range strings.Split(list, ",") {
		lo, hi, isRange := strings.Cut(strings.TrimSpace(part), "-")
		first, err := strconv.Atoi(lo)
		last := first
		if err == nil && isRange {
			last, err = strconv.Atoi(hi)
		}
		if err != nil || last < first || last >= 1024 {
			return errdetail.New(field, "invalid CPU list %q: want numbers and ranges below 1024, as 0-3,7", list)
		}
		for cpu := first; cpu <= last; cpu++ {
			set.Set(cpu)
		}
	}
	if err := unix.SchedSetaffinity(pid, &set); err != nil {
		return &errdetail.Error{Field: field, Op: "use CPUs " + list, Syscall: "sched_setaffinity", Err: err}
	}
	return nil
}

// setRlimits sets the limits of a process in a user namespace from outside; elsewhere the plan
// does it.
func setRlimits(pid int, spec *specs.Spec, list []specs.POSIXRlimit) error {
	if !hasNamespace(spec, specs.UserNamespace) {
		return nil
	}
	for i := range list {
		l := &list[i]
		lim := unix.Rlimit{Cur: l.Soft, Max: l.Hard}
		if err := unix.Prlimit(pid, specconv.RlimitNumber(l.Type), &lim, nil); err != nil {
			return rlimitHint(&errdetail.Error{Field: fmt.Sprintf("process.rlimits[%d]", i), Detail: l.Type,
				Op: fmt.Sprintf("set it to %d:%d", l.Soft, l.Hard), Syscall: "prlimit", Err: err})
		}
	}
	return nil
}

func rlimitHint(e *errdetail.Error) error {
	if errors.Is(e.Err, unix.EPERM) {
		e.Hint = "to raise a hard limit above the runtime's own needs CAP_SYS_RESOURCE"
	}
	return e
}
