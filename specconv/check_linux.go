// The linux section, but for its resources and seccomp.

package specconv

import (
	"fmt"
	"math"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

func checkLinux(spec *specs.Spec) error {
	l := spec.Linux
	if l == nil {
		return nil
	}
	checks := [...]func(*specs.Linux) error{
		checkNamespaces, checkUserNamespace, checkTimeNamespace, checkSysctls, checkCgroupsPath,
		checkDevices, checkNetDevices, checkPaths, checkPropagation, checkIntelRdt,
		checkMemoryPolicy, checkPersonality,
	}
	for _, check := range checks {
		if err := check(l); err != nil {
			return within(err, "linux")
		}
	}
	if l.Resources != nil {
		if err := CheckResources(l.Resources); err != nil {
			return within(err, "linux.resources")
		}
	}
	if l.Seccomp != nil {
		if err := checkSeccomp(l.Seccomp); err != nil {
			return within(err, "linux.seccomp")
		}
	}
	return nil
}

func checkNamespaces(l *specs.Linux) error {
	for i := range l.Namespaces {
		ns := &l.Namespaces[i]
		if !knownNamespace(ns.Type) {
			return errdetail.New(fmt.Sprintf("namespaces[%d].type", i),
				"namespace %q does not exist: want one of "+
					"pid, network, mount, ipc, uts, user, cgroup, time", clip(string(ns.Type)))
		}
		// Every type is known and none occurs twice, so the list cannot get long.
		for j := range i {
			if l.Namespaces[j].Type == ns.Type {
				return errdetail.New(fmt.Sprintf("namespaces[%d].type", i),
					"malformed spec file: duplicated ns %q, which namespaces[%d] has already", ns.Type, j)
			}
		}
		if ns.Path != "" {
			if bad := badPath(ns.Path); bad != "" {
				return errdetail.New(fmt.Sprintf("namespaces[%d].path", i), "%s", bad)
			}
		}
	}
	return nil
}

func checkUserNamespace(l *specs.Linux) error {
	if err := checkMappings("uidMappings", l.UIDMappings); err != nil {
		return err
	}
	if err := checkMappings("gidMappings", l.GIDMappings); err != nil {
		return err
	}
	n := Namespaces(l.Namespaces)
	uids, gids := len(l.UIDMappings) > 0, len(l.GIDMappings) > 0
	if !n.Has(specs.UserNamespace) {
		field := "uidMappings"
		if !uids {
			field = "gidMappings"
		}
		if uids || gids {
			return errdetail.New(field,
				"user namespace mappings specified, but user namespace isn't enabled in the config: "+
					`add {"type": "user"} to linux.namespaces`)
		}
		return nil
	}
	if n.New(specs.UserNamespace) {
		switch {
		case !uids:
			return errdetail.New("uidMappings",
				"must be set for a new user namespace: without it no user exists there")
		case !gids:
			return errdetail.New("gidMappings",
				"must be set for a new user namespace: without it no group exists there")
		}
	}
	return nil
}

func checkTimeNamespace(l *specs.Linux) error {
	if len(l.TimeOffsets) == 0 {
		return nil
	}
	path, ok := Namespaces(l.Namespaces).Path(specs.TimeNamespace)
	if !ok {
		return errdetail.New("timeOffsets",
			"time namespace offsets specified, but time namespace isn't enabled in the config: "+
				`add {"type": "time"} to linux.namespaces`)
	}
	if path != "" {
		return errdetail.New("timeOffsets", "cannot be changed in a time namespace joined by path, "+
			"offsets are fixed once it has a process")
	}
	for _, clock := range sortedKeys(l.TimeOffsets) {
		offset := l.TimeOffsets[clock]
		field := fmt.Sprintf("timeOffsets[%q]", clock)
		if clock != "monotonic" && clock != "boottime" {
			return errdetail.New(field, "%s", oneOf(clock, "monotonic", "boottime"))
		}
		// KTIME_SEC_MAX: the kernel counts nanoseconds in 63 bits.
		const most int64 = math.MaxInt64 / 1_000_000_000
		if offset.Secs < -most || offset.Secs > most {
			return errdetail.New(field+".secs",
				"want a number from %d to %d, got %d", -most, most, offset.Secs)
		}
		if offset.Nanosecs > 999_999_999 {
			return errdetail.New(field+".nanosecs",
				"want a number from 0 to 999999999, got %d", offset.Nanosecs)
		}
	}
	return nil
}

// checkCgroupsPath refuses a way out of the place that the runtime or the caller chose. systemd's
// form, slice:prefix:name, has no ".." either.
func checkCgroupsPath(l *specs.Linux) error {
	if bad := badLine(l.CgroupsPath, maxPathSize); bad != "" {
		return errdetail.New("cgroupsPath", "%s", bad)
	}
	for part := range strings.SplitSeq(l.CgroupsPath, "/") {
		if part == ".." {
			return errdetail.New("cgroupsPath", `%q: ".." is not allowed`, clip(l.CgroupsPath))
		}
	}
	return nil
}

func checkDevices(l *specs.Linux) error {
	if bad := badCount(len(l.Devices), maxDevices); bad != "" {
		return errdetail.New("devices", "%s", bad)
	}
	for i := range l.Devices {
		if err := checkDevice(&l.Devices[i]); err != nil {
			return within(err, "devices[%d]", i)
		}
	}
	return nil
}

// Device numbers have 12 and 20 bits in the kernel (MINORBITS); mknod(2) cuts off what is above.
const (
	maxMajor = 1<<12 - 1
	maxMinor = 1<<20 - 1
)

func checkDevice(d *specs.LinuxDevice) error {
	if bad := badPath(d.Path); bad != "" {
		return errdetail.New("path", "%s", bad)
	}
	switch d.Type {
	case "c", "b", "u":
		if d.Major < 0 || d.Major > maxMajor {
			return errdetail.New("major", "want a number from 0 to %d, got %d", maxMajor, d.Major)
		}
		if d.Minor < 0 || d.Minor > maxMinor {
			return errdetail.New("minor", "want a number from 0 to %d, got %d", maxMinor, d.Minor)
		}
	case "p":
	default:
		return errdetail.New("type", "%s", oneOf(d.Type, "c", "b", "u", "p"))
	}
	// Engines copy st_mode, so the bits of the file's type may be there too.
	if d.FileMode != nil && *d.FileMode > 0o177777 {
		return errdetail.New("fileMode",
			"want a number from 0 to 4095 (octal 7777; JSON numbers are decimal), got %d", uint32(*d.FileMode))
	}
	if d.UID != nil && *d.UID == noID {
		return errdetail.New("uid", "want a number from 0 to %d, got %d", uint32(noID-1), *d.UID)
	}
	if d.GID != nil && *d.GID == noID {
		return errdetail.New("gid", "want a number from 0 to %d, got %d", uint32(noID-1), *d.GID)
	}
	return nil
}

func checkNetDevices(l *specs.Linux) error {
	if len(l.NetDevices) == 0 {
		return nil
	}
	if !Namespaces(l.Namespaces).Has(specs.NetworkNamespace) {
		return errdetail.New("netDevices", "unable to move network devices without a NET namespace: "+
			`add {"type": "network"} to linux.namespaces`)
	}
	if bad := badCount(len(l.NetDevices), maxNetDevices); bad != "" {
		return errdetail.New("netDevices", "%s", bad)
	}
	taken := make(map[string]string, len(l.NetDevices))
	for _, host := range sortedKeys(l.NetDevices) {
		device := l.NetDevices[host]
		field := fmt.Sprintf("netDevices[%q]", clip(host))
		if bad := badInterface(host); bad != "" {
			return errdetail.New(field, "%s", bad)
		}
		name := device.Name
		if name == "" {
			name = host
		} else if bad := badInterface(name); bad != "" {
			return errdetail.New(field+".name", "%s", bad)
		}
		// The kernel numbers devices by one %d at most; no other % may stand in a new name.
		if template := strings.Count(device.Name, "%"); template > 0 {
			if template > 1 || !strings.Contains(device.Name, "%d") {
				return errdetail.New(field+".name",
					"invalid network device name %q: want at most one %%, as part of %%d", clip(device.Name))
			}
			continue
		}
		if other, ok := taken[name]; ok {
			return errdetail.New(field+".name",
				"%q is the name of %q in the container already", name, other)
		}
		taken[name] = host
	}
	return nil
}

func checkPaths(l *specs.Linux) error {
	lists := [...]struct {
		field string
		paths []string
	}{{"maskedPaths", l.MaskedPaths}, {"readonlyPaths", l.ReadonlyPaths}}
	for _, list := range lists {
		if len(list.paths) > 0 && !Namespaces(l.Namespaces).Has(specs.MountNamespace) {
			return errdetail.New(list.field,
				"unable to restrict sys entries without a private MNT namespace: "+
					`add {"type": "mount"} to linux.namespaces`)
		}
		if bad := badCount(len(list.paths), maxPaths); bad != "" {
			return errdetail.New(list.field, "%s", bad)
		}
		for i, path := range list.paths {
			if bad := badPath(path); bad != "" {
				return errdetail.New(fmt.Sprintf("%s[%d]", list.field, i), "%s", bad)
			}
		}
	}
	if bad := badLine(l.MountLabel, maxPathSize); bad != "" {
		return errdetail.New("mountLabel", "%s", bad)
	}
	return nil
}

// checkPropagation also takes the recursive forms, as runc does.
func checkPropagation(l *specs.Linux) error {
	switch l.RootfsPropagation {
	case "", "shared", "slave", "private", "unbindable", "rshared", "rslave", "rprivate", "runbindable":
		return nil
	}
	return errdetail.New("rootfsPropagation", "rootfsPropagation=%q is not supported: want one of "+
		"shared, slave, private, unbindable", clip(l.RootfsPropagation))
}

// checkIntelRdt keeps names inside resctrl's folder, and every schema to its one line.
func checkIntelRdt(l *specs.Linux) error {
	r := l.IntelRdt
	if r == nil {
		return nil
	}
	if id := r.ClosID; id == "." || id == ".." || id != "/" && strings.Contains(id, "/") {
		return errdetail.New("intelRdt.closID",
			"invalid intelRdt.ClosID %q: want the name of a folder in resctrl, or /", clip(id))
	}
	if bad := badLine(r.ClosID, 255); bad != "" {
		return errdetail.New("intelRdt.closID", "%s", bad)
	}
	if bad := badLine(r.L3CacheSchema, maxValueSize); bad != "" {
		return errdetail.New("intelRdt.l3CacheSchema", "%s", bad)
	}
	if bad := badLine(r.MemBwSchema, maxValueSize); bad != "" {
		return errdetail.New("intelRdt.memBwSchema", "%s", bad)
	}
	if r.MemBwSchema != "" && !strings.HasPrefix(r.MemBwSchema, "MB:") {
		return errdetail.New("intelRdt.memBwSchema",
			`must start with "MB:", got %q`, clip(r.MemBwSchema))
	}
	if bad := badCount(len(r.Schemata), maxSchemata); bad != "" {
		return errdetail.New("intelRdt.schemata", "%s", bad)
	}
	for i, line := range r.Schemata {
		if bad := badLine(line, maxValueSize); bad != "" {
			return errdetail.New(fmt.Sprintf("intelRdt.schemata[%d]", i), "%s", bad)
		}
	}
	return nil
}

// checkMemoryPolicy follows set_mempolicy(2) in which modes take nodes and which flags.
func checkMemoryPolicy(l *specs.Linux) error {
	p := l.MemoryPolicy
	if p == nil {
		return nil
	}
	none, some := false, false
	switch p.Mode {
	case specs.MpolDefault, specs.MpolLocal:
		none = true
	case specs.MpolBind, specs.MpolInterleave, specs.MpolWeightedInterleave, specs.MpolPreferredMany:
		some = true
	case specs.MpolPreferred:
	default:
		return errdetail.New("memoryPolicy.mode",
			"%s", oneOf(string(p.Mode), "MPOL_DEFAULT", "MPOL_BIND", "MPOL_INTERLEAVE",
				"MPOL_WEIGHTED_INTERLEAVE", "MPOL_PREFERRED", "MPOL_PREFERRED_MANY", "MPOL_LOCAL"))
	}
	if none && p.Nodes != "" {
		return errdetail.New("memoryPolicy.nodes",
			"must be empty with %s, got %q", p.Mode, clip(p.Nodes))
	}
	if some && p.Nodes == "" {
		return errdetail.New("memoryPolicy.nodes", "%s requires at least one node", p.Mode)
	}
	if p.Nodes != "" {
		if bad := badList(p.Nodes, maxNode, false); bad != "" {
			return errdetail.New("memoryPolicy.nodes", "%s", bad)
		}
	}
	return checkMemoryFlags(p)
}

func checkMemoryFlags(p *specs.LinuxMemoryPolicy) error {
	static, relative := -1, -1
	for i, f := range p.Flags {
		field := "memoryPolicy.flags"
		switch f {
		case specs.MpolFStaticNodes:
			static = i
		case specs.MpolFRelativeNodes:
			relative = i
		case specs.MpolFNumaBalancing:
			if p.Mode != specs.MpolBind && p.Mode != specs.MpolPreferredMany {
				return errdetail.New(fmt.Sprintf("%s[%d]", field, i),
					"%s is for MPOL_BIND and MPOL_PREFERRED_MANY only, not %s", f, p.Mode)
			}
		default:
			return errdetail.New(fmt.Sprintf("%s[%d]", field, i), "%s",
				oneOf(string(f), "MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES", "MPOL_F_STATIC_NODES"))
		}
	}
	switch at := max(static, relative); {
	case static >= 0 && relative >= 0:
		return errdetail.New(fmt.Sprintf("memoryPolicy.flags[%d]", at),
			"MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other")
	case at >= 0 && p.Nodes == "" && p.Mode != specs.MpolDefault:
		return errdetail.New(fmt.Sprintf("memoryPolicy.flags[%d]", at), "%s needs nodes", p.Flags[at])
	}
	return nil
}

func checkPersonality(l *specs.Linux) error {
	if p := l.Personality; p != nil && p.Domain != specs.PerLinux && p.Domain != specs.PerLinux32 {
		return errdetail.New("personality.domain",
			"invalid personality domain: %s", oneOf(string(p.Domain), "LINUX", "LINUX32"))
	}
	return nil
}
