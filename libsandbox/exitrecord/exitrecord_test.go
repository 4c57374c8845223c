// Tests of the record's form.

package exitrecord

import (
	"errors"

	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

func TestRecord(t *testing.T) {
	if n := unsafe.Sizeof(unix.Rusage{}); n != TimeAt-UsageAt {
		t.Fatalf("struct rusage has %d bytes here, the record has room for %d", n, TimeAt-UsageAt)
	}
	want := Record{Status: 137, At: time.Unix(1234567890, 987654321).UTC(), OOMLooked: true, OOMKilled: true}
	want.Usage.Utime.Usec, want.Usage.Nivcsw = 5, 7
	got, err := Decode(want.Encode())
	if err != nil || *got != want {
		t.Errorf("%v: %+v, want %+v", err, got, want)
	}
	if _, err := Decode(nil); !errors.Is(err, ErrNone) {
		t.Errorf("empty: %v", err)
	}
	for _, bad := range [][]byte{{1}, make([]byte, Size), make([]byte, Size+1)} {
		if r, err := Decode(bad); err == nil || errors.Is(err, ErrNone) {
			t.Errorf("%d bytes: %v, %v", len(bad), r, err)
		}
	}
}
