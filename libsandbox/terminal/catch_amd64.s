// Signal handlers for amd64: write the signal's number, one byte, to catchFD.
//
// The kernel calls them on the thread's signal stack with the number in DI and the siginfo_t in
// SI. They may run at any instant on any thread of the program, so they call nothing and keep to
// one system call; rt_sigreturn restores every register.

#include "textflag.h"

// Called for signals that are always passed on.
TEXT ·catchAll(SB), NOSPLIT|NOFRAME, $0-0
	SUBQ $8, SP
	MOVB DI, (SP)
	MOVL ·catchFD(SB), DI
	MOVQ SP, SI
	MOVL $1, DX
	MOVL $1, AX             // write
	SYSCALL                 // a full pipe (EAGAIN) loses the signal
	ADDQ $8, SP
	RET                     // to the restorer

// Called for signals that are faults of our own unless somebody has sent them: siginfo's si_code
// is positive if the kernel has raised it (sigaction(2)).
TEXT ·catchSent(SB), NOSPLIT|NOFRAME, $0-0
	CMPL 8(SI), $0
	JLE  ours
	MOVQ ·goHandler(SB), AX
	JMP  AX
ours:
	JMP  ·catchAll(SB)

// amd64 has no default for how a handler returns.
TEXT ·catchReturn(SB), NOSPLIT|NOFRAME, $0-0
	MOVL $15, AX            // rt_sigreturn
	SYSCALL
	INT  $3                 // not reached

// func handlers() (all, sent, restorer uintptr)
TEXT ·handlers(SB), NOSPLIT, $0-24
	LEAQ ·catchAll(SB), AX
	MOVQ AX, all+0(FP)
	LEAQ ·catchSent(SB), AX
	MOVQ AX, sent+8(FP)
	LEAQ ·catchReturn(SB), AX
	MOVQ AX, restorer+16(FP)
	RET
