// Looking up the program before anything is started, in the file system that the sandbox will
// have.

package libsandbox

import (
	"fmt"
	"os"
	"path"
	"strings"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// hostTree knows which path of the host is behind a path of the sandbox. It serves only to say
// early that a program does not exist: what is executed is decided by the kernel, in the
// sandbox.
type hostTree struct{ entries []treeEntry }

type treeEntry struct {
	at     string
	host   string // folder or file of the host
	link   string // target of a symbolic link that the sandbox makes
	opaque bool   // not known before the sandbox exists
}

func (t *hostTree) bind(at, host string) {
	t.entries = append(t.entries, treeEntry{at: at, host: host})
}
func (t *hostTree) link(at, target string) {
	t.entries = append(t.entries, treeEntry{at: at, link: target})
}
func (t *hostTree) opaque(at string) { t.entries = append(t.entries, treeEntry{at: at, opaque: true}) }

// find is the entry that p is at or below: the longest one, of equal ones the last.
func (t *hostTree) find(p string) (best *treeEntry, rest string) {
	for i := range t.entries {
		e := &t.entries[i]
		switch {
		case e.at == p, e.at == "/", strings.HasPrefix(p, e.at+"/"):
			if best == nil || len(e.at) >= len(best.at) {
				best, rest = e, strings.TrimPrefix(strings.TrimPrefix(p, e.at), "/")
			}
		}
	}
	return best, rest
}

// verdict is what is known of a program's path.
type verdict int

const (
	absent verdict = iota
	notExecutable
	present
	unknown
)

// maxLinks is the kernel's own bound (path_resolution(7)).
const maxLinks = 40

// look follows p through the sandbox's mounts and the symbolic links behind them.
func (t *hostTree) look(p string) verdict {
	links := 0
	done, todo := "/", strings.Split(strings.Trim(path.Clean(p), "/"), "/")
	for i := 0; i < len(todo); i++ {
		at := path.Join(done, todo[i])
		e, rest := t.find(at)
		switch {
		case e == nil && t.above(at):
			done = at
			continue
		case e == nil:
			return absent
		case e.opaque:
			return unknown
		}
		target := e.link
		if target == "" || rest != "" {
			st, err := os.Lstat(path.Join(e.host, rest))
			if err != nil {
				if os.IsPermission(err) {
					return unknown
				}
				if t.above(at) {
					done = at
					continue
				}
				return absent
			}
			if st.Mode()&os.ModeSymlink == 0 {
				if i == len(todo)-1 {
					return executable(st)
				}
				done = at
				continue
			}
			if target, err = os.Readlink(path.Join(e.host, rest)); err != nil {
				return unknown
			}
		}
		if links++; links > maxLinks {
			return absent
		}
		if !path.IsAbs(target) {
			target = path.Join(done, target)
		}
		todo = append(strings.Split(strings.Trim(path.Clean(target), "/"), "/"), todo[i+1:]...)
		done, i = "/", -1
	}
	return absent
}

// above says whether p is on the way to a mount.
func (t *hostTree) above(p string) bool {
	for i := range t.entries {
		if strings.HasPrefix(t.entries[i].at, p+"/") {
			return true
		}
	}
	return false
}

func executable(st os.FileInfo) verdict {
	if st.IsDir() || st.Mode()&0o111 == 0 {
		return notExecutable
	}
	return present
}

// lookPath finds the program's path in the sandbox.
func (p *prepared) lookPath() (string, error) {
	c := p.cfg
	if !p.makes(NamespaceMount) {
		p.tree.bind("/", "/")
	}
	if strings.Contains(c.Program, "/") {
		full := c.Program
		if !path.IsAbs(full) {
			full = path.Join(p.spec.Process.Cwd, full)
		}
		return c.Program, p.lookError(p.tree.look(full))
	}
	worst, maybe := absent, ""
	for _, dir := range pathOf(p.spec.Process.Env) {
		if dir == "" {
			if !c.PathCurrentDir {
				continue
			}
			dir = "."
		}
		full := dir
		if !path.IsAbs(dir) {
			full = path.Join(p.spec.Process.Cwd, dir)
		}
		full = path.Join(full, c.Program)
		switch v := p.tree.look(full); v {
		case present:
			return full, nil
		case unknown:
			if maybe == "" {
				maybe = full
			}
		default:
			worst = max(worst, v)
		}
	}
	if maybe != "" {
		return maybe, nil
	}
	return "", p.lookError(worst)
}

func (p *prepared) lookError(v verdict) error {
	switch v {
	case absent:
		return &errdetail.Error{Field: "Program", Detail: p.cfg.Program, Err: ErrNotFound}
	case notExecutable:
		return &errdetail.Error{Field: "Program", Detail: p.cfg.Program, Err: fmt.Errorf("is not an executable file: %w", os.ErrPermission)}
	}
	return nil
}

func pathOf(env []string) []string {
	for i := len(env) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(env[i], "PATH="); ok {
			return strings.Split(v, ":")
		}
	}
	return strings.Split(defaultPath, ":")
}
