// From the finished container to the program: look it up, wait for start, execute it.

package lower

import (
	"path"
	"strings"
	"syscall"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/plan"
	"golang.org/x/sys/unix"
)

// launch ends the straight path of a plan.
func (b *builder) launch(p *specs.Process) {
	if len(p.Args) == 0 {
		b.sync(SyncReady, "the runtime records the container")
		b.section("process", "", "there is no program: wait to be deleted")
		b.tail = len(b.p.Steps)
		b.p.Sys(unix.SYS_READ, "read", plan.Int(int64(b.facts.StartFD)), plan.Ptr(b.ack(), "go"), plan.Int(1))
		b.p.Goto(b.exit)
		return
	}
	prog := b.lookup(p)
	f := b.facts.Seccomp
	switch {
	case f == nil:
	case !p.NoNewPrivileges:
		b.filterAsAdmin(f, p) // before the wait for start: nothing waits with a capability too many
	case f.Notify:
		b.seccomp(f) // the agent is called while the container is being created
	}
	b.sync(SyncReady, "the runtime sets rlimits and records the container")
	if b.facts.StartFD >= 0 {
		b.section("", "", "wait for start")
		b.close(b.sock)
		b.p.Move(b.errfd, plan.Int(int64(b.facts.ResultFD)))
		b.p.Sys(unix.SYS_READ, "read", plan.Int(int64(b.facts.StartFD)), plan.Ptr(b.ack(), "go"), plan.Int(1)).
			IfZero(b.exit)
	}
	b.tail = len(b.p.Steps)
	if f != nil && !f.Notify && p.NoNewPrivileges {
		b.seccomp(f)
	}
	b.section("process.args[0]", p.Args[0], "execute the program")
	argv := plan.Ptr(b.p.StrArray(p.Args), argvText(p.Args))
	envp := plan.Ptr(b.p.StrArray(b.environment(p)), "process.env")
	b.p.Sys(unix.SYS_EXECVE, "execve", prog.Val(), argv, envp)
}

func argvText(args []string) string {
	return "[" + strings.Join(args, " ") + "]"
}

// environment is process.env with what the runtime adds.
func (b *builder) environment(p *specs.Process) []string {
	env := lastOfEach(append(append([]string(nil), p.Env...), b.facts.Env...))
	home := -1
	for i, e := range env {
		if strings.HasPrefix(e, "HOME=") {
			home = i
		}
	}
	switch {
	case home < 0 && b.facts.Home != "":
		env = append(env, "HOME="+b.facts.Home)
	case home >= 0 && env[home] == "HOME=" && b.facts.Home != "":
		env[home] = "HOME=" + b.facts.Home
	}
	return env
}

// lastOfEach leaves one value of each name, the last. Programs disagree about the others: getenv(3) takes
// the first, a shell the last.
func lastOfEach(env []string) []string {
	place := make(map[string]int, len(env))
	kept := env[:0]
	for _, e := range env {
		name, _, _ := strings.Cut(e, "=")
		if i, again := place[name]; again {
			kept[i] = e
			continue
		}
		place[name] = len(kept)
		kept = append(kept, e)
	}
	return kept
}

// lookup finds process.args[0] as the user, in the container, before start, and leaves the
// path's address in the returned register.
func (b *builder) lookup(p *specs.Process) plan.Reg {
	prog := b.p.Reg("program")
	name := p.Args[0]
	found := b.p.NewLabel()
	b.section("process.args[0]", name, "look for the program")
	candidates := []string{name}
	if !strings.Contains(name, "/") {
		candidates = candidates[:0]
		for _, dir := range searchPath(p.Env) {
			if dir == "" {
				dir = "." // an empty entry of PATH is the working directory
			}
			candidates = append(candidates, path.Join(dir, name))
		}
	}
	for i, c := range candidates {
		if !strings.Contains(c, "/") {
			c = "./" + c
		}
		next, isFile := b.p.NewLabel(), b.p.NewLabel()
		s := b.access(c, unix.X_OK, "X_OK")
		if i < len(candidates)-1 {
			s.On(next, syscall.ENOENT, syscall.EACCES, syscall.ENOTDIR, syscall.ELOOP)
		}
		// A folder is executable too: "c/." exists only for one.
		b.access(c+"/.", unix.F_OK, "F_OK").On(isFile, plan.AnyErrno)
		if i < len(candidates)-1 {
			b.p.Goto(next)
		} else {
			b.p.Sys(unix.SYS_EXECVE, "execve", b.p.Str(c), plan.Int(0), plan.Int(0)) // fails: EACCES
		}
		b.p.Place(isFile)
		b.p.Move(prog, b.p.Str(c))
		if i < len(candidates)-1 {
			b.p.Goto(found)
		}
		b.p.Place(next)
	}
	b.p.Place(found)
	return prog
}

func (b *builder) access(p string, mode int64, text string) *plan.Step {
	// AT_EACCESS: by the effective ids and capabilities, as execve(2) will check.
	return b.p.Sys(unix.SYS_FACCESSAT2, "faccessat2", fdcwd(), b.p.Str(p), plan.Flag(mode, text),
		plan.Flag(unix.AT_EACCESS, "AT_EACCESS"))
}
