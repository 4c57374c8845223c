// D-Bus marshalling ("Marshaling (Wire Format)" in the D-Bus specification): every value is aligned to
// its size, counted from the start of the message.

package cgroup

import "encoding/binary"

// encoder writes little-endian values.
type encoder struct{ b []byte }

func (e *encoder) align(n int) {
	for len(e.b)%n != 0 {
		e.b = append(e.b, 0)
	}
}
func (e *encoder) byte(v byte) { e.b = append(e.b, v) }
func (e *encoder) u32(v uint32) {
	e.align(4)
	e.b = binary.LittleEndian.AppendUint32(e.b, v)
}
func (e *encoder) u64(v uint64) {
	e.align(8)
	e.b = binary.LittleEndian.AppendUint64(e.b, v)
}
func (e *encoder) bool(v bool) {
	if v {
		e.u32(1)
	} else {
		e.u32(0)
	}
}
func (e *encoder) string(s string) {
	e.u32(uint32(len(s)))
	e.b = append(append(e.b, s...), 0)
}
func (e *encoder) signature(s string) {
	e.b = append(append(append(e.b, byte(len(s))), s...), 0)
}

// array writes its length, padding to the alignment of the elements, and what fill writes.
func (e *encoder) array(alignment int, fill func()) {
	e.u32(0)
	at := len(e.b) - 4
	e.align(alignment)
	start := len(e.b)
	fill()
	binary.LittleEndian.PutUint32(e.b[at:], uint32(len(e.b)-start))
}

// decoder reads values; reading past the end gives zeros and sets bad.
type decoder struct {
	b     []byte
	at    int
	order binary.ByteOrder
	bad   bool
}

func (d *decoder) align(n int) { d.at = (d.at + n - 1) / n * n }

func (d *decoder) take(n int) []byte {
	if n < 0 || d.at+n > len(d.b) {
		d.bad = true
		d.at = len(d.b)
		return nil
	}
	p := d.b[d.at : d.at+n]
	d.at += n
	return p
}

func (d *decoder) byte() byte {
	if p := d.take(1); p != nil {
		return p[0]
	}
	return 0
}

func (d *decoder) u32() uint32 {
	d.align(4)
	if p := d.take(4); p != nil {
		return d.order.Uint32(p)
	}
	return 0
}

func (d *decoder) string() string {
	s := string(d.take(int(d.u32())))
	d.take(1)
	return s
}

func (d *decoder) signature() string {
	s := string(d.take(int(d.byte())))
	d.take(1)
	return s
}
