// linux.intelRdt: the container's class of service and monitoring group in resctrl. What was made
// is kept in a file of its own in the container's folder, so that containers without it pay nothing
// but one look for that file at delete.

package libsandbox

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/intelrdt"
)

const rdtFile = "intelrdt.json"

// rdtRecord is what delete has to know.
type rdtRecord struct {
	Root string        `json:"root"`
	Made intelrdt.Made `json:"made"`
}

// resctrl finds the file system; root is where it is where that is known.
func resctrl(root string) (*intelrdt.Manager, error) {
	if root != "" {
		return intelrdt.New(root), nil
	}
	return intelrdt.Find()
}

// intelRdt makes what linux.intelRdt asks for and puts the init into it. The record is written
// before each directory is made.
func (cr *creation) intelRdt() error {
	cfg := cr.spec.Linux.IntelRdt
	if cfg == nil {
		return nil
	}
	c := cr.c
	m, err := resctrl(cr.r.ResctrlRoot)
	if err != nil {
		return err
	}
	_, err = m.Create(c.st.ID, cfg, func(made intelrdt.Made) error {
		data, err := json.Marshal(rdtRecord{Root: m.Root(), Made: made})
		if err != nil {
			return err
		}
		return os.WriteFile(c.dir.File(rdtFile), data, 0o600)
	})
	if err != nil {
		return err
	}
	return m.Add(c.st.ID, cfg, cr.proc.Pid)
}

// joinRdt puts a process that joins the container where its init is.
func (c *Container) joinRdt(spec *specs.Spec, pid int) error {
	if spec.Linux == nil || spec.Linux.IntelRdt == nil {
		return nil
	}
	m, err := resctrl(c.rt.ResctrlRoot)
	if err != nil {
		return err
	}
	return m.Add(c.st.ID, spec.Linux.IntelRdt, pid)
}

// removeRdt removes what intelRdt made, if anything.
func (c *Container) removeRdt() error {
	path := c.dir.File(rdtFile)
	if unix.Access(path, unix.F_OK) == unix.ENOENT {
		return nil
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var rec rdtRecord
	if err == nil {
		err = json.Unmarshal(data, &rec)
	}
	if err != nil {
		return &errdetail.Error{Field: "linux.intelRdt", Op: "find out what was made", Err: err}
	}
	if err := intelrdt.New(rec.Root).Remove(rec.Made); err != nil {
		return err
	}
	return os.Remove(path)
}
