// The features document is held against the checks and tables that it speaks about.

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/opencontainers/runtime-spec/specs-go/features"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/cgroup"
	"github.com/sandbox-runtime/sandbox-runtime/specconv"
	"github.com/sirupsen/logrus"
)

// accepted checks that a change to the default spec is a valid config.json.
func accepted(t *testing.T, what string, change func(*specs.Spec)) {
	t.Helper()
	s := specconv.Default()
	change(s)
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if s, err = specconv.Decode(b); err == nil {
		err = specconv.Check(s)
	}
	if err != nil {
		t.Errorf("%s is listed but refused: %v", what, err)
	}
}

func TestFeaturesAreAccepted(t *testing.T) {
	doc := featuresDocument()
	for _, v := range []string{doc.OCIVersionMin, doc.OCIVersionMax} {
		accepted(t, v, func(s *specs.Spec) { s.Version = v })
	}
	for _, h := range doc.Hooks {
		accepted(t, h, func(s *specs.Spec) {
			var hooks specs.Hooks
			if err := json.Unmarshal([]byte(`{"`+h+`":[{"path":"/bin/true"}]}`), &hooks); err != nil {
				t.Fatal(err)
			}
			s.Hooks = &hooks
			if b, _ := json.Marshal(hooks); !strings.Contains(string(b), "/bin/true") {
				t.Errorf("the spec has no hook %s", h)
			}
		})
	}
	for _, o := range doc.MountOptions {
		if !specconv.KnownMountOption(o) {
			t.Errorf("mount option %s is listed but not known", o)
		}
	}
	for _, n := range doc.Linux.Namespaces {
		accepted(t, n, func(s *specs.Spec) {
			s.Linux.Namespaces = []specs.LinuxNamespace{{Type: specs.MountNamespace}}
			if n != "mount" {
				s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: specs.LinuxNamespaceType(n)})
			}
			if n == "user" {
				m := []specs.LinuxIDMapping{{ContainerID: 0, HostID: 1000, Size: 1}}
				s.Linux.UIDMappings, s.Linux.GIDMappings = m, m
			}
			if n != "uts" {
				s.Hostname = ""
			}
		})
	}
	for _, c := range doc.Linux.Capabilities {
		if !specconv.KnownCapability(c) {
			t.Errorf("capability %s is listed but not known", c)
		}
	}
	mp := doc.Linux.MemoryPolicy
	for _, m := range mp.Modes {
		accepted(t, m, func(s *specs.Spec) {
			s.Linux.MemoryPolicy = &specs.LinuxMemoryPolicy{Mode: specs.MemoryPolicyModeType(m)}
			if m != "MPOL_DEFAULT" && m != "MPOL_LOCAL" {
				s.Linux.MemoryPolicy.Nodes = "0"
			}
		})
	}
	for _, f := range mp.Flags {
		accepted(t, f, func(s *specs.Spec) {
			s.Linux.MemoryPolicy = &specs.LinuxMemoryPolicy{Mode: specs.MpolBind, Nodes: "0", Flags: []specs.MemoryPolicyFlagType{specs.MemoryPolicyFlagType(f)}}
		})
	}
}

func TestSeccompFeaturesAreAccepted(t *testing.T) {
	sc := featuresDocument().Linux.Seccomp
	try := func(what string, change func(*specs.LinuxSeccomp)) {
		accepted(t, what, func(s *specs.Spec) {
			s.Linux.Seccomp = &specs.LinuxSeccomp{DefaultAction: specs.ActErrno, ListenerPath: "/run/x",
				Syscalls: []specs.LinuxSyscall{{Names: []string{"getpid"}, Action: specs.ActAllow}}}
			change(s.Linux.Seccomp)
		})
	}
	for _, a := range sc.Actions {
		try(a, func(p *specs.LinuxSeccomp) { p.Syscalls[0].Action = specs.LinuxSeccompAction(a) })
	}
	for _, o := range sc.Operators {
		try(o, func(p *specs.LinuxSeccomp) {
			p.Syscalls[0].Args = []specs.LinuxSeccompArg{{Op: specs.LinuxSeccompOperator(o), Value: 1}}
		})
	}
	for _, a := range sc.Archs {
		try(a, func(p *specs.LinuxSeccomp) { p.Architectures = []specs.Arch{specs.Arch(a)} })
	}
	for _, f := range append(sc.KnownFlags, sc.SupportedFlags...) {
		try(f, func(p *specs.LinuxSeccomp) { p.Flags = []specs.LinuxSeccompFlag{specs.LinuxSeccompFlag(f)} })
	}
	if len(sc.Actions) != 9 || len(sc.Operators) != 7 || len(sc.KnownFlags) < 4 || len(sc.Archs) < 8 {
		t.Errorf("incomplete: %+v", sc)
	}
}

func TestFeaturesAreComplete(t *testing.T) {
	doc := featuresDocument()
	b, err := os.ReadFile("/proc/sys/kernel/cap_last_cap")
	if err != nil {
		t.Fatal(err)
	}
	last, _ := strconv.Atoi(strings.TrimSpace(string(b)))
	if n := len(doc.Linux.Capabilities); n <= last {
		t.Errorf("%d capabilities, the kernel has %d", n, last+1)
	}
	if len(doc.Linux.Namespaces) != 8 || len(doc.Hooks) != 6 {
		t.Errorf("%v, %v", doc.Linux.Namespaces, doc.Hooks)
	}
	for _, o := range []string{"ro", "rro", "rbind", "rslave", "tmpcopyup", "idmap", "ridmap", "nosymfollow", "rnosymfollow"} {
		if !strings.Contains(" "+strings.Join(doc.MountOptions, " ")+" ", " "+o+" ") {
			t.Errorf("no mount option %s", o)
		}
	}
	_, err = cgroup.New(cgroup.Options{ID: "x", Path: "system.slice:x:y", Systemd: true})
	missing := err != nil && strings.Contains(err.Error(), "not available in this build")
	if missing == *doc.Linux.Cgroup.Systemd {
		t.Errorf("features say systemd %v, cgroup.New says %v: adapt systemdCgroups", *doc.Linux.Cgroup.Systemd, err)
	}
}

// The command prints one JSON document without fields that the spec does not know.
func TestFeaturesCommand(t *testing.T) {
	var out bytes.Buffer
	app := newApp(logrus.New())
	app.Writer = &out
	if err := app.Run([]string{"sandbox-runtime", "features"}); err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(&out)
	dec.DisallowUnknownFields()
	var doc features.Features
	if err := dec.Decode(&doc); err != nil || doc.OCIVersionMax != specs.Version || !*doc.Linux.MountExtensions.IDMap.Enabled {
		t.Errorf("%+v, %v", doc, err)
	}
}
