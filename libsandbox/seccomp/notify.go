// Handing the listener of a filter with SCMP_ACT_NOTIFY to the agent that answers for it.

package seccomp

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// maxSunPath is how long a path fits into struct sockaddr_un with its final zero byte (unix(7)).
const maxSunPath = 107

// HandOver sends a listener to the agent that listens on the stream socket at listenerPath, with
// the container process state that the runtime specification describes (config-linux.md,
// "The Container Process State"). It sets state.Fds. It waits at most timeout, for an agent
// that accepts and reads; an error means that the agent does not have the listener, and the
// container must not be started.
//
// The caller closes its own copy of listener afterwards: only when the last copy is gone, because
// the agent died, does the kernel answer ENOSYS to the calls that wait for it instead of letting
// them hang.
func HandOver(listenerPath string, state specs.ContainerProcessState, listener *os.File, timeout time.Duration) error {
	state.Fds = []string{specs.SeccompFdName}
	text, err := json.Marshal(&state)
	if err != nil {
		return &errdetail.Error{Field: "linux.seccomp.listenerMetadata", Op: "describe the container to the agent", Err: err}
	}
	fail := func(call string, err error) error {
		return &errdetail.Error{Field: "linux.seccomp.listenerPath", Detail: listenerPath,
			Op: "hand the listener to the agent", Syscall: call, Err: err}
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fail("socket", err)
	}
	defer unix.Close(fd)
	// The send timeout holds for connect(2) on a full backlog as well (unix(7), socket(7)).
	tv := unix.NsecToTimeval(max(timeout, time.Millisecond).Nanoseconds())
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &tv); err != nil {
		return fail("setsockopt", err)
	}
	if err := connect(fd, listenerPath); err != nil {
		return fail("connect", err)
	}
	rights := unix.UnixRights(int(listener.Fd()))
	for len(text) > 0 {
		n, err := unix.SendmsgN(fd, text, rights, nil, unix.MSG_NOSIGNAL)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return fail("sendmsg", err)
		}
		// The descriptor goes with the first byte; more would be a second copy.
		text, rights = text[n:], nil
	}
	return nil
}

// connect connects to the socket at path, by its folder if the path is too long for an address.
func connect(fd int, path string) error {
	if !filepath.IsAbs(path) {
		return unix.EINVAL
	}
	if len(path) > maxSunPath {
		dir, err := unix.Open(filepath.Dir(path), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(dir)
		path = "/proc/self/fd/" + strconv.Itoa(dir) + "/" + filepath.Base(path)
		if len(path) > maxSunPath {
			return unix.ENAMETOOLONG
		}
	}
	for {
		err := unix.Connect(fd, &unix.SockaddrUnix{Name: path})
		if err != unix.EINTR {
			return err
		}
	}
}
