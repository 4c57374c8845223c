// Changing the limits of a container, and watching what it uses.

package libsandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/cgroup"
)

// resourcesFile holds linux.resources as updates have left them; until the first, config.json does.
const resourcesFile = "resources.json"

// Resources are the limits in force: linux.resources of config.json with all updates merged in.
func (c *Container) Resources() (*specs.LinuxResources, error) {
	data, err := os.ReadFile(filepath.Join(c.dir.Path(), resourcesFile))
	if errors.Is(err, fs.ErrNotExist) {
		spec, err := c.Spec()
		if err != nil {
			return nil, err
		}
		return spec.Linux.Resources, nil
	}
	if err != nil {
		return nil, err
	}
	r := &specs.LinuxResources{}
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("read the limits in force: %w", err)
	}
	return r, nil
}

// Update changes the limits of a container: what change sets replaces what holds, the rest stays. Device
// rules cannot be changed.
func (r *Runtime) Update(id string, change *specs.LinuxResources) error {
	c, err := r.load(id, true)
	if err != nil {
		return err
	}
	defer c.dir.Close()
	status, err := c.Status()
	if err != nil {
		return err
	}
	if status == Stopped || status == Creating {
		return fmt.Errorf("cannot update a %s container: %w", status, ErrNotRunning)
	}
	now, err := c.Resources()
	if err != nil {
		return err
	}
	next, err := c.cgroup().Update(now, change)
	if err != nil {
		return err
	}
	data, err := json.Marshal(next)
	if err != nil {
		return err
	}
	// a new file in place of the old one: a reader sees one or the other
	path := filepath.Join(c.dir.Path(), resourcesFile)
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// Stats reads what the kernel counts for a running container.
func (c *Container) Stats() (*cgroup.Stats, error) {
	status, err := c.Status()
	if err != nil {
		return nil, err
	}
	if status == Stopped || status == Creating {
		return nil, fmt.Errorf("container with id %s is not running: %w", c.ID(), ErrNotRunning)
	}
	return c.cgroup().Stats()
}

// Events calls emit with the container's statistics every interval, and whenever it ran out of memory.
// It returns when the container has ended, when ctx has, or with an error of emit.
func (c *Container) Events(ctx context.Context, interval time.Duration, emit func(*cgroup.Event) error) error {
	if _, err := c.Stats(); err != nil {
		return err
	}
	ooms, err := c.cgroup().OOMEvents(ctx)
	if err != nil {
		return err
	}
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		e := &cgroup.Event{Type: "stats", ID: c.ID()}
		select {
		case _, ok := <-ooms:
			if !ok {
				return ctx.Err()
			}
			e.Type = "oom"
		case <-ticker.C:
			if e.Data, err = c.Stats(); err != nil {
				if errors.Is(err, ErrNotRunning) {
					return nil
				}
				return err
			}
		}
		if err := emit(e); err != nil {
			return err
		}
	}
}
