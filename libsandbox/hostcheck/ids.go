// This file holds what is asked about users and cgroups: may this user have namespaces, ids, limits.

package hostcheck

import (
	"fmt"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/userns"
)

func (h *host) userNamespaces() []Check {
	v := h.userns()
	c := Check{Name: "user namespaces", OK: v.OK, Required: h.euid != 0, Value: "allowed", Need: "containers without root, linux.uidMappings",
		Remedy: v.Remedy}
	if !v.OK {
		c.Value = v.Reason
		if v.Err != nil {
			c.Value += " (" + v.Err.Error() + ")"
		}
	}
	return []Check{c}
}

// idmaps is about the ids that a user without root gets besides his own.
func (h *host) idmaps() []Check {
	if h.euid == 0 {
		return nil
	}
	name := strconv.Itoa(h.euid)
	if u, err := user.LookupId(name); err == nil {
		name = u.Username
	}
	var checks []Check
	for _, x := range []struct{ tool, file string }{{"newuidmap", "/etc/subuid"}, {"newgidmap", "/etc/subgid"}} {
		const need = "more than one user id in containers without root"
		path, err := h.lookPath(x.tool)
		c := Check{Name: x.tool, OK: err == nil, Value: path, Need: need, Remedy: "install the package uidmap (Debian) or shadow-utils (Fedora)"}
		if err != nil {
			c.Value = "not installed"
		}
		checks = append(checks, c)
		ranges, err := userns.SubIDs(h.path(x.file), name, h.euid)
		c = Check{Name: filepath.Base(x.file), OK: len(ranges) > 0, Need: need,
			Remedy: fmt.Sprintf("add a line like %s:100000:65536 to %s, with a range that nobody else has", name, x.file)}
		switch {
		case err != nil:
			c.Value = err.Error()
		case len(ranges) == 0:
			c.Value = "no range for " + name
		default:
			var total uint64
			for _, r := range ranges {
				total += uint64(r.Count)
			}
			c.Value = fmt.Sprintf("%d ids for %s", total, name)
		}
		checks = append(checks, c)
	}
	return checks
}

// cgroups looks at which versions there are, with which controllers, and whether the caller may
// make cgroups below his own.
func (h *host) cgroups() []Check {
	const base = "/sys/fs/cgroup"
	c := Check{Name: "cgroups", Need: "limits (linux.resources), pause, statistics", Remedy: "mount cgroup2 on " + base}
	var controllers []string
	v2 := base
	switch {
	case h.exists(base + "/cgroup.controllers"):
		c.OK, c.Value = true, "v2"
		controllers = strings.Fields(h.read(base + "/cgroup.controllers"))
	case h.exists(base + "/unified/cgroup.controllers"):
		c.OK, c.Value = true, "v1, with v2 beside it"
		v2 = base + "/unified"
		controllers = h.v1Controllers()
	default:
		v2 = ""
		controllers = h.v1Controllers()
		c.OK, c.Value = len(controllers) > 0, "v1"
	}
	if !c.OK {
		c.Value = "none mounted"
		return []Check{c}
	}
	if len(controllers) > 0 {
		c.Value += ": " + strings.Join(controllers, " ")
	}
	checks := []Check{c}
	if v2 != "" {
		own := v2 + h.ownCgroup()
		// The root cgroup has no cgroup.kill; there the kernel's version tells.
		kill := h.exists(own+"/cgroup.kill") || h.atLeast(5, 14)
		checks = append(checks, Check{Name: "cgroup.kill", OK: kill, Value: onOff(kill), Need: "killing all processes at once (Linux 5.14); a slower way is used instead",
			Remedy: "run a newer kernel"})
	}
	return append(checks, h.delegation(v2))
}

func (h *host) v1Controllers() []string {
	var names []string
	for _, n := range []string{"blkio", "cpu", "cpuset", "devices", "freezer", "hugetlb", "memory", "pids", "rdma"} {
		if h.exists("/sys/fs/cgroup/" + n) {
			names = append(names, n)
		}
	}
	return names
}

// ownCgroup is the caller's path in the v2 hierarchy: /proc/self/cgroup, the line "0::".
func (h *host) ownCgroup() string {
	for line := range strings.Lines(h.read("/proc/self/cgroup")) {
		if p, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			return p
		}
	}
	return "/"
}

// delegation asks whether this process may make cgroups and move processes into them.
func (h *host) delegation(v2 string) Check {
	c := Check{Name: "cgroup delegation", Need: "limits without root",
		Remedy: "start the runtime below a delegated cgroup: systemd-run --user --scope -p Delegate=yes ..."}
	if v2 == "" {
		c.OK = h.euid == 0
		c.Value = "cgroup v1 is for root only"
		if c.OK {
			c.Value = "root"
		}
		return c
	}
	own := h.path(v2 + h.ownCgroup())
	errDir := unix.Access(own, unix.W_OK)
	errProcs := unix.Access(filepath.Join(own, "cgroup.procs"), unix.W_OK)
	c.OK = errDir == nil && errProcs == nil
	c.Value = own
	err := errDir
	if err == nil {
		err = errProcs
	}
	if err != nil {
		c.Value += ": " + err.Error()
		if h.euid == 0 {
			c.Need = "limits"
			c.Remedy = "remount the cgroup file system writable"
		}
	}
	return c
}
