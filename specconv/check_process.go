// The process section: who runs, what, where, and with which limits.

package specconv

import (
	"fmt"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// CheckProcess is Check for a process object on its own, as `exec --process` takes it. Fields are
// named without the leading "process.".
func CheckProcess(p *specs.Process) error {
	checks := [...]func(*specs.Process) error{
		checkCwd, checkArgs, checkEnv, checkConsole, checkUser, checkCapabilities, checkRlimits,
		checkLabels, checkOOMScore, checkScheduler, checkIOPriority, checkAffinity,
	}
	for _, check := range checks {
		if err := check(p); err != nil {
			return err
		}
	}
	return nil
}

func checkCwd(p *specs.Process) error {
	switch {
	case p.Cwd == "":
		return errdetail.New("cwd", "Cwd property must not be empty: want an absolute path")
	case p.Cwd[0] != '/':
		return errdetail.New("cwd", "Cwd must be an absolute path, got %q", clip(p.Cwd))
	}
	if bad := badText(p.Cwd, maxPathSize); bad != "" {
		return errdetail.New("cwd", "%s", bad)
	}
	return nil
}

func checkArgs(p *specs.Process) error {
	if len(p.Args) == 0 {
		return errdetail.New("args", "args must not be empty: the program to run is missing")
	}
	if p.Args[0] == "" {
		// The phrase is the one by which callers tell exit code 127.
		return errdetail.New("args[0]", `exec: "": executable file not found in $PATH`)
	}
	return checkStrings("args", p.Args, maxArgs)
}

func checkEnv(p *specs.Process) error {
	if err := checkStrings("env", p.Env, maxEnv); err != nil {
		return err
	}
	for i, e := range p.Env {
		if strings.IndexByte(e, '=') <= 0 {
			return errdetail.New(fmt.Sprintf("env[%d]", i), "want NAME=VALUE, got %q", clip(e))
		}
	}
	if bad := badArgEnv(p.Args, p.Env); bad != "" {
		return errdetail.New("args", "%s", bad)
	}
	return nil
}

// checkConsole judges the terminal's size, which struct winsize holds in 16 bits. The size is to
// be ignored where there is no terminal.
func checkConsole(p *specs.Process) error {
	if !p.Terminal || p.ConsoleSize == nil {
		return nil
	}
	const most = 1<<16 - 1
	if h := p.ConsoleSize.Height; h > most {
		return errdetail.New("consoleSize.height", "want a number from 0 to %d, got %d", most, h)
	}
	if w := p.ConsoleSize.Width; w > most {
		return errdetail.New("consoleSize.width", "want a number from 0 to %d, got %d", most, w)
	}
	return nil
}

// noID is (uid_t)-1: "leave it as it is" to setresuid(2), and so never a user.
const noID = 1<<32 - 1

func checkUser(p *specs.Process) error {
	u := &p.User
	const most = noID - 1
	if u.UID == noID {
		return errdetail.New("user.uid", "want a number from 0 to %d, got %d", uint32(most), u.UID)
	}
	if u.GID == noID {
		return errdetail.New("user.gid", "want a number from 0 to %d, got %d", uint32(most), u.GID)
	}
	if bad := badCount(len(u.AdditionalGids), maxGroups); bad != "" {
		return errdetail.New("user.additionalGids", "%s", bad)
	}
	for i, g := range u.AdditionalGids {
		if g == noID {
			return errdetail.New(fmt.Sprintf("user.additionalGids[%d]", i),
				"want a number from 0 to %d, got %d", uint32(most), g)
		}
	}
	if u.Umask != nil && *u.Umask > 0o777 {
		return errdetail.New("user.umask",
			"want a number from 0 to 511 (octal 777; JSON numbers are decimal), got %d", *u.Umask)
	}
	return nil
}

func checkCapabilities(p *specs.Process) error {
	if p.Capabilities == nil {
		return nil
	}
	for _, set := range capabilitySets(p.Capabilities) {
		if bad := badCount(len(set.names), 1024); bad != "" {
			return errdetail.New("capabilities."+set.field, "%s", bad)
		}
	}
	return nil
}

func checkRlimits(p *specs.Process) error {
	if bad := badCount(len(p.Rlimits), 256); bad != "" {
		return errdetail.New("rlimits", "%s", bad)
	}
	for i := range p.Rlimits {
		l := &p.Rlimits[i]
		if RlimitNumber(l.Type) < 0 {
			return errdetail.New(fmt.Sprintf("rlimits[%d].type", i),
				"want a resource of getrlimit(2) like RLIMIT_NOFILE, got %q", clip(l.Type))
		}
		for j := range i {
			if p.Rlimits[j].Type == l.Type {
				return errdetail.New(fmt.Sprintf("rlimits[%d].type", i),
					"%s is set already by rlimits[%d]", l.Type, j)
			}
		}
		if l.Soft > l.Hard {
			return errdetail.New(fmt.Sprintf("rlimits[%d].soft", i),
				"%d is above the hard limit %d", l.Soft, l.Hard)
		}
	}
	return nil
}

func checkLabels(p *specs.Process) error {
	if bad := badLine(p.ApparmorProfile, maxPathSize); bad != "" {
		return errdetail.New("apparmorProfile", "%s", bad)
	}
	if bad := badLine(p.SelinuxLabel, maxPathSize); bad != "" {
		return errdetail.New("selinuxLabel", "%s", bad)
	}
	return nil
}

func checkOOMScore(p *specs.Process) error {
	if s := p.OOMScoreAdj; s != nil && (*s < -1000 || *s > 1000) {
		return errdetail.New("oomScoreAdj", "want a number from -1000 to 1000, got %d", *s)
	}
	return nil
}

// checkScheduler follows what sched_setattr(2) answers with EINVAL, so that the field is named.
func checkScheduler(p *specs.Process) error {
	s := p.Scheduler
	if s == nil {
		return nil
	}
	switch s.Policy {
	case "":
		return errdetail.New("scheduler.policy",
			"scheduler policy is required, for example SCHED_OTHER")
	case specs.SchedOther, specs.SchedFIFO, specs.SchedRR, specs.SchedBatch, specs.SchedISO,
		specs.SchedIdle, specs.SchedDeadline:
	default:
		return errdetail.New("scheduler.policy", "%s", oneOf(string(s.Policy), "SCHED_OTHER",
			"SCHED_FIFO", "SCHED_RR", "SCHED_BATCH", "SCHED_ISO", "SCHED_IDLE", "SCHED_DEADLINE"))
	}
	if s.Nice < -20 || s.Nice > 19 {
		return errdetail.New("scheduler.nice", "want a number from -20 to 19, got %d", s.Nice)
	}
	if s.Policy == specs.SchedFIFO || s.Policy == specs.SchedRR {
		if s.Priority < 1 || s.Priority > 99 {
			return errdetail.New("scheduler.priority",
				"want a number from 1 to 99 with %s, got %d", s.Policy, s.Priority)
		}
	} else if s.Priority != 0 {
		return errdetail.New("scheduler.priority",
			"is for SCHED_FIFO and SCHED_RR only: want 0 or nothing with %s, got %d", s.Policy, s.Priority)
	}
	for i, f := range s.Flags {
		switch f {
		case specs.SchedFlagResetOnFork, specs.SchedFlagReclaim, specs.SchedFlagDLOverrun,
			specs.SchedFlagKeepPolicy, specs.SchedFlagKeepParams, specs.SchedFlagUtilClampMin,
			specs.SchedFlagUtilClampMax:
		default:
			return errdetail.New(fmt.Sprintf("scheduler.flags[%d]", i),
				"%s", oneOf(string(f), "SCHED_FLAG_RESET_ON_FORK", "SCHED_FLAG_RECLAIM",
					"SCHED_FLAG_DL_OVERRUN", "SCHED_FLAG_KEEP_POLICY", "SCHED_FLAG_KEEP_PARAMS",
					"SCHED_FLAG_UTIL_CLAMP_MIN", "SCHED_FLAG_UTIL_CLAMP_MAX"))
		}
	}
	return checkDeadline(s)
}

// checkDeadline holds the three times to sched(7): 1024 ns ≤ runtime ≤ deadline ≤ period < 2^63,
// where a period of 0 means the deadline.
func checkDeadline(s *specs.Scheduler) error {
	times := [...]struct {
		field string
		ns    uint64
	}{{"scheduler.runtime", s.Runtime}, {"scheduler.deadline", s.Deadline}, {"scheduler.period", s.Period}}
	for _, t := range times {
		if s.Policy != specs.SchedDeadline && t.ns != 0 {
			return errdetail.New(t.field,
				"is for SCHED_DEADLINE only: want 0 or nothing with %s, got %d", s.Policy, t.ns)
		}
		if t.ns >= 1<<63 {
			return errdetail.New(t.field, "want a number of nanoseconds below 2^63, got %d", t.ns)
		}
	}
	if s.Policy != specs.SchedDeadline {
		return nil
	}
	if s.Runtime < 1024 {
		return errdetail.New("scheduler.runtime",
			"want at least 1024 nanoseconds with SCHED_DEADLINE, got %d", s.Runtime)
	}
	if s.Deadline < s.Runtime {
		return errdetail.New("scheduler.deadline", "%d is below the runtime %d", s.Deadline, s.Runtime)
	}
	if s.Period != 0 && s.Period < s.Deadline {
		return errdetail.New("scheduler.period", "%d is below the deadline %d", s.Period, s.Deadline)
	}
	return nil
}

func checkIOPriority(p *specs.Process) error {
	io := p.IOPriority
	if io == nil {
		return nil
	}
	switch io.Class {
	case specs.IOPRIO_CLASS_RT, specs.IOPRIO_CLASS_BE, specs.IOPRIO_CLASS_IDLE:
	default:
		return errdetail.New("ioPriority.class", "%s",
			oneOf(string(io.Class), "IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE", "IOPRIO_CLASS_IDLE"))
	}
	if io.Priority < 0 || io.Priority > 7 {
		return errdetail.New("ioPriority.priority",
			"want a number from 0 (highest) to 7 (lowest), got %d", io.Priority)
	}
	return nil
}

// Numbers of CPUs and of memory nodes: those of sched_setaffinity(2) and of set_mempolicy(2) with
// the largest mask that the plan makes (MAX_NUMNODES).
const (
	maxCPU  = 1<<16 - 1
	maxNode = 1<<10 - 1
)

func checkAffinity(p *specs.Process) error {
	a := p.ExecCPUAffinity
	if a == nil {
		return nil
	}
	if a.Initial != "" {
		if bad := badList(a.Initial, maxCPU, false); bad != "" {
			return errdetail.New("execCPUAffinity.initial", "%s", bad)
		}
	}
	if a.Final != "" {
		if bad := badList(a.Final, maxCPU, false); bad != "" {
			return errdetail.New("execCPUAffinity.final", "%s", bad)
		}
	}
	return nil
}

// checkMappedUser refuses ids that the container's own user namespace does not know: setuid(2)
// would answer EINVAL. The mappings of a namespace that is joined are not known here.
func checkMappedUser(spec *specs.Spec) error {
	if !namespacesOf(spec).New(specs.UserNamespace) {
		return nil
	}
	uids, gids := spec.Linux.UIDMappings, spec.Linux.GIDMappings
	u := &spec.Process.User
	if len(uids) > 0 && !mapped(uids, u.UID) {
		return errdetail.New("process.user.uid", "%d is not in linux.uidMappings", u.UID)
	}
	if len(gids) == 0 {
		return nil
	}
	if !mapped(gids, u.GID) {
		return errdetail.New("process.user.gid", "%d is not in linux.gidMappings", u.GID)
	}
	for i, g := range u.AdditionalGids {
		if !mapped(gids, g) {
			return errdetail.New(fmt.Sprintf("process.user.additionalGids[%d]", i),
				"%d is not in linux.gidMappings", g)
		}
	}
	return nil
}

func mapped(mappings []specs.LinuxIDMapping, id uint32) bool {
	for _, m := range mappings {
		if id >= m.ContainerID && uint64(id) < uint64(m.ContainerID)+uint64(m.Size) {
			return true
		}
	}
	return false
}
