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
	"golang.org/x/sys/unix"
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

// usernsHint says why this process may not make user namespaces.
func usernsHint() string {
	const filtered = 2 // SECCOMP_MODE_FILTER
	if mode, err := unix.PrctlRetInt(unix.PR_GET_SECCOMP, 0, 0, 0, 0); err == nil && mode == filtered {
		return "a seccomp filter is on this process, as in most containers, and may forbid it; in a sandbox of spawn: --seccomp unrestricted"
	}
	return "this host does not let this user make user namespaces: run \"sandbox-runtime check\""
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
		e.Hint = usernsHint()
	case se.Name == "unshare" && se.Errno == syscall.EPERM && !p.makes(NamespaceUser):
		e.Hint = "without root, namespaces need a user namespace: do not share it"
	case se.Name == "unshare" && se.Errno == syscall.ENOSPC:
		e.Hint = "a limit on namespaces is reached: see /proc/sys/user/max_*_namespaces"
	case se.Name == "fsconfig" && se.Errno == syscall.EACCES && strings.Contains(e.Args, "dir\""):
		e.Hint = "the user that the program runs as must be able to enter every folder on the way there"
	case se.Name == "execve":
		return execHint(e)
	}
	return se
}
