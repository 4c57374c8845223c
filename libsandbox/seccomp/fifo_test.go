package seccomp

import (
	"os"

	"golang.org/x/sys/unix"
)

// fifo replaces a file by a FIFO, which would block whoever opens it carelessly.
func fifo(path string) error {
	if err := os.Remove(path); err != nil {
		return err
	}
	return unix.Mkfifo(path, 0o600)
}
