// Package errdetail holds the one error type of the runtime: what went wrong, said so that
// a person can act on it and a program can match on it.
//
// An Error is a value that crosses package borders unchanged and is printed once, by main.
// Its text is one line, outermost first:
//
//	mounts[4] (/data): bind /srv/x read-only: mount_setattr: operation not permitted; add "nosuid"
//
// errors.Is and errors.As see through it to the errno.
package errdetail

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
)

// Error is one failure with its facts kept apart. Every part but Err may be empty.
type Error struct {
	// Field is the place in config.json the failure comes from, written the way a person
	// reads it: mounts[4].options[1], process.user.uid, linux.namespaces[2].path.
	Field string
	// Detail tells instances of a field apart for a reader, for example a mount's destination.
	Detail string
	// Op is what was wanted, in plain words: "bind /srv/x read-only".
	Op string
	// Syscall is the system call that failed, by its man page name; Args are its arguments
	// as strace would show them, where they help.
	Syscall, Args string
	// Err is the cause: usually a syscall.Errno, or an error with a text of its own.
	Err error
	// Hint is a remedy. It is set only where it has been checked to apply.
	Hint string
}

// New returns an error about a field of config.json whose text is the formatted message.
func New(field, format string, args ...any) *Error {
	return &Error{Field: field, Err: fmt.Errorf(format, args...)}
}

// Sys returns an error of a system call made for op; errno is typically a syscall.Errno.
func Sys(op, sysname string, errno error) *Error {
	return &Error{Op: op, Syscall: sysname, Err: errno}
}

// Error is the one-line text.
func (e *Error) Error() string {
	var parts []string
	if e.Field != "" {
		f := e.Field
		if e.Detail != "" {
			f += " (" + e.Detail + ")"
		}
		parts = append(parts, f)
	} else if e.Detail != "" {
		parts = append(parts, e.Detail)
	}
	if e.Op != "" {
		parts = append(parts, e.Op)
	}
	if e.Syscall != "" {
		s := e.Syscall
		if e.Args != "" {
			s += "(" + e.Args + ")"
		}
		parts = append(parts, s)
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	text := strings.Join(parts, ": ")
	if e.Hint != "" {
		text += "; " + e.Hint
	}
	return text
}

// Unwrap gives the cause, so that errors.Is(err, syscall.EPERM) holds.
func (e *Error) Unwrap() error { return e.Err }

// Facts lists the parts that are set, under the names --log-format json prints them by. Nested
// Errors contribute the parts that the outer one leaves empty.
func Facts(err error) map[string]string {
	facts := map[string]string{}
	put := func(k, v string) {
		if v != "" && facts[k] == "" {
			facts[k] = v
		}
	}
	for err != nil {
		var e *Error
		if !errors.As(err, &e) {
			break
		}
		put("field", e.Field)
		put("detail", e.Detail)
		put("op", e.Op)
		put("syscall", e.Syscall)
		put("args", e.Args)
		put("hint", e.Hint)
		err = e.Err
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		put("errno", fmt.Sprint(int(errno)))
	}
	return facts
}
