// Package exitrecord is the form in which the end of a container's init is kept: a few words,
// written in one piece by whoever reaped it. It is pure: no system calls.
//
// The writer may be the keeper, which is a plan and not a Go program. Hence no JSON, but the
// kernel's own structures at fixed offsets, in the byte order of the machine.
package exitrecord

import (
	"encoding/binary"
	"errors"

	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Size of a record in bytes, and where its parts are. The flags say what is known besides.
const (
	Size      = 184
	MagicAt   = 0
	FlagsAt   = 8
	StatusAt  = 16  // as wait4(2) gives it
	UsageAt   = 24  // struct rusage, 144 bytes
	TimeAt    = 168 // struct timespec, CLOCK_REALTIME
	Magic     = 0x3174697865747273
	oomLooked = 1
	oomKilled = 2
)

// Record is the end of a process.
type Record struct {
	Status unix.WaitStatus
	Usage  unix.Rusage
	At     time.Time
	// OOMLooked says that OOMKilled is known: the kernel killed a process of the container for lack
	// of memory, or did not.
	OOMLooked, OOMKilled bool
}

// Encode returns r in Size bytes.
func (r *Record) Encode() []byte {
	b := make([]byte, Size)
	flags := uint64(0)
	if r.OOMLooked {
		flags |= oomLooked
	}
	if r.OOMKilled {
		flags |= oomKilled
	}
	binary.NativeEndian.PutUint64(b[MagicAt:], Magic)
	binary.NativeEndian.PutUint64(b[FlagsAt:], flags)
	binary.NativeEndian.PutUint32(b[StatusAt:], uint32(r.Status))
	*(*unix.Rusage)(unsafe.Pointer(&b[UsageAt])) = r.Usage
	binary.NativeEndian.PutUint64(b[TimeAt:], uint64(r.At.Unix()))
	binary.NativeEndian.PutUint64(b[TimeAt+8:], uint64(r.At.Nanosecond()))
	return b
}

// ErrNone is returned for the empty record of a writer that did not live to fill it in.
var ErrNone = errors.New("no exit was recorded")

// Decode reads what Encode or the keeper has written.
func Decode(b []byte) (*Record, error) {
	if len(b) == 0 {
		return nil, ErrNone
	}
	if len(b) != Size || binary.NativeEndian.Uint64(b[MagicAt:]) != Magic {
		return nil, errors.New("the exit record is damaged")
	}
	flags := binary.NativeEndian.Uint64(b[FlagsAt:])
	r := &Record{
		Status:    unix.WaitStatus(binary.NativeEndian.Uint32(b[StatusAt:])),
		OOMLooked: flags&oomLooked != 0, OOMKilled: flags&oomKilled != 0,
		At: time.Unix(int64(binary.NativeEndian.Uint64(b[TimeAt:])), int64(binary.NativeEndian.Uint64(b[TimeAt+8:]))).UTC(),
	}
	aligned := make([]byte, TimeAt-UsageAt)
	copy(aligned, b[UsageAt:TimeAt])
	r.Usage = *(*unix.Rusage)(unsafe.Pointer(&aligned[0]))
	return r, nil
}
