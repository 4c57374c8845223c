// The cgroup of a sandbox, where this host has one for us and there is a use for it.

package libsandbox

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/cgroup"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
	"golang.org/x/sys/unix"
)

type boxCgroup struct{ m *cgroup.Manager }

// cpuPeriod is the kernel's default, in microseconds.
const cpuPeriod = 100000

// removeTimeout bounds the removal of the cgroup of a sandbox whose processes have ended.
const removeTimeout = 5 * time.Second

// makeCgroup makes a cgroup if limits were asked for, or if nothing else can end all processes.
// What it does not enforce is left to rlimits.
func (b *box) makeCgroup() error {
	c := b.p.cfg
	orphans := !b.p.makes(NamespacePID)
	if !c.Limits.any() && !orphans {
		return nil
	}
	err := b.tryCgroup()
	if err != nil && orphans {
		return &errdetail.Error{Field: "Share", Detail: "pid", Op: "make a cgroup, as without a PID namespace nothing else can end all processes", Err: err}
	}
	if err == nil {
		b.p.sandbox.Join = true
	} else {
		b.p.limits.Reason = err.Error()
	}
	return b.p.rlimits()
}

func (b *box) tryCgroup() error {
	var id [6]byte
	_, _ = rand.Read(id[:]) // never fails
	m, err := cgroup.New(cgroup.Options{ID: "spawn-" + hex.EncodeToString(id[:]), Resources: b.p.resources()})
	if err != nil {
		return err
	}
	if m.Absent() {
		return errors.New("this user has no cgroup")
	}
	if err := m.Create(); err != nil {
		return err
	}
	b.cg = &boxCgroup{m}
	if err := m.Apply(); err != nil {
		b.removeCgroup()
		b.cg = nil
		return err
	}
	r, l := &b.p.limits, &b.p.cfg.Limits
	if l.Memory > 0 {
		r.Memory = ByCgroup
	}
	if l.CPUs > 0 {
		r.CPUs = ByCgroup
	}
	if l.Pids > 0 {
		r.Pids = ByCgroup
	}
	return nil
}

func (p *prepared) resources() *specs.LinuxResources {
	l := &p.cfg.Limits
	r := &specs.LinuxResources{}
	if l.Memory > 0 {
		r.Memory = &specs.LinuxMemory{Limit: &l.Memory}
		if swapOn() {
			r.Memory.Swap = &l.Memory
		}
	}
	if l.CPUs > 0 {
		period, quota := uint64(cpuPeriod), int64(l.CPUs*cpuPeriod)
		quota = max(quota, 1000) // the kernel's least
		r.CPU = &specs.LinuxCPU{Period: &period, Quota: &quota}
	}
	if l.Pids > 0 {
		n := l.Pids
		if p.makes(NamespacePID) {
			n++ // the init
		}
		r.Pids = &specs.LinuxPids{Limit: &n}
	}
	return r
}

// swapOn says whether the host swaps: proc(5), /proc/swaps, has a line for each area.
func swapOn() bool {
	data, err := os.ReadFile("/proc/swaps")
	return err == nil && strings.Count(string(data), "\n") > 1
}

func (b *box) joinCgroup() error { return b.cg.m.Join(b.proc.Pid) }

func (b *box) killCgroup() {
	if b.cg != nil && !b.p.makes(NamespacePID) {
		_ = b.cg.m.Kill(unix.SIGKILL)
	}
}

func (b *box) removeCgroup() {
	if b.cg == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), removeTimeout)
	defer cancel()
	if !b.p.makes(NamespacePID) {
		_ = b.cg.m.Kill(unix.SIGKILL) // what the program has left behind
		_ = b.cg.m.WaitEmpty(ctx)
	}
	b.removeErr = b.cg.m.Delete(ctx)
	b.cg.m.Close()
}

// oomKilled says whether the kernel has ended a process of the sandbox for lack of memory.
func (b *box) oomKilled() bool {
	if b.cg == nil {
		return false
	}
	paths := b.cg.m.Paths()
	file := filepath.Join(paths["memory"], "memory.oom_control")
	if b.cg.m.Mode() == cgroup.V2 {
		file = filepath.Join(paths[""], "memory.events")
	}
	n, _ := readKey(file, "oom_kill")
	return n > 0
}

// cgroupUsage replaces what rusage cannot know.
func (b *box) cgroupUsage(r *Result) {
	if b.cg == nil {
		return
	}
	paths := b.cg.m.Paths()
	v2 := b.cg.m.Mode() == cgroup.V2
	mem, cpu := paths["memory"], paths["cpuacct"]
	peak := "memory.max_usage_in_bytes"
	if v2 {
		mem, cpu = paths[""], paths[""]
		peak = "memory.peak"
	}
	if n, ok := readNumber(filepath.Join(mem, peak)); ok {
		r.PeakMemory, r.Usage = n, "cgroup"
	}
	r.OOMKilled = b.oomKilled()
	if v2 {
		user, ok1 := readKey(filepath.Join(cpu, "cpu.stat"), "user_usec")
		system, ok2 := readKey(filepath.Join(cpu, "cpu.stat"), "system_usec")
		if ok1 && ok2 {
			r.User, r.System = time.Duration(user)*time.Microsecond, time.Duration(system)*time.Microsecond
		}
		return
	}
	user, ok1 := readNumber(filepath.Join(cpu, "cpuacct.usage_user"))
	system, ok2 := readNumber(filepath.Join(cpu, "cpuacct.usage_sys"))
	if ok1 && ok2 {
		r.User, r.System = time.Duration(user), time.Duration(system)
	}
}

func readNumber(file string) (int64, bool) {
	data, err := os.ReadFile(file)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64)
	return n, err == nil
}

// readKey reads one line of a file of "key value" lines.
func readKey(file, key string) (int64, bool) {
	data, err := os.ReadFile(file)
	if err != nil {
		return 0, false
	}
	for _, line := range strings.Split(string(data), "\n") {
		if v, ok := strings.CutPrefix(line, key+" "); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}
