// This file writes schemata and holds those of a class of service that exists against those asked for.

package intelrdt

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// line is one line for a schemata file and the setting that it comes from.
type line struct{ text, field string }

// legacy gives the lines of l3CacheSchema and memBwSchema, in this order. An l3CacheSchema of
// several lines is a habit from before memBwSchema: its MB lines are left out, as in runc.
func legacy(c *specs.LinuxIntelRdt) []line {
	var lines []line
	for l := range strings.Lines(c.L3CacheSchema) {
		l = strings.TrimSpace(l)
		if l != "" && !strings.HasPrefix(l, "MB:") {
			lines = append(lines, line{l, field + ".l3CacheSchema"})
		}
	}
	if c.MemBwSchema != "" {
		lines = append(lines, line{c.MemBwSchema, field + ".memBwSchema"})
	}
	return lines
}

// writeSchemata writes one line at a time, so that an error names the setting; schemata come last
// and win. Where the class of service existed before, l3CacheSchema and memBwSchema have been found
// to hold already.
func (m *Manager) writeSchemata(dir string, c *specs.LinuxIntelRdt, compared bool) error {
	var lines []line
	if !compared {
		lines = legacy(c)
	}
	for i, s := range c.Schemata {
		lines = append(lines, line{s, field + ".schemata[" + strconv.Itoa(i) + "]"})
	}
	for _, l := range lines {
		if err := m.write(filepath.Join(dir, "schemata"), l.text+"\n", l.field, "set the schema"); err != nil {
			return err
		}
	}
	return nil
}

// compare checks that an existing class of service has l3CacheSchema and memBwSchema as they are
// asked for; ids that they do not mention are free.
func (m *Manager) compare(dir string, c *specs.LinuxIntelRdt) error {
	want := legacy(c)
	if len(want) == 0 {
		return nil
	}
	path := filepath.Join(m.root, dir, "schemata")
	b, err := os.ReadFile(path)
	if err != nil {
		return &errdetail.Error{Field: field + ".closID", Op: "read the schemata", Err: err}
	}
	have := map[string]string{}
	for l := range strings.Lines(string(b)) {
		entries(l, func(key, value string) { have[key] = value })
	}
	for _, w := range want {
		var differs string
		entries(w.text, func(key, value string) {
			if h, ok := have[key]; (!ok || h != value) && differs == "" {
				differs = fmt.Sprintf("%s=%s is asked for, but %s has %q", key, value, path, h)
			}
		})
		if differs != "" {
			return errdetail.New(w.field, "%s", differs)
		}
	}
	return nil
}

// entries splits a line "L3:0=7f0;1=1f" into the keys L3:0 and L3:1 with their values, without
// leading zeros and in lower case: the kernel prints bit masks shorter or longer than they were written.
func entries(text string, each func(key, value string)) {
	resource, rest, ok := strings.Cut(strings.TrimSpace(text), ":")
	if !ok {
		each(strings.TrimSpace(text), "")
		return
	}
	for part := range strings.SplitSeq(rest, ";") {
		id, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		value = strings.TrimLeft(strings.ToLower(strings.TrimSpace(value)), "0")
		if value == "" {
			value = "0"
		}
		each(resource+":"+strings.TrimSpace(id), value)
	}
}

// write writes a file of resctrl with one write(2). O_CREATE has no effect there.
func (m *Manager) write(file, text, at, op string) error {
	path := filepath.Join(m.root, file)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return &errdetail.Error{Field: at, Op: op, Err: err}
	}
	_, err = f.WriteString(text)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		var pe *os.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return &errdetail.Error{Field: at, Op: op, Syscall: "write",
			Args: path + ", " + strconv.Quote(strings.TrimSpace(text)), Err: m.explain(err)}
	}
	return nil
}

// explain adds what the kernel says about the last command; it is far more telling than EINVAL.
func (m *Manager) explain(err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	b, rerr := os.ReadFile(filepath.Join(m.root, "info", "last_cmd_status"))
	text := strings.TrimSpace(string(b))
	if rerr != nil || text == "" || text == "ok" {
		return err
	}
	return fmt.Errorf("%w (%s)", err, text)
}
