// Landlock (landlock(7)): rules are collected inside the finished mount tree, the process is
// restricted by them last but for seccomp.

package lower

import (
	"syscall"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/plan"
	"golang.org/x/sys/unix"
)

// Landlock is a ruleset: what it handles is denied but where a rule allows it.
type Landlock struct {
	// HandledFS, HandledNet and Scoped are struct landlock_ruleset_attr; the fields that the
	// kernel's ABI does not know must be 0.
	HandledFS, HandledNet, Scoped uint64
	// FileAccess are the rights that make sense for a file; others are for folders only.
	FileAccess uint64
	Paths      []LandlockPath
	Ports      []LandlockPort
}

// LandlockPath allows access beneath a path of the sandbox.
type LandlockPath struct {
	Field  string // place in the configuration
	Path   string
	Access uint64
}

// LandlockPort allows access to a TCP port.
type LandlockPort struct {
	Field  string
	Port   uint16
	Access uint64
}

// Rule types of landlock_add_rule(2).
const (
	rulePathBeneath = 1
	ruleNetPort     = 2
)

// landlockRules builds the ruleset while the process may still open every path.
func (b *builder) landlockRules(l *Landlock) plan.Reg {
	set := b.p.Reg("ruleset")
	if l == nil {
		return set
	}
	b.section("landlock", "", "collect the landlock rules")
	size := int64(8)
	if l.HandledNet != 0 {
		size = 16
	}
	if l.Scoped != 0 {
		size = 24
	}
	attr := b.p.Words(l.HandledFS, l.HandledNet, l.Scoped)
	b.p.Sys(unix.SYS_LANDLOCK_CREATE_RULESET, "landlock_create_ruleset",
		plan.Ptr(attr, "{fs "+hex(l.HandledFS)+", net "+hex(l.HandledNet)+", scoped "+hex(l.Scoped)+"}"),
		plan.Int(size), plan.Int(0)).To(set)
	for i := range l.Paths {
		b.landlockPath(set, l, &l.Paths[i])
	}
	for _, p := range l.Ports {
		b.section(p.Field, itoa(int64(p.Port)), "allow a port by landlock")
		rule := b.p.Words(p.Access, uint64(p.Port))
		b.addRule(set, ruleNetPort, "LANDLOCK_RULE_NET_PORT", rule, hex(p.Access))
	}
	return set
}

func (b *builder) landlockPath(set plan.Reg, l *Landlock, p *LandlockPath) {
	b.section(p.Field, p.Path, "allow a path by landlock")
	done, file := b.p.NewLabel(), b.p.NewLabel()
	fd := b.p.Reg("path")
	b.p.Sys(unix.SYS_OPENAT, "openat", fdcwd(), b.p.Str(p.Path),
		plan.Flag(unix.O_PATH|unix.O_CLOEXEC, "O_PATH|O_CLOEXEC")).To(fd)
	// struct landlock_path_beneath_attr is packed: 8 bytes of rights, 4 of the descriptor.
	rule := b.p.Words(p.Access&l.HandledFS, 0)
	b.p.Sys(plan.Move, "set", fd.Val()).ToAddr(rule+8, "rule.parent_fd")
	s := b.addRule(set, rulePathBeneath, "LANDLOCK_RULE_PATH_BENEATH", rule, hex(p.Access&l.HandledFS))
	s.On(file, syscall.EINVAL).IfZero(done)
	b.p.Place(file)
	// Rights for folders are refused on a file.
	only := b.p.Words(p.Access&l.HandledFS&l.FileAccess, 0)
	b.p.Sys(plan.Move, "set", fd.Val()).ToAddr(only+8, "rule.parent_fd")
	b.addRule(set, rulePathBeneath, "LANDLOCK_RULE_PATH_BENEATH", only, hex(p.Access&l.HandledFS&l.FileAccess))
	b.p.Place(done)
	b.close(fd)
}

func (b *builder) addRule(set plan.Reg, typ int64, name string, rule uint32, text string) *plan.Step {
	return b.p.Sys(unix.SYS_LANDLOCK_ADD_RULE, "landlock_add_rule", set.Val(), plan.Flag(typ, name),
		plan.Ptr(rule, text), plan.Int(0))
}

// restrict applies the rules to the program's own process.
func (b *builder) restrict(l *Landlock, set plan.Reg) {
	if l == nil {
		return
	}
	b.section("landlock", "", "restrict the process by landlock")
	b.p.Sys(unix.SYS_LANDLOCK_RESTRICT_SELF, "landlock_restrict_self", set.Val(), plan.Int(0))
}
