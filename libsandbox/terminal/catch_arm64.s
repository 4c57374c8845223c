// Signal handlers for arm64: write the signal's number, one byte, to catchFD.
//
// The kernel calls them on the thread's signal stack with the number in R0 and the siginfo_t in
// R1, and returns by the vDSO: LR is set to it. They may run at any instant on any thread of the
// program, so they call nothing and keep to one system call.

#include "textflag.h"

// Called for signals that are always passed on.
TEXT ·catchAll(SB), NOSPLIT|NOFRAME, $0-0
	SUB   $16, RSP
	MOVB  R0, (RSP)
	MOVW  ·catchFD(SB), R0
	MOVD  RSP, R1
	MOVD  $1, R2
	MOVD  $64, R8           // write
	SVC                     // a full pipe (EAGAIN) loses the signal
	ADD   $16, RSP
	RET

// Called for signals that are faults of our own unless somebody has sent them: siginfo's si_code
// is positive if the kernel has raised it (sigaction(2)).
TEXT ·catchSent(SB), NOSPLIT|NOFRAME, $0-0
	MOVW  8(R1), R3
	CMPW  $0, R3
	BLE   ours
	MOVD  ·goHandler(SB), R3
	JMP   (R3)
ours:
	B     ·catchAll(SB)

// func handlers() (all, sent, restorer uintptr)
TEXT ·handlers(SB), NOSPLIT, $0-24
	MOVD  $·catchAll(SB), R0
	MOVD  R0, all+0(FP)
	MOVD  $·catchSent(SB), R0
	MOVD  R0, sent+8(FP)
	MOVD  ZR, restorer+16(FP)
	RET
