// Where a container's cgroup is, from linux.cgroupsPath. The rules are runc's, because engines
// look for the cgroup where runc would have put it.

package cgroup

import (
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// cleanPath makes p lexically safe: no component is "..", a relative path stays relative.
func cleanPath(p string) string {
	if p == "" {
		return ""
	}
	if strings.HasPrefix(p, "/") {
		return filepath.Clean(p)
	}
	return strings.TrimPrefix(filepath.Clean("/"+p), "/")
}

// resolve fills in m.dirs with the cgroup directory in each hierarchy:
//
//   - an absolute path counts from the mount point of each hierarchy;
//   - a relative one, and the default (the container's id), counts from the runtime's own
//     cgroup on v1 and from the parent of the runtime's own cgroup on v2, where a cgroup with
//     processes in it could not pass controllers on to a child.
func (m *Manager) resolve(l *Layout, cgroupsPath, id string) error {
	inner := cleanPath(cgroupsPath)
	if inner == "" {
		inner = cleanPath(id)
	}
	if inner == "" || inner == "/" {
		return errdetail.New("linux.cgroupsPath", "%q is the root of the hierarchy, which cannot be a container's cgroup",
			cgroupsPath)
	}
	absolute := strings.HasPrefix(inner, "/")
	var own map[string]string
	if !absolute {
		var err error
		if own, err = ownCgroups(m.procCgroup); err != nil {
			return errdetail.Sys("find the runtime's own cgroup", "read", err)
		}
	}
	m.dirs = make([]dir, 0, len(l.Hierarchies))
	for i := range l.Hierarchies {
		h := &l.Hierarchies[i]
		base := ""
		switch {
		case absolute || h.Version == 2 && l.Mode == Hybrid:
			// runc puts a relative path below the root of hybrid's v2 hierarchy as well
		case h.Version == 2:
			base = filepath.Dir(own[""])
		default:
			p, ok := own[h.Controllers[0]]
			if !ok {
				continue // mounted, but not in this cgroup namespace's view: nothing to join
			}
			base = m.belowMount(h, p)
		}
		m.dirs = append(m.dirs, dir{h: *h, rel: strings.TrimPrefix(filepath.Join("/", base, inner), "/")})
	}
	return nil
}

// belowMount translates a path of /proc/self/cgroup to one below the mount point. They differ
// where the mount shows a part of the hierarchy only, as in a container without a cgroup
// namespace; mountinfo is read only when the plain path does not exist.
func (m *Manager) belowMount(h *Hierarchy, own string) string {
	if own == "/" || exists(h.Mountpoint+own) {
		return own
	}
	text, err := readFile("/proc/self/mountinfo")
	if err != nil {
		return own
	}
	for line := range strings.Lines(text) {
		if mi, ok := parseMount(line); ok && mi.mountpoint == h.Mountpoint {
			if rel, err := filepath.Rel(mi.root, own); err == nil {
				return "/" + rel
			}
		}
	}
	return own
}

// ownCgroups reads a file like /proc/self/cgroup into controller → path; the key of v2 is "".
func ownCgroups(file string) (map[string]string, error) {
	text, err := readFile(file)
	if err != nil {
		return nil, err
	}
	own := map[string]string{}
	for line := range strings.Lines(text) {
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(parts) != 3 {
			return nil, &pathError{"parse", file, unix.EINVAL}
		}
		for c := range strings.SplitSeq(parts[1], ",") {
			own[c] = parts[2]
		}
	}
	return own, nil
}
