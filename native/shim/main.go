// The shim is process 1 of a container that runs one command. It connects to the agent of the pod, starts the command that
// the agent sends, and reports its output and its end. It is static, so that it runs in every image.
package main

import (
	"flag"
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"time"
)

// Exit codes of the shim, for people who read the status of a container. A command can use the same codes; only the record
// that the agent received is the truth.
const (
	exitUsage        = 65 // wrong arguments, or not process 1
	exitNoAgent      = 66 // no agent appeared before a command was started
	exitNotCollected = 67 // the command has ended, and no agent collected its result
	exitStopped      = 68 // the container was stopped before a command was started
	exitInternal     = 69
)

// Name of the child that becomes the command.
const roleExec = "dais-exec"

// First argument of a process that copies this program to the path that follows.
const wordInstall = "install"

// Holds the program of this process, whatever the image has at its path.
const ownProgram = "/proc/self/exe"

type options struct {
	socket      string
	agentWait   time.Duration
	collectWait time.Duration
}

func main() {
	if os.Args[0] == roleExec {
		becomeCommand()
		return
	}
	if len(os.Args) == 3 && os.Args[1] == wordInstall {
		if err := install(os.Args[2]); err != nil {
			quit(exitInternal, "it cannot be installed: %v", err)
		}
		return
	}
	options := parseOptions()
	if os.Getpid() != 1 {
		// It signals every process that it can reach.
		quit(exitUsage, "it must be process 1 of a container, and it is process %d", os.Getpid())
	}
	os.Exit(run(options))
}

func parseOptions() options {
	var chosen options
	flags := flag.NewFlagSet("shim", flag.ContinueOnError)
	flags.StringVar(&chosen.socket, "socket", "/dais/s", "socket of the agent")
	flags.DurationVar(&chosen.agentWait, "agent-wait", 15*time.Minute, "exit after this time without an agent, before a command was started")
	flags.DurationVar(&chosen.collectWait, "collect-wait", 6*time.Hour, "exit after this time without an agent, after the end of the command")
	if flags.Parse(os.Args[1:]) != nil || flags.NArg() > 0 {
		os.Exit(exitUsage)
	}
	return chosen
}

// Limits what the program uses of the resources of the command, whatever variables for Go the image has.
func shrink() {
	runtime.GOMAXPROCS(2)
	debug.SetGCPercent(25)
	debug.SetMemoryLimit(math.MaxInt64)
	startThreads(6)
}

// Creates all threads that the program will ever need: the runtime of Go ends the program if it cannot create a thread, and a
// command can use up the process limit. The runtime never ends an idle thread.
func startThreads(count int) {
	locked, release := make(chan bool), make(chan bool)
	for range count {
		go func() {
			runtime.LockOSThread()
			locked <- true
			<-release
			runtime.UnlockOSThread()
		}()
	}
	for range count {
		<-locked
	}
	close(release)
}

func quit(code int, format string, values ...any) {
	complain(format, values...)
	os.Exit(code)
}

// Writes a line into the log of the container.
func complain(format string, values ...any) {
	fmt.Fprintf(os.Stderr, "dais shim: "+format+"\n", values...)
}
