// The keeper: the process that outlives the runtime to record how a container's init ended.

package lower

import (
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/exitrecord"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/plan"
	"golang.org/x/sys/unix"
)

// Keeper is the plan of a process that waits for its child pid and writes an exit record to
// descriptor record, and has no other descriptor.
func Keeper(pid, record int) *plan.Plan {
	b := newBuilder(&specs.Spec{}, &Facts{})
	b.section("", "", "let go of everything but the record")
	b.p.Sys(unix.SYS_CLOSE_RANGE, "close_range", plan.Int(int64(record)+1), plan.Flag(-1, "~0"), plan.Int(0))
	if record > 0 {
		b.p.Sys(unix.SYS_CLOSE_RANGE, "close_range", plan.Int(0), plan.Int(int64(record)-1), plan.Int(0))
	}
	b.resetSignals()
	b.section("", "", "wait for the container's init")
	rec := b.p.Zero(exitrecord.Size)
	magic := b.p.Words(exitrecord.Magic)
	b.p.Sys(plan.Move, "set", plan.Load(magic, "magic")).ToAddr(rec+exitrecord.MagicAt, "record.magic")
	b.p.Sys(unix.SYS_WAIT4, "wait4", plan.Int(int64(pid)), plan.Ptr(rec+exitrecord.StatusAt, "record.status"), plan.Int(0),
		plan.Ptr(rec+exitrecord.UsageAt, "record.usage")).On(b.exit, plan.AnyErrno)
	b.section("", "", "record its end")
	b.p.Sys(unix.SYS_CLOCK_GETTIME, "clock_gettime", plan.Flag(unix.CLOCK_REALTIME, "CLOCK_REALTIME"),
		plan.Ptr(rec+exitrecord.TimeAt, "record.time"))
	b.p.Sys(unix.SYS_WRITE, "write", plan.Int(int64(record)), plan.Ptr(rec, "record"), plan.Int(exitrecord.Size)).
		On(b.exit, plan.AnyErrno)
	b.p.Sys(unix.SYS_EXIT_GROUP, "exit_group", plan.Int(0))
	b.end()
	return b.p
}
