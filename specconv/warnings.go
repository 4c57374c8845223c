// Warnings: what is allowed and carried out, or ignored, but hardly meant so.

package specconv

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// Warnings lists what a user should hear about a configuration that Check accepts, each line
// beginning with the field as an error's text does. The specification wants a warning, not an
// error, for capabilities that cannot be granted and for relative mount destinations.
func Warnings(spec *specs.Spec) []string {
	var w warnings
	if _, minor, ok := parseVersion(spec.Version); ok {
		if n, err := strconv.Atoi(minor); err != nil || n > specs.VersionMinor {
			w.add("ociVersion",
				"%s is newer than %s, which this runtime supports", spec.Version, specs.Version)
		}
	}
	if spec.Process != nil {
		w.capabilities("process.", spec.Process.Capabilities)
	}
	w.mounts(spec.Mounts)
	if spec.Linux != nil {
		w.linux(spec.Linux)
	}
	return w
}

// ProcessWarnings is Warnings for a process object on its own.
func ProcessWarnings(p *specs.Process) []string {
	var w warnings
	w.capabilities("", p.Capabilities)
	return w
}

type warnings []string

func (w *warnings) add(field, format string, args ...any) {
	*w = append(*w, field+": "+fmt.Sprintf(format, args...))
}

// capabilities warns of names unknown here and of combinations that capabilities(7) rules out.
func (w *warnings) capabilities(prefix string, c *specs.LinuxCapabilities) {
	if c == nil {
		return
	}
	for _, set := range capabilitySets(c) {
		for i, name := range set.names {
			field := func() string { return fmt.Sprintf("%scapabilities.%s[%d]", prefix, set.field, i) }
			switch {
			case !KnownCapability(name):
				w.add(field(), "unknown capability %q is ignored", clip(name))
			case set.field == "effective" && !slices.Contains(c.Permitted, name):
				w.add(field(), "%s cannot be granted: it is not in permitted", name)
			case set.field == "inheritable" && !slices.Contains(c.Bounding, name):
				w.add(field(), "%s cannot be granted: it is not in bounding", name)
			case set.field == "ambient" && !(slices.Contains(c.Permitted, name) && slices.Contains(c.Inheritable, name)):
				w.add(field(),
					"%s cannot be granted: it is not in both permitted and inheritable", name)
			}
		}
	}
}

func (w *warnings) mounts(mounts []specs.Mount) {
	for i := range mounts {
		m := &mounts[i]
		if m.Destination != "" && m.Destination[0] != '/' {
			w.add(fmt.Sprintf("mounts[%d].destination", i),
				"relative destination path %q is deprecated, using it as relative to /", clip(m.Destination))
		}
		// The specification wants unknown options passed to the file system, and a bind mount has
		// none to take them: mount(2) ignores them, and with them perhaps a misspelt "ro".
		if isBind(m) {
			for j, o := range m.Options {
				if o != "" && !KnownMountOption(o) {
					w.add(fmt.Sprintf("mounts[%d].options[%d]", i, j),
						"%q is not known, and filesystem-specific options have no effect on a bind mount", clip(o))
				}
			}
		}
		if len(m.UIDMappings) > 0 && !slices.Contains(m.Options, "idmap") && !slices.Contains(m.Options, "ridmap") {
			w.add(fmt.Sprintf("mounts[%d].options", i),
				`should hold "idmap" or "ridmap" where uidMappings are given`)
		}
	}
}

func (w *warnings) linux(l *specs.Linux) {
	if p := l.Personality; p != nil && len(p.Flags) > 0 {
		w.add("linux.personality.flags", "ignored, the specification defines none")
	}
	if r := l.IntelRdt; r != nil && r.L3CacheSchema != "" && !strings.HasPrefix(r.L3CacheSchema, "L3:") {
		w.add("linux.intelRdt.l3CacheSchema", `should start with "L3:"`)
	}
	if r := l.Resources; r != nil && r.Memory != nil {
		m := r.Memory
		if m.Kernel != nil { //nolint:staticcheck // its use is what the warning is about
			w.add("linux.resources.memory.kernel", "ignored, kernels since 5.4 have no such limit")
		}
	}
	for i := range l.Devices {
		for j := range i {
			if l.Devices[i].Path == l.Devices[j].Path {
				w.add(fmt.Sprintf("linux.devices[%d].path", i),
					"%q is listed already as linux.devices[%d]",
					clip(l.Devices[i].Path), j)
				break
			}
		}
	}
}
