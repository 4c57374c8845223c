// The eBPF program that is cgroup v2's device controller (BPF_PROG_TYPE_CGROUP_DEVICE, Linux 4.15;
// replacing one in place, 5.6). Assembling it here takes a page; an eBPF library would cost every
// start of the runtime its initialisation.

package cgroup

import (
	"encoding/binary"
	"runtime"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// bpfInsn is one instruction, struct bpf_insn of linux/bpf.h.
type bpfInsn struct {
	op       uint8
	dst, src uint8
	off      int16
	imm      int32
}

// The few opcodes needed (class | operation | source).
const (
	opLoadWord = 0x61 // dst = *(u32 *)(src + off)
	opMovImm   = 0xb7
	opMovReg   = 0xbf
	opAndImm32 = 0x54
	opRsh32    = 0x74
	opJumpNe   = 0x55 // if dst != imm
	opJumpEq   = 0x15
	opExit     = 0x95
)

// deviceProgram decides by the rules, newest first: the first that matches wins. An allow rule
// matches only a request it covers completely, a deny rule one that it covers in any part, so a
// mixed request fails closed. Registers: r2 type, r3 access, r4 major, r5 minor.
func deviceProgram(rules []deviceRule) []bpfInsn {
	p := []bpfInsn{
		{op: opLoadWord, dst: 2, src: 1, off: 0},
		{op: opAndImm32, dst: 2, imm: 0xffff}, // access_type: low half the type, high half the access
		{op: opLoadWord, dst: 3, src: 1, off: 0},
		{op: opRsh32, dst: 3, imm: 16},
		{op: opLoadWord, dst: 4, src: 1, off: 4},
		{op: opLoadWord, dst: 5, src: 1, off: 8},
	}
	for _, r := range slices.Backward(mergeAllows(rules)) {
		p = append(p, r.block()...)
		if r.everything() {
			return p
		}
	}
	return append(p, verdict(false)...)
}

func verdict(allow bool) []bpfInsn {
	v := int32(0)
	if allow {
		v = 1
	}
	return []bpfInsn{{op: opMovImm, dst: 0, imm: v}, {op: opExit}}
}

// block is the code of one rule; a test that fails jumps behind the block.
func (r *deviceRule) block() []bpfInsn {
	var b []bpfInsn
	switch r.kind {
	case 'b':
		b = append(b, bpfInsn{op: opJumpNe, dst: 2, imm: 1})
	case 'c':
		b = append(b, bpfInsn{op: opJumpNe, dst: 2, imm: 2})
	}
	if r.access != accessAll {
		mask, op := int32(accessAll&^r.access), uint8(opJumpNe) // allow: nothing beyond the rule
		if !r.allow {
			mask, op = int32(r.access), opJumpEq // deny: anything of the rule
		}
		b = append(b, bpfInsn{op: opMovReg, dst: 1, src: 3},
			bpfInsn{op: opAndImm32, dst: 1, imm: mask}, bpfInsn{op: op, dst: 1})
	}
	if r.major >= 0 {
		b = append(b, bpfInsn{op: opJumpNe, dst: 4, imm: int32(r.major)})
	}
	if r.minor >= 0 {
		b = append(b, bpfInsn{op: opJumpNe, dst: 5, imm: int32(r.minor)})
	}
	b = append(b, verdict(r.allow)...)
	for i := range b {
		if b[i].op == opJumpNe || b[i].op == opJumpEq {
			b[i].off = int16(len(b) - i - 1)
		}
	}
	return b
}

// encode is the program in memory.
func encode(p []bpfInsn) []byte {
	out := make([]byte, 0, 8*len(p))
	for _, i := range p {
		regs := i.src<<4 | i.dst
		if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 { // bit fields are laid out the other way round
			regs = i.dst<<4 | i.src
		}
		out = append(out, i.op, regs)
		out = binary.NativeEndian.AppendUint16(out, uint16(i.off))
		out = binary.NativeEndian.AppendUint32(out, uint32(i.imm))
	}
	return out
}

// attachDeviceFilter loads the program and attaches it to the cgroup beside what others, such as
// systemd, have attached: all of them have to agree to an access.
func attachDeviceFilter(path string, p []bpfInsn) error {
	dirFD, err := openRetry(unix.AT_FDCWD, path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC)
	if err != nil {
		return &pathError{"open", path, err}
	}
	defer unix.Close(dirFD)
	prog, err := loadProgram(p)
	if err != nil {
		return &pathError{"bpf(BPF_PROG_LOAD) for", path, err}
	}
	defer unix.Close(prog)
	attr := struct{ target, prog, kind, flags, replace uint32 }{
		uint32(dirFD), uint32(prog), unix.BPF_CGROUP_DEVICE, unix.BPF_F_ALLOW_MULTI, 0}
	if _, err := bpf(unix.BPF_PROG_ATTACH, unsafe.Pointer(&attr), unsafe.Sizeof(attr)); err != nil {
		return &pathError{"bpf(BPF_PROG_ATTACH) to", path, err}
	}
	return nil
}

func loadProgram(p []bpfInsn) (int, error) {
	code, license := encode(p), []byte("Apache\x00")
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&code[0])
	pin.Pin(&license[0])
	attr := struct {
		kind, count   uint32
		code, license uint64
		level, size   uint32
		log           uint64
		kernel, flags uint32
		name          [16]byte
	}{kind: unix.BPF_PROG_TYPE_CGROUP_DEVICE, count: uint32(len(p)),
		code:    uint64(uintptr(unsafe.Pointer(&code[0]))),
		license: uint64(uintptr(unsafe.Pointer(&license[0]))),
		name:    [16]byte{'s', 'a', 'n', 'd', 'b', 'o', 'x', '_', 'd', 'e', 'v'}}
	fd, err := bpf(unix.BPF_PROG_LOAD, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	if err == unix.EPERM {
		// before 5.11 a program counts against RLIMIT_MEMLOCK, and EPERM is what that says
		inf := &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
		if unix.Setrlimit(unix.RLIMIT_MEMLOCK, inf) == nil {
			fd, err = bpf(unix.BPF_PROG_LOAD, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
		}
	}
	return fd, err
}

// bpf is bpf(2). EAGAIN means that a signal interrupted the verifier.
func bpf(cmd int, attr unsafe.Pointer, size uintptr) (int, error) {
	for {
		r, _, errno := unix.Syscall(unix.SYS_BPF, uintptr(cmd), uintptr(attr), size)
		switch errno {
		case 0:
			return int(r), nil
		case unix.EAGAIN, unix.EINTR:
		default:
			return -1, errno
		}
	}
}
