// Errors of plan steps made into what a user, and an engine, understands; and the plan itself
// for `explain`.

package libsandbox

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/lower"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/plan"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/stage"
)

// explainStep turns the failure of a step into the final error. Engines look for the phrases
// "executable file not found in $PATH", "no such file or directory" and "permission denied".
func explainStep(err error, p *specs.Process, res *lower.Result) error {
	if err == nil {
		return nil
	}
	var se *stage.StepError
	if !errors.As(err, &se) {
		return err
	}
	e := se.Facts
	if strings.HasPrefix(e.Field, "process.rlimits[") {
		return rlimitHint(e)
	}
	if e.Field != "process.args[0]" {
		return mountHint(e.Field, se)
	}
	name := p.Args[0]
	switch {
	case se.Name == "execve" && se.Step >= res.Tail:
		return execHint(e)
	case errors.Is(se.Errno, syscall.ENOENT) && !strings.Contains(name, "/"):
		e.Syscall, e.Args, e.Op = "", "", "exec: "+fmt.Sprintf("%q", name)
		e.Err = &phrase{"executable file not found in $PATH", se.Errno}
	default:
		e.Syscall, e.Args, e.Op = "", "", "exec: "+fmt.Sprintf("%q", name)
	}
	return e
}

// phrase is an errno under another text.
type phrase struct {
	text  string
	errno error
}

func (p *phrase) Error() string { return p.text }
func (p *phrase) Unwrap() error { return p.errno }

func mountHint(field string, se *stage.StepError) error {
	e := se.Facts
	if e.Hint == "" && strings.HasPrefix(field, "mounts[") && se.Errno == syscall.ELOOP && se.Name == "openat2" {
		e.Hint = "the root file system has a symbolic link on the way: proc and sysfs must be mounted on an ordinary directory"
	}
	if e.Hint != "" {
		return e
	}
	if strings.HasPrefix(field, "mounts[") && se.Name == "openat2" && se.Errno == syscall.ENOTDIR {
		e.Hint = "the source is a folder, the target in the container is a file; not a directory"
	}
	if strings.HasPrefix(e.Op, "change the mount at") && se.Name == "mount_setattr" && se.Errno == syscall.EINVAL {
		e.Hint = "nothing is mounted there"
	}
	if field == "process.apparmorProfile" && se.Errno == syscall.ENOENT {
		e.Hint = "the profile is not loaded on this host"
	}
	return e
}

// Explain compiles the bundle as Create would and returns the plan and its linked executable,
// without starting anything.
func (r *Runtime) Explain(id string, o CreateOptions) (*plan.Plan, []byte, error) {
	spec, _, err := loadSpec(o.Bundle)
	if err != nil {
		return nil, nil, err
	}
	cr := &creation{r: r, o: &o, spec: spec}
	defer cr.in.closeAll()
	if err := cr.prepare(); err != nil {
		return nil, nil, err
	}
	cr.facts.Keyring = "_ses." + id
	cr.c = &Container{rt: r, st: r.firstState(id, o.Bundle, spec, cr.facts.RootPath)}
	if err := cr.planCgroup(); err != nil {
		return nil, nil, err
	}
	cr.facts.StartFD = len(cr.in.files)
	cr.facts.ResultFD = cr.facts.StartFD + 1
	cr.facts.SockFD = cr.facts.StartFD + 2
	cr.facts.EndFD = cr.facts.StartFD + 3
	res, err := lower.Init(spec, cr.facts)
	if err != nil {
		return nil, nil, err
	}
	elf, err := res.Plan.Link(stage.Code())
	return res.Plan, elf, err
}
