// Linking: steps, data and the stage's machine code become one static ELF executable.

package plan

import (
	"encoding/binary"
	"fmt"
	"runtime"
)

// stepSize is the encoded size of a step. The stage's assembly uses the offsets as literals:
//
//	 0 nr       int32
//	 4 args     6 x int32, sign-extended
//	28 mask     uint32, bit i: argument i is the address of its 8-byte value
//	32 dst      uint32, where the result goes, 0 for nowhere
//	36 ifZero   uint32, next step when the result is 0
//	40 on       4 x uint16, errnos
//	48 onGoto   uint32, next step on one of them
//	52 fail     uint32, next step on another error, 0 for the plan's handler
const stepSize = 56

const (
	pageSize   = 4096
	ehdrSize   = 64
	phdrSize   = 56
	codeOffset = ehdrSize + 3*phdrSize
)

// Link returns an ELF executable: one read-execute segment with the stage's code and the steps,
// one read-write segment with the data. code must be position-independent and start at its
// entry point.
func (p *Plan) Link(code []byte) ([]byte, error) {
	stepsOff := (codeOffset + len(code) + 7) &^ 7
	stepsAddr := uint32(CodeBase + stepsOff)
	textEnd := stepsOff + len(p.Steps)*stepSize
	dataOff := (textEnd + pageSize - 1) &^ (pageSize - 1)
	if CodeBase+textEnd > DataBase {
		return nil, fmt.Errorf("plan of %d steps is too long", len(p.Steps))
	}
	out := make([]byte, dataOff+len(p.data))
	if err := p.header(out, textEnd, dataOff); err != nil {
		return nil, err
	}
	copy(out[codeOffset:], code)
	le := binary.LittleEndian
	addrOf := func(l Label) uint32 {
		if l == 0 {
			return 0
		}
		return stepsAddr + uint32(p.labels[l])*stepSize
	}
	for _, i := range p.labels[1:] {
		if i < 0 || int(i) >= len(p.Steps) {
			return nil, fmt.Errorf("plan has a jump to nowhere")
		}
	}
	for i := range p.Steps {
		s := &p.Steps[i]
		b := out[stepsOff+i*stepSize:][:stepSize]
		le.PutUint32(b, uint32(int32(s.Nr)))
		var mask uint32
		for j, a := range s.Args {
			if int64(int32(a.val)) != a.val {
				return nil, fmt.Errorf("step %d: %s: argument %d does not fit 32 bits", i, s.Name, j)
			}
			le.PutUint32(b[4+4*j:], uint32(int32(a.val)))
			if a.load {
				mask |= 1 << j
			}
		}
		le.PutUint32(b[28:], mask)
		le.PutUint32(b[32:], s.dst)
		le.PutUint32(b[36:], addrOf(s.ifZero))
		for j, e := range s.on {
			le.PutUint16(b[40+2*j:], e)
		}
		le.PutUint32(b[48:], addrOf(s.onGoto))
		le.PutUint32(b[52:], addrOf(s.fail))
	}
	copy(out[dataOff:], p.data)
	le.PutUint64(out[dataOff+hdrFirst:], uint64(stepsAddr))
	le.PutUint64(out[dataOff+hdrFail:], uint64(addrOf(p.failAt)))
	return out, nil
}

// StepAt turns a step's address from a failure record into its index, or -1. codeLen is the
// length of the code the plan was linked with.
func (p *Plan) StepAt(addr uint64, codeLen int) int {
	first := uint64(CodeBase + (codeOffset+codeLen+7)&^7)
	i := int64(addr-first) / stepSize
	if addr < first || (addr-first)%stepSize != 0 || i >= int64(len(p.Steps)) {
		return -1
	}
	return int(i)
}

func (p *Plan) header(out []byte, textEnd, dataOff int) error {
	var machine uint16
	switch runtime.GOARCH {
	case "amd64":
		machine = 62
	case "arm64":
		machine = 183
	default:
		return fmt.Errorf("no stage for %s: only amd64 and arm64", runtime.GOARCH)
	}
	le := binary.LittleEndian
	copy(out, "\x7fELF\x02\x01\x01")
	le.PutUint16(out[16:], 2) // ET_EXEC
	le.PutUint16(out[18:], machine)
	le.PutUint32(out[20:], 1)
	le.PutUint64(out[24:], CodeBase+codeOffset)
	le.PutUint64(out[32:], ehdrSize)
	le.PutUint16(out[52:], ehdrSize)
	le.PutUint16(out[54:], phdrSize)
	le.PutUint16(out[56:], 3)
	ph := func(i int, typ, flags uint32, off, vaddr, size, align uint64) {
		b := out[ehdrSize+i*phdrSize:]
		le.PutUint32(b, typ)
		le.PutUint32(b[4:], flags)
		le.PutUint64(b[8:], off)
		le.PutUint64(b[16:], vaddr)
		le.PutUint64(b[24:], vaddr)
		le.PutUint64(b[32:], size)
		le.PutUint64(b[40:], size)
		le.PutUint64(b[48:], align)
	}
	// 64 KiB alignment serves arm64 kernels with 64 KiB pages as well: offsets are congruent
	// modulo 4 KiB only, so such kernels are refused by the kernel itself with a clear ENOEXEC.
	ph(0, 1, 5, 0, CodeBase, uint64(textEnd), pageSize)
	ph(1, 1, 6, uint64(dataOff), DataBase, uint64(len(p.data)), pageSize)
	ph(2, 0x6474e551, 6, 0, 0, 0, 16) // PT_GNU_STACK, not executable
	return nil
}

// AddrOf is the address of step i when linked with codeLen bytes of code.
func (p *Plan) AddrOf(i, codeLen int) uint64 {
	return uint64(CodeBase + (codeOffset+codeLen+7)&^7 + i*stepSize)
}
