package main

import "syscall"

// A command may close its output before it ends.
func (shim *shim) report() {
	if shim.phase != draining || !shim.isDrained {
		return
	}
	shim.phase = reported
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_CHILDREN, &usage)
	milliseconds := func(time syscall.Timeval) int64 { return time.Nano() / 1_000_000 }
	message := exitedMessage{
		StartedAt:    shim.start.startedAt,
		EndedAt:      max(shim.endedAt.UnixMilli(), shim.start.startedAt),
		WallMs:       shim.endedAt.Sub(shim.clock).Milliseconds(),
		CpuMs:        milliseconds(usage.Utime) + milliseconds(usage.Stime),
		MaxRssBytes:  usage.Maxrss * 1024,
		Killed:       shim.killed,
		HasSurvivors: syscall.Kill(-1, 0) == nil,
		ControlGroup: shim.groups.read().since(shim.before),
	}
	if shim.status.Signaled() {
		number := int(shim.status.Signal())
		message.Signal = &number
		shim.exitCode = 128 + number
	} else {
		code := shim.status.ExitStatus()
		message.Code = &code
		shim.exitCode = code
	}
	shim.box.update(func() {
		message.OutputBytes = shim.box.produced
		shim.box.exited = encode(message)
	})
}
