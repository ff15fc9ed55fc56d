package main

import (
	"os"
	"syscall"
	"unsafe"
)

const (
	prSetDumpable = 4
	sigSetMask    = 2
	// Flags of `struct sigaction`.
	signalInfo     = 0x4
	signalRestorer = 0x04000000
	signalOnStack  = 0x08000000
	signalRestart  = 0x10000000
)

// Signals with which a container is stopped: SIGTERM, or what an image declares as its STOPSIGNAL. 37 is SIGRTMIN+3.
var stopSignals = []syscall.Signal{
	syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGTERM, syscall.SIGWINCH,
	syscall.SIGPWR, 37,
}

// Other signals for which the runtime of Go has a handler that ends the program.
var fatalSignals = []syscall.Signal{
	syscall.SIGILL, syscall.SIGTRAP, syscall.SIGABRT, syscall.SIGBUS, syscall.SIGFPE, syscall.SIGSEGV, syscall.SIGSTKFLT,
	syscall.SIGSYS,
}

// `struct sigaction` of the kernel, the same on amd64 and arm64. All zero: the default action.
type signalAction struct {
	handler, flags, restorer uintptr
	mask                     uint64
}

func setSignalAction(signal syscall.Signal, action signalAction) {
	number, size := uintptr(signal), unsafe.Sizeof(action.mask)
	syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, number, uintptr(unsafe.Pointer(&action)), 0, size, 0, 0)
}

// Of the calling thread.
func unblockSignals() {
	var none uint64
	size := unsafe.Sizeof(none)
	syscall.RawSyscall6(syscall.SYS_RT_SIGPROCMASK, sigSetMask, uintptr(unsafe.Pointer(&none)), 0, size, 0, 0)
}

// Protects process 1 from its command. The kernel drops signals from inside the container for which process 1 has no handler.
// A process that is not dumpable cannot be traced, and its memory cannot be read, by processes of the same user.
func protect() {
	for _, signal := range fatalSignals {
		setSignalAction(signal, signalAction{})
	}
	syscall.RawSyscall(syscall.SYS_PRCTL, prSetDumpable, 0, 0)
}

// In assembly, because Go does not reveal the sender of a signal.
var (
	handleStopAddress    uintptr
	restoreThreadAddress uintptr
	// Where handleStop writes.
	stopPipe int32
)

// Reads the signals with which the container is stopped. The command can send the same signals; the handler ignores them. A
// sender outside has process number 0 here. Inside, only `sigqueue` could claim that, and its signals have another code.
// The kernel drops a signal whose number is pending: a command that sends it without pause can hide the one from outside, and
// the container then ends by SIGKILL after its grace period.
func readStopSignals(stops chan<- syscall.Signal) error {
	var ends [2]int
	if err := syscall.Pipe2(ends[:], syscall.O_CLOEXEC|syscall.O_NONBLOCK); err != nil {
		return err
	}
	stopPipe = int32(ends[1])
	reader := os.NewFile(uintptr(ends[0]), "signals")
	for _, signal := range stopSignals {
		setSignalAction(signal, signalAction{
			handler:  handleStopAddress,
			flags:    signalInfo | signalRestorer | signalOnStack | signalRestart,
			restorer: restoreThreadAddress,
			mask:     ^uint64(0),
		})
	}
	go func() {
		for {
			var number [1]byte
			if _, err := reader.Read(number[:]); err != nil {
				complain("could not read signals: %v", err)
				return
			}
			stops <- syscall.Signal(number[0])
		}
	}()
	return nil
}
