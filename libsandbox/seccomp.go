// linux.seccomp: compiled here, loaded by the plan; the listener is handed to its agent.

package libsandbox

import (
	"os"
	"path/filepath"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/lower"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/seccomp"
)

// compileSeccomp makes the filter, or takes it from the cache below the runtime's root.
func compileSeccomp(spec *specs.Spec, r *Runtime) (*lower.Filter, error) {
	if spec.Linux == nil || spec.Linux.Seccomp == nil {
		return nil, nil
	}
	if err := os.MkdirAll(r.Root, 0o711); err != nil {
		return nil, err
	}
	f, err := seccomp.CompileCached(spec.Linux.Seccomp, seccomp.Options{}, filepath.Join(r.Root, ".seccomp"))
	if err != nil || f == nil {
		return nil, err
	}
	return &lower.Filter{Program: f.Bytes(), Flags: uint32(f.Flags), Notify: f.Notify}, nil
}

func (cr *creation) seccompListener(files []*os.File) error {
	st := cr.c.hookState(Creating, cr.proc.Pid)
	return sendListener(cr.spec, files, st, cr.proc.Pid)
}

// agentTimeout is how long an agent may take to accept a listener.
const agentTimeout = 10 * time.Second

// sendListener sends the listener to the agent's socket together with the container process
// state (runtime.md, "The Container Process State").
func sendListener(spec *specs.Spec, files []*os.File, st *specs.State, pid int) error {
	defer func() {
		for _, f := range files {
			f.Close()
		}
	}()
	if len(files) != 1 {
		return errdetail.New("linux.seccomp", "the init sent no listener")
	}
	return seccomp.HandOver(spec.Linux.Seccomp.ListenerPath, specs.ContainerProcessState{
		Version: specs.Version, Pid: pid, Metadata: spec.Linux.Seccomp.ListenerMetadata, State: *st,
	}, files[0], agentTimeout)
}
