// Where the kernel enters the program (linker flag -E), before Go's own entry.

#include "textflag.h"

// func entry()
TEXT ·entry(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	MOVD RSP, R0
	MOVD R0, ·stack(SB) // argc, argv, environment: execve(2) leaves them here, Go's entry wants them here
	MOVD ZR, g          // there is none yet

	SUB  $64, R0, R1
	MOVD R1, RSP
	MOVD R0, 8(RSP) // the first argument; 0(RSP) is for the link register
	BL   ·run(SB)   // does not return if the command is done

	MOVD ·stack(SB), R0
	MOVD R0, RSP
	B    _rt0_arm64_linux(SB)

GLOBL ·stack(SB), NOPTR, $8
