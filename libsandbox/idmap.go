// Id-mapped mounts (mount_setattr(2), MOUNT_ATTR_IDMAP): the map is a user namespace's, so one is
// made for it and let go.

package libsandbox

import (
	"context"
	"errors"
	"os"
	"strconv"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/lower"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/stage"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/userns"
	"golang.org/x/sys/unix"
)

func itoa(n int) string { return strconv.Itoa(n) }

// idmap maps the detached mount fd as m asks.
func (r *Runtime) idmap(spec *specs.Spec, m *specs.Mount, fd int, f *lower.Facts, in *inherit) error {
	mapped, recursive := lower.IDMap(m)
	if !mapped {
		return nil
	}
	if fd < 0 {
		return errors.New("an id-mapped mount needs privileges on the host")
	}
	ns, own, err := mapOf(spec, m, f, in)
	if err != nil {
		return err
	}
	if own {
		defer ns.Close()
	}
	flags := uint(unix.AT_EMPTY_PATH)
	if recursive {
		flags |= unix.AT_RECURSIVE
	}
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_IDMAP, Userns_fd: uint64(ns.Fd())}
	if err := unix.MountSetattr(int(in.files[fd].Fd()), "", flags, &attr); err != nil {
		e := errdetail.Sys("map its ids", "mount_setattr", err)
		if err == unix.EINVAL {
			e.Hint = "the source's file system may not support id-mapped mounts, or is mapped already"
		}
		return e
	}
	return nil
}

// mapOf is the user namespace whose map m asks for: one made of its own mappings or of the
// container's (own: to be closed), or the one that the container joins.
func mapOf(spec *specs.Spec, m *specs.Mount, f *lower.Facts, in *inherit) (ns *os.File, own bool, err error) {
	uid, gid := m.UIDMappings, m.GIDMappings
	if len(uid) == 0 {
		if n, ok := f.NamespaceFDs[specs.UserNamespace]; ok {
			return in.files[n], false, nil
		}
		uid, gid = spec.Linux.UIDMappings, spec.Linux.GIDMappings
	}
	if len(uid) == 0 {
		return nil, false, errors.New("option idmap without mappings: give uidMappings and gidMappings, here or in linux")
	}
	ns, err = userNamespace(uid, gid)
	return ns, true, err
}

// idmapNew finds the map for mounts[i], which is not a bind mount: the init applies it.
func (r *Runtime) idmapNew(spec *specs.Spec, i int, f *lower.Facts, in *inherit) error {
	m := &spec.Mounts[i]
	if mapped, _ := lower.IDMap(m); !mapped {
		return nil
	}
	if r.Rootless {
		return errors.New("an id-mapped mount needs privileges on the host")
	}
	ns, own, err := mapOf(spec, m, f, in)
	if err != nil {
		return err
	}
	if f.IDMaps == nil {
		f.IDMaps = map[int]int{}
	}
	if own {
		f.IDMaps[i] = in.add(ns)
	} else {
		f.IDMaps[i] = f.NamespaceFDs[specs.UserNamespace]
	}
	return nil
}

// userNamespace makes a user namespace with the given maps. It lives as long as the file.
func userNamespace(uid, gid []specs.LinuxIDMapping) (*os.File, error) {
	res := lower.Holder()
	p, err := stage.Start(res, stage.Options{Cloneflags: unix.CLONE_NEWUSER, CgroupFD: -1})
	if err != nil {
		return nil, err
	}
	defer p.Close()
	defer p.Kill()
	if err := userns.Write(context.Background(), p.Pid, uid, gid); err != nil {
		return nil, err
	}
	return os.Open("/proc/" + itoa(p.Pid) + "/ns/user")
}
