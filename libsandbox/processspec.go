// From a ProcessConfig to what package lower compiles.

package libsandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/lower"
	"golang.org/x/sys/unix"
)

const (
	nobody      = 65534
	defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
)

// prepared is a ProcessConfig made into what the plan is compiled from.
type prepared struct {
	cfg     *ProcessConfig
	spec    *specs.Spec
	sandbox lower.Sandbox
	mode    Mode
	reason  string // why that mode
	fields  []string
	tree    hostTree
	seccomp *specs.LinuxSeccomp // the filter, if it is no built-in one
	limits  LimitReport

	profileName string // of the built-in filter

	landlockABI int
}

func prepareProcess(c *ProcessConfig) (*prepared, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	p := &prepared{cfg: c}
	var err error
	if p.mode, p.reason, err = pickMode(c.Mode, c.uid(), c.gid()); err != nil {
		return nil, err
	}
	p.spec = &specs.Spec{
		Process: &specs.Process{Cwd: c.Dir, Env: c.environment(), NoNewPrivileges: true, Rlimits: slices.Clone(c.Rlimits),
			Args: append([]string{c.Program}, c.Args...), Capabilities: &specs.LinuxCapabilities{},
			Terminal: c.Terminal != nil},
		Root: &specs.Root{Path: c.Root, Readonly: c.RootReadOnly}, Linux: &specs.Linux{}, Hostname: c.Hostname,
	}
	if c.Dir == "" {
		p.spec.Process.Cwd = "/"
	}
	if c.Hostname == "" {
		p.spec.Hostname = "sandbox"
	}
	if err := p.identity(); err != nil {
		return nil, err
	}
	p.namespaces()
	if c.Share&NamespaceMount == 0 {
		if err := p.fileSystem(); err != nil {
			return nil, err
		}
	}
	if p.sandbox.Program, err = p.lookPath(); err != nil {
		return nil, err
	}
	if err := p.landlock(); err != nil {
		return nil, err
	}
	if err := p.profile(); err != nil {
		return nil, err
	}
	if l := p.sandbox.Landlock; l != nil && l.HandledNet != 0 {
		if err := p.refuseMPTCP(); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// uid and gid are the ids that the program sees.
func (c *ProcessConfig) uid() uint32 { return pickID(c.UID, os.Geteuid()) }
func (c *ProcessConfig) gid() uint32 { return pickID(c.GID, os.Getegid()) }

func pickID(want *uint32, own int) uint32 {
	switch {
	case want != nil:
		return *want
	case os.Geteuid() == 0:
		return nobody
	}
	return uint32(own)
}

// identity fills in the ids that the program sees.
func (p *prepared) identity() error {
	c, u := p.cfg, &p.spec.Process.User
	u.UID, u.GID = c.uid(), c.gid()
	if len(c.Groups) > 0 && p.mode != Privileged {
		return errdetail.New("Groups", "additional groups need the privileged mode: %s", p.reason)
	}
	u.AdditionalGids = c.Groups
	return nil
}

func (p *prepared) namespaces() {
	for i, t := range namespaceTypes {
		if p.cfg.Share&(1<<i) != 0 {
			continue
		}
		p.spec.Linux.Namespaces = append(p.spec.Linux.Namespaces, specs.LinuxNamespace{Type: t})
	}
	if p.makes(NamespaceUser) && p.mode == Unprivileged {
		u := p.spec.Process.User
		p.spec.Linux.UIDMappings = []specs.LinuxIDMapping{{ContainerID: u.UID, HostID: uint32(os.Geteuid()), Size: 1}}
		p.spec.Linux.GIDMappings = []specs.LinuxIDMapping{{ContainerID: u.GID, HostID: uint32(os.Getegid()), Size: 1}}
		return
	}
	// With privileges the program gets the id on the host that it sees in the sandbox. Nothing
	// else is mapped, least of all root.
	u := p.spec.Process.User
	p.spec.Linux.UIDMappings = []specs.LinuxIDMapping{{ContainerID: u.UID, HostID: u.UID, Size: 1}}
	p.spec.Linux.GIDMappings = []specs.LinuxIDMapping{{ContainerID: u.GID, HostID: u.GID, Size: 1}}
	for _, g := range u.AdditionalGids {
		if g != u.GID {
			p.spec.Linux.GIDMappings = append(p.spec.Linux.GIDMappings, specs.LinuxIDMapping{ContainerID: g, HostID: g, Size: 1})
		}
	}
}

func (p *prepared) makes(n Namespace) bool { return p.cfg.Share&n == 0 }

// environment is what the program sees. The last entry of a name wins.
func (c *ProcessConfig) environment() []string {
	var base []string
	if c.InheritEnv {
		base = os.Environ()
	} else {
		base = []string{"PATH=" + defaultPath, "HOME=/tmp", "LANG=C.UTF-8"}
		if t := os.Getenv("TERM"); t != "" {
			base = append(base, "TERM="+t)
		}
	}
	all := append(base, c.Env...)
	at := make(map[string]int, len(all))
	out := all[:0:0]
	for _, e := range all {
		name, _, _ := strings.Cut(e, "=")
		if i, ok := at[name]; ok {
			out[i] = e
			continue
		}
		at[name] = len(out)
		out = append(out, e)
	}
	return out
}

// fileSystem fills in root, mounts and links.
func (p *prepared) fileSystem() error {
	c := p.cfg
	if c.Root == "" {
		p.sandbox.EmptyRoot = true
		p.spec.Root.Readonly = true
		p.systemFolders()
	} else {
		root, err := filepath.Abs(c.Root)
		if err != nil {
			return err
		}
		if st, err := os.Stat(root); err != nil || !st.IsDir() {
			if err == nil {
				err = unix.ENOTDIR
			}
			return &errdetail.Error{Field: "Root", Detail: root, Op: "look at it", Err: cause(err)}
		}
		p.spec.Root.Path = root
		p.tree.bind("/", root)
		if c.RootOverlay != nil {
			if err := p.rootOverlay(root); err != nil {
				return err
			}
		}
	}
	p.privateFolders()
	for i := range c.Mounts {
		if err := p.mount(fmt.Sprintf("Mounts[%d]", i), &c.Mounts[i]); err != nil {
			return err
		}
	}
	return nil
}

// systemFolders are the host's programs and libraries, and what of /etc they need to run.
func (p *prepared) systemFolders() {
	p.addBind("/usr", true)
	for _, dir := range [...]string{"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"} {
		if target, err := os.Readlink(dir); err == nil {
			p.sandbox.Links = append(p.sandbox.Links, [2]string{target, dir})
			p.tree.link(dir, target)
		} else if _, err := os.Stat(dir); err == nil {
			p.addBind(dir, true)
		}
	}
	for _, f := range [...]string{"/etc/ld.so.cache", "/etc/alternatives", "/etc/passwd", "/etc/group",
		"/etc/nsswitch.conf", "/etc/localtime", "/etc/ssl"} {
		p.addBind(f, true)
	}
	if p.cfg.Share&NamespaceNetwork != 0 {
		for _, f := range [...]string{"/etc/resolv.conf", "/etc/hosts", "/etc/services", "/etc/ca-certificates"} {
			p.addBind(f, true)
		}
	}
}

// cause is what a path error says besides the path.
func cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// addBind binds a path of the host at the same place, if it is there.
func (p *prepared) addBind(name string, readonly bool) {
	if _, err := os.Stat(name); err != nil {
		return
	}
	m := Mount{Kind: BindReadOnly, Source: name}
	if !readonly {
		m.Kind = Bind
	}
	_ = p.mount("default file system", &m) // cannot fail: it is a bind of what is there
}

func (p *prepared) add(field string, m specs.Mount) {
	p.spec.Mounts = append(p.spec.Mounts, m)
	p.fields = append(p.fields, field)
}

// privateFolders are /proc, /dev and /tmp of the sandbox's own.
func (p *prepared) privateFolders() {
	const field = "default file system"
	if p.makes(NamespacePID) {
		p.add(field, specs.Mount{Type: "proc", Destination: "/proc", Options: []string{"nosuid", "nodev", "noexec"}})
		// These belong to root, so only root has to be kept from them: with a user namespace the
		// program is not root for the host unless it was asked for.
		if p.hostUID() == 0 {
			p.spec.Linux.MaskedPaths = []string{"/proc/kcore", "/proc/keys", "/proc/sysrq-trigger", "/proc/timer_list",
				"/proc/acpi", "/proc/scsi", "/proc/latency_stats", "/proc/interrupts"}
			p.spec.Linux.ReadonlyPaths = []string{"/proc/sys", "/proc/irq", "/proc/bus", "/proc/fs"}
		}
	}
	p.add(field, specs.Mount{Type: "tmpfs", Destination: "/dev", Options: []string{"nosuid", "noexec", "mode=755", "size=64k"}})
	p.add(field, specs.Mount{Type: "devpts", Destination: "/dev/pts", Options: []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"}})
	p.add(field, specs.Mount{Type: "tmpfs", Destination: "/dev/shm", Options: []string{"nosuid", "nodev", "noexec", "mode=1777"}})
	p.add(field, specs.Mount{Type: "tmpfs", Destination: "/tmp", Options: []string{"nosuid", "nodev", "mode=1777"}})
	for _, d := range [...]string{"/proc", "/dev", "/tmp"} {
		p.tree.opaque(d)
	}
}

// mount adds one mount of the configuration.
func (p *prepared) mount(field string, m *Mount) error {
	dest := path.Clean(m.dest())
	if m.Kind == Bind || m.Kind == BindReadOnly || m.Kind == OverlayMount {
		if _, err := os.Stat(m.Source); err != nil {
			if m.Optional && errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return &errdetail.Error{Field: field + ".Source", Detail: m.Source, Op: "look at it", Err: cause(err)}
		}
	}
	opts := []string{"nosuid", "nodev"}
	if m.NoExec {
		opts = append(opts, "noexec")
	}
	switch m.Kind {
	case Bind, BindReadOnly:
		opts = append(opts, "rbind")
		if m.Kind == BindReadOnly {
			opts = append(opts, "rro", "rnosuid", "rnodev")
		}
		p.add(field, specs.Mount{Source: m.Source, Destination: dest, Options: opts})
		p.tree.bind(dest, m.Source)
	case Tmpfs:
		opts = append(opts, "mode=1777")
		if m.Size > 0 {
			opts = append(opts, "size="+strconv.FormatInt(m.Size, 10))
		}
		p.add(field, specs.Mount{Type: "tmpfs", Destination: dest, Options: opts})
		p.tree.opaque(dest)
	case Proc:
		p.add(field, specs.Mount{Type: "proc", Destination: dest, Options: append(opts, "noexec")})
		p.tree.opaque(dest)
	case OverlayMount:
		p.sandbox.Overlays = append(p.sandbox.Overlays, lower.Overlay{Field: field, Dest: dest, Lower: m.Source,
			Upper: m.Upper, Work: m.Work, Size: m.Size})
		p.tree.bind(dest, m.Source)
	}
	return nil
}
