// Execute: one program, one Result.

package libsandbox

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/userns"
	"golang.org/x/sys/unix"
)

// Execute runs the program of c in a sandbox and waits for its end. That the program failed, was
// killed or timed out is no error: the Result says so. An error means that the program was not
// run, or that what it wrote could not be delivered. When ctx ends, every process of the sandbox
// is ended, and the Result is Canceled.
func Execute(ctx context.Context, c ProcessConfig) (*Result, error) {
	cmd := &Cmd{ProcessConfig: c, ctx: ctx}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	err := cmd.Wait()
	var exit *ExitError
	if errors.As(err, &exit) || (err != nil && err == ctx.Err()) {
		err = nil
	}
	return cmd.Result, err
}

// pickMode decides whose privileges are used, and says why. The ids are the program's.
func pickMode(want Mode, uid, gid uint32) (Mode, string, error) {
	can, why := privileged(uid, gid)
	switch {
	case want == Unprivileged:
		return Unprivileged, "asked for", nil
	case want == Privileged && !can:
		return "", "", errdetail.New("Mode", "privileged mode: %s", why)
	case want == Privileged:
		return Privileged, "asked for", nil
	case can:
		return Privileged, why, nil
	}
	return Unprivileged, why, nil
}

// privileged says whether this process may make namespaces without a user namespace.
func privileged(uid, gid uint32) (bool, string) {
	if os.Geteuid() != 0 {
		return false, "the caller is not root"
	}
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&hdr, &data[0]); err != nil {
		return false, "the caller's capabilities are not known"
	}
	need := [...]struct {
		bit  int
		name string
	}{{unix.CAP_SYS_ADMIN, "CAP_SYS_ADMIN"}, {unix.CAP_SETUID, "CAP_SETUID"}, {unix.CAP_SETGID, "CAP_SETGID"}}
	for _, c := range need {
		if data[0].Effective&(1<<c.bit) == 0 {
			return false, "the caller is root without " + c.name
		}
	}
	uids, gids, err := userns.Identity()
	switch {
	case err != nil:
		return false, "the caller's user namespace is not known"
	case len(uids) == 1 && uids[0].Size == math.MaxUint32:
		return true, "the caller is root" // of the host
	case !maps(uids, uid) || !maps(gids, gid):
		return false, fmt.Sprintf("the caller is root of a user namespace without the ids %d:%d", uid, gid)
	}
	// The mount namespace may belong to another user namespace.
	fd, err := unix.OpenTree(unix.AT_FDCWD, "/", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return false, "the caller is root of a user namespace that its mounts do not belong to"
	}
	unix.Close(fd)
	return true, "the caller is root of its user namespace"
}

func maps(list []specs.LinuxIDMapping, id uint32) bool {
	for _, m := range list {
		if id >= m.ContainerID && id-m.ContainerID < m.Size {
			return true
		}
	}
	return false
}
