// Whether the kernel runs SELinux and AppArmor at all.

package libsandbox

import (
	"os"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// withoutLSM drops the profile and the label of security modules that this kernel does not run,
// with a warning each. There is nothing they could be applied by, and configurations written on
// another host name them all the same. It has to be certain: in doubt they stay, and the init
// fails where it cannot set them.
func (r *Runtime) withoutLSM(spec *specs.Spec) {
	if p := spec.Process; p != nil {
		r.withoutAppArmor(p)
	}
	if label := spec.Linux.MountLabel; label != "" && !hasSELinux() {
		r.warn("linux.mountLabel: %q is not applied: this kernel does not run SELinux", label)
		spec.Linux.MountLabel = ""
	}
}

func (r *Runtime) withoutAppArmor(p *specs.Process) {
	if p.ApparmorProfile != "" && noAppArmor() {
		r.warn("process.apparmorProfile: %q is not applied, the program runs without it: "+
			"this kernel does not run AppArmor", p.ApparmorProfile)
		p.ApparmorProfile = ""
	}
}

// noAppArmor is true where sysfs says that AppArmor is off or not built in.
func noAppArmor() bool {
	data, err := os.ReadFile("/sys/module/apparmor/parameters/enabled")
	if err == nil {
		return strings.HasPrefix(string(data), "N")
	}
	var st unix.Statfs_t
	return os.IsNotExist(err) && unix.Statfs("/sys/module", &st) == nil && st.Type == unix.SYSFS_MAGIC
}

// hasSELinux: its file system is registered where it is switched on.
func hasSELinux() bool {
	data, err := os.ReadFile("/proc/filesystems")
	return err != nil || strings.Contains(string(data), "\tselinuxfs\n")
}
