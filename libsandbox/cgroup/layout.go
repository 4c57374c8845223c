// What the cgroup file systems of this host look like: one v2 hierarchy, several v1 hierarchies,
// or v1 with an extra v2 one beside them (hybrid).

package cgroup

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// DefaultRoot is where cgroup file systems are mounted by convention (cgroups(7)).
const DefaultRoot = "/sys/fs/cgroup"

// Mode says which cgroup versions carry the controllers of this host.
type Mode string

const (
	V1      Mode = "v1"      // every controller on a v1 hierarchy
	V2      Mode = "v2"      // one unified hierarchy
	Hybrid  Mode = "hybrid"  // controllers on v1, and a v2 hierarchy without controllers
	unknown Mode = "unknown" // nothing mounted
)

// Hierarchy is one mounted cgroup file system.
type Hierarchy struct {
	// Name is the name of its directory under the root: "cpu,cpuacct", "memory", "systemd",
	// "unified"; empty where the root itself is the v2 hierarchy.
	Name string
	// Controllers are the v1 controllers on it, or name=systemd for the named hierarchy; empty on v2.
	Controllers []string
	// Mountpoint is its absolute path.
	Mountpoint string
	// Version is 1 or 2.
	Version int
	// Links are the names of symbolic links under the root that lead here: cpu, cpuacct.
	Links []string
}

// keys are the names runc's state.json knows the hierarchy by.
func (h *Hierarchy) keys() []string {
	if h.Version == 2 {
		return []string{""}
	}
	return h.Controllers
}

// Layout is the result of Detect.
type Layout struct {
	Mode        Mode
	Root        string
	Hierarchies []Hierarchy
	fake        bool // an ordinary directory made up to look like one, for tests
}

// v1Controllers are the names a v1 hierarchy can carry, sorted.
func knownController(name string) bool {
	switch name {
	case "blkio", "cpu", "cpuacct", "cpuset", "devices", "freezer", "hugetlb", "memory", "misc",
		"net_cls", "net_prio", "perf_event", "pids", "rdma":
		return true
	}
	return false
}

// Detect looks at what is mounted at and below root; an empty root means DefaultRoot. It reads
// one directory and asks statfs(2) about each entry; mountinfo is only read where the
// conventional places hold nothing. A root other than the default may be an ordinary
// directory that contains the files of a cgroup file system (for tests).
func Detect(root string) (*Layout, error) {
	if root == "" {
		root = DefaultRoot
	}
	l := &Layout{Root: root, Mode: unknown}
	var st unix.Statfs_t
	if err := statfs(root, &st); err != nil {
		return nil, errdetail.Sys("find the cgroup file system", "statfs", &pathError{"statfs", root, err})
	}
	if st.Type == unix.CGROUP2_SUPER_MAGIC {
		l.Mode = V2
		l.Hierarchies = []Hierarchy{{Mountpoint: root, Version: 2}}
		return l, nil
	}
	if root != DefaultRoot && exists(root+"/cgroup.controllers") {
		l.Mode, l.fake = V2, true
		l.Hierarchies = []Hierarchy{{Mountpoint: root, Version: 2}}
		return l, nil
	}
	if err := l.scan(); err != nil {
		return nil, err
	}
	if len(l.Hierarchies) == 0 && root == DefaultRoot {
		if err := l.scanMountinfo(selfMountinfo); err != nil {
			return nil, err
		}
	}
	l.setMode()
	if l.Mode == unknown {
		return nil, &errdetail.Error{Op: "find the cgroup file system",
			Err: errors.New("no cgroup file system is mounted at or below " + root)}
	}
	return l, nil
}

func statfs(path string, st *unix.Statfs_t) error {
	for {
		if err := unix.Statfs(path, st); err != unix.EINTR {
			return err
		}
	}
}

func (l *Layout) setMode() {
	v1, v2 := false, false
	for i := range l.Hierarchies {
		if l.Hierarchies[i].Version == 1 {
			v1 = true
		} else {
			v2 = true
		}
	}
	switch {
	case v1 && v2:
		l.Mode = Hybrid
	case v1:
		l.Mode = V1
	case v2:
		l.Mode = V2
	}
}

// scan looks at each entry of the root directory.
func (l *Layout) scan() error {
	entries, err := os.ReadDir(l.Root)
	if err != nil {
		return errdetail.Sys("find the cgroup file system", "readdir", err)
	}
	links := map[string][]string{}
	for _, e := range entries {
		name := e.Name()
		switch {
		case e.Type()&os.ModeSymlink != 0:
			if target, err := os.Readlink(filepath.Join(l.Root, name)); err == nil {
				links[filepath.Base(target)] = append(links[filepath.Base(target)], name)
			}
		case e.IsDir():
			l.consider(name)
		}
	}
	for i := range l.Hierarchies {
		l.Hierarchies[i].Links = links[l.Hierarchies[i].Name]
	}
	return nil
}

// consider adds the directory name of the root if it is a hierarchy.
func (l *Layout) consider(name string) {
	path := l.Root + "/" + name
	controllers := controllersOf(name)
	var st unix.Statfs_t
	if statfs(path, &st) != nil {
		return
	}
	isV1, isV2 := st.Type == unix.CGROUP_SUPER_MAGIC, st.Type == unix.CGROUP2_SUPER_MAGIC
	if !isV1 && !isV2 && l.Root != DefaultRoot {
		isV2 = name == "unified" && exists(path+"/cgroup.controllers")
		isV1 = !isV2 && exists(path+"/cgroup.procs")
		l.fake = l.fake || isV1 || isV2
	}
	switch {
	case isV2 && name == "unified":
		l.Hierarchies = append(l.Hierarchies, Hierarchy{Name: name, Mountpoint: path, Version: 2})
	case isV1 && len(controllers) > 0:
		l.Hierarchies = append(l.Hierarchies,
			Hierarchy{Name: name, Controllers: controllers, Mountpoint: path, Version: 1})
	}
}

// controllersOf derives the controllers from the conventional directory name. Named hierarchies
// other than systemd's are nobody's business here (runc ignores them as well).
func controllersOf(dir string) []string {
	if dir == "systemd" {
		return []string{"name=systemd"}
	}
	var out []string
	for c := range strings.SplitSeq(dir, ",") {
		if !knownController(c) {
			return nil
		}
		out = append(out, c)
	}
	return out
}

const selfMountinfo = "/proc/self/mountinfo"

func isCgroupMount(path string) bool {
	var st unix.Statfs_t
	return statfs(path, &st) == nil && (st.Type == unix.CGROUP_SUPER_MAGIC || st.Type == unix.CGROUP2_SUPER_MAGIC)
}

// scanMountinfo finds hierarchies mounted in unconventional places.
func (l *Layout) scanMountinfo(file string) error {
	text, err := readFile(file)
	if err != nil {
		return errdetail.Sys("find the cgroup file system", "read", err)
	}
	for line := range strings.Lines(text) {
		mi, ok := parseMount(line)
		if !ok || mi.fstype != "cgroup" && mi.fstype != "cgroup2" {
			continue
		}
		if file == selfMountinfo && !isCgroupMount(mi.mountpoint) {
			continue // something else is mounted on top of it
		}
		h := Hierarchy{Name: filepath.Base(mi.mountpoint), Mountpoint: mi.mountpoint, Version: 2}
		if mi.fstype == "cgroup" {
			h.Version = 1
			h.Controllers = mi.controllers()
			if len(h.Controllers) == 0 {
				continue
			}
		}
		if !slices.ContainsFunc(l.Hierarchies, func(o Hierarchy) bool {
			return o.Version == h.Version && slices.Equal(o.Controllers, h.Controllers)
		}) {
			l.Hierarchies = append(l.Hierarchies, h)
		}
	}
	return nil
}

// mount is the part of a mountinfo line that matters here (proc_pid_mountinfo(5)).
type mount struct {
	root, mountpoint, fstype, superopts string
}

func parseMount(line string) (mount, bool) {
	left, right, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " - ")
	l, r := strings.Fields(left), strings.Fields(right)
	if !ok || len(l) < 6 || len(r) < 3 {
		return mount{}, false
	}
	return mount{unescape(l[3]), unescape(l[4]), r[0], r[2]}, true
}

func (mi *mount) controllers() []string {
	var out []string
	for o := range strings.SplitSeq(mi.superopts, ",") {
		if knownController(o) || o == "name=systemd" {
			out = append(out, o)
		}
	}
	return out
}

// unescape undoes the octal escapes mountinfo uses for space, tab, newline and backslash.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			b.WriteByte((s[i+1]-'0')<<6 | (s[i+2]-'0')<<3 | (s[i+3] - '0'))
			i += 3
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
