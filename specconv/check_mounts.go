// The mounts section, and id mappings, which mounts and user namespaces share.

package specconv

import (
	"fmt"
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

func checkMounts(spec *specs.Spec) error {
	if bad := badCount(len(spec.Mounts), maxMounts); bad != "" {
		return errdetail.New("mounts", "%s", bad)
	}
	for i := range spec.Mounts {
		if err := checkMount(spec, &spec.Mounts[i]); err != nil {
			err := within(err, "mounts[%d]", i).(*errdetail.Error)
			err.Detail = printable(spec.Mounts[i].Destination)
			return err
		}
	}
	return nil
}

func checkMount(spec *specs.Spec, m *specs.Mount) error {
	if m.Destination == "" {
		return errdetail.New("destination", "must be set: the absolute path to mount at")
	}
	// A relative destination is counted from / (config.md), and warned of.
	if bad := badText(m.Destination, maxPathSize); bad != "" {
		return errdetail.New("destination", "%s", bad)
	}
	if bad := badText(m.Source, maxPathSize); bad != "" {
		return errdetail.New("source", "%s", bad)
	}
	if bad := badText(m.Type, maxPathSize); bad != "" {
		return errdetail.New("type", "%s", bad)
	}
	if err := checkMountOptions(m); err != nil {
		return err
	}
	return checkMountMappings(spec, m)
}

func checkMountOptions(m *specs.Mount) error {
	if bad := badCount(len(m.Options), maxMountOptions); bad != "" {
		return errdetail.New("options", "%s", bad)
	}
	bind, changeOnly, copyUp := isBind(m), false, -1
	for i, o := range m.Options {
		if bad := badText(o, maxPathSize); bad != "" {
			return errdetail.New(fmt.Sprintf("options[%d]", i), "%s", bad)
		}
		if o == "tmpcopyup" {
			copyUp = i
		}
		changeOnly = changeOnly || changesMount(o, m.Type != "" || bind)
	}
	switch {
	case changeOnly: // of what is mounted there already: needs neither a source nor a type
	case bind && m.Source == "":
		return errdetail.New("source", "must be set for a bind mount")
	case !bind && m.Type == "":
		return errdetail.New("type",
			`must be set to a file system type, unless options hold "bind" or "rbind"`)
	case copyUp >= 0 && (bind || m.Type != "tmpfs"):
		return errdetail.New(fmt.Sprintf("options[%d]", copyUp),
			`tmpcopyup is for mounts of type "tmpfs" only, this is %q`, clip(m.Type))
	}
	return nil
}

// checkMountMappings holds idmapped mounts to config.md: both mappings or none, and where an
// option asks for a mapping that the mount does not give, a user namespace to take it from.
func checkMountMappings(spec *specs.Spec, m *specs.Mount) error {
	if len(m.UIDMappings) > 0 && len(m.GIDMappings) == 0 {
		return errdetail.New("gidMappings", "must be specified along with uidMappings")
	}
	if len(m.GIDMappings) > 0 && len(m.UIDMappings) == 0 {
		return errdetail.New("uidMappings", "must be specified along with gidMappings")
	}
	if err := checkMappings("uidMappings", m.UIDMappings); err != nil {
		return err
	}
	if err := checkMappings("gidMappings", m.GIDMappings); err != nil {
		return err
	}
	i := slices.IndexFunc(m.Options, isIDMap)
	if i >= 0 && len(m.UIDMappings) == 0 && !namespacesOf(spec).Has(specs.UserNamespace) {
		return errdetail.New(fmt.Sprintf("options[%d]", i),
			"%s needs uidMappings and gidMappings, or a user namespace of the container's own", m.Options[i])
	}
	return nil
}

// isBind reports whether a mount is a bind mount: by its options, as the specification says, or by
// its type, as many write it.
func isBind(m *specs.Mount) bool {
	return m.Type == "bind" || slices.Contains(m.Options, "bind") || slices.Contains(m.Options, "rbind")
}

func isIDMap(option string) bool { return option == "idmap" || option == "ridmap" }

// checkMappings holds id mappings to user_namespaces(7): at most 340 ranges, none empty, none
// past the last id, none overlapping another on either side. The limit on their number also
// answers CVE-2021-43784, where a longer list overflowed a length.
func checkMappings(field string, mappings []specs.LinuxIDMapping) error {
	if bad := badCount(len(mappings), maxMappings); bad != "" {
		return errdetail.New(field, "too many: %s", bad)
	}
	for i := range mappings {
		m := &mappings[i]
		at := func(name string) string { return fmt.Sprintf("%s[%d].%s", field, i, name) }
		if m.Size == 0 {
			return errdetail.New(at("size"), "want a number from 1 to %d, got 0", uint32(noID))
		}
		// 2^32-1 itself is no id.
		if uint64(m.ContainerID)+uint64(m.Size) > noID {
			return errdetail.New(at("containerID"),
				"%d ids from %d on go past the last one, %d", m.Size, m.ContainerID, uint32(noID-1))
		}
		if uint64(m.HostID)+uint64(m.Size) > noID {
			return errdetail.New(at("hostID"),
				"%d ids from %d on go past the last one, %d", m.Size, m.HostID, uint32(noID-1))
		}
		for j := range i {
			o := &mappings[j]
			if overlap(m.ContainerID, m.Size, o.ContainerID, o.Size) {
				return errdetail.New(at("containerID"), "the range overlaps that of %s[%d]", field, j)
			}
			if overlap(m.HostID, m.Size, o.HostID, o.Size) {
				return errdetail.New(at("hostID"), "the range overlaps that of %s[%d]", field, j)
			}
		}
	}
	return nil
}

func overlap(a, sizeA, b, sizeB uint32) bool {
	return uint64(a) < uint64(b)+uint64(sizeB) && uint64(b) < uint64(a)+uint64(sizeA)
}
