// Attributes of the process that only it can set: execution domain, memory policy, security
// labels.

package lower

import (
	"strconv"
	"strings"
	"syscall"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/plan"
	"golang.org/x/sys/unix"
)

func (b *builder) execDomain() {
	l := b.spec.Linux
	if l.Personality != nil {
		domain, text := int64(0), "PER_LINUX"
		if l.Personality.Domain == specs.PerLinux32 {
			domain, text = 8, "PER_LINUX32"
		}
		b.section("linux.personality", string(l.Personality.Domain), "set the execution domain")
		b.p.Sys(unix.SYS_PERSONALITY, "personality", plan.Flag(domain, text))
	}
	if l.MemoryPolicy != nil {
		b.memoryPolicy(l.MemoryPolicy)
	}
}

// memoryPolicy is set_mempolicy(2); specconv has checked mode, flags and nodes.
func (b *builder) memoryPolicy(m *specs.LinuxMemoryPolicy) {
	mode := int64(0)
	modes := [...]specs.MemoryPolicyModeType{specs.MpolDefault, specs.MpolPreferred, specs.MpolBind,
		specs.MpolInterleave, specs.MpolLocal, specs.MpolPreferredMany, specs.MpolWeightedInterleave}
	for i, name := range modes {
		if m.Mode == name {
			mode = int64(i)
		}
	}
	text := string(m.Mode)
	for _, f := range m.Flags {
		switch f {
		case specs.MpolFStaticNodes:
			mode |= 1 << 15
		case specs.MpolFRelativeNodes:
			mode |= 1 << 14
		case specs.MpolFNumaBalancing:
			mode |= 1 << 13
		}
		text += "|" + string(f)
	}
	b.section("linux.memoryPolicy", m.Nodes, "set the memory policy")
	nodes, max := nodeMask(m.Nodes)
	mask := plan.Int(0)
	if max > 0 {
		mask = plan.Ptr(b.p.Words(nodes...), "nodes "+m.Nodes)
	}
	b.p.Sys(unix.SYS_SET_MEMPOLICY, "set_mempolicy", plan.Flag(mode, text), mask, plan.Int(int64(max)))
}

// maxNodes bounds linux.memoryPolicy.nodes; the kernel's own limit is 1024 (MAX_NUMNODES).
const maxNodes = 1024

// nodeMask turns 0-3,7 into a bit mask and the number of bits that set_mempolicy(2) is told:
// one more than there are, which is what the kernel counts.
func nodeMask(list string) (mask []uint64, bits int) {
	if list == "" {
		return nil, 0
	}
	mask = make([]uint64, maxNodes/64)
	for _, part := range strings.Split(list, ",") {
		lo, hi, isRange := strings.Cut(strings.TrimSpace(part), "-")
		first, err := strconv.Atoi(lo)
		last := first
		if isRange && err == nil {
			last, err = strconv.Atoi(hi)
		}
		if err != nil {
			continue
		}
		for n := first; n <= last && n < maxNodes; n++ {
			mask[n/64] |= 1 << (n % 64)
		}
	}
	return mask, maxNodes + 1
}

// NeedsLabels says whether a process has a label to be written by way of /proc.
func NeedsLabels(p *specs.Process) bool { return p.ApparmorProfile != "" || p.SelinuxLabel != "" }

// labels writes the labels for the next execve through the runtime's own procfs, which nothing
// in the container can put something else in place of (CVE-2019-16884, CVE-2025-62596). A label
// that cannot be set is an error: the program would run unconfined.
// The file is named in back quotes because podman looks for it that way in an error, to say that a security
// attribute could not be set.
func (b *builder) labels(p *specs.Process) {
	if p.SelinuxLabel != "" {
		b.section("process.selinuxLabel", p.SelinuxLabel, "set the SELinux label in `/proc/self/attr/exec`")
		b.writeAttr("self/attr/exec", p.SelinuxLabel, "")
	}
	if p.ApparmorProfile != "" {
		b.section("process.apparmorProfile", p.ApparmorProfile, "set the AppArmor profile in `/proc/self/attr/apparmor/exec`")
		b.writeAttr("self/attr/apparmor/exec", "exec "+p.ApparmorProfile, "self/attr/exec")
	}
}

func (b *builder) writeAttr(path, value, fallback string) {
	fd := b.p.Reg("attr")
	opened := b.p.NewLabel()
	open := func(path string) *plan.Step {
		return b.p.Sys(unix.SYS_OPENAT, "openat", plan.Int(int64(b.facts.ProcFD)), b.p.Str(path),
			plan.Flag(unix.O_WRONLY|unix.O_CLOEXEC, "O_WRONLY|O_CLOEXEC")).To(fd)
	}
	if fallback == "" {
		open(path)
	} else {
		// attr/apparmor/ exists since Linux 5.1; before, and without other LSMs, it is attr/.
		old := b.p.NewLabel()
		open(path).On(old, syscall.ENOENT)
		b.p.Goto(opened)
		b.p.Place(old)
		open(fallback)
	}
	b.p.Place(opened)
	b.p.Sys(unix.SYS_WRITE, "write", fd.Val(), b.p.Str(value), plan.Int(int64(len(value))))
	b.close(fd)
}
