// The plan's data: strings, structs, arrays and registers, each at its final address.

package plan

import "encoding/binary"

// Reg allocates a register.
func (p *Plan) Reg(name string) Reg {
	return Reg{p.Zero(8), name}
}

// FD allocates a register that starts as the number of an inherited descriptor.
func (p *Plan) FD(name string, n int) Reg {
	return Reg{p.Words(uint64(n)), name}
}

func (p *Plan) align(n int) {
	for len(p.data)%n != 0 {
		p.data = append(p.data, 0)
	}
}

// Bytes stores b, 8-aligned, and returns its address.
func (p *Plan) Bytes(b []byte) uint32 {
	p.align(8)
	a := DataBase + uint32(len(p.data))
	p.data = append(p.data, b...)
	return a
}

// Zero reserves n zero bytes, 8-aligned.
func (p *Plan) Zero(n int) uint32 {
	p.align(8)
	a := DataBase + uint32(len(p.data))
	p.data = append(p.data, make([]byte, n)...)
	return a
}

// Words stores 64-bit values, for structs whose fields are all 8 bytes wide.
func (p *Plan) Words(v ...uint64) uint32 {
	p.align(8)
	a := DataBase + uint32(len(p.data))
	for _, w := range v {
		p.data = binary.LittleEndian.AppendUint64(p.data, w)
	}
	return a
}

// Words32 stores 32-bit values.
func (p *Plan) Words32(v ...uint32) uint32 {
	p.align(8)
	a := DataBase + uint32(len(p.data))
	for _, w := range v {
		p.data = binary.LittleEndian.AppendUint32(p.data, w)
	}
	return a
}

// CStr stores s with its terminating zero, once per distinct s, and returns its address.
func (p *Plan) CStr(s string) uint32 {
	if a, ok := p.strings[s]; ok {
		return a
	}
	a := DataBase + uint32(len(p.data))
	p.data = append(append(p.data, s...), 0)
	p.strings[s] = a
	return a
}

// Str is the address of a C string, printed quoted.
func (p *Plan) Str(s string) Arg {
	return Arg{val: int64(p.CStr(s)), text: s, quote: true}
}

// StrArray stores a NULL-terminated array of C strings, as argv and envp are.
func (p *Plan) StrArray(list []string) uint32 {
	w := make([]uint64, len(list)+1)
	for i, s := range list {
		w[i] = uint64(p.CStr(s))
	}
	return p.Words(w...)
}

// Patch overwrites the 8 bytes at addr. It is for structs that refer to later data.
func (p *Plan) Patch(addr uint32, v uint64) {
	binary.LittleEndian.PutUint64(p.data[addr-DataBase:], v)
}

// RecordAddr is where the stage leaves the failed step's address and errno, 16 bytes.
func RecordAddr() uint32 { return DataBase + hdrStep }

// RecordSize is the size of that record in bytes.
const RecordSize = recordSize
