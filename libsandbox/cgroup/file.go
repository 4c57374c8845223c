// Reading and writing of cgroup files with the fewest system calls: no os.File, hence no poller
// registration and no finaliser, one write(2) per value.

package cgroup

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// writeFile writes data to an existing file with a single write(2). The kernel takes each write
// to a cgroup file as one complete value, so a split write would be two values.
func (m *Manager) writeFile(path, data string) error {
	flags := unix.O_WRONLY | unix.O_CLOEXEC
	if m.fake {
		flags |= unix.O_CREAT | unix.O_TRUNC
	}
	return writePath(path, data, flags)
}

func writePath(path, data string, flags int) error {
	fd, err := openRetry(unix.AT_FDCWD, path, flags)
	if err != nil {
		return &pathError{"open", path, err}
	}
	defer unix.Close(fd)
	for {
		_, err = unix.Write(fd, []byte(data))
		if err != unix.EINTR {
			break
		}
	}
	if err != nil {
		return &pathError{"write " + strconv.Quote(data) + " to", path, err}
	}
	return nil
}

// readFile returns the whole file. It is sized for cgroup files: one page is nearly always enough.
func readFile(path string) (string, error) {
	return readAt(unix.AT_FDCWD, path)
}

// readValue returns a file of one short value, without the newline. The kernel gives it whole to the
// first read.
func readValue(path string) (string, error) {
	fd, err := openRetry(unix.AT_FDCWD, path, unix.O_RDONLY|unix.O_CLOEXEC)
	if err != nil {
		return "", &pathError{"open", path, err}
	}
	defer unix.Close(fd)
	var buf [64]byte
	for {
		n, err := unix.Read(fd, buf[:])
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return "", &pathError{"read", path, err}
		}
		return strings.TrimSpace(string(buf[:n])), nil
	}
}

func readAt(dirfd int, path string) (string, error) {
	fd, err := openRetry(dirfd, path, unix.O_RDONLY|unix.O_CLOEXEC)
	if err != nil {
		return "", &pathError{"open", path, err}
	}
	defer unix.Close(fd)
	var buf [4096]byte
	var out []byte
	for {
		n, err := unix.Read(fd, buf[:])
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return "", &pathError{"read", path, err}
		case n == 0:
			return string(out), nil
		}
		out = append(out, buf[:n]...)
	}
}

func openRetry(dirfd int, path string, flags int) (int, error) {
	for {
		fd, err := unix.Openat(dirfd, path, flags, 0o644)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

// pathError says what was done to which path; the errno is reachable through errors.Is.
type pathError struct {
	op, path string
	err      error
}

func (e *pathError) Error() string { return e.op + " " + e.path + ": " + e.err.Error() }
func (e *pathError) Unwrap() error { return e.err }

// field finds the value of key in a file of "key value" lines, such as cgroup.events.
func field(text, key string) (string, bool) {
	for line := range strings.Lines(text) {
		k, v, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if ok && k == key {
			return v, true
		}
	}
	return "", false
}

// uintField is field for numbers; anything else counts as absent.
func uintField(text, key string) (uint64, bool) {
	v, ok := field(text, key)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(v, 10, 64)
	return n, err == nil
}

// exists reports whether path can be reached.
func exists(path string) bool {
	var st unix.Stat_t
	return unix.Stat(path, &st) == nil
}
