package seccomp

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

func uintp(n uint) *uint { return &n }

// checkProgram fails the test unless the kernel would take the program.
func checkProgram(t *testing.T, p []unix.SockFilter) {
	t.Helper()
	if len(p) == 0 || len(p) > maxProgram {
		t.Fatalf("%d instructions", len(p))
	}
	for pc, ins := range p {
		far := 0
		if ins.Code&7 == unix.BPF_JMP {
			far = int(max(ins.Jt, ins.Jf))
			if ins.Code == unix.BPF_JMP|unix.BPF_JA {
				far = int(ins.K)
			}
		}
		if ins.Code&7 != unix.BPF_RET && pc+far+1 >= len(p) {
			t.Fatalf("instruction %d of %d goes past the end", pc, len(p))
		}
	}
}

// TestProgramFollowsRules holds programs against the rules evaluated one by one, on every
// architecture as the native one.
func TestProgramFollowsRules(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	tried, refused := 0, 0
	for i := range 120 {
		archs := Architectures()
		native := archs[i%len(archs)]
		if native == specs.ArchX32 {
			continue
		}
		n, _ := archByName(native)
		var others []specs.Arch
		for _, a := range architectures() {
			if a.big == n.big && len(others) < 4 {
				others = append(others, a.name)
			}
		}
		p := randomProfile(r, others)
		m, err := newModel(p, Options{Arch: native})
		if err != nil {
			if !strings.Contains(err.Error(), "contradicts") {
				t.Fatal(err)
			}
			refused++
			continue
		}
		program, err := compileGo(m)
		if err != nil {
			t.Fatal(err)
		}
		checkProgram(t, program)
		for d := range m.tryCalls {
			tried++
			got, _, err := Run(program, d, n.big)
			if err != nil {
				t.Fatal(err)
			}
			if want := m.judge(d); got != want.Value {
				t.Fatalf("profile %d on %s: %+v: the program answers %s, the rules %s (%s)", i, native, *d, actionText(got), want.Action, want.Why)
			}
		}
	}
	if tried < 100000 || refused > 150 {
		t.Fatalf("only %d calls tried, %d profiles refused", tried, refused)
	}
}

// TestLongJumps makes programs too long for 8-bit jumps.
func TestLongJumps(t *testing.T) {
	p := &specs.LinuxSeccomp{DefaultAction: specs.ActErrno, Architectures: []specs.Arch{specs.ArchX86, specs.ArchX32}}
	for i := 0; i+lineWidth <= len(table); i += lineWidth {
		p.Syscalls = append(p.Syscalls, specs.LinuxSyscall{Names: []string{cutName(table[i:])}, Action: specs.ActErrno, ErrnoRet: uintp(uint(2 + i/lineWidth)),
			Args: []specs.LinuxSeccompArg{{Index: 1, Op: specs.OpEqualTo, Value: uint64(i) << 20}}})
	}
	m, err := newModel(p, Options{Arch: specs.ArchX86_64})
	if err != nil {
		t.Fatal(err)
	}
	program, err := compileGo(m)
	if err != nil {
		var e *errdetail.Error
		if !errors.As(err, &e) || e.Field != "linux.seccomp" || !strings.Contains(err.Error(), "4096") {
			t.Fatal(err)
		}
		p.Architectures = nil
		m, _ = newModel(p, Options{Arch: specs.ArchX86_64})
		if program, err = compileGo(m); err != nil {
			t.Fatal(err)
		}
	}
	checkProgram(t, program)
	if len(program) < 1000 {
		t.Fatalf("only %d instructions: nothing is far away", len(program))
	}
	for i := 0; i+lineWidth <= len(table); i += lineWidth {
		nr, ok := m.native.lookup("", table[i:i+lineWidth])
		if !ok {
			continue
		}
		for _, hit := range []bool{true, false} {
			d := Data{Nr: nr, Arch: m.native.audit}
			want := retErrno | uint32(unix.EPERM)
			if d.Args[1] = 7; hit {
				d.Args[1], want = uint64(i)<<20, retErrno|uint32(2+i/lineWidth)
			}
			if got, _, err := Run(program, &d, false); got != want || err != nil {
				t.Fatalf("%s: %s, want %s (%v)", cutName(table[i:]), actionText(got), actionText(want), err)
			}
		}
	}
}

func TestTooLong(t *testing.T) {
	p := &specs.LinuxSeccomp{DefaultAction: specs.ActErrno}
	for i := range 2100 {
		p.Syscalls = append(p.Syscalls, specs.LinuxSyscall{Names: []string{"read"}, Action: specs.ActAllow,
			Args: []specs.LinuxSeccompArg{{Index: uint(i % 2), Op: specs.OpEqualTo, Value: uint64(i)*0x100000001 + 1}}})
	}
	_, err := Compile(p, Options{Arch: specs.ArchX86_64})
	if err == nil || !strings.Contains(err.Error(), "at most 4096") {
		t.Fatalf("got %v", err)
	}
}

func one(s specs.LinuxSyscall) *specs.LinuxSeccomp {
	return &specs.LinuxSeccomp{DefaultAction: specs.ActErrno, Syscalls: []specs.LinuxSyscall{{Names: []string{"read"}, Action: specs.ActAllow}, s}}
}

// TestBadProfiles: each names the field at fault.
func TestBadProfiles(t *testing.T) {
	arg := func(a ...specs.LinuxSeccompArg) specs.LinuxSyscall {
		return specs.LinuxSyscall{Names: []string{"clone"}, Action: specs.ActAllow, Args: a}
	}
	eq := specs.LinuxSeccompArg{Op: specs.OpEqualTo, Value: 1}
	for _, c := range []struct {
		field string
		p     *specs.LinuxSeccomp
		o     Options
	}{
		{"linux.seccomp.defaultAction", &specs.LinuxSeccomp{DefaultAction: "SCMP_ACT_MAYBE"}, Options{}},
		{"linux.seccomp.defaultAction", &specs.LinuxSeccomp{Syscalls: one(arg()).Syscalls}, Options{}},
		{"linux.seccomp.defaultAction", &specs.LinuxSeccomp{DefaultAction: specs.ActNotify}, Options{}},
		{"linux.seccomp.defaultErrnoRet", &specs.LinuxSeccomp{DefaultAction: specs.ActErrno, DefaultErrnoRet: uintp(65536)}, Options{}},
		{"linux.seccomp.architectures[1]", &specs.LinuxSeccomp{DefaultAction: specs.ActErrno, Architectures: []specs.Arch{specs.ArchX86, "SCMP_ARCH_VAX"}}, Options{}},
		{"linux.seccomp.architectures[0]", &specs.LinuxSeccomp{DefaultAction: specs.ActErrno, Architectures: []specs.Arch{specs.ArchS390X}}, Options{Arch: specs.ArchX86_64}},
		{"linux.seccomp.flags[1]", &specs.LinuxSeccomp{DefaultAction: specs.ActErrno, Flags: []specs.LinuxSeccompFlag{flagTsync, "SECCOMP_FILTER_FLAG_FAST"}}, Options{}},
		{"linux.seccomp.flags[0]", &specs.LinuxSeccomp{DefaultAction: specs.ActErrno, Flags: []specs.LinuxSeccompFlag{specs.LinuxSeccompFlagWaitKillableRecv}}, Options{}},
		{"linux.seccomp.syscalls[1].action", one(specs.LinuxSyscall{Names: []string{"read"}, Action: "ALLOW"}), Options{}},
		{"linux.seccomp.syscalls[1].action", one(specs.LinuxSyscall{Names: []string{"read"}}), Options{}},
		{"linux.seccomp.syscalls[1].errnoRet", one(specs.LinuxSyscall{Names: []string{"read"}, Action: specs.ActErrno, ErrnoRet: uintp(1 << 20)}), Options{}},
		{"linux.seccomp.syscalls[1].names", one(specs.LinuxSyscall{Action: specs.ActAllow}), Options{}},
		{"linux.seccomp.syscalls[1].names[1]", one(specs.LinuxSyscall{Names: []string{"read", ""}, Action: specs.ActAllow}), Options{}},
		{"linux.seccomp.syscalls[1].names[0]", one(specs.LinuxSyscall{Names: []string{"raed"}, Action: specs.ActAllow}), Options{FailUnknown: true}},
		{"linux.seccomp.syscalls[1].names[0]", one(specs.LinuxSyscall{Names: []string{"write"}, Action: specs.ActNotify}), Options{}},
		{"linux.seccomp.listenerPath", one(specs.LinuxSyscall{Names: []string{"mkdir"}, Action: specs.ActNotify}), Options{}},
		{"linux.seccomp.syscalls[1].args[1].index", one(arg(eq, specs.LinuxSeccompArg{Index: 6, Op: specs.OpEqualTo})), Options{}},
		{"linux.seccomp.syscalls[1].args[0].op", one(arg(specs.LinuxSeccompArg{Op: "=="})), Options{}},
		{"linux.seccomp.syscalls[2]", &specs.LinuxSeccomp{DefaultAction: specs.ActErrno, Syscalls: []specs.LinuxSyscall{arg(eq), arg(),
			{Names: []string{"kill"}, Action: specs.ActAllow}}[:1:1]}, Options{}},
	} {
		if c.field == "linux.seccomp.syscalls[2]" {
			other := arg(eq)
			other.Action = specs.ActKillProcess
			c.p.Syscalls = append(c.p.Syscalls, one(arg()).Syscalls[0], other)
		}
		_, err := Compile(c.p, c.o)
		var e *errdetail.Error
		if !errors.As(err, &e) {
			t.Errorf("%s: got %v", c.field, err)
			continue
		}
		if e.Field != c.field {
			t.Errorf("error is about %q, want %q: %v", e.Field, c.field, err)
		}
	}
}

// TestSilently: what is accepted without a word, because runc accepts it.
func TestSilently(t *testing.T) {
	for name, p := range map[string]*specs.LinuxSeccomp{
		"unknown name":   one(specs.LinuxSyscall{Names: []string{"no_such_call"}, Action: specs.ActAllow}),
		"tsync":          {DefaultAction: specs.ActErrno, Flags: []specs.LinuxSeccompFlag{flagTsync}},
		"default action": one(specs.LinuxSyscall{Names: []string{"kill"}, Action: specs.ActErrno, ErrnoRet: uintp(uint(unix.EPERM))}),
	} {
		if f, err := Compile(p, Options{}); err != nil || f == nil {
			t.Errorf("%s: %v", name, err)
		} else if f.Flags&unix.SECCOMP_FILTER_FLAG_TSYNC != 0 {
			t.Errorf("%s: flags %#x", name, f.Flags)
		}
	}
	if f, err := Compile(&specs.LinuxSeccomp{}, Options{}); f != nil || err != nil {
		t.Errorf("an empty profile gives %v, %v", f, err)
	}
}

func TestFlags(t *testing.T) {
	notify := one(specs.LinuxSyscall{Names: []string{"mkdir"}, Action: specs.ActNotify})
	notify.ListenerPath = "/run/agent.sock"
	spec := uint(0)
	if FlagSupported(specs.LinuxSeccompFlagSpecAllow) {
		spec = unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW
	}
	for i, c := range []struct {
		flags  []specs.LinuxSeccompFlag
		notify bool
		want   uint
	}{
		{nil, false, spec},
		{[]specs.LinuxSeccompFlag{}, false, 0},
		{[]specs.LinuxSeccompFlag{specs.LinuxSeccompFlagLog}, false, unix.SECCOMP_FILTER_FLAG_LOG},
		{nil, true, spec | unix.SECCOMP_FILTER_FLAG_NEW_LISTENER},
		{[]specs.LinuxSeccompFlag{specs.LinuxSeccompFlagWaitKillableRecv}, true, unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV | unix.SECCOMP_FILTER_FLAG_NEW_LISTENER},
	} {
		p := *one(specs.LinuxSyscall{Names: []string{"mkdir"}, Action: specs.ActAllow})
		if c.notify {
			p = *notify
		}
		p.Flags = c.flags
		f, err := Compile(&p, Options{})
		if err != nil {
			t.Errorf("case %d: %v", i, err)
		} else if f.Flags != c.want || f.Notify != c.notify {
			t.Errorf("case %d: flags %#x, notify %v, want %#x", i, f.Flags, f.Notify, c.want)
		}
	}
}

func TestNames(t *testing.T) {
	for _, c := range []struct {
		audit uint32
		nr    int
		want  string
	}{
		{0xc000003e, 0, "read"}, {0xc000003e, 59, "execve"}, {0xc000003e, x32Bit + 520, "execve"},
		{0x40000003, 11, "execve"}, {0xc00000b7, 221, "execve"}, {0x40000028, armPrivate + 2, "cacheflush"},
		{0x80000008, 5057, "execve"}, {0xc00000f3, 221, "execve"}, {0xc000003e, 9999, ""}, {1, 1, ""}, {0xc000003e, -1, ""},
	} {
		if got := NameOf(c.audit, c.nr); got != c.want {
			t.Errorf("NameOf(%#x, %d) = %q, want %q", c.audit, c.nr, got, c.want)
		}
	}
	last := ""
	for i := 0; i+lineWidth <= len(table); i += lineWidth {
		name := cutName(table[i:])
		if name <= last || line(name) != table[i:i+lineWidth] {
			t.Fatalf("the table is out of order at %q", name)
		}
		last = name
	}
	if len(table)%lineWidth != 0 || line("") != "" || line("zzz") != "" || line("rea") != "" || line("readx") != "" {
		t.Error("names are found that are not there")
	}
}

// TestNosys: what is newer than the profile gets ENOSYS, what is merely not in it does not.
func TestNosys(t *testing.T) {
	eperm := retErrno | uint32(unix.EPERM)
	allow := uint32(unix.SECCOMP_RET_ALLOW)
	const amd64, i386, arm, s390x = 0xc000003e, 0x40000003, 0x40000028, 0x80000016
	p := func(names ...string) *specs.LinuxSeccomp {
		return &specs.LinuxSeccomp{DefaultAction: specs.ActErrno, Architectures: []specs.Arch{specs.ArchX86, specs.ArchX32},
			Syscalls: []specs.LinuxSyscall{{Names: names, Action: specs.ActAllow}}}
	}
	withDefault := func(p *specs.LinuxSeccomp, a specs.LinuxSeccompAction) *specs.LinuxSeccomp {
		p.DefaultAction, p.Syscalls[0].Action = a, specs.ActTrap
		return p
	}
	plain := func(p *specs.LinuxSeccomp, archs ...specs.Arch) *specs.LinuxSeccomp {
		p.Architectures = archs
		return p
	}
	topDenied := p("read")
	topDenied.Syscalls = append(topDenied.Syscalls, specs.LinuxSyscall{Names: []string{"openat2"}, Action: specs.ActErrno})
	denied := p("read", "openat2")
	denied.DefaultErrnoRet = uintp(uint(unix.ENOSYS))
	for i, c := range []struct {
		p         *specs.LinuxSeccomp
		native    specs.Arch
		audit, nr uint32
		want      uint32
	}{
		{p("read", "openat2"), specs.ArchX86_64, amd64, 0, allow},
		{p("read", "openat2"), specs.ArchX86_64, amd64, 436, eperm},
		{p("read", "openat2"), specs.ArchX86_64, amd64, 437, allow},
		{p("read", "openat2"), specs.ArchX86_64, amd64, 438, retNosys},
		{p("read", "openat2"), specs.ArchX86_64, amd64, x32Bit - 1, retNosys},
		{p("read", "openat2"), specs.ArchX86_64, amd64, x32Bit + 436, eperm},
		{p("read", "openat2"), specs.ArchX86_64, amd64, x32Bit + 437, allow},
		{p("read", "openat2"), specs.ArchX86_64, amd64, x32Bit + 438, retNosys},
		{p("read", "openat2"), specs.ArchX86_64, amd64, ^uint32(0), retNosys},
		{p("read", "openat2"), specs.ArchX86_64, i386, 438, retNosys},
		{p("read", "openat2"), specs.ArchX86_64, i386, 1, eperm},
		{p("read", "openat2"), specs.ArchX86_64, arm, 1, retBadArch},
		// A name with the default action counts as known too.
		{plain(p("read")), specs.ArchX86_64, amd64, 1, retNosys},
		{plain(p("read", "openat2")), specs.ArchX86_64, amd64, x32Bit, retBadArch},
		{plain(p("read", "openat2")), specs.ArchX86_64, amd64, 2 * x32Bit, retNosys},
		{plain(p("read", "openat2")), specs.ArchX86_64, amd64, 3 * x32Bit, retBadArch},
		{plain(p("read", "openat2")), specs.ArchX86_64, amd64, ^uint32(0), eperm},
		{withDefault(p("read"), specs.ActAllow), specs.ArchX86_64, amd64, 500, allow},
		{withDefault(p("read"), specs.ActLog), specs.ArchX86_64, amd64, 500, unix.SECCOMP_RET_LOG},
		{withDefault(p("read"), specs.ActKillProcess), specs.ArchX86_64, amd64, 500, retNosys},
		{topDenied, specs.ArchX86_64, amd64, 437, eperm},
		{topDenied, specs.ArchX86_64, amd64, 438, retNosys},
		{denied, specs.ArchX86_64, amd64, 0, allow},
		{denied, specs.ArchX86_64, amd64, 1, retNosys},
		{plain(p("read", "cacheflush")), specs.ArchARM, arm, 5, retNosys},
		{plain(p("read", "cacheflush")), specs.ArchARM, arm, armPrivate + 2, allow},
		{plain(p("read", "cacheflush")), specs.ArchARM, arm, armPrivate + 5, eperm},
		{plain(p("read", "cacheflush")), specs.ArchARM, arm, armPrivate + 7, retNosys},
		{plain(p("restart_syscall", "read")), specs.ArchS390X, s390x, 0, retNosys},
		{plain(p("restart_syscall", "read")), specs.ArchS390X, s390x, 3, allow},
		{plain(p("no_such_call")), specs.ArchX86_64, amd64, 3, eperm},
	} {
		m, err := newModel(c.p, Options{Arch: c.native})
		if err != nil {
			t.Fatal(err)
		}
		program, err := compileGo(m)
		if err != nil {
			t.Fatal(err)
		}
		d := Data{Nr: c.nr, Arch: c.audit}
		if got, _, err := Run(program, &d, m.native.big); got != c.want || err != nil {
			t.Errorf("case %d (%d): %s, want %s (%v)", i, c.nr, actionText(got), actionText(c.want), err)
		}
		if v := m.judge(&d); v.Value != c.want {
			t.Errorf("case %d (%d): explained as %s, want %s", i, c.nr, v.Action, actionText(c.want))
		}
	}
}

// TestOrder: which of several rules that hold decides, whichever comes first in the profile.
func TestOrder(t *testing.T) {
	arg := func(i uint, o specs.LinuxSeccompOperator, v uint64) specs.LinuxSeccompArg {
		return specs.LinuxSeccompArg{Index: i, Op: o, Value: v}
	}
	type args = []specs.LinuxSeccompArg
	for _, c := range []struct {
		name          string
		first, second args
		value         uint64 // of all arguments
	}{
		{"no condition before any", nil, args{arg(0, specs.OpEqualTo, 5)}, 5},
		{"later argument", args{arg(1, specs.OpGreaterThan, 1)}, args{arg(0, specs.OpEqualTo, 5)}, 5},
		{"equality before bound", args{arg(0, specs.OpEqualTo, 5)}, args{arg(0, specs.OpLessThan, 9)}, 5},
		{"upper before lower bound", args{arg(0, specs.OpLessThan, 9)}, args{arg(0, specs.OpGreaterThan, 1)}, 5},
		{"smaller upper bound", args{arg(0, specs.OpLessThan, 7)}, args{arg(0, specs.OpLessThan, 9)}, 5},
		{"larger lower bound", args{arg(0, specs.OpGreaterThan, 3)}, args{arg(0, specs.OpGreaterThan, 1)}, 5},
		{"larger value", args{arg(0, specs.OpNotEqual, 8)}, args{arg(0, specs.OpNotEqual, 7)}, 5},
	} {
		for _, swap := range []bool{false, true} {
			a := specs.LinuxSyscall{Names: []string{"kcmp"}, Action: specs.ActAllow, Args: c.first}
			b := specs.LinuxSyscall{Names: []string{"kcmp"}, Action: specs.ActTrap, Args: c.second}
			list := []specs.LinuxSyscall{a, b}
			if swap {
				list = []specs.LinuxSyscall{b, a}
			}
			p := &specs.LinuxSeccomp{DefaultAction: specs.ActErrno, Syscalls: list}
			v, err := Explain(p, "kcmp", []uint64{c.value, c.value, c.value}, Options{Arch: specs.ArchX86_64})
			if err != nil || v.Value != unix.SECCOMP_RET_ALLOW {
				t.Errorf("%s (swapped: %v): %v, %v", c.name, swap, v, err)
			}
		}
	}
}

// TestMultiplexed: rules for socket and IPC calls also cover the way through socketcall and ipc.
func TestMultiplexed(t *testing.T) {
	for name, c := range map[string]struct {
		through string
		sub     uint64
	}{
		"socket": {"socketcall", 1}, "connect": {"socketcall", 3}, "sendmmsg": {"socketcall", 20},
		"semop": {"ipc", 1}, "semtimedop": {"ipc", 4}, "msgsnd": {"ipc", 11}, "msgctl": {"ipc", 14},
		"shmat": {"ipc", 21}, "shmdt": {"ipc", 22}, "shmget": {"ipc", 23}, "shmctl": {"ipc", 24},
	} {
		p := &specs.LinuxSeccomp{DefaultAction: specs.ActErrno, Syscalls: []specs.LinuxSyscall{{Names: []string{name}, Action: specs.ActAllow}}}
		for _, sub := range []uint64{c.sub - 1, c.sub, c.sub + 1} {
			v, err := Explain(p, c.through, []uint64{sub}, Options{Arch: specs.ArchX86})
			if err != nil || (v.Value == unix.SECCOMP_RET_ALLOW) != (sub == c.sub) {
				t.Errorf("%s as %s(%d): %v, %v", name, c.through, sub, v, err)
			}
		}
	}
}

// FuzzCompile: no profile makes the compiler panic or write a program that the kernel refuses.
func FuzzCompile(f *testing.F) {
	f.Add([]byte(`{"defaultAction":"SCMP_ACT_ERRNO","architectures":["SCMP_ARCH_X86"],"syscalls":[{"names":["read","socket"],"action":"SCMP_ACT_ALLOW","args":[{"index":1,"value":4294967296,"valueTwo":1,"op":"SCMP_CMP_MASKED_EQ"}]}]}`))
	f.Add([]byte(`{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["kill"],"action":"SCMP_ACT_KILL","args":[{"index":0,"op":"SCMP_CMP_LE"},{"index":0,"value":3,"op":"SCMP_CMP_NE"}]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var p specs.LinuxSeccomp
		if json.Unmarshal(text, &p) != nil {
			return
		}
		filter, err := Compile(&p, Options{Arch: specs.ArchX86_64, OwnListener: true})
		if filter == nil || err != nil {
			return
		}
		checkProgram(t, filter.Program)
		for _, nr := range []uint32{0, 1, 59, 437, x32Bit, 1 << 31, 1<<32 - 1} {
			if _, _, err := Run(filter.Program, &Data{Nr: nr, Arch: 0xc000003e}, false); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func ExampleExplain() {
	p := &specs.LinuxSeccomp{DefaultAction: specs.ActErrno, Syscalls: []specs.LinuxSyscall{
		{Names: []string{"personality"}, Action: specs.ActAllow, Args: []specs.LinuxSeccompArg{{Index: 0, Op: specs.OpEqualTo, Value: 8}}},
	}}
	v, _ := Explain(p, "personality", []uint64{8}, Options{Arch: specs.ArchX86_64})
	fmt.Println(v.Action+":", v.Why)
	v, _ = Explain(p, "personality", []uint64{9}, Options{Arch: specs.ArchX86_64})
	fmt.Println(v.Action+":", v.Why)
	// Output:
	// SCMP_ACT_ALLOW: the rule linux.seccomp.syscalls[0] says so, as arg0 == 0x8
	// SCMP_ACT_ERRNO(EPERM): no rule for this call has its conditions met, so the default action holds
}
