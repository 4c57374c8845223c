// Manager: one container's cgroup, and the Record that lets another process take it over.

package cgroup

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// Options describes the cgroup a container wants.
type Options struct {
	// ID is the container's id; the cgroup is named after it where Path is empty.
	ID string
	// Path is linux.cgroupsPath as written: a path, or slice:prefix:name with Systemd.
	Path string
	// Systemd asks systemd to make the cgroup as a transient scope.
	Systemd bool
	// Rootless makes missing permission on the cgroup file system acceptable as long as neither
	// a path nor a limit was asked for; the container then stays in the runtime's cgroup.
	Rootless bool
	// Resources is linux.resources; nil means no limits.
	Resources *specs.LinuxResources
	// Annotations may hold org.systemd.property.* entries for the scope.
	Annotations map[string]string
	// OwnerUID and OwnerGID, if not nil, are the host ids that get the container's v2 cgroup
	// delegated. Set them only where the container has a private cgroup namespace and a writable
	// cgroup mount (runtime-spec, "Cgroup ownership"). Ignored on v1, as the spec wants.
	OwnerUID, OwnerGID *int
	// Root is where the cgroup file systems are mounted; empty means DefaultRoot. Any other
	// directory holding the right files will do, which is how tests work without privileges.
	Root string
}

// dir is the container's cgroup in one hierarchy.
type dir struct {
	h   Hierarchy
	rel string // below the mount point, without a leading slash
}

func (d *dir) path() string { return d.h.Mountpoint + "/" + d.rel }

// has reports whether the v1 controller is on this hierarchy.
func (d *dir) has(controller string) bool { return slices.Contains(d.h.Controllers, controller) }

// Manager is one container's cgroup. Its methods may be called by one goroutine at a time, but
// any number of Managers of any number of processes may work side by side.
type Manager struct {
	opts       Options
	mode       Mode
	root       string
	fake       bool
	procCgroup string // /proc/self/cgroup, but in tests

	dirs    []dir
	absent  bool     // there is no cgroup of ours: rootless and not permitted, or refused
	made    []string // directories Create has made, in order, for its own undoing
	unified bool     // CreateUnified has made the v2 directory
	fd      int      // v2: the cgroup's directory, or -1
	unit    *unit    // with systemd
}

// Record is what another process needs to find the cgroup again. It holds strings only.
type Record struct {
	Mode Mode   `json:"mode"`
	Root string `json:"root"`
	// Paths maps controller (or "" for v2, as in runc's state.json) to the absolute directory.
	Paths map[string]string `json:"paths"`
	// Rootless as in Options.
	Rootless bool `json:"rootless,omitempty"`
	// Unit, Slice and User are set with systemd: the scope, its slice, and whether the manager
	// asked is the user's own.
	Unit  string `json:"unit,omitempty"`
	Slice string `json:"slice,omitempty"`
	User  bool   `json:"user,omitempty"`
}

// New finds out where the container's cgroup will be. It changes nothing.
func New(o Options) (*Manager, error) {
	l, err := Detect(o.Root)
	if err != nil {
		return nil, err
	}
	return newManager(o, l, "/proc/self/cgroup")
}

func newManager(o Options, l *Layout, procCgroup string) (*Manager, error) {
	m := &Manager{opts: o, mode: l.Mode, root: l.Root, fake: l.fake, procCgroup: procCgroup, fd: -1}
	var err error
	if o.Systemd {
		err = m.resolveSystemd(l)
	} else {
		err = m.resolve(l, o.Path, o.ID)
	}
	if err != nil {
		return nil, err
	}
	if o.Resources != nil {
		if err := m.checkResources(o.Resources); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// FromRecord is the Manager of a cgroup another process has made, or was about to make.
func FromRecord(r Record) *Manager {
	m := &Manager{mode: r.Mode, root: r.Root, fd: -1, procCgroup: "/proc/self/cgroup"}
	m.opts.Rootless = r.Rootless
	m.absent = len(r.Paths) == 0
	if r.Unit != "" {
		m.opts.Systemd = true
		m.unit = &unit{name: r.Unit, slice: r.Slice, user: r.User, started: true}
	}
	for _, key := range slices.Sorted(maps.Keys(r.Paths)) {
		path := r.Paths[key]
		if i := slices.IndexFunc(m.dirs, func(d dir) bool { return d.path() == path }); i >= 0 {
			m.dirs[i].h.Controllers = append(m.dirs[i].h.Controllers, key)
			continue
		}
		m.dirs = append(m.dirs, dirFromPath(r, key, path))
	}
	m.fake = r.Root != DefaultRoot && isFake(r.Root)
	return m
}

// isFake reports whether root is a tree of ordinary files.
func isFake(root string) bool {
	l, err := Detect(root)
	return err == nil && l.fake
}

// dirFromPath splits an absolute cgroup directory into mount point and the rest, by the
// convention that a v1 hierarchy is mounted on a directory of the root.
func dirFromPath(r Record, key, path string) dir {
	d := dir{h: Hierarchy{Version: 1, Mountpoint: r.Root}}
	if key == "" {
		d.h.Version = 2
	} else {
		d.h.Controllers = []string{key}
	}
	rel := strings.TrimPrefix(strings.TrimPrefix(path, r.Root), "/")
	if r.Mode != V2 && strings.HasPrefix(path, r.Root+"/") {
		d.h.Name, rel, _ = strings.Cut(rel, "/")
		d.h.Mountpoint += "/" + d.h.Name
	} else if !strings.HasPrefix(path, r.Root+"/") {
		d.h.Mountpoint, rel = "", strings.TrimPrefix(path, "/")
	}
	d.rel = rel
	return d
}

// Plan is the Record of what Create is going to make. Write it down before calling Create.
func (m *Manager) Plan() Record { return m.Record() }

// Record is what FromRecord needs. After Create it tells the truth about hierarchies that had
// to be left out.
func (m *Manager) Record() Record {
	r := Record{Mode: m.mode, Root: m.root, Paths: m.Paths(), Rootless: m.opts.Rootless}
	if m.unit != nil {
		r.Unit, r.Slice, r.User = m.unit.name, m.unit.slice, m.unit.user
	}
	return r
}

// Paths maps each controller, "name=systemd" and "" (v2) to the container's cgroup directory.
func (m *Manager) Paths() map[string]string {
	paths := map[string]string{}
	if m.absent {
		return paths
	}
	for i := range m.dirs {
		for _, k := range m.dirs[i].h.keys() {
			paths[k] = m.dirs[i].path()
		}
	}
	return paths
}

// Mode says which cgroup version the container's cgroup is of.
func (m *Manager) Mode() Mode { return m.mode }

// Absent reports that there is no cgroup of the container's own: rootless without permission.
func (m *Manager) Absent() bool { return m.absent }

// Hierarchies are the hierarchies the container has a cgroup in, in the order of their names.
// The builder of a container's cgroup mount needs them: on v2 one mount; on v1 a tmpfs with one
// directory per hierarchy and its Links.
func (m *Manager) Hierarchies() []Hierarchy {
	out := make([]Hierarchy, len(m.dirs))
	for i := range m.dirs {
		out[i] = m.dirs[i].h
	}
	slices.SortFunc(out, func(a, b Hierarchy) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// PathIn is the container's cgroup directory on the host in hierarchy h, or "" if it has none.
func (m *Manager) PathIn(h Hierarchy) string {
	for i := range m.dirs {
		if m.dirs[i].h.Mountpoint == h.Mountpoint && m.dirs[i].h.Name == h.Name {
			return m.dirs[i].path()
		}
	}
	return ""
}

// dirOf is the directory whose hierarchy carries the controller: the v2 one on v2.
func (m *Manager) dirOf(controller string) *dir {
	if m.absent {
		return nil
	}
	for i := range m.dirs {
		if m.mode == V2 || m.dirs[i].has(controller) {
			return &m.dirs[i]
		}
	}
	return nil
}

// v2dir is the directory in the v2 hierarchy: on v2 and hybrid.
func (m *Manager) v2dir() *dir {
	if m.absent {
		return nil
	}
	for i := range m.dirs {
		if m.dirs[i].h.Version == 2 {
			return &m.dirs[i]
		}
	}
	return nil
}

// FD is a descriptor of the cgroup directory for clone3(CLONE_INTO_CGROUP). There is one only
// where that flag alone places the process: on v2, when the cgroup exists and is not systemd's to
// fill. It stays the Manager's; Close closes it.
func (m *Manager) FD() (int, bool) {
	if m.mode != V2 || m.fake || m.absent || m.unit != nil && !exists(m.dirs[0].path()) {
		return -1, false
	}
	if m.fd < 0 {
		fd, err := openRetry(unix.AT_FDCWD, m.dirs[0].path(),
			unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC)
		if err != nil {
			return -1, false
		}
		m.fd = fd
	}
	return m.fd, true
}

// Close gives back the descriptor of FD. The Manager remains usable.
func (m *Manager) Close() {
	if m.fd >= 0 {
		unix.Close(m.fd)
		m.fd = -1
	}
}

// sysErr wraps a failure of op on the cgroup, with the field it comes from if there is one.
func sysErr(fieldName, op string, err error) error {
	return &errdetail.Error{Field: fieldName, Op: op, Err: err}
}
