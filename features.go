// features: print what this build of the runtime can do, as the features document of the
// runtime-spec (features.md). It speaks about the program, not about the host; `check` does that.

package main

import (
	"encoding/json"
	"runtime"
	"strconv"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/opencontainers/runtime-spec/specs-go/features"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/lower"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/seccomp"
	"github.com/sandbox-runtime/sandbox-runtime/specconv"
	"github.com/urfave/cli/v2"
)

// systemdCgroups says whether this build has the systemd cgroup driver.
const systemdCgroups = true

func featuresCommand() *cli.Command {
	return &cli.Command{
		Name:      "features",
		Usage:     "print what this runtime supports, as JSON",
		ArgsUsage: " ",
		Action: func(c *cli.Context) error {
			enc := json.NewEncoder(c.App.Writer)
			enc.SetIndent("", "    ")
			return enc.Encode(featuresDocument())
		},
	}
}

func featuresDocument() *features.Features {
	yes, systemd := true, systemdCgroups
	doc := &features.Features{
		OCIVersionMin: "1.0.0",
		OCIVersionMax: specs.Version,
		Hooks:         []string{"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"},
		MountOptions:  lower.MountOptions(),
		Linux: &features.Linux{
			Namespaces:   namespaceNames(),
			Capabilities: specconv.CapNames(),
			Cgroup:       &features.Cgroup{V1: &yes, V2: &yes, Systemd: &systemd, SystemdUser: &systemd, Rdma: &yes},
			Seccomp:      seccompFeatures(),
			Apparmor:     &features.Apparmor{Enabled: &yes},
			Selinux:      &features.Selinux{Enabled: &yes},
			IntelRdt:     &features.IntelRdt{Enabled: &yes, Schemata: &yes, Monitoring: &yes},
			MemoryPolicy: memoryPolicyFeatures(),
			MountExtensions: &features.MountExtensions{
				IDMap: &features.IDMap{Enabled: &yes},
			},
			NetDevices: &features.NetDevices{Enabled: &yes},
		},
		Annotations: map[string]string{
			"io.sandbox-runtime.version":                 libsandbox.Version,
			"io.sandbox-runtime.commit":                  commit,
			"io.sandbox-runtime.seccomp.backend":         seccomp.Backend(),
			"io.sandbox-runtime.go":                      runtime.Version(),
			"org.opencontainers.runc.checkpoint.enabled": strconv.FormatBool(haveCommand("checkpoint")),
		},
	}
	if systemd {
		doc.PotentiallyUnsafeConfigAnnotations = []string{"org.systemd.property."}
	}
	return doc
}

func haveCommand(name string) bool {
	for _, c := range commands() {
		if c.Name == name {
			return true
		}
	}
	return false
}

func namespaceNames() []string {
	return []string{string(specs.CgroupNamespace), string(specs.IPCNamespace), string(specs.MountNamespace),
		string(specs.NetworkNamespace), string(specs.PIDNamespace), string(specs.TimeNamespace),
		string(specs.UserNamespace), string(specs.UTSNamespace)}
}

func seccompFeatures() *features.Seccomp {
	yes := true
	s := &features.Seccomp{Enabled: &yes}
	for _, a := range []specs.LinuxSeccompAction{specs.ActAllow, specs.ActErrno, specs.ActKill, specs.ActKillProcess,
		specs.ActKillThread, specs.ActLog, specs.ActNotify, specs.ActTrace, specs.ActTrap} {
		s.Actions = append(s.Actions, string(a))
	}
	for _, o := range []specs.LinuxSeccompOperator{specs.OpEqualTo, specs.OpGreaterEqual, specs.OpGreaterThan,
		specs.OpLessEqual, specs.OpLessThan, specs.OpMaskedEqual, specs.OpNotEqual} {
		s.Operators = append(s.Operators, string(o))
	}
	for _, a := range seccomp.Architectures() {
		s.Archs = append(s.Archs, string(a))
	}
	// All known flags are supported by the program; whether the kernel has them is for `check`.
	for _, f := range seccomp.Flags() {
		s.KnownFlags = append(s.KnownFlags, string(f))
		s.SupportedFlags = append(s.SupportedFlags, string(f))
	}
	return s
}

func memoryPolicyFeatures() *features.MemoryPolicy {
	m := &features.MemoryPolicy{}
	for _, mode := range []specs.MemoryPolicyModeType{specs.MpolDefault, specs.MpolBind, specs.MpolInterleave,
		specs.MpolWeightedInterleave, specs.MpolPreferred, specs.MpolPreferredMany, specs.MpolLocal} {
		m.Modes = append(m.Modes, string(mode))
	}
	for _, flag := range []specs.MemoryPolicyFlagType{specs.MpolFNumaBalancing, specs.MpolFRelativeNodes, specs.MpolFStaticNodes} {
		m.Flags = append(m.Flags, string(flag))
	}
	return m
}
