// Package userns writes the id maps of a new user namespace from outside, finds the maps that an
// unprivileged user may have, and says whether this host lets him have a user namespace at all.
// Facts from user_namespaces(7), newuidmap(1) and subuid(5).
package userns

import (
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// Names of the two settings in config.json.
const (
	FieldUID = "linux.uidMappings"
	FieldGID = "linux.gidMappings"
)

// MaxExtents is how many lines a map may have (since kernel 4.15), and maxText how long it may be:
// the kernel takes it in one write shorter than a page.
const (
	MaxExtents = 340
	maxText    = 4095
)

// Validate checks a map as the kernel would, and names the element at fault: at most MaxExtents
// ranges, none empty, none reaching 4294967295 (which is no id, but -1), and no overlap
// on either side. An empty map is valid here.
func Validate(maps []specs.LinuxIDMapping, field string) error {
	if len(maps) > MaxExtents {
		return errdetail.New(field, "%d ranges; the kernel takes at most %d", len(maps), MaxExtents)
	}
	const limit = 1<<32 - 1
	for i, m := range maps {
		at := field + "[" + strconv.Itoa(i) + "]"
		switch {
		case m.Size == 0:
			return errdetail.New(at+".size", "must be greater than 0")
		case uint64(m.ContainerID)+uint64(m.Size) > limit:
			return errdetail.New(at+".size", "%d ids from containerID %d reach beyond 4294967294", m.Size, m.ContainerID)
		case uint64(m.HostID)+uint64(m.Size) > limit:
			return errdetail.New(at+".size", "%d ids from hostID %d reach beyond 4294967294", m.Size, m.HostID)
		}
		for j, o := range maps[:i] {
			if overlap(m.ContainerID, m.Size, o.ContainerID, o.Size) {
				return errdetail.New(at+".containerID", "overlaps the container ids of %s[%d]", field, j)
			}
			if overlap(m.HostID, m.Size, o.HostID, o.Size) {
				return errdetail.New(at+".hostID", "overlaps the host ids of %s[%d]", field, j)
			}
		}
	}
	if n := len(format(maps)); n > maxText {
		return errdetail.New(field, "the map is %d bytes long; the kernel takes at most %d", n, maxText)
	}
	return nil
}

func overlap(a, an, b, bn uint32) bool {
	return uint64(a) < uint64(b)+uint64(bn) && uint64(b) < uint64(a)+uint64(an)
}

// format gives the text for /proc/PID/uid_map.
func format(maps []specs.LinuxIDMapping) string {
	var b strings.Builder
	for _, m := range maps {
		b.WriteString(strconv.FormatUint(uint64(m.ContainerID), 10))
		b.WriteByte(' ')
		b.WriteString(strconv.FormatUint(uint64(m.HostID), 10))
		b.WriteByte(' ')
		b.WriteString(strconv.FormatUint(uint64(m.Size), 10))
		b.WriteByte('\n')
	}
	return b.String()
}

// Caller is who writes the maps, as far as the rules for that ask.
type Caller struct {
	EUID, EGID int
	// SetUID and SetGID: CAP_SETUID and CAP_SETGID are effective in the caller's user namespace.
	SetUID, SetGID bool
}

// Method is how a pair of maps will be written; Choose makes it, Write carries it out. It can be
// known before there is a process, since the container's set-up depends on it: where setgroups(2)
// is denied it must not be called.
type Method struct {
	// UIDTool and GIDTool: by newuidmap(1), newgidmap(1) instead of a plain write.
	UIDTool, GIDTool bool
	// DenySetgroups: "deny" goes to /proc/PID/setgroups before the gid map. The kernel demands it
	// of a caller without CAP_SETGID (CVE-2014-8989: dropping a group could add a permission).
	DenySetgroups bool

	uid, gid []specs.LinuxIDMapping
	caller   Caller
}

// Choose checks two maps and decides how caller can write them: plainly with the capabilities, or
// where the map is one line for the caller's own id; with newuidmap and newgidmap otherwise.
// Each part of Method is false where its map is empty.
func Choose(uid, gid []specs.LinuxIDMapping, caller Caller) (Method, error) {
	if err := Validate(uid, FieldUID); err != nil {
		return Method{}, err
	}
	if err := Validate(gid, FieldGID); err != nil {
		return Method{}, err
	}
	m := Method{uid: uid, gid: gid, caller: caller}
	m.UIDTool = len(uid) > 0 && !caller.SetUID && !own(uid, caller.EUID)
	if len(gid) > 0 && !caller.SetGID {
		m.GIDTool = !own(gid, caller.EGID)
		// newgidmap decides about setgroups itself: it denies them unless /etc/subgid grants the range.
		m.DenySetgroups = !m.GIDTool
	}
	return m, nil
}

// own says whether a map is the one that needs no privilege: the caller's own id and nothing else.
func own(maps []specs.LinuxIDMapping, id int) bool {
	return len(maps) == 1 && maps[0].Size == 1 && int64(maps[0].HostID) == int64(id)
}
