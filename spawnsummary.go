// spawn --summary: the result for people. What was denied comes with the flag that allows it.

package main

import (
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"github.com/docker/go-units"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox"
	"golang.org/x/sys/unix"
)

func summary(w io.Writer, cfg *libsandbox.ProcessConfig, r *libsandbox.Result) error {
	var b strings.Builder
	end := fmt.Sprintf("exit code %d", r.ExitCode)
	if r.Signal != 0 {
		end = fmt.Sprintf("signal %d (%s)", int(r.Signal), unix.SignalName(r.Signal))
	}
	fmt.Fprintf(&b, "\nsandbox: %s after %v; CPU %v user, %v system; peak memory %s (%s)\n", end, r.Wall.Round(time.Millisecond),
		r.User.Round(time.Millisecond), r.System.Round(time.Millisecond), units.BytesSize(float64(r.PeakMemory)), r.Usage)
	fmt.Fprintf(&b, "mode: %s, because %s\n", r.Mode, r.ModeReason)
	limitLines(&b, r)
	if r.LandlockABI > 0 {
		fmt.Fprintf(&b, "landlock: ABI %d\n", r.LandlockABI)
	}
	endLines(&b, cfg, r)
	for _, d := range r.Denied {
		allow := libsandbox.ProfileAllowing(d.Syscall)
		hint := "no named filter allows it; --seccomp none has none"
		if allow != "" {
			hint = "--seccomp " + allow + " allows it"
		}
		fmt.Fprintf(&b, "denied: system call %s, %s; %s\n", d.Syscall, times(d.Count), hint)
	}
	for _, d := range r.DeniedPaths {
		what, hint := pathHint(&d)
		fmt.Fprintf(&b, "denied: %s, %s; %s\n", what, times(d.Count), hint)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// limitLines says how each limit was enforced, and why not better.
func limitLines(w io.Writer, r *libsandbox.Result) {
	l := r.Limits
	if l.Memory == "" && l.CPUs == "" && l.Pids == "" {
		return
	}
	var list []string
	for _, x := range [...]struct {
		name string
		by   libsandbox.Enforcement
	}{{"memory", l.Memory}, {"cpus", l.CPUs}, {"pids", l.Pids}} {
		switch x.by {
		case "":
		case libsandbox.NotEnforced:
			list = append(list, x.name+" not enforced")
		default:
			list = append(list, fmt.Sprintf("%s by %s", x.name, x.by))
		}
	}
	fmt.Fprintf(w, "limits: %s", strings.Join(list, ", "))
	if l.Reason != "" {
		fmt.Fprintf(w, "; no cgroup: %s", l.Reason)
	}
	fmt.Fprintln(w)
}

// endLines names the limit that ended the program.
func endLines(w io.Writer, cfg *libsandbox.ProcessConfig, r *libsandbox.Result) {
	switch {
	case r.TimedOut:
		fmt.Fprintf(w, "ended: the time of %v was up; --timeout allows more\n", cfg.Timeout)
	case r.OOMKilled:
		fmt.Fprintf(w, "ended: it needed more than %s of memory; --memory allows more\n", units.BytesSize(float64(cfg.Limits.Memory)))
	case r.Signal == unix.SIGXCPU || r.Signal == unix.SIGKILL && r.Limits.CPUs == libsandbox.ByRlimit:
		fmt.Fprintf(w, "ended: its CPU time was up; --cpus or --timeout allow more\n")
	case r.SeccompKilled:
		fmt.Fprintf(w, "ended: by the seccomp filter, for the system call %s\n", orUnknown(r.SeccompCall))
	}
}

func orUnknown(call string) string {
	if call == "" {
		return "(not watched)"
	}
	return call
}

// pathHint says what was denied, and which flag would allow it.
func pathHint(d *libsandbox.DeniedPath) (what, hint string) {
	dir := path.Dir(d.Path)
	switch d.Reason {
	case "absent":
		return d.Access + " " + d.Path + ", which is on the host and not in the sandbox", "--bind-ro " + d.Path + " shows it"
	case "network":
		return "connect to " + d.Path + " from a network of its own", "--net host allows it"
	case "read-only":
		if d.Access == "create" {
			return "create " + d.Path + " in a read-only folder", "--bind " + dir + " or --overlay " + dir + " allows it"
		}
		return "write to " + d.Path + ", which is read-only", "--bind " + d.Path + " allows it"
	}
	what = d.Access + " " + d.Path + " by the landlock rules"
	switch d.Access {
	case "execute":
		return what, "--landlock-exec " + d.Path + " allows it"
	case "create":
		return what, "--landlock-rw " + dir + " allows it"
	case "write":
		return what, "--landlock-rw " + d.Path + " allows it"
	}
	return what, "--landlock-ro " + d.Path + " allows it"
}
