// From a profile to its meaning: for each architecture, the system call numbers and the rules
// that hold for each. Everything that can be wrong with a profile is found here.

package seccomp

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// cond is one comparison of a system call's argument: (argument & mask) op value for opMasked,
// argument op value for the rest.
type cond struct {
	arg         uint8
	op          op
	value, mask uint64
}

// rule is a set of conditions that all have to hold (none: always), and the answer then.
type rule struct {
	conds []cond // by ascending argument, each argument at most once
	ret   uint32
	src   int // the entry of linux.seccomp.syscalls it comes from
}

// entry is a rule as the profile has it, for one name, checked but for no architecture yet.
type entry struct {
	name, line string
	rule
}

// call is a system call of one architecture with its rules in the order they are tried.
type call struct {
	nr    uint32
	rules []rule
	arch  *arch
}

// section is what a profile says for one architecture. top is the highest number that the
// profile names; meaningless if nothing is named.
type section struct {
	arch  arch
	calls []call // by ascending number
	top   uint32
	named bool
}

// model is a profile's meaning.
type model struct {
	def      uint32
	notify   bool
	entries  []entry
	sections []section // the native architecture first
	native   arch
	profile  *specs.LinuxSeccomp
}

func newModel(p *specs.LinuxSeccomp, opts Options) (*model, error) {
	m := &model{profile: p}
	var err error
	m.def, err = ret(p.DefaultAction, p.DefaultErrnoRet,
		"linux.seccomp.defaultAction", "linux.seccomp.defaultErrnoRet")
	if err != nil {
		return nil, err
	}
	if m.def == unix.SECCOMP_RET_USER_NOTIF {
		// The runtime itself would be waiting for the agent before the agent has the listener.
		return nil, errdetail.New("linux.seccomp.defaultAction", "SCMP_ACT_NOTIFY cannot be the default action")
	}
	archs, err := m.architectures(opts)
	if err != nil {
		return nil, err
	}
	names := 0
	for i := range p.Syscalls {
		names += len(p.Syscalls[i].Names)
	}
	m.entries = make([]entry, 0, names)
	for i := range p.Syscalls {
		if err := m.addEntries(i, opts); err != nil {
			return nil, err
		}
	}
	if m.notify && p.ListenerPath == "" && !opts.OwnListener {
		return nil, errdetail.New("linux.seccomp.listenerPath", "needed, because a rule has SCMP_ACT_NOTIFY")
	}
	for _, a := range archs {
		s, err := m.section(a)
		if err != nil {
			return nil, err
		}
		m.sections = append(m.sections, s)
	}
	return m, nil
}

// architectures lists the native architecture and those of the profile.
func (m *model) architectures(opts Options) ([]arch, error) {
	name := opts.Arch
	if name == "" {
		name = NativeArch()
	}
	var ok bool
	if m.native, ok = archByName(name); !ok {
		return nil, errdetail.New("linux.seccomp", "there is no seccomp support for the architecture %q", string(name))
	}
	list := []arch{m.native}
	for i, n := range m.profile.Architectures {
		field := fmt.Sprintf("linux.seccomp.architectures[%d]", i)
		a, ok := archByName(n)
		if !ok {
			return nil, errdetail.New(field, "%q is not a known architecture", string(n))
		}
		if a.big != m.native.big {
			return nil, errdetail.New(field, "%s cannot be in one filter with %s: their byte orders differ", string(n), string(m.native.name))
		}
		if !slices.ContainsFunc(list, func(b arch) bool { return a.name == b.name }) {
			list = append(list, a)
		}
	}
	return list, nil
}

// addEntries checks linux.seccomp.syscalls[i] and adds what it says to the model.
func (m *model) addEntries(i int, opts Options) error {
	s := &m.profile.Syscalls[i]
	field := func(format string, args ...any) string { // for errors only
		return fmt.Sprintf("linux.seccomp.syscalls[%d]", i) + fmt.Sprintf(format, args...)
	}
	r, err := ret(s.Action, s.ErrnoRet, "action", "errnoRet")
	if err != nil {
		e := err.(*errdetail.Error)
		e.Field = field(".%s", e.Field)
		return e
	}
	if len(s.Names) == 0 {
		return errdetail.New(field(".names"), "no system call named")
	}
	sets, err := conditions(s.Args, i)
	if err != nil {
		return err
	}
	for k, name := range s.Names {
		if name == "" {
			return errdetail.New(field(".names[%d]", k), "a system call's name is empty")
		}
		if r == unix.SECCOMP_RET_USER_NOTIF && name == "write" {
			// The listener's number is handed over with write(2), by the process that is already
			// under the filter: it would wait for an agent that cannot answer yet.
			return errdetail.New(field(".names[%d]", k), "SCMP_ACT_NOTIFY cannot be used for write")
		}
		l := line(name)
		if l == "" && opts.FailUnknown && !known(name) {
			return errdetail.New(field(".names[%d]", k), "%q is not a known system call", name)
		}
		for _, set := range sets {
			m.entries = append(m.entries, entry{name, l, rule{conds: set, ret: r, src: i}})
		}
	}
	if r == unix.SECCOMP_RET_USER_NOTIF {
		m.notify = true
	}
	return nil
}

// conditions turns the args of linux.seccomp.syscalls[i] into sets of conditions: one set, or
// one for each condition if an argument is named twice.
func conditions(args []specs.LinuxSeccompArg, i int) ([][]cond, error) {
	var all []cond
	var seen [6]bool
	twice := false
	for j, a := range args {
		field := func(name string) string { return fmt.Sprintf("linux.seccomp.syscalls[%d].args[%d].%s", i, j, name) }
		if a.Index > 5 {
			return nil, errdetail.New(field("index"), "%d: a system call has arguments 0 to 5", a.Index)
		}
		o, ok := operator(a.Op)
		if !ok {
			return nil, errdetail.New(field("op"), "%q is not a seccomp operator", string(a.Op))
		}
		c := cond{arg: uint8(a.Index), op: o, value: a.Value, mask: ^uint64(0)}
		if o == opMasked {
			c.mask, c.value = a.Value, a.ValueTwo&a.Value
		}
		twice = twice || seen[a.Index]
		seen[a.Index] = true
		all = append(all, c)
	}
	if twice {
		var sets [][]cond
		for _, c := range all {
			sets = append(sets, []cond{c})
		}
		return sets, nil
	}
	slices.SortFunc(all, func(a, b cond) int { return cmp.Compare(a.arg, b.arg) })
	return [][]cond{all}, nil
}

// section collects what the profile says for one architecture.
func (m *model) section(a arch) (section, error) {
	s := section{arch: a}
	// An element is the call's number, the entry, and whether it goes through a multiplexer, in
	// one word: sorting those keeps the profile's order and is much cheaper than sorting rules.
	list := make([]uint64, 0, len(m.entries)+16)
	for i := range m.entries {
		e := &m.entries[i]
		nr, ok := a.lookup(e.name, e.line)
		if ok && (nr < armPrivate || a.base == x32Bit) {
			s.top, s.named = max(s.top, nr), true
		}
		if e.ret == m.def {
			continue
		}
		if ok {
			list = append(list, uint64(nr)<<32|uint64(i)<<1)
		}
		if a.mux {
			if nr, _, ok := a.throughMux(e.name); ok {
				list = append(list, uint64(nr)<<32|uint64(i)<<1|1)
			}
		}
	}
	slices.Sort(list)
	all := make([]rule, 0, len(list)) // the rules of all calls, one call after the other
	s.calls = make([]call, 0, len(list))
	for len(list) > 0 {
		nr, n := uint32(list[0]>>32), 0
		for ; n < len(list) && uint32(list[n]>>32) == nr; n++ {
			all = append(all, m.rule(&a, list[n]))
		}
		rules, err := combine(all[len(all)-n:], &a, nr)
		if err != nil {
			return s, err
		}
		s.calls = append(s.calls, call{nr, rules, &a})
		list = list[n:]
	}
	return s, nil
}

// rule is the rule that an element of section's list stands for.
func (m *model) rule(a *arch, element uint64) rule {
	e := &m.entries[uint32(element)>>1]
	if element&1 == 0 {
		return a.fit(e.rule)
	}
	// The multiplexer's first argument says which call it is, the others point to memory that a
	// filter cannot read: conditions on argument 0 are lost, as they are with libseccomp.
	_, sub, _ := a.throughMux(e.name)
	r := e.rule
	r.conds = []cond{{arg: 0, op: opEQ, value: sub, mask: ^uint64(0)}}
	for _, c := range e.conds {
		if c.arg != 0 {
			r.conds = append(r.conds, c)
		}
	}
	return a.fit(r)
}

// throughMux says by which number, and which first argument, a socket or IPC call is made
// through a multiplexer.
func (a *arch) throughMux(name string) (nr uint32, sub uint64, ok bool) {
	through, sub := muxed(name)
	if through == "" {
		return 0, 0, false
	}
	nr, ok = a.lookup(through, line(through))
	return nr, sub, ok
}

// fit cuts the conditions down to what the architecture compares, and drops those that always
// hold (a mask without bits).
func (a *arch) fit(r rule) rule {
	if len(r.conds) == 0 || a.wide && !slices.ContainsFunc(r.conds, func(c cond) bool { return c.mask == 0 }) {
		return r
	}
	conds := make([]cond, 0, len(r.conds))
	for _, c := range r.conds {
		if !a.wide {
			c.value, c.mask = uint64(uint32(c.value)), uint64(uint32(c.mask))
		}
		if c.op != opMasked || c.mask != 0 {
			conds = append(conds, c)
		}
	}
	r.conds = conds
	return r
}
