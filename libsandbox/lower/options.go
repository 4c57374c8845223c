// mounts[].options: one table, from which the parser, its errors and `features` are made.

package lower

import (
	"strings"

	"golang.org/x/sys/unix"
)

// mountAttr is struct mount_attr of mount_setattr(2).
type mountAttr struct{ set, clear, propagation, userns uint64 }

// attrNames prints attribute bits.
var attrNames = [...]struct {
	bit  uint64
	name string
}{
	{unix.MOUNT_ATTR_RDONLY, "RDONLY"}, {unix.MOUNT_ATTR_NOSUID, "NOSUID"}, {unix.MOUNT_ATTR_NODEV, "NODEV"},
	{unix.MOUNT_ATTR_NOEXEC, "NOEXEC"}, {unix.MOUNT_ATTR_NODIRATIME, "NODIRATIME"},
	{unix.MOUNT_ATTR_NOSYMFOLLOW, "NOSYMFOLLOW"}, {unix.MOUNT_ATTR_IDMAP, "IDMAP"},
}

func attrText(bits uint64) string {
	var parts []string
	for _, a := range attrNames {
		if bits&a.bit != 0 {
			parts = append(parts, a.name)
		}
	}
	switch bits & unix.MOUNT_ATTR__ATIME {
	case unix.MOUNT_ATTR_NOATIME:
		parts = append(parts, "NOATIME")
	case unix.MOUNT_ATTR_STRICTATIME:
		parts = append(parts, "STRICTATIME")
	case unix.MOUNT_ATTR__ATIME:
		parts = append(parts, "ATIME")
	}
	if len(parts) == 0 {
		return "0"
	}
	return strings.Join(parts, "|")
}

// String is the attributes as explain prints them.
func (a mountAttr) String() string {
	var parts []string
	if a.set != 0 {
		parts = append(parts, "set "+attrText(a.set))
	}
	if a.clear != 0 {
		parts = append(parts, "clear "+attrText(a.clear))
	}
	if a.userns != 0 {
		parts = append(parts, "by "+itoa(int64(a.userns)))
	}
	if a.propagation != 0 {
		parts = append(parts, propagationName(a.propagation))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func propagationName(p uint64) string {
	switch p {
	case unix.MS_SHARED:
		return "shared"
	case unix.MS_SLAVE:
		return "slave"
	case unix.MS_PRIVATE:
		return "private"
	case unix.MS_UNBINDABLE:
		return "unbindable"
	}
	return "?"
}

type optionKind uint8

const (
	optAttr    optionKind = iota // mount attribute of this mount
	optRecAttr                   // of this mount and those below it
	optProp                      // propagation
	optRecProp                   // of the whole tree
	optSuper                     // flag of the file system itself, by fsconfig(2)
	optBind                      // bind, rbind
	optCopyUp                    // tmpcopyup
	optIDMap                     // idmap, ridmap
	optRemount                   // remount
	optIgnored                   // means nothing to a kernel, spec says to accept
)

// option is one row of the spec's table (config.md, "Linux mount options").
type option struct {
	name  string
	kind  optionKind
	set   uint64 // attribute bits, propagation, or 1 for the recursive form
	clear uint64
	flag  string // optSuper: the flag's name in fsconfig(2)
}

const atime = unix.MOUNT_ATTR__ATIME

// options is sorted as the spec's table is, not by need: it is searched linearly, 60 short
// comparisons, which costs nothing at start-up.
var options = [...]option{
	{"async", optSuper, 0, 0, "async"},
	{"atime", optAttr, 0, atime, ""},
	{"bind", optBind, 0, 0, ""},
	{"defaults", optIgnored, 0, 0, ""},
	{"dev", optAttr, 0, unix.MOUNT_ATTR_NODEV, ""},
	{"diratime", optAttr, 0, unix.MOUNT_ATTR_NODIRATIME, ""},
	{"dirsync", optSuper, 0, 0, "dirsync"},
	{"exec", optAttr, 0, unix.MOUNT_ATTR_NOEXEC, ""},
	{"iversion", optSuper, 0, 0, "iversion"},
	{"lazytime", optSuper, 0, 0, "lazytime"},
	{"loud", optIgnored, 0, 0, ""},
	{"mand", optSuper, 0, 0, "mand"},
	{"noatime", optAttr, unix.MOUNT_ATTR_NOATIME, atime, ""},
	{"nodev", optAttr, unix.MOUNT_ATTR_NODEV, 0, ""},
	{"nodiratime", optAttr, unix.MOUNT_ATTR_NODIRATIME, 0, ""},
	{"noexec", optAttr, unix.MOUNT_ATTR_NOEXEC, 0, ""},
	{"noiversion", optIgnored, 0, 0, ""},
	{"nolazytime", optSuper, 0, 0, "nolazytime"},
	{"nomand", optSuper, 0, 0, "nomand"},
	{"norelatime", optAttr, unix.MOUNT_ATTR_STRICTATIME, atime, ""},
	{"nostrictatime", optAttr, 0, atime, ""},
	{"nosuid", optAttr, unix.MOUNT_ATTR_NOSUID, 0, ""},
	{"nosymfollow", optAttr, unix.MOUNT_ATTR_NOSYMFOLLOW, 0, ""},
	{"private", optProp, unix.MS_PRIVATE, 0, ""},
	{"ratime", optRecAttr, 0, atime, ""},
	{"rbind", optBind, 1, 0, ""},
	{"rdev", optRecAttr, 0, unix.MOUNT_ATTR_NODEV, ""},
	{"rdiratime", optRecAttr, 0, unix.MOUNT_ATTR_NODIRATIME, ""},
	{"relatime", optAttr, 0, atime, ""},
	{"remount", optRemount, 0, 0, ""},
	{"rexec", optRecAttr, 0, unix.MOUNT_ATTR_NOEXEC, ""},
	{"rnoatime", optRecAttr, unix.MOUNT_ATTR_NOATIME, atime, ""},
	{"rnodev", optRecAttr, unix.MOUNT_ATTR_NODEV, 0, ""},
	{"rnodiratime", optRecAttr, unix.MOUNT_ATTR_NODIRATIME, 0, ""},
	{"rnoexec", optRecAttr, unix.MOUNT_ATTR_NOEXEC, 0, ""},
	{"rnorelatime", optRecAttr, unix.MOUNT_ATTR_STRICTATIME, atime, ""},
	{"rnostrictatime", optRecAttr, 0, atime, ""},
	{"rnosuid", optRecAttr, unix.MOUNT_ATTR_NOSUID, 0, ""},
	{"rnosymfollow", optRecAttr, unix.MOUNT_ATTR_NOSYMFOLLOW, 0, ""},
	{"ro", optAttr, unix.MOUNT_ATTR_RDONLY, 0, ""},
	{"rprivate", optRecProp, unix.MS_PRIVATE, 0, ""},
	{"rrelatime", optRecAttr, 0, atime, ""},
	{"rro", optRecAttr, unix.MOUNT_ATTR_RDONLY, 0, ""},
	{"rrw", optRecAttr, 0, unix.MOUNT_ATTR_RDONLY, ""},
	{"rshared", optRecProp, unix.MS_SHARED, 0, ""},
	{"rslave", optRecProp, unix.MS_SLAVE, 0, ""},
	{"rstrictatime", optRecAttr, unix.MOUNT_ATTR_STRICTATIME, atime, ""},
	{"rsuid", optRecAttr, 0, unix.MOUNT_ATTR_NOSUID, ""},
	{"rsymfollow", optRecAttr, 0, unix.MOUNT_ATTR_NOSYMFOLLOW, ""},
	{"runbindable", optRecProp, unix.MS_UNBINDABLE, 0, ""},
	{"rw", optAttr, 0, unix.MOUNT_ATTR_RDONLY, ""},
	{"shared", optProp, unix.MS_SHARED, 0, ""},
	{"silent", optIgnored, 0, 0, ""},
	{"slave", optProp, unix.MS_SLAVE, 0, ""},
	{"strictatime", optAttr, unix.MOUNT_ATTR_STRICTATIME, atime, ""},
	{"suid", optAttr, 0, unix.MOUNT_ATTR_NOSUID, ""},
	{"symfollow", optAttr, 0, unix.MOUNT_ATTR_NOSYMFOLLOW, ""},
	{"sync", optSuper, 0, 0, "sync"},
	{"tmpcopyup", optCopyUp, 0, 0, ""},
	{"unbindable", optProp, unix.MS_UNBINDABLE, 0, ""},
	{"idmap", optIDMap, 0, 0, ""},
	{"ridmap", optIDMap, 1, 0, ""},
}

// MountOptions lists the names of all options that are more than text for the file system.
func MountOptions() []string {
	names := make([]string, len(options))
	for i := range options {
		names[i] = options[i].name
	}
	return names
}

// mountOptions is mounts[].options sorted by who carries each out.
type mountOptions struct {
	bind, recursive bool
	attr, recAttr   mountAttr
	props           []option // in the order given
	super           []string
	copyUp          bool
	idmap           bool
	idmapRecursive  bool
	remount         bool
	data            []string // the file system's own
}

func (a *mountAttr) apply(o *option) {
	a.clear |= o.clear
	a.set &^= o.clear
	a.set |= o.set
	if o.set&^atime != 0 {
		a.clear &^= o.set &^ atime
	}
}

func parseOptions(list []string) (m mountOptions) {
	for _, text := range list {
		o := findOption(text)
		if o == nil {
			m.data = append(m.data, splitData(text)...)
			continue
		}
		switch o.kind {
		case optAttr:
			m.attr.apply(o)
		case optRecAttr:
			m.recAttr.apply(o)
		case optProp, optRecProp:
			m.props = append(m.props, *o)
		case optSuper:
			m.super = append(m.super, o.flag)
		case optBind:
			m.bind, m.recursive = true, m.recursive || o.set == 1
		case optCopyUp:
			m.copyUp = true
		case optRemount:
			m.remount = true
		case optIDMap:
			m.idmap, m.idmapRecursive = true, o.set == 1
		}
	}
	return m
}

// splitData splits what mount(2) would take as one string: fsconfig(2) wants one key at a time.
// A backslash or double quotes keep a comma (mount(8); SELinux contexts).
func splitData(text string) (parts []string) {
	if !strings.Contains(text, ",") {
		return []string{text}
	}
	start, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\':
			i++
		case text[i] == '"':
			quoted = !quoted
		case text[i] == ',' && !quoted:
			parts = append(parts, text[start:i])
			start = i + 1
		}
	}
	return append(parts, text[start:])
}

func findOption(name string) *option {
	for i := range options {
		if options[i].name == name {
			return &options[i]
		}
	}
	return nil
}

// fsmountAttrs are the attributes as fsmount(2) takes them: only what is set.
func (m *mountOptions) fsmountAttrs() uint64 { return m.attr.set | m.recAttr.set }
