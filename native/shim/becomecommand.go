package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// Descriptors of the child that becomes the command.
const (
	orderDescriptor  = 3
	reportDescriptor = 4
)

const (
	closeRangeCall    = 436
	closeRangeCloexec = 4
	lastSignal        = 64
	// Path for commands without the variable PATH, as in glibc.
	defaultPath = "/bin:/usr/bin"
	shell       = "/bin/sh"
)

var limitNumbers = map[string]int{
	"cpu": 0, "fsize": 1, "data": 2, "stack": 3, "core": 4, "nproc": 6, "nofile": 7, "memlock": 8, "as": 9,
}

// The order for the child: this header, a line feed, and the strings.
type childOrder struct {
	Arguments     int                  `json:"arguments"`
	Variables     int                  `json:"variables"`
	ArgumentBytes int                  `json:"argumentBytes"`
	WorkingFolder string               `json:"workingFolder"`
	Limits        map[string][2]*int64 `json:"limits"`
}

func encodeChildOrder(command *runOrder) []byte {
	arguments, variables := joinStrings(command.arguments), joinStrings(command.variables)
	header := encode(childOrder{
		Arguments:     len(command.arguments),
		Variables:     len(command.variables),
		ArgumentBytes: len(arguments),
		WorkingFolder: command.WorkingFolder,
		Limits:        command.Limits,
	})
	return slices.Concat(header, []byte("\n"), arguments, variables)
}

func decodeChildOrder(text []byte) (order childOrder, arguments, variables []string, err error) {
	header, strings, _ := bytes.Cut(text, []byte("\n"))
	if err = json.Unmarshal(header, &order); err != nil {
		return
	}
	if order.ArgumentBytes > len(strings) {
		err = io.ErrUnexpectedEOF
		return
	}
	if arguments, err = splitStrings(strings[:order.ArgumentBytes], order.Arguments); err != nil {
		return
	}
	variables, err = splitStrings(strings[order.ArgumentBytes:], order.Variables)
	return
}

// Becomes the command. Writes the time to the report, and the reason if it could not be started. A started command closes the
// report without a reason.
func becomeCommand() {
	runtime.LockOSThread()
	report := os.NewFile(reportDescriptor, "report")
	text, err := io.ReadAll(os.NewFile(orderDescriptor, "order"))
	if err != nil {
		os.Exit(exitInternal)
	}
	order, arguments, variables, err := decodeChildOrder(text)
	if err != nil || len(arguments) == 0 {
		os.Exit(exitInternal)
	}
	// Everything but input and output: also what the runtime of the container or of Go has opened.
	syscall.RawSyscall(closeRangeCall, orderDescriptor, ^uintptr(0), closeRangeCloexec)
	syscall.CloseOnExec(orderDescriptor)
	syscall.CloseOnExec(reportDescriptor)
	syscall.Umask(0o022)
	failure := startFailure(order, arguments, variables, func() {
		report.Write(binary.LittleEndian.AppendUint64(nil, uint64(time.Now().UnixMilli())))
	})
	report.Write(encode(failure))
	os.Exit(127)
}

// Returns only if the command could not be started.
func startFailure(order childOrder, arguments, variables []string, report func()) failedMessage {
	if err := os.Chdir(order.WorkingFolder); err != nil {
		report()
		errno := err.(*os.PathError).Err.(syscall.Errno)
		return failedMessage{int(errno), fmt.Sprintf("the working folder %s cannot be entered: %v", order.WorkingFolder, errno)}
	}
	for number := syscall.Signal(1); number <= lastSignal; number++ {
		setSignalAction(number, signalAction{})
	}
	report()
	unblockSignals()
	// Last: the runtime of Go could need more than the command may have.
	for name, limit := range order.Limits {
		setLimit(name, limit)
	}
	return execute(arguments, variables)
}

// A limit above the hard limit of the container becomes the hard limit.
func setLimit(name string, limit [2]*int64) {
	number, isKnown := limitNumbers[name]
	if !isKnown {
		return
	}
	var current syscall.Rlimit
	if syscall.Getrlimit(number, &current) != nil {
		return
	}
	chosen := func(value *int64) uint64 {
		if value == nil {
			return current.Max
		}
		return min(uint64(*value), current.Max)
	}
	hard := chosen(limit[1])
	syscall.Setrlimit(number, &syscall.Rlimit{Cur: min(chosen(limit[0]), hard), Max: hard})
}

// Does what execvp of glibc does: names with a slash are paths, others are looked up on the PATH of the command; a text file
// without a `#!` line is run by a shell.
func execute(arguments, variables []string) failedMessage {
	name := arguments[0]
	candidates, searched := candidatesOf(name, variables)
	denied := ""
	present := ""
	last := syscall.ENOENT
	for _, candidate := range candidates {
		last = tryExecute(candidate, arguments, variables)
		switch last {
		case syscall.EACCES:
			denied = candidate
		case syscall.ENOENT:
			if _, err := os.Stat(candidate); err == nil && present == "" {
				present = candidate
			}
		case syscall.ENOTDIR, syscall.ESTALE, syscall.ENODEV, syscall.ETIMEDOUT:
		default:
			return describeFailure(last, name, candidate, arguments, variables)
		}
	}
	switch {
	case denied != "":
		return describeFailure(syscall.EACCES, name, denied, arguments, variables)
	case present != "":
		return failedMessage{int(syscall.ENOENT), missingInterpreter(name, present)}
	case searched != "":
		return failedMessage{int(last), fmt.Sprintf("the program %s is not on its PATH (%s)", name, searched)}
	}
	return failedMessage{int(last), fmt.Sprintf("the program %s cannot be found: %v", name, last)}
}

// Returns the paths to try, and the searched PATH, which is empty for a path.
func candidatesOf(name string, variables []string) (candidates []string, searched string) {
	if name == "" || strings.Contains(name, "/") {
		return []string{name}, ""
	}
	searched = defaultPath
	for _, variable := range variables {
		if value, isPath := strings.CutPrefix(variable, "PATH="); isPath {
			searched = value
			break
		}
	}
	for _, folder := range strings.Split(searched, ":") {
		if folder != "" {
			folder += "/"
		}
		candidates = append(candidates, folder+name)
	}
	return candidates, searched
}

// An agent that writes a program may still have it open for a moment.
func tryExecute(path string, arguments, variables []string) syscall.Errno {
	var errno syscall.Errno
	for range 20 {
		errno = executeFile(path, arguments, variables)
		if errno != syscall.ETXTBSY {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if errno == syscall.ENOEXEC && isText(path) {
		script := append([]string{shell, path}, arguments[1:]...)
		if executeFile(shell, script, variables) == syscall.E2BIG {
			return syscall.E2BIG
		}
	}
	return errno
}

func executeFile(path string, arguments, variables []string) syscall.Errno {
	// syscall.Exec rejects an empty path with another error.
	if path == "" {
		return syscall.ENOENT
	}
	err := syscall.Exec(path, arguments, variables)
	if errno, isErrno := err.(syscall.Errno); isErrno {
		return errno
	}
	return syscall.EINVAL
}

// Whether a file is no program of any machine: a shell would print garbage for one.
func isText(path string) bool {
	head := headOf(path)
	return !bytes.HasPrefix(head, []byte("\x7fELF")) && !bytes.Contains(head, []byte{0})
}

func headOf(path string) []byte {
	file, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer file.Close()
	head := make([]byte, 4096)
	count, _ := io.ReadFull(file, head)
	return head[:count]
}

// Bytes of the strings as the kernel counts them, and of the longest one.
func sizesOf(strings []string) (total, longest int) {
	pointer := int(unsafe.Sizeof(uintptr(0)))
	for _, text := range strings {
		total += len(text) + 1 + pointer
		longest = max(longest, len(text)+1)
	}
	return total, longest
}
