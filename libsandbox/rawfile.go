// Files of the host by plain system calls: os.Open makes each descriptor known to the network
// poller first, which takes five calls more, and for the first one sets the poller up.

package libsandbox

import (
	"os"

	"golang.org/x/sys/unix"
)

// openPlain is os.OpenFile without the poller.
func openPlain(path string, flags int) (*os.File, error) {
	for {
		fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0)
		switch err {
		case nil:
			return os.NewFile(uintptr(fd), path), nil
		case unix.EINTR:
		default:
			return nil, &os.PathError{Op: "open", Path: path, Err: err}
		}
	}
}
