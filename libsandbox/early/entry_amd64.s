// Where the kernel enters the program (linker flag -E), before Go's own entry.

#include "textflag.h"

// func entry()
TEXT ·entry(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	MOVQ SP, ·stack(SB) // argc, argv, environment: execve(2) leaves them here, Go's entry wants them here

	// A call of Go code loads g from thread-local storage: without any, that faults. Go's entry
	// sets its own later. arch_prctl(ARCH_SET_FS, tls+64)
	MOVL $158, AX
	MOVL $0x1002, DI
	LEAQ ·tls+64(SB), SI
	SYSCALL

	MOVQ ·stack(SB), AX
	SUBQ $64, SP
	ANDQ $~15, SP
	MOVQ AX, 0(SP)
	CALL ·run(SB) // does not return if the command is done

	MOVQ ·stack(SB), SP
	JMP  _rt0_amd64_linux(SB)

GLOBL ·stack(SB), NOPTR, $8
GLOBL ·tls(SB), NOPTR, $128
