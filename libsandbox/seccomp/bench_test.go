package seccomp

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// benchProfile is the profile in the file $SECCOMP_PROFILE (docs/seccomp.md says which ones were
// measured), else the built-in one named network, which has about as many calls.
func benchProfile(b *testing.B) *specs.LinuxSeccomp {
	file := os.Getenv("SECCOMP_PROFILE")
	if file == "" {
		p, err := Named("network")
		if err != nil {
			b.Fatal(err)
		}
		return p
	}
	text, err := os.ReadFile(file)
	if err != nil {
		b.Fatal(err)
	}
	p := new(specs.LinuxSeccomp)
	if err := json.Unmarshal(text, p); err != nil {
		b.Fatal(err)
	}
	return p
}

func BenchmarkCompile(b *testing.B) {
	p := benchProfile(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Compile(p, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCached(b *testing.B) {
	p := benchProfile(b)
	dir := filepath.Join(b.TempDir(), "cache")
	if _, hit, err := compileCached(p, Options{}, dir); hit || err != nil {
		b.Fatal(hit, err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, hit, err := compileCached(p, Options{}, dir); !hit || err != nil {
			b.Fatal(hit, err)
		}
	}
}

// BenchmarkFrequent reports the instructions executed for the frequent calls, on average.
func BenchmarkFrequent(b *testing.B) {
	f, err := Compile(benchProfile(b), Options{})
	if err != nil {
		b.Fatal(err)
	}
	native, _ := archByName(NativeArch())
	steps, count := 0, 0
	for b.Loop() {
		for _, name := range FrequentCalls() {
			if nr, ok := native.lookup(name, line(name)); ok {
				_, n, err := Run(f.Program, &Data{Nr: nr, Arch: native.audit}, native.big)
				if err != nil {
					b.Fatal(err)
				}
				steps += n
				count++
			}
		}
	}
	b.ReportMetric(float64(steps)/float64(count), "instructions/call")
}

func TestDump(t *testing.T) {
	p := &specs.LinuxSeccomp{DefaultAction: specs.ActErrno, Syscalls: []specs.LinuxSyscall{
		{Names: []string{"openat2"}, Action: specs.ActAllow, Args: []specs.LinuxSeccompArg{{Index: 1, Op: specs.OpMaskedEqual, Value: 6, ValueTwo: 2}}}}}
	m, err := newModel(p, Options{Arch: specs.ArchX86_64})
	if err != nil {
		t.Fatal(err)
	}
	program, err := compileGo(m)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := Dump(&out, program); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"   0  load arch\n", "0xc000003e (SCMP_ARCH_X86_64)", "load nr", "437 (openat2)", "load arg1.", "and 0x6", "return SCMP_ACT_ERRNO(ENOSYS)", "return SCMP_ACT_KILL_THREAD"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
	if n := strings.Count(out.String(), "\n"); n != len(program) {
		t.Errorf("%d lines for %d instructions", n, len(program))
	}
}
