//go:build libseccomp && cgo

// Programs of this package's compiler held against those of libseccomp, call by call.

package seccomp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	libseccomp "github.com/seccomp/libseccomp-golang"
	"golang.org/x/sys/unix"
)

// order is what a child process that runs libseccomp is asked; answer is what it says.
type order struct {
	Profile  *specs.LinuxSeccomp
	Native   specs.Arch
	Optimize bool
}

type answer struct {
	Program []unix.SockFilter
	Err     string
}

var errStuck = errors.New("libseccomp did not come back")

// libChild is a process of its own for libseccomp: version 2.5.4 loops for ever, or crashes, on
// some profiles with overlapping rules.
func libChild() {
	var o order
	var a answer
	err := json.NewDecoder(os.Stdin).Decode(&o)
	if err == nil {
		var mo *model
		if mo, err = modelWithoutRules(o.Profile, o.Native); err == nil {
			a.Program, err = compileLibseccomp(mo, o.Optimize)
		}
	}
	if err != nil {
		a.Err = err.Error()
	}
	if json.NewEncoder(os.Stdout).Encode(a) != nil {
		os.Exit(1)
	}
}

// compileInChild compiles with libseccomp; errStuck if it does not within a second.
func compileInChild(t *testing.T, p *specs.LinuxSeccomp, native specs.Arch, optimize bool) ([]unix.SockFilter, error) {
	t.Helper()
	text, err := json.Marshal(order{p, native, optimize})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), "SECCOMP_TEST_CHILD=lib")
	cmd.Stdin = bytes.NewReader(text)
	out, err := cmd.Output()
	if err != nil {
		return nil, errStuck
	}
	var a answer
	if err := json.Unmarshal(out, &a); err != nil {
		t.Fatal(err)
	}
	if a.Err != "" {
		return nil, errors.New(a.Err)
	}
	return a.Program, nil
}

// tally counts what became of the calls and profiles.
type tally struct {
	profiles, calls, equal         int
	bothRefuse, onlyWe, onlyThey   int
	stuck                          int
	wrongByThem, otherRule, differ int
	steps, theirSteps              int
	dropped                        map[string]bool
}

func (n *tally) log(t *testing.T) {
	t.Logf("%d profiles, %d calls: %d equal, %d differ", n.profiles, n.calls, n.equal, n.differ)
	if n.wrongByThem+n.otherRule > 0 {
		t.Logf("explained: %d calls where libseccomp's answer follows from no rule that holds, %d where it follows another rule that holds too", n.wrongByThem, n.otherRule)
	}
	t.Logf("profiles refused by both %d, only by us %d, only by libseccomp %d; libseccomp did not come back or crashed %d; names left out, as this libseccomp is older: %d", n.bothRefuse, n.onlyWe, n.onlyThey, n.stuck, len(n.dropped))
}

// agreed leaves the names out of a profile that this libseccomp resolves to another number, or
// none, in an architecture that counts: it is older than the table.
func agreed(p *specs.LinuxSeccomp, archs []specs.Arch, dropped map[string]bool) *specs.LinuxSeccomp {
	q := *p
	q.Syscalls = nil
	for _, s := range p.Syscalls {
		var names []string
		for _, name := range s.Names {
			if sameNumbers(name, archs) {
				names = append(names, name)
			} else {
				dropped[name] = true
			}
		}
		if s.Names = names; len(names) > 0 {
			q.Syscalls = append(q.Syscalls, s)
		}
	}
	return &q
}

func sameNumbers(name string, archs []specs.Arch) bool {
	if name == "sys_debug_setcontext" || name == "switch_endian" {
		return false // libseccomp 2.5 mixes the two up on ppc64
	}
	if _, err := libseccomp.GetSyscallFromName(name); err != nil {
		for _, n := range archs {
			a, _ := archByName(n)
			if _, ok := a.lookup(name, line(name)); ok {
				return false
			}
		}
		return true
	}
	for _, n := range archs {
		a, _ := archByName(n)
		ours, ok := a.lookup(name, line(name))
		la, _ := libArch(n)
		theirs, err := libseccomp.GetSyscallFromNameByArch(name, la)
		through, _ := muxed(name)
		if a.mux && through != "" {
			continue // libseccomp shows a number of its own
		}
		if ok != (err == nil && theirs >= 0) || ok && ours&^x32Bit != uint32(theirs)&^x32Bit {
			return false
		}
	}
	return true
}

// compare tries every call on both programs.
func (n *tally) compare(t *testing.T, p *specs.LinuxSeccomp, native specs.Arch, optimize, strict bool) {
	t.Helper()
	n.profiles++
	p = agreed(p, append([]specs.Arch{native}, p.Architectures...), n.dropped)
	m, err := newModel(p, Options{Arch: native, OwnListener: true})
	if err != nil && !strings.Contains(err.Error(), "contradicts") {
		t.Fatal(err)
	}
	refused := err != nil
	theirs, lerr := compileInChild(t, p, native, optimize)
	if lerr == errStuck {
		n.stuck++
		return
	}
	switch {
	case refused && lerr != nil:
		n.bothRefuse++
		return
	case refused:
		n.onlyWe++
		return
	case lerr != nil:
		n.onlyThey++
		return
	}
	ours, err := compileGo(m)
	if err != nil {
		t.Fatal(err)
	}
	big := m.native.big
	for d := range m.tryCalls {
		a, s1, err := Run(ours, d, big)
		if err != nil {
			t.Fatal(err)
		}
		b, s2, err := Run(theirs, d, big)
		if err != nil {
			t.Fatal(err)
		}
		n.calls++
		n.steps += s1
		n.theirSteps += s2
		if a == b {
			n.equal++
			continue
		}
		switch m.classify(d, b) {
		case "wrong":
			n.wrongByThem++
		case "order":
			n.otherRule++
		default:
			n.differ++
		}
		if strict && n.differ <= 12 && m.classify(d, b) == "" {
			t.Errorf("on %s, %s %+v: ours %s, libseccomp %s (%s)\n%s", native, NameOf(d.Arch, int(d.Nr)), *d, actionText(a), actionText(b), m.judge(d).Why, m.rulesText(d))
		}
	}
}

// rulesText lists the rules about a call in the order they are tried.
func (m *model) rulesText(d *Data) string {
	var b strings.Builder
	for i := range m.sections {
		for _, c := range m.sections[i].calls {
			if m.sections[i].arch.audit != d.Arch || c.nr != d.Nr {
				continue
			}
			for _, r := range c.rules {
				b.WriteString(actionText(r.ret) + conditionText(r.conds) + "\n")
			}
		}
	}
	return b.String()
}

// modelWithoutRules is enough of a model for libseccomp, also for a profile that is refused here.
func modelWithoutRules(p *specs.LinuxSeccomp, native specs.Arch) (*model, error) {
	bare := *p
	bare.Syscalls = nil
	m, err := newModel(&bare, Options{Arch: native, OwnListener: true})
	if err != nil {
		return nil, err
	}
	m.profile = p
	for i := range p.Syscalls {
		if err := m.addEntries(i, Options{}); err != nil {
			return nil, err
		}
	}
	for i := range m.sections {
		s := &m.sections[i]
		for _, e := range m.entries {
			if nr, ok := s.arch.lookup(e.name, e.line); ok && (nr < armPrivate || s.arch.base == x32Bit) {
				s.top, s.named = max(s.top, nr), true
			}
		}
	}
	return m, nil
}

// classify says what is wrong with another answer to a call that rules with conditions are about:
// "order" if a rule that holds gives it, so that only the order of overlapping rules differs;
// "wrong" if no rule that holds does, or if one holds and the default is given. Libseccomp's
// trees lose and mix conditions when bounds or inequalities share a value or half of one.
// Else, that is for everything without conditions, "".
func (m *model) classify(d *Data, answer uint32) string {
	for i := range m.sections {
		s := &m.sections[i]
		for _, c := range s.calls {
			if s.arch.audit != d.Arch || c.nr != d.Nr || len(c.rules[0].conds) == 0 {
				continue
			}
			for _, r := range c.rules {
				if r.ret == answer && r.holds(d, s.arch.wide) {
					return "order"
				}
			}
			return "wrong"
		}
	}
	return ""
}

// TestDifferentialGenerated: profiles by chance, rules overlapping, for several native
// architectures with their companions.
func TestDifferentialGenerated(t *testing.T) {
	n := tally{dropped: map[string]bool{}}
	r := rand.New(rand.NewPCG(7, 11))
	sets := [][]specs.Arch{
		{specs.ArchX86_64, specs.ArchX86, specs.ArchX32}, {specs.ArchX86_64, specs.ArchX86, specs.ArchX32},
		{specs.ArchAARCH64, specs.ArchARM}, {specs.ArchS390X, specs.ArchS390}, {specs.ArchPPC64LE},
		{specs.ArchRISCV64}, {specs.ArchMIPSEL64, specs.ArchMIPSEL, specs.ArchMIPSEL64N32}, {specs.ArchX86},
	}
	for i := range 720 {
		set := sets[i%len(sets)]
		n.compare(t, randomProfile(r, set[1:]), set[0], i%3 == 0, true)
	}
	n.log(t)
	if n.differ > 0 {
		t.Errorf("%d calls differ", n.differ)
	}
	if explained := n.wrongByThem + n.otherRule; explained*200 > n.calls {
		t.Errorf("%d of %d calls are explained away: too many", explained, n.calls)
	}
	if n.profiles-n.bothRefuse-n.onlyWe-n.onlyThey-n.stuck < 500 {
		t.Errorf("only %d profiles compared", n.profiles-n.bothRefuse-n.onlyWe-n.onlyThey-n.stuck)
	}
}

// TestDifferentialReal: the profiles that tests/seccomp/run collects from the engines' own
// packages, in the directory $SECCOMP_PROFILES.
func TestDifferentialReal(t *testing.T) {
	dir := os.Getenv("SECCOMP_PROFILES")
	files, _ := filepath.Glob(filepath.Join(dir, "*.json"))
	if dir == "" || len(files) == 0 {
		t.Skip("no profiles: SECCOMP_PROFILES is set by tests/seccomp/run")
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var p specs.LinuxSeccomp
			if err := json.Unmarshal(text, &p); err != nil {
				t.Fatal(err)
			}
			native := specs.ArchX86_64
			if len(p.Architectures) > 0 {
				native = p.Architectures[0]
			}
			n := tally{dropped: map[string]bool{}}
			n.compare(t, &p, native, true, true)
			n.compare(t, &p, native, false, true)
			n.log(t)
			if n.differ+n.otherRule+n.wrongByThem+n.onlyThey+n.onlyWe > 0 || n.calls < 1000 {
				t.Error("the programs do not agree")
			}
			measure(t, &p, native)
		})
	}
}

// measure prints how many instructions the frequent calls take.
func measure(t *testing.T, p *specs.LinuxSeccomp, native specs.Arch) {
	m, err := newModel(p, Options{Arch: native, OwnListener: true})
	if err != nil {
		t.Fatal(err)
	}
	ours, _ := compileGo(m)
	tree, _ := compileLibseccomp(m, true)
	plain, _ := compileLibseccomp(m, false)
	var sum [3]int
	count := 0
	for _, name := range FrequentCalls() {
		nr, ok := m.native.lookup(name, line(name))
		if !ok {
			continue
		}
		count++
		d := Data{Nr: nr, Arch: m.native.audit}
		for i, prog := range [][]unix.SockFilter{ours, tree, plain} {
			_, steps, _ := Run(prog, &d, m.native.big)
			sum[i] += steps
		}
	}
	t.Logf("program: ours %d, libseccomp's tree %d, libseccomp's default %d instructions", len(ours), len(tree), len(plain))
	t.Logf("executed for %d frequent calls, on average: ours %.1f, libseccomp's tree %.1f, libseccomp's default %.1f", count,
		float64(sum[0])/float64(count), float64(sum[1])/float64(count), float64(sum[2])/float64(count))
}

// TestDifferentialTable: no system call that libseccomp knows has another number here.
func TestDifferentialTable(t *testing.T) {
	compared, missing := 0, 0
	for _, a := range architectures() {
		la, err := libArch(a.name)
		if err != nil {
			t.Logf("%s is not in this libseccomp", a.name)
			continue
		}
		for i := 0; i+lineWidth <= len(table); i += lineWidth {
			name := cutName(table[i:])
			theirs, err := libseccomp.GetSyscallFromNameByArch(name, la)
			if err != nil || theirs < 0 {
				continue
			}
			if a.base == x32Bit {
				theirs |= x32Bit
			}
			switch ours, ok := a.lookup(name, table[i:i+lineWidth]); {
			case a.name == specs.ArchPARISC64 && name == "_llseek":
				// The kernel's 64-bit table does not have it.
			case !ok:
				missing++
				t.Errorf("%s %s: not in the table, libseccomp has %d", a.name, name, theirs)
			case ours != uint32(theirs):
				t.Errorf("%s %s: %d, libseccomp has %d", a.name, name, ours, theirs)
			}
			compared++
		}
	}
	if t.Logf("%d numbers compared, %d missing", compared, missing); compared < 3000 {
		t.Error("hardly anything was compared")
	}
}
