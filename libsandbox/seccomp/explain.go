// What a profile does with a call, and why: the answers are taken from the profile's meaning,
// not from the program, so that they can name the rule.

package seccomp

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// Verdict is what a profile does with one call.
type Verdict struct {
	// Value is the filter's return value, SECCOMP_RET_* with its data.
	Value uint32
	// Action is Value in the words of a profile: SCMP_ACT_ERRNO(EPERM).
	Action string
	// Field is the place in config.json that decided: linux.seccomp.syscalls[3] or
	// linux.seccomp.defaultAction; empty if none did (see Why).
	Field string
	// Why says it in a sentence.
	Why string
	// Syscall, Nr and Arch are the call: its name ("" if it has none), number and ABI.
	Syscall string
	Nr      uint32
	Arch    specs.Arch
}

// Explain says what a profile does with a call: its name or number (in the ABI of opts.Arch,
// which may also be one of the profile's further architectures) and its arguments, missing ones
// being 0. A profile that asks for no filter allows everything.
func Explain(profile *specs.LinuxSeccomp, call string, args []uint64, opts Options) (*Verdict, error) {
	if empty(profile) {
		return &Verdict{Value: unix.SECCOMP_RET_ALLOW, Action: "SCMP_ACT_ALLOW", Syscall: call, Why: "there is no filter"}, nil
	}
	want := opts.Arch
	opts.Arch = ""
	if native, ok := archByName(NativeArch()); want != "" && ok {
		if a, ok := archByName(want); !ok || a.big != native.big || !listed(profile, want) {
			opts.Arch = want
		}
	}
	m, err := newModel(profile, opts)
	if err != nil {
		return nil, err
	}
	if want == "" {
		want = m.native.name
	}
	for i := range m.sections {
		s := &m.sections[i]
		if s.arch.name != want {
			continue
		}
		nr, name, err := s.arch.parseCall(call)
		if err != nil {
			return nil, err
		}
		d := Data{Nr: nr, Arch: s.arch.audit}
		copy(d.Args[:], args)
		v := m.judge(&d)
		v.Syscall, v.Arch = name, want
		return v, nil
	}
	return nil, errdetail.New("linux.seccomp.architectures", "%s is not among them: its calls are killed", string(want))
}

func listed(p *specs.LinuxSeccomp, a specs.Arch) bool {
	for _, b := range p.Architectures {
		if a == b {
			return true
		}
	}
	return false
}

// parseCall reads a name or a number.
func (a *arch) parseCall(call string) (uint32, string, error) {
	if n, err := strconv.ParseInt(call, 0, 64); err == nil && n >= -1 && n <= 1<<32-1 {
		return uint32(n), a.nameOf(uint32(n)), nil
	}
	if nr, ok := a.lookup(call, line(call)); ok {
		return nr, call, nil
	}
	if known(call) {
		return 0, "", fmt.Errorf("%s has no system call %s", a.name, call)
	}
	return 0, "", fmt.Errorf("%q is not a known system call", call)
}

// judge applies the model to a call.
func (m *model) judge(d *Data) *Verdict {
	for _, group := range m.byAudit() {
		if group[0].arch.audit != d.Arch {
			continue
		}
		g := m.grounds(group)
		i := len(g) - 1
		for g[i].start > d.Nr {
			i--
		}
		for _, s := range group {
			for k := range s.calls {
				if s.calls[k].nr == d.Nr && (d.Nr != 0 || !m.answersSetup(s)) {
					return m.judgeRules(s, &s.calls[k], d)
				}
			}
		}
		return m.judgeGround(g[i].ret, d.Nr, group)
	}
	return verdict(retBadArch, d.Nr, "", "the profile does not list this architecture")
}

func verdict(value, nr uint32, field, why string) *Verdict {
	return &Verdict{Value: value, Action: actionText(value), Field: field, Why: why, Nr: nr}
}

func (m *model) judgeRules(s *section, c *call, d *Data) *Verdict {
	for _, r := range c.rules {
		if r.holds(d, s.arch.wide) {
			field := fmt.Sprintf("linux.seccomp.syscalls[%d]", r.src)
			return verdict(r.ret, c.nr, field, "the rule "+field+" says so"+conditionText(r.conds))
		}
	}
	return verdict(m.def, c.nr, "linux.seccomp.defaultAction", "no rule for this call has its conditions met, so the default action holds")
}

func (m *model) judgeGround(value, nr uint32, group []*section) *Verdict {
	switch {
	case value == m.def:
		return verdict(value, nr, "linux.seccomp.defaultAction", "no rule is about this call, so the default action holds")
	case value == retNosys && nr == 0:
		return verdict(value, nr, "", "number 0 stands for calls that the kernel does not have")
	case value == retNosys:
		top := uint32(0)
		for _, s := range group {
			if (s.arch.base == x32Bit) == (nr&x32Bit != 0) {
				top = s.top
			}
		}
		return verdict(value, nr, "", fmt.Sprintf("its number is above the highest one the profile names (%d, %s), so it is answered as by an older kernel", top, NameOf(group[0].arch.audit, int(top))))
	}
	return verdict(value, nr, "", "the profile does not list the ABI that numbers in this range belong to")
}

// holds says whether all conditions are met.
func (r *rule) holds(d *Data, wide bool) bool {
	for _, c := range r.conds {
		v := d.Args[c.arg]
		if !wide {
			v = uint64(uint32(v))
		}
		if !c.holds(v) {
			return false
		}
	}
	return true
}

func (c cond) holds(v uint64) bool {
	switch c.op {
	case opEQ:
		return v == c.value
	case opNE:
		return v != c.value
	case opMasked:
		return v&c.mask == c.value
	case opLT:
		return v < c.value
	case opLE:
		return v <= c.value
	case opGT:
		return v > c.value
	}
	return v >= c.value
}

// conditionText is the conditions in readable form, with a leading comma: ", as arg0 == 1".
func conditionText(conds []cond) string {
	var parts []string
	for _, c := range conds {
		if c.op == opMasked {
			parts = append(parts, fmt.Sprintf("arg%d & %#x == %#x", c.arg, c.mask, c.value))
		} else {
			parts = append(parts, fmt.Sprintf("arg%d %s %#x", c.arg, c.op, c.value))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return ", as " + strings.Join(parts, " and ")
}
