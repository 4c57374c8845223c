// The flags of spawn made into a ProcessConfig.

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docker/go-units"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/early"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/landlock"
	"github.com/sandbox-runtime/sandbox-runtime/specconv"
)

func spawnConfig(c *spawnArgs) (*libsandbox.ProcessConfig, error) {
	if len(c.rest) == 0 {
		return nil, usage(fmt.Errorf("spawn: want a program: spawn [flags] -- PROGRAM [ARG...]"))
	}
	cfg := &libsandbox.ProcessConfig{}
	if name := c.String("profile"); name != "" {
		preset, err := libsandbox.Preset(name)
		if err != nil {
			return nil, usage(fmt.Errorf("--profile: %w", err))
		}
		cfg = &preset
	}
	cfg.Program, cfg.Args = c.rest[0], c.rest[1:]
	cfg.Dir, cfg.Root, cfg.Hostname = c.String("cwd"), c.String("root"), c.String("hostname")
	cfg.RootReadOnly, cfg.InheritEnv = c.Bool("root-ro"), c.Bool("inherit-env")
	cfg.Mode, cfg.TimerSlack = libsandbox.Mode(c.String("mode")), early.TimerSlack()
	if c.Bool("root-overlay") {
		cfg.RootOverlay = &libsandbox.Overlay{}
	}
	if s := c.String("timeout"); s != "" {
		d, err := time.ParseDuration(s)
		if err != nil {
			return nil, usage(fmt.Errorf("--timeout: %q is no duration: want e.g. 30s", s))
		}
		cfg.Timeout = d
	}
	for _, f := range [...]func(*spawnArgs, *libsandbox.ProcessConfig) error{
		limitFlags, userFlag, shareFlags, envFlags, mountFlags, landlockFlags, seccompFlag,
	} {
		if err := f(c, cfg); err != nil {
			return nil, usage(err)
		}
	}
	return cfg, nil
}

func limitFlags(c *spawnArgs, cfg *libsandbox.ProcessConfig) error {
	l := &cfg.Limits
	if s := c.String("memory"); s != "" {
		n, err := units.RAMInBytes(s)
		if err != nil || n <= 0 {
			return fmt.Errorf("--memory: %q is no size: want e.g. 512M", s)
		}
		l.Memory = n
	}
	var err error
	if s := c.String("cpus"); s != "" {
		if l.CPUs, err = strconv.ParseFloat(s, 64); err != nil {
			return fmt.Errorf("--cpus: %q is no number: want e.g. 0.5", s)
		}
	}
	if s := c.String("pids"); s != "" {
		if l.Pids, err = strconv.ParseInt(s, 10, 64); err != nil {
			return fmt.Errorf("--pids: %q is no number", s)
		}
	}
	l.AllowWeaker = c.Bool("allow-weaker")
	for _, s := range c.StringSlice("rlimit") {
		name, value, ok := strings.Cut(s, "=")
		soft, hard, both := strings.Cut(value, ":")
		if !both {
			hard = soft
		}
		a, err1 := strconv.ParseUint(soft, 10, 64)
		b, err2 := strconv.ParseUint(hard, 10, 64)
		if !ok || err1 != nil || err2 != nil {
			return fmt.Errorf("--rlimit: %q: want NAME=SOFT[:HARD], e.g. nofile=256", s)
		}
		name = "RLIMIT_" + strings.TrimPrefix(strings.ToUpper(name), "RLIMIT_")
		// It replaces what the profile, or an earlier flag, says of the same.
		cfg.Rlimits = slices.DeleteFunc(cfg.Rlimits, func(l specs.POSIXRlimit) bool { return l.Type == name })
		cfg.Rlimits = append(cfg.Rlimits, specs.POSIXRlimit{Type: name, Soft: a, Hard: b})
	}
	return nil
}

func userFlag(c *spawnArgs, cfg *libsandbox.ProcessConfig) error {
	s := c.String("user")
	if s == "" {
		return nil
	}
	u, g, both := strings.Cut(s, ":")
	if !both {
		g = u
	}
	uid, err1 := strconv.ParseUint(u, 10, 32)
	gid, err2 := strconv.ParseUint(g, 10, 32)
	if err1 != nil || err2 != nil {
		return fmt.Errorf("--user: %q: want UID[:GID] as numbers", s)
	}
	a, b := uint32(uid), uint32(gid)
	cfg.UID, cfg.GID = &a, &b
	return nil
}

func shareFlags(c *spawnArgs, cfg *libsandbox.ProcessConfig) error {
	switch n := c.String("net"); {
	case n == "host":
		cfg.Share |= libsandbox.NamespaceNetwork
	case n != "none" && n != "":
		return fmt.Errorf("--net: unknown %q: want none or host", n)
	case n == "none":
		cfg.Share &^= libsandbox.NamespaceNetwork
	}
	names := [...]string{"pid", "mount", "net", "ipc", "uts", "cgroup", "user"}
next:
	for _, s := range c.StringSlice("share") {
		for i, n := range names {
			if s == n {
				cfg.Share |= 1 << i
				continue next
			}
		}
		return fmt.Errorf("--share: unknown %q: want one of %s", s, strings.Join(names[:], ", "))
	}
	return nil
}

func envFlags(c *spawnArgs, cfg *libsandbox.ProcessConfig) error {
	for _, e := range c.StringSlice("env") {
		if !strings.Contains(e, "=") {
			v, ok := os.LookupEnv(e)
			if !ok {
				continue
			}
			e += "=" + v
		}
		cfg.Env = append(cfg.Env, e)
	}
	return nil
}

func mountFlags(c *spawnArgs, cfg *libsandbox.ProcessConfig) error {
	for _, k := range [...]struct {
		flag string
		kind libsandbox.MountKind
	}{{"bind-ro", libsandbox.BindReadOnly}, {"bind", libsandbox.Bind}, {"overlay", libsandbox.OverlayMount}} {
		for _, s := range c.StringSlice(k.flag) {
			src, dst, _ := strings.Cut(s, ":")
			abs, err := filepath.Abs(src)
			if err != nil {
				return fmt.Errorf("--%s: %w", k.flag, err)
			}
			cfg.Mounts = append(cfg.Mounts, libsandbox.Mount{Kind: k.kind, Source: abs, Dest: dst})
		}
	}
	for _, s := range c.StringSlice("tmpfs") {
		dst, size, limited := strings.Cut(s, ":")
		m := libsandbox.Mount{Kind: libsandbox.Tmpfs, Dest: dst}
		if limited {
			n, err := units.RAMInBytes(size)
			if err != nil || n <= 0 {
				return fmt.Errorf("--tmpfs: %q is no size: want e.g. 64M", size)
			}
			m.Size = n
		}
		cfg.Mounts = append(cfg.Mounts, m)
	}
	for _, s := range c.StringSlice("overlay-keep") {
		p := strings.Split(s, ":")
		if len(p) != 4 {
			return fmt.Errorf("--overlay-keep: %q: want SRC:DST:UPPER:WORK", s)
		}
		for i := range p {
			abs, err := filepath.Abs(p[i])
			if err != nil {
				return fmt.Errorf("--overlay-keep: %w", err)
			}
			p[i] = abs
		}
		cfg.Mounts = append(cfg.Mounts, libsandbox.Mount{Kind: libsandbox.OverlayMount, Source: p[0], Dest: p[1], Upper: p[2], Work: p[3]})
	}
	return nil
}

// landlockFlags adds to what is asked for what every program needs to start.
func landlockFlags(c *spawnArgs, cfg *libsandbox.ProcessConfig) error {
	var rules []landlock.Rule
	paths := false
	for _, k := range [...]struct{ flag, kind string }{{"landlock-ro", "ro"}, {"landlock-rw", "rw"},
		{"landlock-exec", "exec"}, {"landlock-connect", "connect"}, {"landlock-bind", "bind"}} {
		for _, s := range c.StringSlice(k.flag) {
			r, err := landlock.ParseRule(k.kind+":"+s, "--"+k.flag)
			if err != nil {
				return err
			}
			rules = append(rules, r)
			paths = paths || r.Kind < landlock.BindTCP
		}
	}
	if len(rules) == 0 {
		return nil
	}
	if paths {
		rules = append(rules, libsandbox.SystemRules()...)
	}
	cfg.Landlock = &landlock.Ruleset{Rules: rules, AllowLess: c.Bool("allow-weaker")}
	return nil
}

// seccompFlag is a name, or a file with what linux.seccomp of config.json holds.
func seccompFlag(c *spawnArgs, cfg *libsandbox.ProcessConfig) error {
	s := c.String("seccomp")
	if s == "" {
		return nil
	}
	if !strings.Contains(s, "/") && !strings.HasSuffix(s, ".json") {
		cfg.SeccompProfile = s
		return nil
	}
	data, err := os.ReadFile(s)
	if err != nil {
		return fmt.Errorf("--seccomp: %w", err)
	}
	spec, err := specconv.Decode([]byte(`{"ociVersion":"1.0.0","linux":{"seccomp":` + string(data) + `}}`))
	if err != nil {
		return fmt.Errorf("--seccomp: %s: %w", s, err)
	}
	cfg.Seccomp, cfg.SeccompProfile = spec.Linux.Seccomp, ""
	return nil
}
