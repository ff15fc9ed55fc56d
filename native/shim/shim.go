package main

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

const (
	// A process that SIGKILL does not end waits for a device or a file server.
	killPatience = 10 * time.Second
	// Time from the end of all processes until their last output must have been read.
	drainPatience = 5 * time.Second
	// How often processes that were created while the others received a signal are signaled.
	followPause = 500 * time.Millisecond
	// Time that a connected agent has to choose a signal when the container is stopped.
	stopPatience = time.Second
)

type phase int

const (
	waiting phase = iota
	starting
	running
	// The command has ended; its last output is being read.
	draining
	// The end, or the failed start, is reported.
	reported
)

type shim struct {
	options
	box         *outbox
	orders      chan order
	connections chan bool
	stops       chan syscall.Signal
	children    chan os.Signal
	starts      chan startReport
	drained     chan bool

	phase       phase
	isConnected bool
	// Without an agent.
	absence  *time.Timer
	kill     *time.Timer
	follow   *time.Timer
	forward  *time.Timer
	command  *runOrder
	pid      int
	output   *os.File
	groups   controlGroups
	before   groupCounts
	start    *startReport
	clock    time.Time
	status   *syscall.WaitStatus
	endedAt  time.Time
	exitCode int
	killed   bool
	signal   syscall.Signal
	// Received before the command was started.
	pending   *signalMessage
	isDrained bool
	// Processes that received `signal`.
	signaled map[int]bool
}

func stoppedTimer() *time.Timer {
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	return timer
}

func run(options options) int {
	protect()
	shrink()
	shim := &shim{
		options:     options,
		box:         newOutbox(),
		orders:      make(chan order, 16),
		connections: make(chan bool, 1),
		stops:       make(chan syscall.Signal, 16),
		children:    make(chan os.Signal, 1),
		starts:      make(chan startReport, 1),
		drained:     make(chan bool, 1),
		absence:     stoppedTimer(),
		kill:        stoppedTimer(),
		follow:      stoppedTimer(),
		forward:     stoppedTimer(),
		groups:      findControlGroups(),
	}
	signal.Notify(shim.children, syscall.SIGCHLD)
	if err := readStopSignals(shim.stops); err != nil {
		complain("it cannot read signals: %v", err)
		return exitInternal
	}
	link := &agentLink{socket: options.socket, image: imageVariables(), box: shim.box, orders: shim.orders, connected: shim.connections}
	go link.keepConnected()
	shim.absence.Reset(options.agentWait)
	for {
		if code := shim.step(); code >= 0 {
			return code
		}
	}
}

// Returns the variables that fit into a frame.
func imageVariables() []string {
	size := 0
	variables := os.Environ()
	for count, variable := range variables {
		if size += len(variable) + 1; size > maxPayloadBytes {
			return variables[:count]
		}
	}
	return variables
}

// Handles one event. Returns an exit code to end with, or -1.
func (shim *shim) step() int {
	select {
	case order := <-shim.orders:
		switch {
		case order.run != nil:
			shim.runCommand(order.run)
		case order.signal != nil:
			shim.obeySignal(order.signal)
		case order.isBye:
			return shim.obeyBye()
		}
	case shim.isConnected = <-shim.connections:
		shim.awaitAgent()
	case number := <-shim.stops:
		return shim.stop(number)
	case <-shim.children:
		shim.reap()
		shim.settle()
	case start := <-shim.starts:
		shim.start = &start
		shim.settle()
	case <-shim.drained:
		shim.isDrained = true
		shim.report()
	case <-shim.kill.C:
		shim.sendSignal(syscall.SIGKILL)
	case <-shim.follow.C:
		shim.signalNewProcesses()
	case <-shim.forward.C:
		shim.terminate()
	case <-shim.absence.C:
		if shim.phase == waiting {
			complain("no agent appeared at %s within %v", shim.socket, shim.agentWait)
			return exitNoAgent
		}
		complain("no agent collected the result of the command within %v", shim.collectWait)
		return exitNotCollected
	}
	return -1
}

// Limits the time without an agent, except while the command runs.
func (shim *shim) awaitAgent() {
	shim.absence.Stop()
	switch {
	case shim.isConnected:
	case shim.phase == waiting:
		shim.absence.Reset(shim.agentWait)
	case shim.phase == draining || shim.phase == reported:
		shim.absence.Reset(shim.collectWait)
	}
}

func (shim *shim) runCommand(command *runOrder) {
	shim.phase = starting
	shim.command = command
	shim.before = shim.groups.read()
	shim.clock = time.Now()
	if errno := shim.startChild(); errno != 0 {
		failure := failedMessage{int(errno), "the program " + command.arguments[0] + " cannot be started: " + errno.Error()}
		shim.start = &startReport{failure: &failure}
		var none syscall.WaitStatus
		shim.status = &none
		shim.settle()
	}
}

// Acts on a start or an end: the report of the start and the status of the child come in any order.
func (shim *shim) settle() {
	if shim.phase == starting && shim.start != nil {
		if shim.start.failure == nil {
			shim.phase = running
			message := encode(startedMessage{shim.pid, shim.start.startedAt})
			shim.box.update(func() { shim.box.started = message })
			if shim.pending != nil {
				shim.obeySignal(shim.pending)
			}
		} else if shim.status != nil {
			shim.phase = reported
			shim.exitCode = 126
			if shim.start.failure.Errno == int(syscall.ENOENT) {
				shim.exitCode = 127
			}
			message := encode(shim.start.failure)
			shim.box.update(func() { shim.box.failed = message })
			shim.awaitAgent()
		}
	}
	if shim.phase == running && shim.status != nil {
		shim.phase = draining
		shim.kill.Stop()
		shim.follow.Stop()
		shim.forward.Stop()
		shim.killAll()
		shim.output.SetReadDeadline(time.Now().Add(drainPatience))
		shim.awaitAgent()
		shim.report()
	}
}

func (shim *shim) obeySignal(message *signalMessage) {
	if message.Signal < 1 || message.Signal > lastSignal {
		return
	}
	shim.forward.Stop()
	if shim.phase == starting {
		// The child would end instead of the command.
		shim.pending = message
		return
	}
	if shim.phase != running {
		return
	}
	shim.sendSignal(syscall.Signal(message.Signal))
	if message.KillAfterMs != nil {
		shim.killAfter(*message.KillAfterMs)
	}
}

// The container is being stopped, from outside.
func (shim *shim) stop(number syscall.Signal) int {
	if shim.phase == waiting {
		complain("stopped by %v before a command was started", number)
		return exitStopped
	}
	if shim.box.terminating != nil {
		return -1
	}
	message := encode(terminatingMessage{int(number)})
	shim.box.update(func() { shim.box.terminating = message })
	if shim.isConnected {
		shim.forward.Reset(stopPatience)
	} else {
		shim.terminate()
	}
	return -1
}

func (shim *shim) terminate() {
	shim.obeySignal(&signalMessage{int(syscall.SIGTERM), &shim.command.GraceMs})
}

// The agent has what it needs.
func (shim *shim) obeyBye() int {
	switch shim.phase {
	case waiting:
		return 0
	case reported:
		return shim.exitCode
	}
	shim.killAll()
	return 128 + int(syscall.SIGKILL)
}
