// Package specconv reads an OCI configuration (config.json, runtime-spec 1.3) and checks it: it
// turns bytes into a specs.Spec of which everything that can be known without touching the system
// is known to be right. Each mistake is an *errdetail.Error that names the field, what is wrong and
// what is allowed.
//
// Fields that the specification does not know are ignored, as it demands, and so are the sections
// of other systems (windows, solaris, zos, freebsd, vm). What encoding/json reads from a file,
// Decode reads too, with the same result: engines write and read the same file with it, and two
// readers must not see different containers.
package specconv

import (
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// ConfigName is the configuration's file name in a bundle.
const ConfigName = "config.json"

// Decode parses config.json. It checks types and nothing else; see Check. Errors name the field
// and the place in the file:
//
//	process.user.uid: want a number from 0 to 4294967295, got "abc" (line 9, column 17)
//
// data may be at most MaxConfigSize bytes.
func Decode(data []byte) (*specs.Spec, error) { return decode(data, decodeSpec) }

// DecodeProcess parses a process object on its own, as `exec --process` takes it. Fields are named
// without the leading "process.".
func DecodeProcess(data []byte) (*specs.Process, error) { return decode(data, decodeProcess) }

// DecodeResources parses a linux.resources object on its own, as `update --resources` takes it.
// Fields are named without the leading "linux.resources.".
func DecodeResources(data []byte) (*specs.LinuxResources, error) {
	return decode(data, decodeLinuxResources)
}

func decode[T any](data []byte, top func(*decoder, *T)) (*T, error) {
	if len(data) > MaxConfigSize {
		return nil, &errdetail.Error{Err: fmt.Errorf("the configuration is larger than %d bytes", MaxConfigSize)}
	}
	d := newDecoder(data)
	v := new(T)
	top(d, v)
	if err := d.finish(); err != nil {
		return nil, err
	}
	return v, nil
}

// Load reads config.json of a bundle folder, decodes and checks it. A file larger than
// MaxConfigSize is refused unread. errors.Is(err, fs.ErrNotExist) holds where there is none.
func Load(bundle string) (*specs.Spec, error) {
	name := filepath.Join(bundle, ConfigName)
	data, err := readLimited(name)
	if err != nil {
		return nil, err
	}
	spec, err := Decode(data)
	if err == nil {
		err = Check(spec)
	}
	var e *errdetail.Error
	if errors.As(err, &e) && e.Field == "" && e.Op == "" {
		e.Op = "read " + name
	}
	if err != nil {
		return nil, err
	}
	return spec, nil
}

// readLimited reads a regular file of at most MaxConfigSize bytes. It goes without os.File, whose
// first use in a process costs as much as decoding does.
func readLimited(name string) ([]byte, error) {
	op := "read " + name
	// O_NONBLOCK: a FIFO in the file's place must not hang the runtime.
	fd, err := retry(func() (int, error) {
		return unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	})
	if err == unix.ENOENT {
		// The wording is what callers of runc know.
		return nil, &errdetail.Error{Op: fmt.Sprintf("JSON specification file %s not found", name), Err: err}
	}
	if err != nil {
		return nil, errdetail.Sys(op, "open", err)
	}
	defer unix.Close(fd)
	var info unix.Stat_t
	if err := unix.Fstat(fd, &info); err != nil {
		return nil, errdetail.Sys(op, "fstat", err)
	}
	if info.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, &errdetail.Error{Op: op, Err: errors.New("not a regular file")}
	}
	// One byte more than the limit tells a file that is too large from one that just fits, also
	// where it grows meanwhile.
	data := make([]byte, 0, min(info.Size, MaxConfigSize)+1)
	for {
		n, err := retry(func() (int, error) { return unix.Read(fd, data[len(data):cap(data)]) })
		if err != nil {
			return nil, errdetail.Sys(op, "read", err)
		}
		data = data[:len(data)+n]
		switch {
		case len(data) > MaxConfigSize:
			return nil, &errdetail.Error{Op: op, Err: fmt.Errorf("larger than %d bytes", MaxConfigSize)}
		case n == 0:
			return data, nil
		case len(data) == cap(data):
			data = append(data, 0)[:len(data)]
		}
	}
}

// retry repeats a system call that a signal interrupted; Go's own preemption sends such signals.
func retry(call func() (int, error)) (int, error) {
	for {
		if n, err := call(); err != unix.EINTR {
			return n, err
		}
	}
}
