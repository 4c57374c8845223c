// What an ordinary directory needs to behave a little like a cgroup.

package cgroup

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// fakeRmdir removes the files a test tree has in a directory, which a real cgroup's rmdir(2) does
// by itself, then the directory.
func fakeRmdir(path string) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		if os.IsNotExist(err) {
			return nil
		}
		return err
	}
	for _, e := range entries {
		if e.IsDir() {
			return &pathError{"rmdir", path, unix.EBUSY}
		}
	}
	for _, e := range entries {
		_ = os.Remove(filepath.Join(path, e.Name()))
	}
	return os.Remove(path)
}
