// Package hooks runs the OCI hooks of config.json that belong to the runtime's own namespaces
// (prestart, createRuntime, poststart, poststop), and prepares the other two (createContainer,
// startContainer), which the caller executes inside the container by its own means.
//
// A hook gets the container's state as JSON on its standard input, exactly the environment that
// config.json lists for it, and no file descriptor but 0, 1 and 2 (runtime-spec, config.md,
// "POSIX-platform Hooks"; runtime.md, "State").
package hooks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// ErrTimeout is in the chain of the error of a hook that ran longer than its timeout.
var ErrTimeout = errors.New("hook timed out")

// Options say how hooks are run. The zero value is what runc does: the hook inherits the
// runtime's working directory, its output is not shown.
type Options struct {
	// Dir is the hook's working directory; empty means the runtime's own.
	Dir string
	// Stdout receives the hook's standard output; nil means /dev/null. A hook never gets the
	// container's own stdout unless the caller passes it here.
	Stdout *os.File
	// Stderr receives a copy of the hook's standard error as it comes; nil means none. The last
	// StderrLimit bytes go into the error of a hook that failed, in either case.
	Stderr *os.File
}

// StderrLimit is how many bytes of a failed hook's standard error its error text keeps, counted
// from the end. A hook is free to write more: it must not be able to grow the runtime by that.
const StderrLimit = 4096

// Prepared is a hook checked and ready to be executed: what execve(2) needs, and what to feed it.
type Prepared struct {
	// Field is the hook's place in config.json: hooks.createRuntime[0].
	Field string
	// Path is the absolute path of the program; it is not searched in any PATH.
	Path string
	// Argv is the whole argument vector including argv[0]. It is Path alone where config.json
	// has no args.
	Argv []string
	// Env is the complete environment; never nil, empty where config.json lists none.
	Env []string
	// Stdin is the JSON of the container's state.
	Stdin []byte
	// Timeout is the time the hook may take; 0 means any.
	Timeout time.Duration
}

// EncodeState gives the JSON that hooks read from their standard input. It is called once for a
// list of hooks, and not at all where there are none: the first use of encoding/json for a type
// costs more than anything else here.
func EncodeState(state *specs.State) ([]byte, error) {
	b, err := json.Marshal(state)
	if err != nil {
		return nil, &errdetail.Error{Op: "encode the state for hooks", Err: err}
	}
	return b, nil
}

// Prepare checks a hook. field names it (hooks.createContainer[2]); stdin is what EncodeState
// gave. The errors are those of a config.json that the spec forbids: a path that is not absolute,
// a timeout that is not positive, a NUL byte, an environment entry without '='.
func Prepare(hook specs.Hook, field string, stdin []byte) (*Prepared, error) {
	if !filepath.IsAbs(hook.Path) {
		return nil, errdetail.New(field+".path", "%q is not an absolute path", hook.Path)
	}
	if strings.IndexByte(hook.Path, 0) >= 0 {
		return nil, errdetail.New(field+".path", "holds a NUL byte")
	}
	p := &Prepared{Field: field, Path: hook.Path, Argv: hook.Args, Env: hook.Env, Stdin: stdin}
	if len(p.Argv) == 0 {
		p.Argv = []string{hook.Path}
	}
	for i, a := range p.Argv {
		if strings.IndexByte(a, 0) >= 0 {
			return nil, errdetail.New(element(field+".args", i), "holds a NUL byte")
		}
	}
	if p.Env == nil {
		p.Env = []string{} // nil would mean "the runtime's own environment" to os.StartProcess
	}
	for i, e := range p.Env {
		if strings.IndexByte(e, 0) >= 0 {
			return nil, errdetail.New(element(field+".env", i), "holds a NUL byte")
		}
		if strings.IndexByte(e, '=') <= 0 {
			return nil, errdetail.New(element(field+".env", i), "%q is not of the form NAME=value", e)
		}
	}
	if hook.Timeout != nil {
		const longest = int64(1<<63-1) / int64(time.Second)
		if *hook.Timeout <= 0 {
			return nil, errdetail.New(field+".timeout", "%d is not greater than 0", *hook.Timeout)
		}
		if int64(*hook.Timeout) > longest {
			return nil, errdetail.New(field+".timeout", "%d seconds is more than %d", *hook.Timeout, longest)
		}
		p.Timeout = time.Duration(*hook.Timeout) * time.Second
	}
	return p, nil
}

// Run runs one hook and waits for it. The error names field and the program, says how it ended and
// ends with the tail of its standard error. It has ErrTimeout in its chain for a hook that was
// stopped by its timeout, and ctx.Err() for one stopped by ctx; both kill the hook's whole
// process group and wait for the hook itself.
func Run(ctx context.Context, hook specs.Hook, field string, state *specs.State, opts Options) error {
	stdin, err := EncodeState(state)
	if err != nil {
		return err
	}
	p, err := Prepare(hook, field, stdin)
	if err != nil {
		return err
	}
	return p.Run(ctx, opts)
}

// RunAll runs the hooks of one list in order and stops at the first that fails. field is the
// list's name: hooks.createRuntime.
func RunAll(ctx context.Context, list []specs.Hook, field string, state *specs.State, opts Options) error {
	return each(list, field, state, func(p *Prepared) error { return p.Run(ctx, opts) }, nil)
}

// RunAllWarn runs every hook of a list, also after one has failed, and hands each failure to warn:
// what runtime.md, "Lifecycle", wants of poststop.
func RunAllWarn(ctx context.Context, list []specs.Hook, field string, state *specs.State,
	opts Options, warn func(error)) {
	err := each(list, field, state, func(p *Prepared) error { return p.Run(ctx, opts) }, warn)
	if err != nil {
		warn(err)
	}
}

// PrepareAll prepares a list for a caller who executes the hooks himself; nil for an empty list.
func PrepareAll(list []specs.Hook, field string, state *specs.State) ([]*Prepared, error) {
	var all []*Prepared
	err := each(list, field, state, func(p *Prepared) error {
		all = append(all, p)
		return nil
	}, nil)
	if err != nil {
		return nil, err
	}
	return all, nil
}

// each prepares the hooks of a list and calls do for each; with a warn function it goes on after
// a failure.
func each(list []specs.Hook, field string, state *specs.State, do func(*Prepared) error,
	warn func(error)) error {
	if len(list) == 0 {
		return nil
	}
	stdin, err := EncodeState(state)
	if err != nil {
		return err
	}
	for i := range list {
		p, err := Prepare(list[i], element(field, i), stdin)
		if err == nil {
			err = do(p)
		}
		switch {
		case err != nil && warn != nil:
			warn(err)
		case err != nil:
			return err
		}
	}
	return nil
}

func element(field string, i int) string { return field + "[" + strconv.Itoa(i) + "]" }

// Fail is the error of a hook that could not be run or did not succeed; stderr may be empty.
func (p *Prepared) Fail(cause error, stderr string) error {
	if stderr != "" {
		cause = fmt.Errorf("%w, stderr: %s", cause, stderr)
	}
	return &errdetail.Error{Field: p.Field, Detail: p.Path, Op: "error running hook", Err: cause}
}
