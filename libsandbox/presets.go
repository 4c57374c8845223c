// Presets: ready-made strictness, and what allows what.

package libsandbox

import (
	"os"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/plan"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/seccomp"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/stage"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/lower"
)

// Presets names the presets, from the strictest on.
func Presets() []string { return []string{"strict", "moderate", "permissive"} }

// Preset is a ProcessConfig without a program.
//
//	strict      seccomp compute, 256 MiB, 1 CPU, 64 processes, 256 open files, 30 s, no network
//	moderate    seccomp network, 1 GiB, 2 CPUs, 256 processes, 10 min, no network but lo
//	permissive  seccomp unrestricted, the host's network, no limits
func Preset(name string) (ProcessConfig, error) {
	switch name {
	case "strict":
		return ProcessConfig{SeccompProfile: "compute", Timeout: 30 * time.Second,
			Limits:  Limits{Memory: 256 << 20, CPUs: 1, Pids: 64},
			Rlimits: []specs.POSIXRlimit{{Type: "RLIMIT_NOFILE", Soft: 256, Hard: 256}, {Type: "RLIMIT_CORE"}}}, nil
	case "moderate":
		return ProcessConfig{SeccompProfile: "network", Timeout: 10 * time.Minute,
			Limits:  Limits{Memory: 1 << 30, CPUs: 2, Pids: 256},
			Rlimits: []specs.POSIXRlimit{{Type: "RLIMIT_CORE"}}}, nil
	case "permissive":
		return ProcessConfig{SeccompProfile: "unrestricted", Share: NamespaceNetwork}, nil
	}
	return ProcessConfig{}, errdetail.New("profile", "unknown %q: want strict, moderate or permissive", name)
}

// ProfileAllowing is the narrowest named seccomp profile that allows a system call, "" if none
// does.
func ProfileAllowing(call string) string {
	for _, name := range seccomp.Names() {
		p, err := seccomp.Named(name)
		if err != nil {
			return ""
		}
		for _, s := range p.Syscalls {
			for _, n := range s.Names {
				if n == call && s.Action == specs.ActAllow {
					return name
				}
				if n == call && name == "unrestricted" {
					return ""
				}
			}
		}
	}
	return "unrestricted"
}

// ExplainProcess compiles c as Execute would and returns the plan and its linked executable,
// without starting anything.
func ExplainProcess(c ProcessConfig) (*plan.Plan, []byte, error) {
	p, err := prepareProcess(&c)
	if err != nil {
		return nil, nil, err
	}
	b := &box{p: p, files: 3 + len(c.ExtraFiles)}
	defer b.in.close()
	if c.Limits.any() || !p.makes(NamespacePID) {
		p.sandbox.Join = true
	}
	b.in.files = append(b.in.files, make([]*os.File, b.files)...)
	f, err := b.facts()
	if err != nil {
		return nil, nil, err
	}
	r, err := lower.Process(p.spec, f, &p.sandbox)
	if err != nil {
		return nil, nil, p.named(err)
	}
	p.nameSections(r)
	elf, err := r.Plan.Link(stage.Code())
	return r.Plan, elf, err
}
