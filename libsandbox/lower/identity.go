// Who the program is: session, groups, capabilities, ids, and where it starts.

package lower

import (
	"strconv"
	"strings"
	"syscall"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/plan"
	"github.com/sandbox-runtime/sandbox-runtime/specconv"
	"golang.org/x/sys/unix"
)

func itoa(n int64) string   { return strconv.FormatInt(n, 10) }
func octal(n uint32) string { return strconv.FormatUint(uint64(n), 8) }

// identity gives up what the program must not have. The order is the kernel's: the bounding set
// needs CAP_SETPCAP, groups before ids, ids before the final capability sets, because setresuid
// from 0 clears them unless PR_SET_KEEPCAPS is set (capabilities(7)).
func (b *builder) identity(p *specs.Process, init bool) {
	b.session(p, init)
	b.execDomain()
	b.labels(p)
	if p.NoNewPrivileges {
		b.section("process.noNewPrivileges", "", "forbid new privileges")
		b.prctl(unix.PR_SET_NO_NEW_PRIVS, "PR_SET_NO_NEW_PRIVS", plan.Int(1))
	}
	var caps capSets
	if p.Capabilities != nil {
		caps = b.parseCaps(p.Capabilities)
	}
	if p.Capabilities != nil {
		b.boundingSet(caps.bounding)
	}
	if uid := p.User.UID; uid != 0 && len(b.facts.ChownStdio) > 0 {
		b.section("process.user.uid", itoa(int64(uid)), "hand over the standard streams")
		for _, fd := range b.facts.ChownStdio {
			s := b.p.Sys(unix.SYS_FCHOWN, "fchown", plan.Int(int64(fd)), plan.Int(int64(int32(uid))), plan.Int(-1))
			b.p.Ignore(s, syscall.EINVAL, syscall.EPERM, syscall.EROFS)
		}
	}
	done := b.firstChdir(p)
	if !b.inUserNS() {
		b.rlimits(p)
	}
	if p.Capabilities == nil && p.User.UID != 0 && b.filterNeedsAdmin(p) {
		b.seccomp(b.facts.Seccomp) // the last moment: a user without capabilities cannot
	}
	b.user(p)
	b.secondChdir(p, done)
	if p.Capabilities != nil {
		b.capabilities(caps, b.filterNeedsAdmin(p))
	}
	b.umask(p, init)
}

// umask leaves the caller's as it is where config.json has none (config.md, "user"). A sandboxed
// process, which has no config.json, gets the usual one.
func (b *builder) umask(p *specs.Process, init bool) {
	var mask plan.Arg
	switch {
	case p.User.Umask != nil:
		mask = plan.Flag(int64(*p.User.Umask), "0"+octal(*p.User.Umask))
	case b.oldMask != plan.Reg{}:
		mask = b.oldMask.Val()
	case init:
		mask = plan.Flag(0o022, "022")
	default:
		return // exec has not changed it
	}
	b.section("process.user.umask", "", "set the umask")
	b.p.Sys(unix.SYS_UMASK, "umask", mask)
}

func (b *builder) prctl(op int64, name string, args ...plan.Arg) *plan.Step {
	var all [5]plan.Arg // unused ones must be 0 (prctl(2))
	all[0] = plan.Flag(op, name)
	copy(all[1:], args)
	return b.p.Sys(unix.SYS_PRCTL, "prctl", all[:]...)
}

// session makes a new session, with the terminal where there is one, and a session keyring.
func (b *builder) session(p *specs.Process, init bool) {
	b.section("", "", "make a new session")
	if b.facts.Keyring != "" {
		s := b.p.Sys(unix.SYS_KEYCTL, "keyctl", plan.Flag(unix.KEYCTL_JOIN_SESSION_KEYRING, "KEYCTL_JOIN_SESSION_KEYRING"),
			b.p.Str(b.facts.Keyring), plan.Int(0), plan.Int(0), plan.Int(0))
		b.p.Ignore(s, syscall.ENOSYS)
	}
	s := b.p.Sys(unix.SYS_SETSID, "setsid")
	if !init {
		b.p.Ignore(s, syscall.EPERM) // it may lead its group already
	}
	if p.Terminal {
		b.p.Sys(unix.SYS_IOCTL, "ioctl", plan.Int(0), plan.Flag(unix.TIOCSCTTY, "TIOCSCTTY"), plan.Int(0))
	}
}

// rlimits are set as late as privileges allow: a low RLIMIT_NOFILE would break what comes before.
// In a user namespace the runtime sets them from outside instead, because only a capability on
// the host raises a hard limit (getrlimit(2)).
func (b *builder) rlimits(p *specs.Process) {
	for i := range p.Rlimits {
		l := &p.Rlimits[i]
		b.section(index("process.rlimits", i), l.Type, "set it to "+itoa(int64(l.Soft))+":"+itoa(int64(l.Hard)))
		b.p.Sys(unix.SYS_PRLIMIT64, "prlimit64", plan.Int(0), plan.Flag(int64(specconv.RlimitNumber(l.Type)), l.Type),
			plan.Ptr(b.p.Words(l.Soft, l.Hard), "{"+itoa(int64(l.Soft))+", "+itoa(int64(l.Hard))+"}"), plan.Int(0))
	}
}

// capSets are the five sets as bit masks.
type capSets struct{ bounding, effective, permitted, inheritable, ambient uint64 }

// parseCaps leaves out what cannot be granted: what the runtime itself does not hold, and what the
// sets rule out among each other (capabilities(7)). The spec wants a warning then, not an error
// (config.md, "capabilities").
func (b *builder) parseCaps(c *specs.LinuxCapabilities) capSets {
	have := ^uint64(0)
	if b.facts.HeldCaps != 0 && !b.inUserNS() {
		have = b.facts.HeldCaps
	}
	s := capSets{bounding: CapMask(c.Bounding) & have, permitted: CapMask(c.Permitted) & have}
	s.effective = CapMask(c.Effective) & s.permitted
	s.inheritable = CapMask(c.Inheritable) & s.bounding
	s.ambient = CapMask(c.Ambient) & s.permitted & s.inheritable
	return s
}

// CapMask is a set of capabilities as bits.
func CapMask(names []string) (mask uint64) {
	for _, name := range names {
		if i := specconv.CapIndex(name); i >= 0 {
			mask |= 1 << i
		}
	}
	return mask
}

func (b *builder) boundingSet(keep uint64) {
	b.section("process.capabilities.bounding", "", "drop what is not in the bounding set")
	for i := 0; i <= b.facts.LastCap; i++ {
		if keep&(1<<i) == 0 {
			b.prctl(unix.PR_CAPBSET_DROP, "PR_CAPBSET_DROP", plan.Flag(int64(i), specconv.CapName(i)))
		}
	}
}

// user sets groups and ids. Supplementary groups are always set, if only to none: a group that
// is left over gives or denies rights nobody asked for (CVE-2022-36109).
func (b *builder) user(p *specs.Process) {
	u := &p.User
	b.section("process.user", itoa(int64(u.UID))+":"+itoa(int64(u.GID)), "set groups and ids")
	b.prctl(unix.PR_SET_KEEPCAPS, "PR_SET_KEEPCAPS", plan.Int(1))
	groups := plan.Int(0)
	if len(u.AdditionalGids) > 0 {
		groups = plan.Ptr(b.p.Words32(u.AdditionalGids...), "gids")
	}
	if !b.facts.DenySetgroups || len(u.AdditionalGids) > 0 {
		b.p.Sys(unix.SYS_SETGROUPS, "setgroups", plan.Int(int64(len(u.AdditionalGids))), groups)
	}
	uid, gid := plan.Int(int64(int32(u.UID))), plan.Int(int64(int32(u.GID)))
	b.p.Sys(unix.SYS_SETRESGID, "setresgid", gid, gid, gid)
	b.p.Sys(unix.SYS_SETRESUID, "setresuid", uid, uid, uid)
}

// filterNeedsAdmin says that the seccomp filter takes CAP_SYS_ADMIN to load (seccomp(2)).
func (b *builder) filterNeedsAdmin(p *specs.Process) bool {
	return b.facts.Seccomp != nil && !p.NoNewPrivileges
}

// capabilities sets the program's capabilities. With keepAdmin, CAP_SYS_ADMIN stays permitted, not
// effective, until the filter is loaded: what is done until then is done with the program's rights.
func (b *builder) capabilities(c capSets, keepAdmin bool) {
	b.section("process.capabilities", "", "set the capabilities")
	b.prctl(unix.PR_SET_KEEPCAPS, "PR_SET_KEEPCAPS", plan.Int(0))
	first := c
	if keepAdmin {
		first.permitted |= 1 << unix.CAP_SYS_ADMIN
	}
	b.capset(first)
	s := b.prctl(unix.PR_CAP_AMBIENT, "PR_CAP_AMBIENT", plan.Flag(unix.PR_CAP_AMBIENT_CLEAR_ALL, "PR_CAP_AMBIENT_CLEAR_ALL"))
	b.p.Ignore(s, syscall.EINVAL)
	for i := 0; i <= b.facts.LastCap; i++ {
		if c.ambient&(1<<i) != 0 {
			b.prctl(unix.PR_CAP_AMBIENT, "PR_CAP_AMBIENT", plan.Flag(unix.PR_CAP_AMBIENT_RAISE, "PR_CAP_AMBIENT_RAISE"),
				plan.Flag(int64(i), specconv.CapName(i)))
		}
	}
}

// filterAsAdmin loads the filter with CAP_SYS_ADMIN and gives that up. Of what follows, only a few
// system calls of every program are left to run below the filter: a profile need not know ours.
func (b *builder) filterAsAdmin(f *Filter, p *specs.Process) {
	if p.Capabilities == nil {
		if p.User.UID == 0 {
			b.seccomp(f)
		}
		return
	}
	c := b.parseCaps(p.Capabilities)
	admin := c
	admin.permitted |= 1 << unix.CAP_SYS_ADMIN
	admin.effective |= 1 << unix.CAP_SYS_ADMIN
	b.section("linux.seccomp", "", "be allowed to load the filter")
	b.capset(admin)
	b.seccomp(f)
	b.section("process.capabilities", "", "give that up again")
	b.capset(c)
}

func (b *builder) capset(c capSets) {
	hdr := b.p.Words32(unix.LINUX_CAPABILITY_VERSION_3, 0)
	data := b.p.Words32(uint32(c.effective), uint32(c.permitted), uint32(c.inheritable),
		uint32(c.effective>>32), uint32(c.permitted>>32), uint32(c.inheritable>>32))
	b.p.Sys(unix.SYS_CAPSET, "capset", plan.Ptr(hdr, "version 3"), plan.Ptr(data, capText(c)))
}

func capText(c capSets) string {
	return "effective " + hex(c.effective) + ", permitted " + hex(c.permitted) + ", inheritable " + hex(c.inheritable)
}

func hex(v uint64) string { return "0x" + strconv.FormatUint(v, 16) }

// firstChdir enters process.cwd while still privileged: it may be a folder that only root can
// reach. The returned label is where to go on when that worked. The path is opened without magic
// links, so /proc/self/fd/N cannot lead out (CVE-2024-21626).
func (b *builder) firstChdir(p *specs.Process) plan.Label {
	done, denied := b.p.NewLabel(), b.p.NewLabel()
	b.section("process.cwd", p.Cwd, "enter the working directory")
	b.openCwd(p).On(denied, syscall.EACCES)
	b.p.Sys(unix.SYS_FCHDIR, "fchdir", b.dst.Val()).On(denied, syscall.EACCES).IfZero(done)
	b.p.Place(denied)
	return b.branch(done)
}

// branch remembers by a register that the step before went to done, so that the steps between
// here and the second try run in both cases.
func (b *builder) branch(done plan.Label) plan.Label {
	again := b.p.Reg("again")
	retry, rest := b.p.NewLabel(), b.p.NewLabel()
	b.p.Move(again, plan.Int(1))
	b.p.Goto(rest)
	b.p.Place(done)
	b.p.Move(again, plan.Int(0))
	b.p.Place(rest)
	b.retryReg = again
	return retry
}

func (b *builder) openCwd(p *specs.Process) *plan.Step {
	return b.p.Sys(unix.SYS_OPENAT2, "openat2", fdcwd(), b.p.Str(p.Cwd), b.howDir, plan.Int(howSize)).To(b.dst)
}

// secondChdir tries once more as the user, if the first try was denied.
func (b *builder) secondChdir(p *specs.Process, after plan.Label) {
	b.section("process.cwd", p.Cwd, "enter the working directory as the user, if root could not")
	b.p.Sys(plan.Move, "test", b.retryReg.Val()).IfZero(after)
	b.openCwd(p)
	b.p.Sys(unix.SYS_FCHDIR, "fchdir", b.dst.Val())
	b.p.Place(after)
}

// seccomp loads the filter.
func (b *builder) seccomp(f *Filter) {
	b.section("linux.seccomp", "", "load the seccomp filter")
	prog := b.p.Words(uint64(len(f.Program)/8), uint64(b.p.Bytes(f.Program)))
	s := b.p.Sys(unix.SYS_SECCOMP, "seccomp", plan.Flag(unix.SECCOMP_SET_MODE_FILTER, "SECCOMP_SET_MODE_FILTER"),
		plan.Flag(int64(f.Flags), hex(uint64(f.Flags))), plan.Ptr(prog, itoa(int64(len(f.Program)/8))+" instructions"))
	if f.Notify {
		listener := b.p.Reg("listener")
		s.To(listener)
		b.sendFD(SyncSeccomp, "hand the seccomp listener to the runtime", listener, plan.Int(0))
		b.close(listener)
	}
}

// searchPath is the container's PATH, or the default of execvp(3).
func searchPath(env []string) []string {
	for i := len(env) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(env[i], "PATH="); ok {
			return strings.Split(v, ":")
		}
	}
	return strings.Split("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", ":")
}
