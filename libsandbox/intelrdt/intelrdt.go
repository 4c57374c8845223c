// Package intelrdt puts a container into a class of service of the resctrl file system, and into a
// monitoring group, as linux.intelRdt of config.json asks. The rules are those of runtime-spec 1.3,
// config-linux.md, "IntelRdt"; the files those of Documentation/filesystems/resctrl.rst.
package intelrdt

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/moby/sys/mountinfo"
	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

const field = "linux.intelRdt"

// Manager works on one mounted resctrl file system.
type Manager struct {
	root string
}

// New makes a Manager for the resctrl file system mounted at root, an absolute path.
func New(root string) *Manager { return &Manager{root: root} }

// Root is where the file system is mounted.
func (m *Manager) Root() string { return m.root }

// Find makes a Manager for the resctrl file system of this host. The error names linux.intelRdt:
// it is only asked for where that is set.
func Find() (*Manager, error) {
	mounts, err := mountinfo.GetMounts(mountinfo.FSTypeFilter("resctrl"))
	if err != nil {
		return nil, &errdetail.Error{Field: field, Op: "look for resctrl", Err: err}
	}
	if len(mounts) == 0 {
		e := errdetail.New(field, "no resctrl file system is mounted")
		if b, err := os.ReadFile("/proc/filesystems"); err == nil && strings.Contains(string(b), "\tresctrl\n") {
			e.Hint = "mount -t resctrl resctrl /sys/fs/resctrl"
		} else if err == nil {
			e.Hint = "the kernel or the processor has none (CONFIG_X86_CPU_RESCTRL, Intel RDT or AMD QoS)"
		}
		return nil, e
	}
	return New(mounts[0].Mountpoint), nil
}

// Made are the directories that Create made and Remove is to remove, relative to the root; both
// are empty where there is nothing to remove.
type Made struct {
	// Class is the class of service, named after the container since closID was not set.
	Class string `json:"class,omitempty"`
	// Monitor is the monitoring group.
	Monitor string `json:"monitor,omitempty"`
}

// Check checks the setting without touching the system.
func Check(c *specs.LinuxIntelRdt) error {
	if c == nil {
		return nil
	}
	if c.ClosID != "" && c.ClosID != "/" {
		if err := checkName(c.ClosID, field+".closID"); err != nil {
			return err
		}
	}
	if strings.Contains(c.MemBwSchema, "\n") {
		return errdetail.New(field+".memBwSchema", "holds a newline")
	}
	if c.MemBwSchema != "" && !strings.HasPrefix(c.MemBwSchema, "MB:") {
		return errdetail.New(field+".memBwSchema", "%q does not start with \"MB:\"", c.MemBwSchema)
	}
	for i, line := range c.Schemata {
		at := field + ".schemata[" + strconv.Itoa(i) + "]"
		if strings.Contains(line, "\n") {
			return errdetail.New(at, "holds a newline")
		}
		if _, _, ok := strings.Cut(line, ":"); !ok {
			return errdetail.New(at, "%q is not of the form RESOURCE:ID=VALUE;...", line)
		}
	}
	return nil
}

// checkName refuses what would leave the resctrl root or mean one of the kernel's own directories.
func checkName(name, at string) error {
	switch name {
	case "", ".", "..", "info", "mon_groups", "mon_data":
		return errdetail.New(at, "%q is not the name of a class of service", name)
	}
	if strings.ContainsAny(name, "/\n\x00") || len(name) > 255 {
		return errdetail.New(at, "%q is not a plain file name", name)
	}
	return nil
}

// class gives the directory of the container's class of service, relative to the root.
func class(id string, c *specs.LinuxIntelRdt) string {
	switch c.ClosID {
	case "":
		return id
	case "/":
		return "."
	}
	return c.ClosID
}

// Create makes the container's class of service and monitoring group as far as they are to be made,
// and writes the schemata. journal is called before a directory is made that Remove has to remove
// in the end, with all of them so far, so that a runtime killed in between leaves a trace; its
// error stops Create. After an error nothing is left that Create has made.
func (m *Manager) Create(id string, c *specs.LinuxIntelRdt, journal func(Made) error) (made Made, err error) {
	if err := Check(c); err != nil {
		return Made{}, err
	}
	if err := checkName(id, "id"); err != nil {
		return Made{}, err
	}
	var undo []string
	defer func() {
		if err != nil {
			for i := len(undo) - 1; i >= 0; i-- {
				_ = m.removeDir(undo[i])
			}
			made = Made{}
		}
	}()
	dir := class(id, c)
	existed, err := m.exists(dir)
	if err != nil {
		return made, err
	}
	switch {
	case existed && c.ClosID != "":
		if err := m.compare(dir, c); err != nil {
			return made, err
		}
	case existed:
	case c.ClosID != "" && c.L3CacheSchema == "" && c.MemBwSchema == "" && len(c.Schemata) == 0:
		return made, errdetail.New(field+".closID", "there is no class of service %q in %s, and no schema to make one with", c.ClosID, m.root)
	default:
		if c.ClosID == "" {
			made.Class = dir
			if err := journal(made); err != nil {
				return made, err
			}
		}
		if err := m.mkdir(dir, field+".closID"); err != nil {
			return made, err
		}
		undo = append(undo, dir)
	}
	if err := m.writeSchemata(dir, c, existed && c.ClosID != ""); err != nil {
		return made, err
	}
	if !c.EnableMonitoring {
		return made, nil
	}
	made.Monitor = filepath.Join(dir, "mon_groups", id)
	if err := journal(made); err != nil {
		return made, err
	}
	if err := m.mkdir(made.Monitor, field+".enableMonitoring"); err != nil {
		return made, err
	}
	return made, nil
}

// Add puts a process into the container's class of service and monitoring group. Its later
// children follow by themselves; a process that joins the container needs an Add of its own.
func (m *Manager) Add(id string, c *specs.LinuxIntelRdt, pid int) error {
	dir := class(id, c)
	text := strconv.Itoa(pid)
	if err := m.write(filepath.Join(dir, "tasks"), text, field+".closID", "assign the container"); err != nil {
		return err
	}
	if !c.EnableMonitoring {
		return nil
	}
	return m.write(filepath.Join(dir, "mon_groups", id, "tasks"), text, field+".enableMonitoring", "assign the container")
}

// Remove removes what Create made. What is gone already is no error.
func (m *Manager) Remove(made Made) error {
	var errs []error
	for _, dir := range []string{made.Monitor, made.Class} {
		if dir != "" {
			errs = append(errs, m.removeDir(dir))
		}
	}
	return errors.Join(errs...)
}

// removeDir removes one directory below the root. On resctrl rmdir(2) removes a group with
// its files, and os.RemoveAll tries that first.
func (m *Manager) removeDir(dir string) error {
	if !filepath.IsLocal(dir) || dir == "." {
		return errdetail.New("", "%q is not a resctrl group of a container", dir)
	}
	if err := os.RemoveAll(filepath.Join(m.root, dir)); err != nil {
		return &errdetail.Error{Op: "remove the resctrl group", Err: err}
	}
	return nil
}

func (m *Manager) exists(dir string) (bool, error) {
	st, err := os.Lstat(filepath.Join(m.root, dir))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, &errdetail.Error{Field: field + ".closID", Op: "look at the class of service", Err: err}
	case !st.IsDir():
		return false, errdetail.New(field+".closID", "%s is not a directory", filepath.Join(m.root, dir))
	}
	return true, nil
}

func (m *Manager) mkdir(dir, at string) error {
	path := filepath.Join(m.root, dir)
	err := os.Mkdir(path, 0o755)
	if err != nil {
		return &errdetail.Error{Field: at, Op: "make " + path, Syscall: "mkdir", Err: m.explain(err)}
	}
	return nil
}
