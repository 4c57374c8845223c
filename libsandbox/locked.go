// Flags of a mount that a user namespace must keep (mount_namespaces(7), "locked"): which one a bind
// mount would change, for the error's text.

package libsandbox

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/stage"
	"golang.org/x/sys/unix"
)

// lockedHint adds to an error of a bind mount which of the source's flags is locked, and what to
// write instead. It looks at the source, so that it says nothing that is not so.
func (cr *creation) lockedHint(err error) error {
	var se *stage.StepError
	if !errors.As(err, &se) || se.Name != "mount_setattr" || se.Errno != unix.EPERM || se.Facts.Hint != "" {
		return err
	}
	number, ok := strings.CutPrefix(se.Facts.Field, "mounts[")
	i, convErr := strconv.Atoi(strings.TrimSuffix(number, "]"))
	if !ok || convErr != nil || i >= len(cr.spec.Mounts) || !cr.facts.Rootless && !cr.facts.InUserNS {
		return err
	}
	m := &cr.spec.Mounts[i]
	var st unix.Statfs_t
	if unix.Statfs(m.Source, &st) != nil {
		return err
	}
	for j, o := range m.Options {
		if has, want := lockedBy(o, st.Flags); has != "" {
			se.Facts.Hint = fmt.Sprintf("%s is mounted %s on the host, which a user namespace cannot change: write %s instead of %q in mounts[%d].options[%d]",
				m.Source, has, want, o, i, j)
			break
		}
	}
	return err
}

// lockedBy says which flag of a source with these statfs(2) flags keeps option o from taking
// effect, and what to write in its place.
func lockedBy(o string, flags int64) (has, want string) {
	for _, f := range [...]struct {
		option, flag string
		bit          int64
	}{
		{"suid", "nosuid", unix.ST_NOSUID}, {"dev", "nodev", unix.ST_NODEV},
		{"exec", "noexec", unix.ST_NOEXEC}, {"rw", "ro", unix.ST_RDONLY},
	} {
		if (o == f.option || o == "r"+f.option) && flags&f.bit != 0 {
			return f.flag, strconv.Quote(strings.TrimSuffix(o, f.option) + f.flag)
		}
	}
	atime := "strictatime"
	switch {
	case flags&unix.ST_NOATIME != 0:
		atime = "noatime"
	case flags&unix.ST_RELATIME != 0:
		atime = "relatime"
	}
	switch strings.TrimPrefix(o, "r") {
	case "atime", "noatime", "relatime", "elatime", "norelatime", "strictatime", "nostrictatime":
		if o != atime && o != "r"+atime {
			return atime, strconv.Quote(atime) + ", or nothing,"
		}
	}
	return "", ""
}
