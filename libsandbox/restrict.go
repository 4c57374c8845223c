// Landlock rules of a sandbox.

package libsandbox

import (
	"fmt"
	"os"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/landlock"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/lower"
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
