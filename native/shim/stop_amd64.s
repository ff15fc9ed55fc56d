#include "textflag.h"

// The kernel calls it with a signal number in DI and a siginfo in SI, on the signal stack of a thread of Go. It writes the
// number of a signal from outside: si_code 0 (kill) and si_pid 0. The kernel restores all registers.
TEXT ·handleStop(SB), NOSPLIT|NOFRAME, $0-0
	CMPL 8(SI), $0
	JNE  done
	CMPL 16(SI), $0
	JNE  done
	MOVL ·stopPipe(SB), DI
	MOVL $1, DX
	MOVL $1, AX
	SYSCALL

done:
	RET

// The way back from a handler: rt_sigreturn.
TEXT ·restoreThread(SB), NOSPLIT|NOFRAME, $0-0
	MOVL $15, AX
	SYSCALL
	INT  $3

DATA ·handleStopAddress(SB)/8, $·handleStop(SB)
GLOBL ·handleStopAddress(SB), RODATA, $8

DATA ·restoreThreadAddress(SB)/8, $·restoreThread(SB)
GLOBL ·restoreThreadAddress(SB), RODATA, $8
