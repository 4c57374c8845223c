// The home folder of a user of the container, from its own /etc/passwd.

package rootfs

import (
	"bufio"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// maxPasswd bounds what is read of the container's /etc/passwd, in bytes.
const maxPasswd = 1 << 20

// Home is the home folder that the container's /etc/passwd gives uid, or "/" if it gives none.
// Only the number is looked up, never a name (CVE-2016-3697).
func (r *Root) Home(uid uint32) string { return r.home("/etc/passwd", uid) }

// HomeFrom is the same with what is mounted on the container's /etc/passwd or /etc: source is a file
// of that form on the host, or a folder with a file "passwd".
func HomeFrom(source string, uid uint32) string {
	if dir, err := Open(source); err == nil {
		defer dir.Close()
		return dir.home("/passwd", uid)
	}
	at, err := os.OpenFile(source, unix.O_PATH|unix.O_CLOEXEC, 0)
	return homeOf(at, err, uid)
}

func (r *Root) home(passwd string, uid uint32) string {
	// Looked at before it is opened: a FIFO would hang us, a device do whatever it does.
	at, err := r.OpenFile(passwd, unix.O_PATH, 0)
	return homeOf(at, err, uid)
}

func homeOf(at *os.File, err error, uid uint32) string {
	if err != nil {
		return "/"
	}
	defer at.Close()
	if st, err := at.Stat(); err != nil || !st.Mode().IsRegular() {
		return "/"
	}
	f, err := os.Open("/proc/self/fd/" + strconv.Itoa(int(at.Fd())))
	if err != nil {
		return "/"
	}
	defer f.Close()
	want := strconv.FormatUint(uint64(uid), 10)
	lines := bufio.NewScanner(io.LimitReader(f, maxPasswd))
	for lines.Scan() {
		// name:password:uid:gid:gecos:home:shell
		part := strings.Split(lines.Text(), ":")
		if len(part) >= 6 && part[2] == want && strings.HasPrefix(part[5], "/") {
			return part[5]
		}
	}
	return "/"
}
