// ProcessConfig: what a sandboxed process is to be.

package libsandbox

import (
	"fmt"
	"io"
	"os"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/landlock"
)

// ProcessConfig describes one program in one sandbox. The zero value with a Program is the
// strictest: every namespace, no network, no home, the host's /usr read-only, a private /tmp,
// /dev and /proc, none of the caller's environment, no capabilities, no new privileges.
type ProcessConfig struct {
	// Program is a path in the sandbox, or a name that is looked up in the PATH of the
	// program's own environment. Args follow it; they do not contain the program's name.
	Program string
	Args    []string

	// Env is KEY=VALUE, later ones win. It is put on top of the caller's environment with
	// InheritEnv, and on top of PATH, HOME, TERM and LANG without.
	Env        []string
	InheritEnv bool
	// PathCurrentDir lets an empty entry of PATH mean the working directory. Otherwise such
	// entries are skipped.
	PathCurrentDir bool

	// Dir is the working directory in the sandbox; empty means /.
	Dir string
	// Root is a folder that becomes the root, by pivot_root(2); empty means the default file
	// system described above.
	Root string
	// RootReadOnly makes Root read-only; RootOverlay sends writes to a layer over it.
	RootReadOnly bool
	RootOverlay  *Overlay
	// Mounts are added in this order.
	Mounts []Mount

	// UID and GID are the ids that the program sees itself with. Nil means the caller's or, if
	// that is root, 65534 (nobody). Without privileges any single id can be had, because it is
	// only a name for the caller's own.
	UID, GID *uint32
	// Groups are supplementary groups. They need privileges.
	Groups []uint32

	// Share are the namespaces that are not made but shared with the caller. The zero value
	// shares none.
	Share Namespace
	// Hostname of a UTS namespace of its own; empty means "sandbox".
	Hostname string

	// Seccomp is a filter, SeccompProfile the name of one (seccomp.Names). At most one is set;
	// without either it is DefaultSeccomp. no_new_privs is always set, so a filter needs no
	// privileges.
	Seccomp        *specs.LinuxSeccomp
	SeccompProfile string
	// WatchDenied reports the system calls that the filter refuses in Result.Denied, and the paths
	// and addresses that the sandbox keeps from the program in Result.DeniedPaths. Refusals, and
	// calls that open or execute a file or connect a socket, then go through this process, which
	// answers as the filter would have: each takes some ten microseconds longer.
	WatchDenied bool
	// Landlock restricts what the mount tree allows further; nil means no such rules.
	Landlock *landlock.Ruleset

	// Rlimits are set by their names, e.g. RLIMIT_NOFILE (getrlimit(2)).
	Rlimits []specs.POSIXRlimit
	// Limits are of the sandbox as a whole.
	Limits Limits
	// Timeout ends every process of the sandbox; 0 means none. It counts from the start of the
	// program.
	Timeout time.Duration

	// TimerSlack is the program's (prctl(2), PR_SET_TIMERSLACK), 1 ns and more; 0 leaves it that of
	// the thread that makes the sandbox.
	TimerSlack time.Duration

	// Mode says whose privileges are used.
	Mode Mode

	// Stdin, Stdout and Stderr are the standard streams; nil means /dev/null. An *os.File is
	// passed on as it is, anything else is copied.
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Terminal, where set, gives the program a terminal of its own, made in the sandbox: it is its
	// controlling terminal and its standard streams, which must be nil here. Terminal is called with the
	// other end before the program runs, and has to close it some time; an error ends the sandbox.
	Terminal func(master *os.File) error
	// ExtraFiles become the descriptors 3, 4, ... No other descriptor is inherited.
	ExtraFiles []*os.File
}

// Mode says whose privileges a sandbox is made with.
type Mode string

// The modes.
const (
	// Auto is Privileged for root with CAP_SYS_ADMIN, otherwise Unprivileged.
	Auto Mode = "auto"
	// Privileged uses root's rights to make the sandbox; the program has none of them.
	Privileged Mode = "privileged"
	// Unprivileged needs nothing but user namespaces.
	Unprivileged Mode = "unprivileged"
)

// Namespace is a set of kinds of namespaces (namespaces(7)).
type Namespace uint16

// The kinds of namespaces.
const (
	NamespacePID Namespace = 1 << iota
	NamespaceMount
	NamespaceNetwork
	NamespaceIPC
	NamespaceUTS
	NamespaceCgroup
	NamespaceUser
)

// namespaceTypes are the kinds by the bits' order.
var namespaceTypes = [...]specs.LinuxNamespaceType{specs.PIDNamespace, specs.MountNamespace, specs.NetworkNamespace,
	specs.IPCNamespace, specs.UTSNamespace, specs.CgroupNamespace, specs.UserNamespace}

// MountKind is what a Mount puts into the sandbox.
type MountKind string

// The kinds of mounts.
const (
	BindReadOnly MountKind = "bind-ro" // Source on the host, not writable
	Bind         MountKind = "bind"    // Source on the host, writable as far as the ids allow
	Tmpfs        MountKind = "tmpfs"   // empty, in memory, at most Size bytes
	OverlayMount MountKind = "overlay" // Source on the host, writes go to a layer
	Proc         MountKind = "proc"
)

// Mount is one addition to the file system of the sandbox. Source and target are made nosuid and
// nodev.
type Mount struct {
	Kind   MountKind
	Source string // absolute path on the host
	Dest   string // absolute path in the sandbox; empty means Source
	// Size bounds a tmpfs, and a throw-away overlay, in bytes; 0 means half the memory.
	Size int64
	// Upper and Work keep an overlay's writes on the host, both on one file system. If they are
	// empty, what is written is thrown away with the sandbox.
	Upper, Work string
	// NoExec forbids to execute what is there.
	NoExec bool
	// Optional leaves the mount out if Source does not exist.
	Optional bool
}

// Overlay is the layer for writes over Root: as Mount's fields of the same names.
type Overlay struct {
	Upper, Work string
	Size        int64
}

// ErrNotFound is returned, wrapped, when the program does not exist. Nothing was started.
var ErrNotFound = fmt.Errorf("command not found")

// check says what is wrong with the configuration by itself.
func (c *ProcessConfig) check() error {
	if c.Program == "" {
		return errdetail.New("Program", "missing: there is no program to run")
	}
	if c.Dir != "" && c.Dir[0] != '/' {
		return errdetail.New("Dir", "%q is not absolute", c.Dir)
	}
	switch c.Mode {
	case "", Auto, Privileged, Unprivileged:
	default:
		return errdetail.New("Mode", "unknown %q: want auto, privileged or unprivileged", c.Mode)
	}
	if c.Share&NamespaceMount != 0 && (c.Root != "" || len(c.Mounts) > 0 || c.RootOverlay != nil) {
		return errdetail.New("Share", "a root or mounts need a mount namespace of the sandbox's own")
	}
	if c.RootOverlay != nil && c.Root == "" {
		return errdetail.New("RootOverlay", "needs a Root to put the layer over")
	}
	if c.RootOverlay != nil && c.RootReadOnly {
		return errdetail.New("RootReadOnly", "contradicts RootOverlay, which is for writes to the root")
	}
	if o := c.RootOverlay; o != nil && (o.Upper == "") != (o.Work == "") {
		return errdetail.New("RootOverlay", "an overlay that is kept needs both Upper and Work")
	}
	if c.Seccomp != nil && c.SeccompProfile != "" {
		return errdetail.New("SeccompProfile", "give a filter or the name of one, not both")
	}
	if c.Terminal != nil && (c.Stdin != nil || c.Stdout != nil || c.Stderr != nil) {
		return errdetail.New("Terminal", "the program's terminal is its standard streams: give it none")
	}
	if c.Terminal != nil && c.Share&NamespaceMount != 0 {
		return errdetail.New("Terminal", "needs a mount namespace of the sandbox's own, where the terminal is made")
	}
	if c.Timeout < 0 {
		return errdetail.New("Timeout", "%v is negative", c.Timeout)
	}
	if err := c.Limits.check(); err != nil {
		return err
	}
	return c.checkMounts()
}

func (c *ProcessConfig) checkMounts() error {
	for i := range c.Mounts {
		m, field := &c.Mounts[i], fmt.Sprintf("Mounts[%d]", i)
		switch m.Kind {
		case Bind, BindReadOnly, OverlayMount:
			if m.Source == "" || m.Source[0] != '/' {
				return errdetail.New(field+".Source", "%q is not absolute", m.Source)
			}
		case Tmpfs, Proc:
		default:
			return errdetail.New(field+".Kind", "unknown %q: want bind-ro, bind, tmpfs, overlay or proc", m.Kind)
		}
		if d := m.dest(); d == "" || d[0] != '/' {
			return errdetail.New(field+".Dest", "%q is not absolute", d)
		}
		if (m.Upper == "") != (m.Work == "") {
			return errdetail.New(field, "an overlay that is kept needs both Upper and Work")
		}
	}
	return nil
}

func (m *Mount) dest() string {
	if m.Dest == "" {
		return m.Source
	}
	return m.Dest
}
