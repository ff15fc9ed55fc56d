package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

const (
	// Linux accepts strings of this many bytes, with the zero byte at the end.
	maxArgumentBytes = 131_072
	mountNoExec      = 8
	// Fields of a 64-bit ELF file.
	elfHeaderBytes  = 64
	elfProgramBytes = 56
	elfInterpreter  = 3
	elfMachineField = 18
)

// Errors of execve, for the author of the command.
func describeFailure(errno syscall.Errno, name, file string, arguments, variables []string) failedMessage {
	return failedMessage{int(errno), explain(errno, name, file, arguments, variables)}
}

func explain(errno syscall.Errno, name, file string, arguments, variables []string) string {
	switch errno {
	case syscall.EACCES:
		return fmt.Sprintf("the program %s may not be executed: %s", name, whyDenied(file))
	case syscall.ENOEXEC:
		return fmt.Sprintf("the program %s is not a program for this machine (%s): %s", name, runtime.GOARCH, kindOf(file))
	case syscall.E2BIG:
		total, longest := sizesOf(slices.Concat(arguments, variables))
		if longest > maxArgumentBytes {
			return fmt.Sprintf("the program %s cannot be started: an argument or variable has %d bytes; the maximum of Linux is %d: use a file", name, longest-1, maxArgumentBytes-1)
		}
		return fmt.Sprintf("the program %s cannot be started: its arguments and variables have %d bytes in total, more than Linux accepts: use files", name, total)
	}
	return fmt.Sprintf("the program %s cannot be started: %v", name, errno)
}

func whyDenied(file string) string {
	status, err := os.Stat(file)
	if err != nil {
		return fmt.Sprintf("%v", syscall.EACCES)
	}
	if status.IsDir() {
		return file + " is a folder"
	}
	if status.Mode().Perm()&0o111 == 0 {
		return fmt.Sprintf("%s is not executable (its mode is %04o)", file, status.Mode().Perm())
	}
	var system syscall.Statfs_t
	if syscall.Statfs(file, &system) == nil && system.Flags&mountNoExec != 0 {
		return file + " is on a volume that is mounted with noexec"
	}
	return fmt.Sprintf("%v, or of its interpreter", syscall.EACCES)
}

func kindOf(file string) string {
	head := headOf(file)
	switch {
	case bytes.HasPrefix(head, []byte("\x7fELF")) && len(head) > elfMachineField+1:
		return fmt.Sprintf("it is an ELF file for machine %d", binary.LittleEndian.Uint16(head[elfMachineField:]))
	case isText(file):
		return fmt.Sprintf("it has no #! line, and there is no %s", shell)
	}
	return "its format is unknown"
}

// For a file that is there although the kernel did not find it.
func missingInterpreter(name, file string) string {
	head := headOf(file)
	if line, isScript := bytes.CutPrefix(head, []byte("#!")); isScript {
		line, _, _ = bytes.Cut(line, []byte("\n"))
		interpreter := strings.TrimRight(string(line), "\r \t")
		if words := strings.Fields(interpreter); len(words) > 0 {
			interpreter = words[0]
		}
		ending := ""
		if bytes.HasSuffix(line, []byte("\r")) {
			ending = "; its lines end with carriage returns"
		}
		return fmt.Sprintf("the program %s cannot be started: its interpreter %s does not exist%s", name, interpreter, ending)
	}
	if loader := loaderOf(head); loader != "" {
		return fmt.Sprintf("the program %s cannot be started: its loader %s does not exist; the program was built for another distribution of Linux (%s)", name, loader, path.Base(loader))
	}
	return fmt.Sprintf("the program %s cannot be started: its interpreter does not exist", name)
}

// Returns the loader of a dynamic 64-bit program, from its program headers.
func loaderOf(head []byte) string {
	if len(head) < elfHeaderBytes || !bytes.HasPrefix(head, []byte("\x7fELF\x02\x01")) {
		return ""
	}
	start := binary.LittleEndian.Uint64(head[32:])
	size, count := uint64(binary.LittleEndian.Uint16(head[54:])), uint64(binary.LittleEndian.Uint16(head[56:]))
	length := uint64(len(head))
	for index := range count {
		if size < elfProgramBytes || start > length || start+index*size > length || size > length-start-index*size {
			return ""
		}
		at := start + index*size
		header := head[at : at+size]
		if binary.LittleEndian.Uint32(header) != elfInterpreter {
			continue
		}
		from, count := binary.LittleEndian.Uint64(header[8:]), binary.LittleEndian.Uint64(header[32:])
		if from > length || count > length-from {
			return ""
		}
		return string(bytes.TrimRight(head[from:from+count], "\x00"))
	}
	return ""
}
