// Landlock rules of a sandbox.

package libsandbox

import (
	"fmt"
	"os"
	"slices"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/landlock"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/lower"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/seccomp"
	"golang.org/x/sys/unix"
)

// SystemRules are the Landlock rules without which hardly any program runs: its libraries may be
// read and executed, the devices of the sandbox's own /dev used, and /tmp written.
func SystemRules() []landlock.Rule {
	var list []landlock.Rule
	for _, dir := range [...]string{"/usr", "/bin", "/sbin", "/lib", "/lib64"} {
		if _, err := os.Stat(dir); err == nil {
			list = append(list, landlock.Rule{Kind: landlock.Execute, Path: dir})
		}
	}
	return append(list, landlock.Rule{Kind: landlock.ReadOnly, Path: "/etc"}, landlock.Rule{Kind: landlock.ReadOnly, Path: "/proc"},
		landlock.Rule{Kind: landlock.ReadWrite, Path: "/dev"}, landlock.Rule{Kind: landlock.ReadWrite, Path: "/tmp"})
}

// landlock prepares the rules. Paths are those of the sandbox: its own process opens them, when
// its mount tree is complete.
func (p *prepared) landlock() error {
	set := p.cfg.Landlock
	if set == nil {
		return nil
	}
	c, err := set.Plan()
	if err != nil {
		return &errdetail.Error{Field: "Landlock", Err: err}
	}
	if c.FS|c.Net|c.Scoped == 0 {
		return nil
	}
	p.landlockABI = int(c.ABI)
	l := &lower.Landlock{HandledFS: c.FS, HandledNet: c.Net, Scoped: c.Scoped, FileAccess: landlock.FileRights}
	for i, r := range set.Rules {
		field := r.Field
		if field == "" {
			field = fmt.Sprintf("Landlock.Rules[%d]", i)
		}
		switch {
		case r.Kind < landlock.BindTCP:
			l.Paths = append(l.Paths, lower.LandlockPath{Field: field, Path: r.Path, Access: r.Rights(c)})
		case c.Net != 0:
			access := uint64(unix.LANDLOCK_ACCESS_NET_BIND_TCP)
			if r.Kind == landlock.ConnectTCP {
				access = unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
			}
			l.Ports = append(l.Ports, lower.LandlockPort{Field: field, Port: r.Port, Access: access})
		}
	}
	p.sandbox.Landlock = l
	return nil
}

// refuseMPTCP puts a filter of its own in the place of a built-in one.
func (p *prepared) refuseMPTCP() (err error) {
	if p.profileName != "" {
		if p.seccomp, err = seccomp.Named(p.profileName); err != nil {
			return err
		}
		p.profileName = ""
	}
	p.seccomp = withoutMPTCP(p.seccomp)
	return nil
}

// withoutMPTCP is the filter without sockets of Multipath TCP. Landlock's rules for TCP ports do
// not bind those (landlock(7): "TCP"), yet they reach every TCP server; socketcall(2) of 32-bit
// programs goes too, because no filter sees its arguments. A program falls back to plain TCP.
func withoutMPTCP(p *specs.LinuxSeccomp) *specs.LinuxSeccomp {
	if p == nil {
		p = &specs.LinuxSeccomp{DefaultAction: specs.ActAllow}
	}
	const protocol = 2 // index of the argument
	noProto, perm := uint(unix.EPROTONOSUPPORT), uint(unix.EPERM)
	q := *p
	q.Syscalls = []specs.LinuxSyscall{
		{Names: []string{"socketcall"}, Action: specs.ActErrno, ErrnoRet: &perm},
		{Names: []string{"socket"}, Action: specs.ActErrno, ErrnoRet: &noProto,
			Args: []specs.LinuxSeccompArg{{Index: protocol, Value: unix.IPPROTO_MPTCP, Op: specs.OpEqualTo}}},
	}
	for _, s := range p.Syscalls {
		if i := slices.Index(s.Names, "socketcall"); i >= 0 {
			s.Names = slices.Delete(slices.Clone(s.Names), i, i+1)
		}
		if i := slices.Index(s.Names, "socket"); i >= 0 {
			// A rule without conditions would win over the one above.
			s.Names = slices.Delete(slices.Clone(s.Names), i, i+1)
			socket := s
			socket.Names = []string{"socket"}
			socket.Args = append(slices.Clone(s.Args), specs.LinuxSeccompArg{Index: protocol, Value: unix.IPPROTO_MPTCP, Op: specs.OpNotEqual})
			q.Syscalls = append(q.Syscalls, socket)
		}
		if len(s.Names) > 0 {
			q.Syscalls = append(q.Syscalls, s)
		}
	}
	return &q
}
