// Limits of a sandbox as a whole: by its cgroup, or by the nearest rlimits.

package libsandbox

import (
	"math"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// Limits bounds what all processes of a sandbox use together. 0 means no limit.
type Limits struct {
	Memory int64   // bytes
	CPUs   float64 // how many CPUs' worth of time, e.g. 0.5
	Pids   int64   // processes and threads
	// AllowWeaker accepts that a limit is not enforced at all where this host offers nothing for
	// it. Otherwise that is an error.
	AllowWeaker bool
}

// Enforcement is how a limit was enforced.
type Enforcement string

// The ways of enforcing a limit.
const (
	ByCgroup Enforcement = "cgroup"
	// ByRlimit bounds each process by itself (memory), the number of processes in the user
	// namespace (pids), or the total CPU time of a process within the timeout (cpus).
	ByRlimit Enforcement = "rlimit"
	// NotEnforced happens only with AllowWeaker.
	NotEnforced Enforcement = "none"
)

// LimitReport says how each limit that was asked for was enforced.
type LimitReport struct {
	Memory Enforcement `json:"memory,omitempty"`
	CPUs   Enforcement `json:"cpus,omitempty"`
	Pids   Enforcement `json:"pids,omitempty"`
	// Reason is why there was no cgroup, where one was wanted.
	Reason string `json:"reason,omitempty"`
}

func (l *Limits) any() bool { return l.Memory > 0 || l.CPUs > 0 || l.Pids > 0 }

func (l *Limits) check() error {
	switch {
	case l.Memory < 0:
		return errdetail.New("Limits.Memory", "%d is negative", l.Memory)
	case l.CPUs < 0 || math.IsNaN(l.CPUs) || math.IsInf(l.CPUs, 0):
		return errdetail.New("Limits.CPUs", "%v is no number of CPUs", l.CPUs)
	case l.Pids < 0:
		return errdetail.New("Limits.Pids", "%d is negative", l.Pids)
	}
	return nil
}

// rlimits enforces what no cgroup does.
func (p *prepared) rlimits() error {
	c, r := p.cfg, &p.limits
	l := &c.Limits
	if l.Memory > 0 && r.Memory == "" {
		p.rlimit("RLIMIT_AS", uint64(l.Memory))
		r.Memory = ByRlimit
	}
	if l.Pids > 0 && r.Pids == "" {
		// The kernel does not count root's processes, and counts a user's everywhere unless
		// they are in a user namespace of their own.
		if p.makes(NamespaceUser) && p.makes(NamespacePID) && p.hostUID() != 0 {
			p.rlimit("RLIMIT_NPROC", uint64(l.Pids)+1) // the init is one
			r.Pids = ByRlimit
		} else if !l.AllowWeaker {
			return errdetail.New("Limits.Pids", "cannot be enforced: there is no cgroup for it, and RLIMIT_NPROC does not bind this user")
		} else {
			r.Pids = NotEnforced
		}
	}
	if l.CPUs > 0 && r.CPUs == "" {
		switch {
		case c.Timeout > 0:
			s := time.Duration(float64(c.Timeout) * l.CPUs)
			p.rlimit("RLIMIT_CPU", uint64((s+time.Second-1)/time.Second))
			r.CPUs = ByRlimit
		case !l.AllowWeaker:
			return errdetail.New("Limits.CPUs", "cannot be enforced: there is no cgroup for it, and without a Timeout RLIMIT_CPU means nothing")
		default:
			r.CPUs = NotEnforced
		}
	}
	return nil
}

func (p *prepared) rlimit(name string, n uint64) {
	list := &p.spec.Process.Rlimits
	for i := range *list {
		if l := &(*list)[i]; l.Type == name {
			l.Soft, l.Hard = min(l.Soft, n), min(l.Hard, n)
			return
		}
	}
	*list = append(*list, specs.POSIXRlimit{Type: name, Soft: n, Hard: n})
}

// hostUID is the program's user id on the host.
func (p *prepared) hostUID() uint32 {
	if m := p.spec.Linux.UIDMappings; p.makes(NamespaceUser) && len(m) > 0 {
		return m[0].HostID
	}
	return p.spec.Process.User.UID
}
