// Package libsandbox runs OCI containers and sandboxed processes from any Go program. It needs no
// cgo, no C constructor and no re-execution of the importing program: a container's init is a
// tiny executable that this package makes from config.json (see packages lower and plan).
//
// A Runtime is a folder in which containers are known by id. Its methods are what the commands
// of an OCI runtime do: Create, Start, State, Kill, Delete.
package libsandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/state"
	"golang.org/x/sys/unix"
)

// Version of the runtime.
const Version = "0.1.0"

// Errors that callers tell apart. Their texts are matched by container engines.
var (
	ErrNotExist = state.ErrNotExist
	ErrExist    = state.ErrExist
	// ErrNotRunning is returned for an action that needs a process.
	ErrNotRunning = errors.New("container not running")
	ErrPaused     = errors.New("container is paused")
)

// Runtime is where containers live. It holds no open resources; copies are fine.
type Runtime struct {
	// Root is the folder for the state of containers, made on demand. It should be on tmpfs.
	Root string
	// SystemdCgroup lets systemd make the cgroups.
	SystemdCgroup bool
	// ResctrlRoot is where resctrl is mounted; empty means to look for it where a config.json
	// has linux.intelRdt.
	ResctrlRoot string
	// Rootless says that host privileges are missing: what only they allow is left out where
	// the OCI specification permits. See NewRuntime.
	Rootless bool
	// TimerSlack is that of a container's processes (prctl(2), PR_SET_TIMERSLACK), 1 ns and more;
	// 0 leaves it that of the thread that makes the process.
	TimerSlack time.Duration
	// Warn receives what is odd but not wrong; nil discards it.
	Warn func(msg string)
}

// NewRuntime returns a Runtime for root; an empty root means /run/sandbox-runtime, or for an
// unprivileged user a folder in $XDG_RUNTIME_DIR.
func NewRuntime(root string) *Runtime {
	rootless := os.Geteuid() != 0
	if root == "" {
		root = DefaultRoot()
	}
	if abs, err := filepath.Abs(root); err == nil {
		root = abs
	}
	return &Runtime{Root: root, Rootless: rootless}
}

// DefaultRoot is the state folder that is used when none is named.
//
// Root of a user namespace, as which podman runs a user's containers, is no owner of /run: where a
// user's own folder is named, it is that.
func DefaultRoot() string {
	if os.Geteuid() == 0 && !(namespacedRoot() && os.Getenv("XDG_RUNTIME_DIR") != "") {
		return "/run/sandbox-runtime"
	}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		return filepath.Join(dir, "sandbox-runtime")
	}
	return tmpRoot()
}

// tmpRoot is where a user keeps containers who has no folder of his own for such things.
func tmpRoot() string { return fmt.Sprintf("/tmp/sandbox-runtime-%d", os.Geteuid()) }

// checkRoot refuses a state folder in /tmp that is somebody else's: everybody can make it first, and
// who owns it says what the containers in it are.
func (r *Runtime) checkRoot() error {
	if r.Root != tmpRoot() {
		return nil
	}
	var st unix.Stat_t
	switch err := unix.Lstat(r.Root, &st); {
	case err == unix.ENOENT:
		return nil
	case err != nil:
		return &os.PathError{Op: "lstat", Path: r.Root, Err: err}
	case st.Mode&unix.S_IFMT != unix.S_IFDIR || int(st.Uid) != os.Geteuid() || st.Mode&0o022 != 0:
		return &errdetail.Error{Op: "use the state folder " + r.Root, Err: errors.New("it is not a folder of this user's alone"),
			Hint: "set XDG_RUNTIME_DIR, or name a folder of your own with --root"}
	}
	return nil
}

// namespacedRoot reports whether this process is root in a user namespace other than the first one,
// whose map covers all ids (user_namespaces(7)), and not called root there: an engine of a user's.
// It can mount what it likes, but the host's cgroups and device nodes are out of its reach.
func namespacedRoot() bool {
	if os.Geteuid() != 0 || os.Getenv("USER") == "root" {
		return false
	}
	return inUserNS()
}

// bareCgroups reports whether the container may have to do with the cgroup that it is born in.
func (r *Runtime) bareCgroups() bool { return r.Rootless || namespacedRoot() }

// inUserNS reports whether this process is in a user namespace other than the first one. That does
// not change: the kernel lets no process with more than one thread enter another (setns(2)).
var inUserNS = sync.OnceValue(func() bool {
	f, err := openPlain("/proc/self/uid_map", unix.O_RDONLY)
	if err != nil {
		return false
	}
	defer f.Close()
	var buf [256]byte // a map of more lines is certainly not the first one's
	n, err := f.Read(buf[:])
	return err == nil && !slices.Equal(strings.Fields(string(buf[:n])), []string{"0", "0", "4294967295"})
})

func (r *Runtime) warn(format string, args ...any) {
	if r.Warn != nil {
		r.Warn(fmt.Sprintf(format, args...))
	}
}

// CheckID says what is wrong with a container id: it consists of letters, digits and _ + - . and
// is a plain file name.
func CheckID(id string) error {
	if id == "" || id == "." || id == ".." {
		return errdetail.New("container id", "invalid %q: must not be empty, . or ..", id)
	}
	if len(id) > 1024 {
		return errdetail.New("container id", "longer than 1024 bytes")
	}
	for _, c := range id {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case c == '_' || c == '+' || c == '-' || c == '.':
		default:
			return errdetail.New("container id", "invalid %q: only letters, digits and _ + - . are allowed", id)
		}
	}
	return nil
}

// List returns the containers of the runtime, sorted by id. One whose state cannot be read does not
// hide the others: r.Warn is told of it.
func (r *Runtime) List() ([]*Container, error) {
	ids, err := r.IDs()
	if err != nil {
		return nil, err
	}
	var list []*Container
	for _, id := range ids {
		c, err := r.Load(id)
		if errors.Is(err, ErrNotExist) {
			continue // deleted since
		}
		if err != nil {
			r.warn("container %s: %v", id, err)
			continue
		}
		list = append(list, c)
	}
	return list, nil
}

// IDs names the containers below r.Root, sorted, without looking into them.
func (r *Runtime) IDs() ([]string, error) {
	if err := r.checkRoot(); err != nil {
		return nil, err
	}
	return state.List(r.Root)
}

// Load finds a container. The error is ErrNotExist if there is none of that id.
func (r *Runtime) Load(id string) (*Container, error) { return r.load(id, false) }

func (r *Runtime) load(id string, lock bool) (*Container, error) {
	if err := CheckID(id); err != nil {
		return nil, err
	}
	if err := r.checkRoot(); err != nil {
		return nil, err
	}
	dir, err := state.Open(r.Root, id, lock)
	if err != nil {
		return nil, err
	}
	st, err := dir.Load()
	if err != nil {
		dir.Close()
		return nil, err
	}
	return &Container{rt: r, dir: dir, st: st}, nil
}
