// linux.resources.devices: which device nodes the container may open and make. v1 takes the rules
// one by one in files; v2 takes an eBPF program (bpf.go).

package cgroup

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// Access bits, as in struct bpf_cgroup_dev_ctx.
const (
	accessMknod = 1 << iota
	accessRead
	accessWrite
	accessAll = accessMknod | accessRead | accessWrite
)

// deviceRule is one rule; -1 is any number.
type deviceRule struct {
	field        string
	allow        bool
	kind         byte // 'a', 'b', 'c'
	major, minor int64
	access       int
}

// everything reports that the rule matches every access to every device.
func (r *deviceRule) everything() bool {
	return r.kind == 'a' && r.major < 0 && r.minor < 0 && r.access == accessAll
}

// alwaysAllowed are the devices every container has, whatever its rules say: those of
// config-linux.md ("Default Devices"), terminals, /dev/net/tun as in runc, and making any node,
// which opens nothing.
func alwaysAllowed() []deviceRule {
	const c = 'c'
	return []deviceRule{
		{"", true, c, -1, -1, accessMknod},
		{"", true, 'b', -1, -1, accessMknod},
		{"", true, c, 1, 3, accessAll},    // null
		{"", true, c, 1, 8, accessAll},    // random
		{"", true, c, 1, 7, accessAll},    // full
		{"", true, c, 5, 0, accessAll},    // tty
		{"", true, c, 1, 5, accessAll},    // zero
		{"", true, c, 1, 9, accessAll},    // urandom
		{"", true, c, 136, -1, accessAll}, // pts
		{"", true, c, 5, 2, accessAll},    // ptmx
		{"", true, c, 10, 200, accessAll}, // tun
	}
}

func checkDevices(list []specs.LinuxDeviceCgroup) error {
	_, err := deviceRules(list)
	return err
}

// deviceRules is the complete list, oldest first, starting from "nothing is allowed". What comes
// before the last rule for everything has no effect and is left out.
func deviceRules(list []specs.LinuxDeviceCgroup) ([]deviceRule, error) {
	rules := []deviceRule{{"", false, 'a', -1, -1, accessAll}}
	for i := range list {
		r, err := deviceRuleOf(i, &list[i])
		if err != nil {
			return nil, err
		}
		if r.everything() {
			rules = rules[:0]
		}
		rules = append(rules, r)
	}
	for _, r := range alwaysAllowed() {
		if !(rules[0].allow && len(rules) == 1) {
			rules = append(rules, r)
		}
	}
	return rules, nil
}

func deviceRuleOf(i int, d *specs.LinuxDeviceCgroup) (deviceRule, error) {
	f := res + "devices[" + strconv.Itoa(i) + "]"
	r := deviceRule{field: f, allow: d.Allow, kind: 'a', major: -1, minor: -1}
	switch d.Type {
	case "", "a":
	case "b", "c":
		r.kind = d.Type[0]
	case "u":
		r.kind = 'c'
	default:
		return r, errdetail.New(f+".type", "%q is not one of a, b, c", d.Type)
	}
	if d.Major != nil {
		r.major = *d.Major
	}
	if d.Minor != nil {
		r.minor = *d.Minor
	}
	for _, c := range d.Access {
		switch c {
		case 'r':
			r.access |= accessRead
		case 'w':
			r.access |= accessWrite
		case 'm':
			r.access |= accessMknod
		default:
			return r, errdetail.New(f+".access", "%q is not made of r, w and m", d.Access)
		}
	}
	if r.access == 0 {
		return r, errdetail.New(f+".access", "device access at %d field cannot be empty", i)
	}
	return r, nil
}

// applyDevices puts the rules of r into force, the defaults if there are none.
func (m *Manager) applyDevices(r *specs.LinuxResources) error {
	var list []specs.LinuxDeviceCgroup
	if r != nil {
		list = r.Devices
	}
	rules, err := deviceRules(list)
	if err != nil {
		return err
	}
	d := m.dirOf("devices")
	switch {
	case m.absent:
		return nil // rootless: mknod(2) and opening host devices need privileges anyway
	case d == nil:
		return errdetail.New(res+"devices", "cannot be enforced on this host: it has no cgroup hierarchy "+
			"with the devices controller")
	case m.mode == V2 && m.fake:
		return nil
	case m.mode == V2:
		err = attachDeviceFilter(d.path(), deviceProgram(rules))
	default:
		err = m.writeDevices(d, rules)
	}
	if err == nil || m.mayLackDevices(err) {
		return nil
	}
	var detailed *errdetail.Error
	if errors.As(err, &detailed) {
		return err
	}
	return sysErr(res+"devices", "restrict the container's devices", err)
}

// mayLackDevices: without privileges on the host neither v1's files nor bpf(2) can be used. Such a
// container cannot make device nodes either, and opens only what its user could anyway.
func (m *Manager) mayLackDevices(err error) bool {
	return (m.opts.Rootless || inUserNamespace()) &&
		(errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES))
}

// inUserNamespace reports whether this process is in a user namespace other than the first one,
// whose map covers all ids.
func inUserNamespace() bool {
	text, err := readFile("/proc/self/uid_map")
	if err != nil {
		return false
	}
	return !slices.Equal(strings.Fields(text), []string{"0", "0", "4294967295"})
}

// writeDevices writes v1's devices.allow and devices.deny, each opened once.
func (m *Manager) writeDevices(d *dir, rules []deviceRule) error {
	fds := [2]int{-1, -1}
	defer func() {
		for _, fd := range fds {
			if fd >= 0 {
				unix.Close(fd)
			}
		}
	}()
	for i := range rules {
		r := &rules[i]
		n, file := 0, "devices.deny"
		if r.allow {
			n, file = 1, "devices.allow"
		}
		path := d.path() + "/" + file
		if fds[n] < 0 {
			flags := unix.O_WRONLY | unix.O_CLOEXEC
			if m.fake {
				flags |= unix.O_CREAT | unix.O_APPEND
			}
			fd, err := openRetry(unix.AT_FDCWD, path, flags)
			if err != nil {
				return &pathError{"open", path, err}
			}
			fds[n] = fd
		}
		line := r.v1()
		if m.fake {
			line += "\n"
		}
		if _, err := unix.Write(fds[n], []byte(line)); err != nil {
			f := r.field
			if f == "" {
				f = res + "devices"
			}
			return sysErr(f, "restrict the container's devices",
				&pathError{"write " + strconv.Quote(r.v1()) + " to", path, err})
		}
	}
	return nil
}

// v1 is the rule in the words of devices.allow and devices.deny
// (Documentation/admin-guide/cgroup-v1/devices.rst).
func (r *deviceRule) v1() string {
	if r.everything() {
		return "a"
	}
	star := func(n int64) string {
		if n < 0 {
			return "*"
		}
		return strconv.FormatInt(n, 10)
	}
	s := string(rune(r.kind)) + " " + star(r.major) + ":" + star(r.minor) + " "
	for _, a := range [...]struct {
		bit  int
		name string
	}{{accessRead, "r"}, {accessWrite, "w"}, {accessMknod, "m"}} {
		if r.access&a.bit != 0 {
			s += a.name
		}
	}
	return s
}

// mergeAllows joins allow rules for the same device that only other allow rules separate, so that a
// request for read and write is matched by "r" and "w" given apart.
func mergeAllows(rules []deviceRule) []deviceRule {
	out := make([]deviceRule, 0, len(rules))
	run := 0 // where the present run of allow rules begins in out
	for _, r := range rules {
		if !r.allow {
			out = append(out, r)
			run = len(out)
			continue
		}
		i := slices.IndexFunc(out[run:], func(o deviceRule) bool {
			return o.kind == r.kind && o.major == r.major && o.minor == r.minor
		})
		if i >= 0 {
			out[run+i].access |= r.access
			continue
		}
		out = append(out, r)
	}
	return out
}
