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
func (r *Root) Home(uid uint32) string {
	// Looked at before it is opened: a FIFO would hang us, a device do whatever it does.
	at, err := r.OpenFile("/etc/passwd", unix.O_PATH, 0)
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
