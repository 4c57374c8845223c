// This file reads what ids there are: /etc/subuid and /etc/subgid, and the maps of the user
// namespace that the runtime runs in; and makes whole maps of them.

package userns

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// subIDLimit bounds what is read of /etc/subuid: 4 MiB are some 150,000 users.
const subIDLimit = 4 << 20

// Range is a run of ids: Start, Start+1, ..., Start+Count-1.
type Range struct{ Start, Count uint32 }

// Ranges are the ids granted to a user, in the order of the file.
type Ranges []Range

// holds says whether one granted range contains all ids asked for, which is newuidmap's rule: it
// does not join neighbours.
func (r Ranges) holds(start, count uint32) bool {
	for _, g := range r {
		if start >= g.Start && uint64(start)+uint64(count) <= uint64(g.Start)+uint64(g.Count) {
			return true
		}
	}
	return false
}

// SubIDs reads the ranges that a file in the form of subuid(5) grants to a user, who may be listed
// by name or by number. A file that does not exist grants none.
func SubIDs(path, name string, uid int) (Ranges, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, &errdetail.Error{Op: "read the ids granted to " + name, Err: err}
	}
	defer f.Close()
	r, err := ParseSubIDs(f, name, uid)
	if err != nil {
		return nil, &errdetail.Error{Op: "read " + path, Err: err}
	}
	return r, nil
}

// ParseSubIDs is SubIDs on a stream. Lines that are not NAME:START:COUNT, with a range of at least
// one valid id, are passed over, as newuidmap does.
func ParseSubIDs(in io.Reader, name string, uid int) (Ranges, error) {
	var found Ranges
	number := strconv.Itoa(uid)
	lines := bufio.NewScanner(io.LimitReader(in, subIDLimit))
	for lines.Scan() {
		part := strings.Split(lines.Text(), ":")
		if len(part) != 3 || part[0] != number && (name == "" || part[0] != name) {
			continue
		}
		start, err1 := strconv.ParseUint(part[1], 10, 32)
		count, err2 := strconv.ParseUint(part[2], 10, 32)
		if err1 != nil || err2 != nil || count == 0 || start+count > 1<<32-1 {
			continue
		}
		found = append(found, Range{uint32(start), uint32(count)})
	}
	return found, lines.Err()
}

// AutoMappings gives the best maps that the calling user may have: id 0 in the container is the
// user himself, and, where newuidmap and newgidmap are installed and both /etc/subuid and
// /etc/subgid grant him ranges, the ids from 1 up are those ranges in the files' order.
// Otherwise the maps hold his own id alone. Root, in its own user namespace, gets Identity.
func AutoMappings() (uid, gid []specs.LinuxIDMapping, err error) {
	caller, err := Self()
	if err != nil {
		return nil, nil, err
	}
	if caller.SetUID && caller.SetGID && caller.EUID == 0 {
		return Identity()
	}
	var subUID, subGID Ranges
	if haveTool("newuidmap") && haveTool("newgidmap") {
		name := userName(caller.EUID)
		if subUID, err = SubIDs(uidKind.subFile, name, caller.EUID); err != nil {
			return nil, nil, err
		}
		if subGID, err = SubIDs(gidKind.subFile, name, caller.EUID); err != nil {
			return nil, nil, err
		}
	}
	if len(subUID) == 0 || len(subGID) == 0 {
		subUID, subGID = nil, nil
	}
	return autoMap(caller.EUID, subUID), autoMap(caller.EGID, subGID), nil
}

func haveTool(name string) bool {
	_, err := exec.LookPath(name)
	return err == nil
}

// autoMap strings ranges together from container id 1; those that hold the user's own id or
// overlap an earlier one would make the kernel refuse the whole map, and are left out.
func autoMap(own int, sub Ranges) []specs.LinuxIDMapping {
	maps := []specs.LinuxIDMapping{{ContainerID: 0, HostID: uint32(own), Size: 1}}
	next := uint64(1)
	for _, r := range sub {
		if len(maps) == MaxExtents || next+uint64(r.Count) > 1<<32-1 {
			break
		}
		m := specs.LinuxIDMapping{ContainerID: uint32(next), HostID: r.Start, Size: r.Count}
		if Validate(append(maps[:len(maps):len(maps)], m), "") != nil {
			continue
		}
		maps = append(maps, m)
		next += uint64(r.Count)
	}
	return maps
}

// Identity gives the maps by which every id that exists in the runtime's own user namespace is
// itself in the container's.
func Identity() (uid, gid []specs.LinuxIDMapping, err error) {
	if uid, err = identity("/proc/self/uid_map"); err != nil {
		return nil, nil, err
	}
	gid, err = identity("/proc/self/gid_map")
	return uid, gid, err
}

func identity(path string) ([]specs.LinuxIDMapping, error) {
	here, err := readMap(path)
	if err != nil {
		return nil, &errdetail.Error{Op: "read the runtime's own ids", Err: err}
	}
	for i := range here {
		here[i].HostID = here[i].ContainerID
	}
	return here, nil
}

// readMap reads a map file; its HostID column is about the parent namespace.
func readMap(path string) ([]specs.LinuxIDMapping, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseMap(string(b))
}

func parseMap(text string) ([]specs.LinuxIDMapping, error) {
	var maps []specs.LinuxIDMapping
	for line := range strings.Lines(text) {
		part := strings.Fields(line)
		if len(part) != 3 {
			return nil, errdetail.New("", "id map line %q has not three numbers", strings.TrimSpace(line))
		}
		var n [3]uint32
		for i := range n {
			v, err := strconv.ParseUint(part[i], 10, 32)
			if err != nil {
				return nil, err
			}
			n[i] = uint32(v)
		}
		maps = append(maps, specs.LinuxIDMapping{ContainerID: n[0], HostID: n[1], Size: n[2]})
	}
	return maps, nil
}

// covered says whether all ids of a range exist in the namespace whose map is given; ranges may
// join to cover it.
func covered(start, count uint32, maps []specs.LinuxIDMapping) bool {
	next, end := uint64(start), uint64(start)+uint64(count)
	for progress := true; progress && next < end; {
		progress = false
		for _, m := range maps {
			if next >= uint64(m.ContainerID) && next < uint64(m.ContainerID)+uint64(m.Size) {
				next = uint64(m.ContainerID) + uint64(m.Size)
				progress = true
			}
		}
	}
	return next >= end
}
