// Failure records: what the stage writes when a step fails, turned into an error.

package stage

import (
	"encoding/binary"
	"strings"
	"syscall"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/plan"
)

// Decode turns a failure record (a step's address, an errno, perhaps the kernel's own text) into
// a *StepError that names the config.json field, the system call and its arguments.
func Decode(p *plan.Plan, rec []byte) error {
	if len(rec) < plan.RecordSize {
		return ErrGone
	}
	i := p.StepAt(binary.LittleEndian.Uint64(rec), len(Code()))
	errno := syscall.Errno(binary.LittleEndian.Uint64(rec[8:]))
	if i < 0 {
		return errdetail.Sys("run the container's init", "", errno)
	}
	s := &p.Steps[i]
	e := &errdetail.Error{Syscall: s.Name, Args: p.ArgText(i), Err: errno}
	if s.Section >= 0 {
		sec := p.Sections[s.Section]
		e.Field, e.Detail, e.Op = sec.Field, sec.Detail, sec.Title
	}
	// fsopen(2): each line of the kernel's text is "e reason", "w ..." or "i ...".
	if text := string(rec[plan.RecordSize:]); len(text) > 2 {
		text = strings.TrimSpace(strings.TrimPrefix(text, "e "))
		e.Hint = "the kernel says: " + text
	}
	return &StepError{Step: i, Name: s.Name, Errno: errno, Facts: e}
}
