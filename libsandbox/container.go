// A container between two calls of the runtime, and its state as the OCI specification shows it.

package libsandbox

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/cgroup"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/state"
	"golang.org/x/sys/unix"
)

// Status is the state of a container: the four of runtime.md, and paused.
type Status string

// The values of Status.
const (
	Creating Status = "creating"
	Created  Status = "created"
	Running  Status = "running"
	Paused   Status = "paused"
	Stopped  Status = "stopped"
)

// Container is a handle on one container. It goes stale when the container is deleted.
type Container struct {
	rt  *Runtime
	dir *state.Dir
	st  *state.State

	cg *cgroup.Manager
}

// ID is the container's id.
func (c *Container) ID() string { return c.st.ID }

// Pid is the init's process id as the host sees it, or 0.
func (c *Container) Pid() int { return c.st.Pid }

// Bundle is the bundle's absolute path.
func (c *Container) Bundle() string { return c.st.Bundle }

// Rootfs is the root file system's absolute path on the host.
func (c *Container) Rootfs() string { return c.st.Rootfs }

// CreatedAt is when create began.
func (c *Container) CreatedAt() time.Time { return c.st.Created }

// Owner names the user that created the container.
func (c *Container) Owner() string { return c.st.Owner }

// Annotations are config.json's.
func (c *Container) Annotations() map[string]string { return c.st.Annotations }

// Status looks at the container's process.
func (c *Container) Status() (Status, error) {
	st := c.st
	if !st.Ready {
		if state.Alive(st.Creator, st.CreatorStart) {
			return Creating, nil
		}
		return Stopped, nil
	}
	if !state.Alive(st.Pid, st.Start) {
		return Stopped, nil
	}
	if frozen, err := c.frozen(); err == nil && frozen {
		return Paused, nil
	}
	if c.waitsForStart() {
		return Created, nil
	}
	return Running, nil
}

// waitsForStart says whether the init is still the stage. The FIFO alone could be left over from
// a start that was killed.
func (c *Container) waitsForStart() bool {
	if _, err := os.Lstat(c.dir.File(state.StartFIFO)); errors.Is(err, fs.ErrNotExist) {
		return false
	}
	exe, err := os.Readlink("/proc/" + strconv.Itoa(c.st.Pid) + "/exe")
	if err != nil {
		return true
	}
	return strings.HasPrefix(exe, "/memfd:sandbox-runtime:init") || strings.HasSuffix(exe, " (deleted)")
}

// State is the container's state as runtime.md defines it.
func (c *Container) State() (*specs.State, error) {
	status, err := c.Status()
	if err != nil {
		return nil, err
	}
	s := &specs.State{
		Version:     c.st.OCIVersion,
		ID:          c.st.ID,
		Status:      specs.ContainerState(status),
		Pid:         c.st.Pid,
		Bundle:      c.st.Bundle,
		Annotations: c.st.Annotations,
	}
	if status == Stopped {
		s.Pid = 0
	}
	return s, nil
}

// openPidfd opens a pidfd of the init that is certainly the init: the start time is compared
// after the pidfd is held.
func (c *Container) openPidfd() (int, error) {
	if c.st.Pid <= 0 {
		return -1, ErrNotRunning
	}
	fd, err := unix.PidfdOpen(c.st.Pid, 0)
	if err != nil {
		return -1, ErrNotRunning
	}
	if !state.Alive(c.st.Pid, c.st.Start) {
		unix.Close(fd)
		return -1, ErrNotRunning
	}
	return fd, nil
}
