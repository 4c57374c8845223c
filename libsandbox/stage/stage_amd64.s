// The stage for amd64: a virtual machine whose only real instruction is SYSCALL.
//
// It is never called by Go. Go copies its bytes, from ·stage to the marker at its end, into the
// ELF executable that becomes a container's init. It therefore uses no stack, refers to no
// symbol, and holds everything in registers:
//
//	R12  the current step (package plan, link.go: offsets)
//	R13  the plan's header at plan.DataBase
//
// The kernel preserves all registers but AX, CX and R11 across SYSCALL.

#include "textflag.h"

// Argument i: a sign-extended immediate, or the 8 bytes found at it if bit i of the mask is set.
#define ARG(off, bit, reg) \
	MOVLQSX off(R12), reg  \
	TESTL   $bit, BX       \
	JZ      3(PC)          \
	MOVQ    (reg), reg     \
	NOP

TEXT ·stage(SB), NOSPLIT|NOFRAME, $0-0
	MOVL $0x800000, R13     // plan.DataBase; a test holds the two together
	MOVQ 0(R13), R12        // the first step

next:
	MOVL 28(R12), BX        // which arguments are addresses of their values
	ARG(4, 1, DI)
	ARG(8, 2, SI)
	ARG(12, 4, DX)
	ARG(16, 8, R10)         // the kernel takes argument 4 in R10, SYSCALL clobbers CX
	ARG(20, 16, R8)
	ARG(24, 32, R9)
	MOVLQSX 0(R12), AX      // the system call number
	TESTQ AX, AX
	JS   move               // negative: no system call, only a copy
	SYSCALL
	CMPQ AX, $-4095         // the kernel's error range is [-4095, -1], unsigned at the top
	JCC  error

done:
	MOVL 32(R12), BX        // where the result goes
	TESTL BX, BX
	JZ   stored
	MOVQ AX, (BX)

stored:
	MOVL 36(R12), BX        // next step when the result is zero
	TESTL BX, BX
	JZ   advance
	TESTQ AX, AX
	JNZ  advance
	MOVL BX, R12
	JMP  next

advance:
	ADDQ $56, R12           // plan.stepSize
	JMP  next

move:
	MOVQ DI, AX             // may look like an errno (AT_FDCWD), so it skips the error check
	JMP  done

error:
	NEGQ AX                 // the errno
	MOVL 48(R12), BX        // next step on a listed errno
	TESTL BX, BX
	JZ   failed             // no list
	LEAQ 40(R12), SI        // four 16-bit errnos

match:
	MOVWLZX (SI), CX
	CMPL CX, AX
	JEQ  jump
	CMPL CX, $0xffff        // plan.AnyErrno
	JEQ  jump
	ADDQ $2, SI
	LEAQ 48(R12), DX
	CMPQ SI, DX
	JCS  match

failed:
	MOVQ R12, 16(R13)       // the record that the parent reads
	MOVQ AX, 24(R13)
	MOVL 52(R12), BX        // the step's own handler
	TESTL BX, BX
	JNZ  jump
	MOVL 8(R13), BX         // or the plan's

jump:
	MOVL BX, R12
	JMP  next

	// The end marker that Go looks for: never reached.
	BYTE $0x73; BYTE $0x74; BYTE $0x61; BYTE $0x67
	BYTE $0x65; BYTE $0x2d; BYTE $0x65; BYTE $0x6e
	BYTE $0x64; BYTE $0x0f; BYTE $0x0b; BYTE $0x00
	BYTE $0xf4; BYTE $0xf4; BYTE $0xf4; BYTE $0xf4

// func stageAddr() unsafe.Pointer
TEXT ·stageAddr(SB), NOSPLIT, $0-8
	LEAQ ·stage(SB), AX
	MOVQ AX, ret+0(FP)
	RET
