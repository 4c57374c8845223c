// What the runtime does to the init from outside, at the sync points of the plan.

package libsandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/lower"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/netdev"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/rootfs"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/stage"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/state"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/userns"
	"golang.org/x/sys/unix"
)

func (cr *creation) procFile(name string) string {
	return "/proc/" + strconv.Itoa(cr.proc.Pid) + "/" + name
}

// writeMaps gives the new user namespace its maps, by newuidmap(1) where we may not write them
// ourselves. Any failure is fatal.
func (cr *creation) writeMaps() error {
	l := cr.spec.Linux
	return userns.Write(context.Background(), cr.proc.Pid, l.UIDMappings, l.GIDMappings)
}

// setup is SyncSetup: the namespaces exist, nothing is mounted yet.
func (cr *creation) setup() error {
	if err := cr.joinCgroup(); err != nil {
		return err
	}
	if adj := cr.spec.Process.OOMScoreAdj; adj != nil {
		if err := setOOMScore(cr.proc.Pid, *adj, cr.r.Rootless); err != nil {
			return err
		}
	}
	if err := cr.timeOffsets(); err != nil {
		return err
	}
	if err := cr.netDevices(); err != nil {
		return err
	}
	if err := cr.intelRdt(); err != nil {
		return err
	}
	return cr.createRuntimeHooks()
}

// timeOffsets must be written before any process is in the new time namespace
// (time_namespaces(7)).
func (cr *creation) timeOffsets() error {
	offsets := cr.spec.Linux.TimeOffsets
	if len(offsets) == 0 {
		return nil
	}
	var b strings.Builder
	for clock, o := range offsets {
		fmt.Fprintf(&b, "%s %d %d\n", clock, o.Secs, o.Nanosecs)
	}
	if err := os.WriteFile(cr.procFile("timens_offsets"), []byte(b.String()), 0); err != nil {
		return &errdetail.Error{Field: "linux.timeOffsets", Op: "write timens_offsets", Err: err}
	}
	return nil
}

// procStart is the start time of a process that is certainly there.
func procStart(pid int) (uint64, error) {
	st, err := state.ReadProc(pid)
	if err != nil {
		return 0, stage.ErrGone
	}
	return st.Start, nil
}

// sendBinds hands new clones of a row of bind mounts to the init (lower.BindGroup).
func (cr *creation) sendBinds(i int) error {
	first, end := lower.BindGroup(cr.spec, cr.facts.Sources, i)
	for ; first < end; first++ {
		_, recursive := lower.IsBind(&cr.spec.Mounts[first])
		clone, err := rootfs.CloneAgain(cr.in.files[cr.facts.Sources[first].FD], recursive)
		if err == nil {
			err = cr.proc.SendFD(clone)
			clone.Close()
		}
		if err != nil {
			return &errdetail.Error{Field: "mounts[" + itoa(first) + "]", Detail: cr.spec.Mounts[first].Destination,
				Op: "hand the source to the init", Err: err}
		}
	}
	return nil
}

// checkDevice judges a file that the init found in the place of a device.
func (cr *creation) checkDevice(n int, files []*os.File) error {
	if len(files) != 1 {
		return errors.New("the init sent no device")
	}
	defer files[0].Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(files[0].Fd()), &st); err != nil {
		return os.NewSyscallError("fstat", err)
	}
	return lower.CheckDevice(cr.spec, n, st.Mode, st.Rdev)
}

// netDevices moves interfaces of the host into the container's network namespace.
func (cr *creation) netDevices() error {
	devices := cr.spec.Linux.NetDevices
	if len(devices) == 0 {
		return nil
	}
	ns, err := netdev.OpenPID(cr.proc.Pid)
	if err != nil {
		return err
	}
	defer ns.Close()
	return netdev.MoveAll(ns, devices)
}
