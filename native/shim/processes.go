package main

import (
	"os"
	"strconv"
	"syscall"
	"time"
)

// The processes of the container: signals, and the wait for their ends.

// Waits for every child that has ended: the command, and processes whose parents have ended.
func (shim *shim) reap() {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			continue
		}
		if pid <= 0 {
			return
		}
		if pid == shim.pid && shim.status == nil {
			shim.status = &status
			shim.endedAt = time.Now()
		}
	}
}

// Sends SIGKILL to every process of the container but this one, until none is left. The kernel does it in one pass, so that a
// fork bomb does not outrun it.
func (shim *shim) killAll() bool {
	deadline := time.Now().Add(killPatience)
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		err := syscall.Kill(-1, syscall.SIGKILL)
		shim.reap()
		if err == syscall.ESRCH {
			return true
		}
		if time.Now().After(deadline) {
			complain("processes survived SIGKILL")
			return false
		}
		time.Sleep(pause)
	}
}

// Sends a signal to every process of the container but this one.
func (shim *shim) sendSignal(number syscall.Signal) {
	if shim.phase != running {
		return
	}
	shim.killed = shim.killed || number == syscall.SIGKILL
	shim.signal = number
	shim.signaled = map[int]bool{}
	for _, pid := range processes() {
		shim.signaled[pid] = true
	}
	syscall.Kill(-1, number)
}

// Sends SIGKILL later, and until then the last signal to processes that did not exist when it was sent.
func (shim *shim) killAfter(milliseconds int64) {
	shim.kill.Reset(time.Duration(milliseconds) * time.Millisecond)
	shim.follow.Reset(followPause)
}

func (shim *shim) signalNewProcesses() {
	if shim.phase != running {
		return
	}
	for _, pid := range processes() {
		if !shim.signaled[pid] {
			shim.signaled[pid] = true
			syscall.Kill(pid, shim.signal)
		}
	}
	shim.follow.Reset(followPause)
}

// Returns the processes of the container but this one.
func processes() []int {
	folder, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer folder.Close()
	names, _ := folder.Readdirnames(-1)
	var found []int
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil && pid > 1 {
			found = append(found, pid)
		}
	}
	return found
}
