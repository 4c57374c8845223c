// Whether setgroups(2) is allowed in a container, which depends on how its id maps are written and on
// the user namespaces above.

package libsandbox

import (
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/lower"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/userns"
	"golang.org/x/sys/unix"
)

// idMaps decides how the maps of a new user namespace will be written, because where setgroups(2)
// is denied by that the plan must not call it.
func idMaps(spec *specs.Spec, p *specs.Process, f *lower.Facts) error {
	l := spec.Linux
	why := "this user may not write a group map of more than one line, and the kernel denies setgroups then"
	if len(l.UIDMappings) > 0 || len(l.GIDMappings) > 0 {
		caller, err := userns.Self()
		if err != nil {
			return err
		}
		m, err := userns.Choose(l.UIDMappings, l.GIDMappings, caller)
		if err != nil {
			return err
		}
		f.DenySetgroups = m.DenySetgroups
	}
	if !f.DenySetgroups && inUserNS() && setgroupsDenied() {
		f.DenySetgroups, why = true, "it is denied in the user namespace that this is in (/proc/self/setgroups)"
	}
	if f.DenySetgroups && p != nil && len(p.User.AdditionalGids) > 0 {
		return errdetail.New("process.user.additionalGids", "cannot be set: %s", why)
	}
	return nil
}

// setgroupsDenied reads what user namespaces below this process's inherit (user_namespaces(7)).
func setgroupsDenied() bool {
	f, err := openPlain("/proc/self/setgroups", unix.O_RDONLY)
	if err != nil {
		return false
	}
	defer f.Close()
	var buf [8]byte
	n, err := f.Read(buf[:])
	return err == nil && string(buf[:n]) == "deny\n"
}
