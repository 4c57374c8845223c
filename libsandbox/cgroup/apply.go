// Writing the limits, and changing them later.

package cgroup

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// Apply sets the device rules and all limits of Options.Resources, memory last: what was used to
// set the container up so far must not count against a limit that is only meant for the payload.
func (m *Manager) Apply() error {
	r := m.opts.Resources
	if err := m.applyDevices(r); err != nil {
		return err
	}
	if m.unit != nil && r != nil {
		if err := m.setUnit(r); err != nil {
			return err
		}
	}
	return m.Set(r)
}

// Set writes all limits of r, except device rules, whether or not they are in force already.
func (m *Manager) Set(r *specs.LinuxResources) error {
	list, err := compile(m.mode == V2, r)
	if err != nil {
		return err
	}
	return m.writeAll(list)
}

// Update changes the limits from now, the ones in force, by change: it writes the differences only
// and returns the new truth, Merge(now, change), to be stored. Fields that change does not set keep
// their values. Device rules cannot be changed, as in runc. If a write fails, what had been
// written before is put back as far as the kernel lets it.
func (m *Manager) Update(now, change *specs.LinuxResources) (*specs.LinuxResources, error) {
	next := Merge(now, change)
	before, err := compile(m.mode == V2, now)
	if err != nil {
		before = nil // whatever it was, everything is written anew
	}
	after, err := compile(m.mode == V2, next)
	if err != nil {
		return nil, err
	}
	if err := m.checkUsage(change, next); err != nil {
		return nil, err
	}
	if m.unit != nil {
		if err := m.setUnit(next); err != nil {
			return nil, err
		}
	}
	diff := difference(before, after)
	if err := m.writeAll(diff); err != nil {
		_ = m.writeAll(difference(after, before))
		return nil, err
	}
	return next, nil
}

// difference is what of after is not in before.
func difference(before, after []setting) []setting {
	type key struct{ file, value string }
	have := make(map[key]bool, len(before))
	for i := range before {
		have[key{before[i].file, before[i].value}] = true
	}
	var out []setting
	for i := range after {
		if !have[key{after[i].file, after[i].value}] {
			out = append(out, after[i])
		}
	}
	return out
}

// checkUsage refuses a memory limit below the present usage if the change asks for the check. On v1
// the kernel does this by itself; v2 would kill processes of the container.
func (m *Manager) checkUsage(change, next *specs.LinuxResources) error {
	c := change.Memory
	if m.mode != V2 || c == nil || c.CheckBeforeUpdate == nil || !*c.CheckBeforeUpdate {
		return nil
	}
	d := m.dirOf("memory")
	if d == nil {
		return nil
	}
	text, err := readFile(d.path() + "/memory.current")
	if err != nil {
		return nil // not limited so far, and no way to know: runc goes on as well
	}
	usage, _ := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if v := val(next.Memory.Swap); v > 0 && v <= usage {
		return errdetail.New(res+"memory.swap", "rejecting memory+swap limit %d <= usage %d", v, usage)
	}
	if v := val(next.Memory.Limit); v > 0 && v <= usage {
		return errdetail.New(res+"memory.limit", "rejecting memory limit %d <= usage %d", v, usage)
	}
	return nil
}

// writeAll writes the settings in order. Some of them constrain each other (quota and period, memory
// and memory+swap), so that which has to come first depends on what is in force. One that is refused
// with EINVAL is therefore tried once more when the others of its controller are in place.
func (m *Manager) writeAll(list []setting) error {
	var again []*setting
	for i := range list {
		s := &list[i]
		err := m.write(s)
		if errors.Is(err, unix.EINVAL) && hasPartner(list, i) {
			again = append(again, s)
			continue
		}
		if err != nil {
			return err
		}
	}
	for _, s := range again {
		if err := m.write(s); err != nil {
			return err
		}
	}
	return nil
}

func hasPartner(list []setting, i int) bool {
	for j := range list {
		if j != i && list[j].controller == list[i].controller {
			return true
		}
	}
	return false
}

func (m *Manager) write(s *setting) error {
	d := m.dirOf(s.controller)
	if d == nil {
		if s.optional {
			return nil
		}
		if m.opts.Rootless {
			return &errdetail.Error{Field: s.field, Err: fmt.Errorf(
				"cannot set %s limit: container could not join or create cgroup", s.controller),
				Hint: `without root it takes a delegated cgroup (v2), "check" says how to get one: or leave the limit out`}
		}
		return errdetail.New(s.field, "cannot be enforced on this host: it has no cgroup hierarchy with the %s controller",
			s.controller)
	}
	err := m.writeFile(d.path()+"/"+s.file, s.value)
	if errors.Is(err, unix.ENOENT) && s.altFile != "" {
		err = m.writeFile(d.path()+"/"+s.altFile, s.altValue)
	}
	if err == nil || errors.Is(err, unix.ENOENT) && s.optional && exists(d.path()) {
		return nil
	}
	return m.explain(s, d, err)
}

// explain adds what can be found out about a refused limit.
func (m *Manager) explain(s *setting, d *dir, err error) error {
	e := &errdetail.Error{Field: s.field, Err: err}
	switch {
	case errors.Is(err, unix.ENOENT) && !exists(d.path()):
		e.Hint = "the cgroup " + d.path() + " is gone"
	case m.mode == V2 && (errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM)):
		have, rerr := readFile(d.path() + "/cgroup.controllers")
		if rerr == nil && s.controller != "cgroup" && !containsAll(strings.Fields(have), []string{s.controller}) {
			e.Hint = fmt.Sprintf("controller %q not available: it is not passed down to %s", s.controller, d.path())
		} else if errors.Is(err, unix.ENOENT) {
			e.Hint = "this kernel has no such limit"
		}
	case errors.Is(err, unix.ENOENT):
		e.Hint = "this kernel has no such limit"
	case errors.Is(err, unix.EBUSY) && s.file == "memory.limit_in_bytes":
		usage, _ := readFile(d.path() + "/memory.usage_in_bytes")
		peak, _ := readFile(d.path() + "/memory.max_usage_in_bytes")
		e.Err = fmt.Errorf("unable to set memory limit to %s (current usage: %s, peak usage: %s): %w",
			s.value, strings.TrimSpace(usage), strings.TrimSpace(peak), unix.EBUSY)
	}
	return e
}
