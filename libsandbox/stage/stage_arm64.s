// The stage for arm64: a virtual machine whose only real instruction is SVC.
//
// It is never called by Go. Go copies its bytes, from ·stage to the marker at its end, into the
// ELF executable that becomes a container's init. It therefore uses no stack, refers to no
// symbol, and holds everything in registers:
//
//	R12  the current step (package plan, link.go: offsets)
//	R13  the plan's header at plan.DataBase
//
// The kernel preserves all registers but R0 across SVC.

#include "textflag.h"

// Argument i: a sign-extended immediate, or the 8 bytes found at it if bit i of the mask is set.
#define ARG(off, bit, reg) \
	MOVW off(R12), reg     \
	TBZ  $bit, R9, 2(PC)   \
	MOVD (reg), reg

TEXT ·stage(SB), NOSPLIT|NOFRAME, $0-0
	MOVD  $0x800000, R13    // plan.DataBase; a test holds the two together
	MOVD  0(R13), R12       // the first step

next:
	MOVWU 28(R12), R9       // which arguments are addresses of their values
	ARG(4, 0, R0)
	ARG(8, 1, R1)
	ARG(12, 2, R2)
	ARG(16, 3, R3)
	ARG(20, 4, R4)
	ARG(24, 5, R5)
	MOVW  0(R12), R8        // the system call number
	TBNZ  $63, R8, done     // negative: no system call, R0 is the result
	SVC
	CMN   $4095, R0         // the kernel's error range is [-4095, -1], unsigned at the top
	BCS   error

done:
	MOVWU 32(R12), R9       // where the result goes
	CBZ   R9, stored
	MOVD  R0, (R9)

stored:
	MOVWU 36(R12), R9       // next step when the result is zero
	CBZ   R9, advance
	CBNZ  R0, advance
	MOVD  R9, R12
	JMP   next

advance:
	ADD   $56, R12          // plan.stepSize
	JMP   next

error:
	NEG   R0, R0            // the errno
	MOVWU 48(R12), R9       // next step on a listed errno
	CBZ   R9, failed        // no list
	ADD   $40, R12, R1      // four 16-bit errnos
	ADD   $48, R12, R2
	MOVD  $0xffff, R3       // plan.AnyErrno

match:
	MOVHU (R1), R4
	CMP   R4, R0
	BEQ   jump
	CMP   R4, R3
	BEQ   jump
	ADD   $2, R1
	CMP   R2, R1
	BCC   match

failed:
	MOVD  R12, 16(R13)      // the record that the parent reads
	MOVD  R0, 24(R13)
	MOVWU 52(R12), R9       // the step's own handler
	CBNZ  R9, jump
	MOVWU 8(R13), R9        // or the plan's

jump:
	MOVD  R9, R12
	JMP   next

	// The end marker that Go looks for: never reached.
	WORD $0x67617473
	WORD $0x6e652d65
	WORD $0x000b0f64
	WORD $0xf4f4f4f4

// func stageAddr() unsafe.Pointer
TEXT ·stageAddr(SB), NOSPLIT, $0-8
	MOVD $·stage(SB), R0
	MOVD R0, ret+0(FP)
	RET
