// What the runtime does to the init from outside, at the sync points of the plan.

package libsandbox

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/netdev"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/stage"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/state"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/userns"
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
