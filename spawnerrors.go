// Errors of spawn in the words of its command line, with exit codes of their own.

package main

import (
	"errors"
	"strconv"
	"strings"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// Exit codes of spawn's own, as shells, env(1) and timeout(1) have them.
const (
	exitFailed        = 125 // it was not run, for another reason
	exitNotExecutable = 126
	exitNotFound      = 127
)

// notRun is an error with one of these codes.
type notRun struct {
	error
	code int
}

func (e *notRun) Unwrap() error { return e.error }

// spawnError gives an error of spawn its exit code.
func spawnError(err error) error {
	var code exitCode
	var d *errdetail.Error
	switch {
	case err == nil || errors.As(err, &code):
		return err
	case errors.Is(err, libsandbox.ErrNotFound):
		return &notRun{err, exitNotFound}
	case errors.As(err, &d) && d.Field == "Program":
		return &notRun{err, exitNotExecutable}
	}
	return &notRun{err, exitFailed}
}

// flagged names the flag instead of the field of ProcessConfig that it has set.
func flagged(err error, cfg *libsandbox.ProcessConfig) error {
	var d *errdetail.Error
	if errors.As(err, &d) {
		if d.Field == "Share" && cfg.Share == 0 { // nobody has asked for it
			d.Field, d.Detail = "", ""
		}
		if flag := flagOf(d.Field, cfg); flag != "" {
			d.Field = flag
		}
	}
	return err
}

func flagOf(field string, cfg *libsandbox.ProcessConfig) string {
	name, rest, _ := strings.Cut(field, "[")
	switch name {
	case "Dir":
		return "--cwd"
	case "Root":
		return "--root"
	case "RootOverlay":
		return "--root-overlay"
	case "RootReadOnly":
		return "--root-ro"
	case "UID":
		return "--user"
	case "Share":
		return "--share"
	case "Seccomp", "SeccompProfile":
		return "--seccomp"
	case "Limits.Memory":
		return "--memory"
	case "Limits.CPUs":
		return "--cpus"
	case "Limits.Pids":
		return "--pids"
	case "Timeout":
		return "--timeout"
	case "Mode":
		return "--mode"
	case "Rlimits":
		return "--rlimit"
	case "Mounts":
		index, _, _ := strings.Cut(rest, "]")
		if i, err := strconv.Atoi(index); err == nil && i < len(cfg.Mounts) {
			return mountFlag(&cfg.Mounts[i])
		}
	}
	return ""
}

func mountFlag(m *libsandbox.Mount) string {
	if m.Upper != "" {
		return "--overlay-keep"
	}
	return "--" + string(m.Kind)
}
