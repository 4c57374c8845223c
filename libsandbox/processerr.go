// Errors of a sandbox in the words of its ProcessConfig.

package libsandbox

import (
	"errors"
	"strconv"
	"strings"
	"syscall"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/lower"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/stage"
)

// nameSections gives the plan's sections the fields of ProcessConfig instead of config.json's.
func (p *prepared) nameSections(r *lower.Result) {
	for i := range r.Plan.Sections {
		r.Plan.Sections[i].Field = p.field(r.Plan.Sections[i].Field)
	}
}

func (p *prepared) field(f string) string {
	switch {
	case strings.HasPrefix(f, "mounts["):
		n, err := strconv.Atoi(strings.TrimSuffix(f[len("mounts["):], "]"))
		if err == nil && n < len(p.fields) {
			return p.fields[n]
		}
	case f == "process.args[0]":
		return "Program"
	case f == "process.cwd":
		return "Dir"
	case f == "root.path":
		return "Root"
	case strings.HasPrefix(f, "process.user"):
		return "UID"
	case strings.HasPrefix(f, "process.rlimits"):
		return "Rlimits" + strings.TrimPrefix(f, "process.rlimits")
	case f == "linux.namespaces":
		return "Share"
	case f == "linux.seccomp":
		return "Seccomp"
	}
	return f
}

// named completes an error of the set-up.
func (p *prepared) named(err error) error {
	var se *stage.StepError
	if !errors.As(err, &se) {
		var e *errdetail.Error
		if errors.As(err, &e) {
			e.Field = p.field(e.Field)
		}
		return err
	}
	e := se.Facts
	switch {
	case se.Name == "unshare" && se.Errno == syscall.EPERM && strings.Contains(e.Args, "CLONE_NEWUSER"):
		e.Hint = "this host does not let this user make user namespaces: run \"sandbox-runtime check\""
	case se.Name == "unshare" && se.Errno == syscall.EPERM && !p.makes(NamespaceUser):
		e.Hint = "without root, namespaces need a user namespace: do not share it"
	case se.Name == "unshare" && se.Errno == syscall.ENOSPC:
		e.Hint = "a limit on namespaces is reached: see /proc/sys/user/max_*_namespaces"
	case se.Name == "execve":
		return execHint(e)
	}
	return se
}
