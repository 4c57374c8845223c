// The folder of one container.

package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// Names of the files in a container's folder.
const (
	stateFile  = "state.json"
	configFile = "config.json"
	// StartFIFO is what start writes to; ResultFIFO is where the init says why it could not
	// execute its program.
	StartFIFO  = "exec.fifo"
	ResultFIFO = "result.fifo"
)

// The texts are matched by engines: containerd looks for "does not exist".
var (
	ErrNotExist = errors.New("container does not exist")
	ErrExist    = errors.New("container with given ID already exists")
)

// Dir is a container's folder. Its lock is held from New or Open until Close; it is the kernel's
// (flock(2)), so a killed runtime leaves none.
type Dir struct {
	path string
	lock int // descriptor of the locked folder, or -1
}

// New makes the folder of container id below root, and locks it.
func New(root, id string) (*Dir, error) {
	d := &Dir{path: filepath.Join(root, id), lock: -1}
	err := unix.Mkdir(d.path, 0o700)
	if err == unix.ENOENT {
		if err := os.MkdirAll(root, 0o711); err != nil {
			return nil, err
		}
		err = unix.Mkdir(d.path, 0o700)
	}
	switch {
	case err == unix.EEXIST:
		return nil, fmt.Errorf("%s: %w", id, ErrExist)
	case err != nil:
		return nil, &os.PathError{Op: "mkdir", Path: d.path, Err: err}
	}
	if err := d.acquire(); err != nil {
		os.Remove(d.path)
		return nil, err
	}
	return d, nil
}

// Open finds the folder of container id below root. With lock it waits until no other call is
// changing the container; without, whether there is one is Load's to find out.
func Open(root, id string, lock bool) (*Dir, error) {
	d := &Dir{path: filepath.Join(root, id), lock: -1}
	if !lock {
		return d, nil
	}
	if err := d.acquire(); err != nil {
		return nil, notExist(id, err)
	}
	// Whoever held the lock before may have removed the folder.
	if _, err := os.Lstat(d.path); err != nil {
		d.Close()
		return nil, notExist(id, err)
	}
	return d, nil
}

func notExist(id string, err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return fmt.Errorf("%s: %w", id, ErrNotExist)
	}
	return err
}

func (d *Dir) acquire() error {
	fd, err := openRaw(d.path, unix.O_DIRECTORY|unix.O_RDONLY, 0)
	if err != nil {
		return err
	}
	if err := flock(fd, unix.LOCK_EX); err != nil {
		unix.Close(fd)
		return err
	}
	d.lock = fd
	return nil
}

// Path is the folder; File is a file in it.
func (d *Dir) Path() string            { return d.path }
func (d *Dir) File(name string) string { return filepath.Join(d.path, name) }

// Close gives up the lock.
func (d *Dir) Close() {
	if d.lock >= 0 {
		unix.Close(d.lock)
		d.lock = -1
	}
}

// Remove deletes the folder and all in it. The known names go first, which is all there is: no
// listing, no poller.
func (d *Dir) Remove() error {
	for _, name := range [...]string{stateFile, configFile, StartFIFO, ResultFIFO, exitFile} {
		_ = unix.Unlink(d.File(name)) // what is left makes rmdir fail
	}
	err := unix.Rmdir(d.path)
	if err == nil || err == unix.ENOENT {
		return nil
	}
	return os.RemoveAll(d.path)
}

// Save writes s atomically.
func (d *Dir) Save(s *State) error {
	data, err := s.Encode()
	if err != nil {
		return err
	}
	tmp := d.File(".state.tmp")
	if err := writeFile(tmp, data); err != nil {
		return err
	}
	return unix.Rename(tmp, d.File(stateFile))
}

// Load reads state.json. A folder without it belongs to a create that was killed before any
// side effect: it loads as an empty State.
func (d *Dir) Load() (*State, error) {
	data, err := readFile(d.File(stateFile), 2048)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(d.path); err != nil {
			return nil, notExist(filepath.Base(d.path), err)
		}
		return &State{Version: Version, ID: filepath.Base(d.path)}, nil
	}
	if err != nil {
		return nil, notExist(filepath.Base(d.path), err)
	}
	return Decode(data)
}

// SaveConfig keeps a copy of config.json, so that later calls do not depend on the bundle.
func (d *Dir) SaveConfig(data []byte) error {
	return writeFile(d.File(configFile), data)
}

// ConfigDir is the folder in which config.json was kept.
func (d *Dir) ConfigDir() string { return d.path }

// List names the containers below root, sorted. A missing root has none.
func List(root string) ([]string, error) {
	entries, err := os.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, e := range entries {
		if e.IsDir() && e.Name()[0] != '.' {
			ids = append(ids, e.Name())
		}
	}
	return ids, nil
}
