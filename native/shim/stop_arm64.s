#include "textflag.h"

// The kernel calls it with a signal number in R0 and a siginfo in R1, on the signal stack of a thread of Go. It writes the
// number of a signal from outside: si_code 0 (kill) and si_pid 0. The kernel restores all registers.
TEXT ·handleStop(SB), NOSPLIT|NOFRAME, $0-0
	MOVWU 8(R1), R2
	CBNZ  R2, done
	MOVWU 16(R1), R2
	CBNZ  R2, done
	MOVWU ·stopPipe(SB), R0
	MOVD  $1, R2
	MOVD  $64, R8
	SVC

done:
	RET

// The way back from a handler: rt_sigreturn.
TEXT ·restoreThread(SB), NOSPLIT|NOFRAME, $0-0
	MOVD $139, R8
	SVC
	RET

DATA ·handleStopAddress(SB)/8, $·handleStop(SB)
GLOBL ·handleStopAddress(SB), RODATA, $8

DATA ·restoreThreadAddress(SB)/8, $·restoreThread(SB)
GLOBL ·restoreThreadAddress(SB), RODATA, $8
