// This file carries a Method out: plain writes below /proc/PID, or newuidmap and newgidmap.

package userns

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// Self describes the calling process.
func Self() (Caller, error) {
	c := Caller{EUID: os.Geteuid(), EGID: os.Getegid()}
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&hdr, &data[0]); err != nil {
		return c, errdetail.Sys("read the runtime's capabilities", "capget", err)
	}
	c.SetUID = data[0].Effective&(1<<unix.CAP_SETUID) != 0
	c.SetGID = data[0].Effective&(1<<unix.CAP_SETGID) != 0
	return c, nil
}

// Write gives the new user namespace of pid, a child of the caller that has not been waited for,
// its maps. It is Choose for the calling process, then Method.Write.
func Write(ctx context.Context, pid int, uid, gid []specs.LinuxIDMapping) error {
	caller, err := Self()
	if err != nil {
		return err
	}
	m, err := Choose(uid, gid, caller)
	if err != nil {
		return err
	}
	return m.Write(ctx, pid)
}

// Write writes the maps. Both map files take one write in their life: a second one fails with
// EPERM. Nothing is ever left out or merely warned about: with a map missing the container's ids
// would be others than those asked for.
func (m Method) Write(ctx context.Context, pid int) error {
	proc, err := openProc(pid)
	if err != nil {
		return err
	}
	defer unix.Close(proc)
	if m.DenySetgroups {
		if err := writeFile(proc, "setgroups", "deny"); err != nil {
			return &errdetail.Error{Field: FieldGID, Op: "deny setgroups", Syscall: "write",
				Args: fmt.Sprintf("/proc/%d/setgroups", pid), Err: err}
		}
	}
	if err := m.writeOne(ctx, proc, pid, m.uid, m.UIDTool, uidKind); err != nil {
		return err
	}
	return m.writeOne(ctx, proc, pid, m.gid, m.GIDTool, gidKind)
}

// kind is what differs between uids and gids.
type kind struct{ field, file, tool, subFile, capability string }

var (
	uidKind = kind{FieldUID, "uid_map", "newuidmap", "/etc/subuid", "CAP_SETUID"}
	gidKind = kind{FieldGID, "gid_map", "newgidmap", "/etc/subgid", "CAP_SETGID"}
)

func (m Method) writeOne(ctx context.Context, proc, pid int, maps []specs.LinuxIDMapping, tool bool, k kind) error {
	if len(maps) == 0 {
		return nil
	}
	if tool {
		return runTool(ctx, pid, maps, k)
	}
	err := writeFile(proc, k.file, format(maps))
	if err == nil {
		return nil
	}
	e := &errdetail.Error{Field: k.field, Op: "map ids", Syscall: "write",
		Args: fmt.Sprintf("/proc/%d/%s", pid, k.file), Err: err}
	if errors.Is(err, unix.EPERM) {
		e.Hint = unmappedHint(maps, k)
	}
	return e
}

// unmappedHint tells, inside a user namespace, which range asks for ids that do not exist here.
func unmappedHint(maps []specs.LinuxIDMapping, k kind) string {
	here, err := readMap("/proc/self/" + k.file)
	if err != nil {
		return ""
	}
	for i, m := range maps {
		if !covered(m.HostID, m.Size, here) {
			return fmt.Sprintf("%s[%d] asks for host ids %d to %d, which are not all mapped in the user "+
				"namespace that the runtime itself runs in (see /proc/self/%s)",
				k.field, i, m.HostID, uint64(m.HostID)+uint64(m.Size)-1, k.file)
		}
	}
	return ""
}

// runTool has the set-user-ID program write the map, after it has held it against /etc/subuid.
func runTool(ctx context.Context, pid int, maps []specs.LinuxIDMapping, k kind) error {
	path, err := exec.LookPath(k.tool)
	if err != nil {
		return &errdetail.Error{Field: k.field, Op: "map ids", Err: err,
			Hint: "only " + k.tool + " lets an unprivileged user map more than his own id: install it (package uidmap on Debian, shadow-utils on Fedora)"}
	}
	args := []string{strconv.Itoa(pid)}
	for _, m := range maps {
		for _, n := range []uint32{m.ContainerID, m.HostID, m.Size} {
			args = append(args, strconv.FormatUint(uint64(n), 10))
		}
	}
	cmd := exec.CommandContext(ctx, path, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	if err == nil {
		return nil
	}
	text := strings.TrimSpace(out.String())
	if text != "" {
		err = fmt.Errorf("%w: %s", err, strings.ReplaceAll(text, "\n", " | "))
	}
	return &errdetail.Error{Field: k.field, Op: "map ids with " + path, Err: err, Hint: toolHint(path, maps, k)}
}

// toolHint looks for what usually is wrong: the program lacks its privilege, or the range is
// not granted to the user.
func toolHint(path string, maps []specs.LinuxIDMapping, k kind) string {
	var st unix.Stat_t
	if unix.Stat(path, &st) == nil && st.Mode&unix.S_ISUID == 0 {
		if _, err := unix.Getxattr(path, "security.capability", nil); err != nil {
			return path + " is neither set-user-ID root nor has it the file capability " + strings.ToLower(k.capability)
		}
	}
	name := userName(os.Getuid())
	granted, err := SubIDs(k.subFile, name, os.Getuid())
	if err != nil {
		return ""
	}
	for i, m := range maps {
		own := os.Getuid()
		if k.file == "gid_map" {
			own = os.Getgid()
		}
		if m.Size == 1 && int64(m.HostID) == int64(own) || granted.holds(m.HostID, m.Size) {
			continue
		}
		return fmt.Sprintf("%s[%d] asks for host ids %d to %d, which %s does not grant to %s: add the line %s:%d:%d there",
			k.field, i, m.HostID, uint64(m.HostID)+uint64(m.Size)-1, k.subFile, name, name, m.HostID, m.Size)
	}
	return ""
}

// userName gives the user's name, or his number where he has none.
func userName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return strconv.Itoa(uid)
}

// openProc opens /proc/PID and makes sure that it is the kernel's: a write to a file of the same
// name elsewhere would go unnoticed (the class of CVE-2019-16884).
func openProc(pid int) (int, error) {
	path := "/proc/" + strconv.Itoa(pid)
	fd, err := unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, &errdetail.Error{Op: "map ids", Syscall: "open", Args: path, Err: err}
	}
	var st unix.Statfs_t
	if err := unix.Fstatfs(fd, &st); err != nil || st.Type != unix.PROC_SUPER_MAGIC {
		unix.Close(fd)
		if err == nil {
			err = errors.New("not a proc file system")
		}
		return -1, &errdetail.Error{Op: "map ids", Syscall: "fstatfs", Args: path, Err: err}
	}
	return fd, nil
}

func writeFile(dir int, name, text string) error {
	fd, err := unix.Openat(dir, name, unix.O_WRONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	n, err := unix.Write(fd, []byte(text))
	if err == nil && n != len(text) {
		err = unix.EIO
	}
	return err
}
