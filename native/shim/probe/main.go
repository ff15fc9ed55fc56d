// The probe is a command for tests of the shim in a root file system without any other program.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

func main() {
	number := func(index int) int {
		value, err := strconv.Atoi(os.Args[index])
		if err != nil {
			panic(err)
		}
		return value
	}
	switch mode := os.Args[1]; mode {
	case "report":
		report()
	case "exit":
		os.Exit(number(2))
	case "signal":
		// Past the handlers of Go.
		endBySignal(syscall.Signal(number(2)))
	case "sleep":
		fmt.Println("up")
		time.Sleep(time.Hour)
	case "orphans":
		// Children that nobody waits for, which lose their parent.
		for range number(2) {
			start("parent", syscall.SysProcAttr{})
		}
		fmt.Println("done")
	case "parent":
		start("child", syscall.SysProcAttr{Setsid: true})
	case "child":
		time.Sleep(time.Hour)
	case "attack":
		attack()
	case "zeros":
		for rest := number(2); rest > 0; {
			count, err := os.Stdout.Write(make([]byte, min(rest, 1<<16)))
			if err != nil {
				panic(err)
			}
			rest -= count
		}
	default:
		panic("unknown mode " + mode)
	}
}

func start(mode string, attributes syscall.SysProcAttr) {
	_, err := syscall.ForkExec(os.Args[0], []string{os.Args[0], mode}, &syscall.ProcAttr{Files: []uintptr{0, 1, 2}, Sys: &attributes})
	if err != nil {
		panic(err)
	}
}

func report() {
	folder, _ := os.Getwd()
	descriptors := []string{}
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, entry := range entries {
		// Without the descriptor of the listing, and those of Go.
		if target, err := os.Readlink("/proc/self/fd/" + entry.Name()); err == nil && !strings.HasPrefix(target, "anon_inode") && !strings.HasPrefix(target, "/proc/") {
			descriptors = append(descriptors, strings.SplitN(target, ":", 2)[0])
		}
	}
	session, _, _ := syscall.RawSyscall(syscall.SYS_GETSID, 0, 0, 0)
	input, _ := os.Stdin.Read(make([]byte, 1))
	var files syscall.Rlimit
	syscall.Getrlimit(syscall.RLIMIT_CORE, &files)
	mask := syscall.Umask(0)
	json.NewEncoder(os.Stdout).Encode(map[string]any{
		"arguments": os.Args[2:], "variables": os.Environ(), "folder": folder, "pid": os.Getpid(), "parent": os.Getppid(),
		"session": int(session), "group": syscall.Getpgrp(), "uid": os.Getuid(), "descriptors": descriptors, "input": input,
		"core": files.Cur, "umask": mask, "blocked": statusField("SigBlk"), "ignored": statusField("SigIgn"),
	})
}

func statusField(name string) string {
	status, _ := os.ReadFile("/proc/self/status")
	for line := range bytes.Lines(status) {
		if key, value, _ := strings.Cut(string(line), ":"); key == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func endBySignal(number syscall.Signal) {
	var action [4]uintptr
	syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(number), uintptr(unsafe.Pointer(&action)), 0, 8, 0, 0)
	syscall.Kill(os.Getpid(), number)
	time.Sleep(100 * time.Millisecond)
}

// Does to process 1 what a process of the same user can try.
func attack() {
	for number := 1; number <= 64; number++ {
		if number == int(syscall.SIGSTOP) {
			continue
		}
		syscall.Kill(1, syscall.Signal(number))
		// As a signal of the kernel or of a process outside would look.
		for _, code := range []int32{-1, -2, -60} {
			info := make([]byte, 128)
			*(*int32)(unsafe.Pointer(&info[0])) = int32(number)
			*(*int32)(unsafe.Pointer(&info[8])) = code
			syscall.RawSyscall(syscall.SYS_RT_SIGQUEUEINFO, 1, uintptr(number), uintptr(unsafe.Pointer(&info[0])))
		}
	}
	syscall.Kill(1, syscall.SIGSTOP)
	results := map[string]string{}
	for _, name := range []string{"mem", "environ", "fd/0", "maps", "exe", "auxv"} {
		file, err := os.Open("/proc/1/" + name)
		results[name] = fmt.Sprint(err != nil)
		if err == nil {
			file.Close()
		}
	}
	results["ptrace"] = fmt.Sprint(syscall.PtraceAttach(1) != nil)
	descriptor, _, errno := syscall.RawSyscall(434, 1, 0, 0)
	if errno == 0 {
		_, _, errno = syscall.RawSyscall(438, descriptor, 3, 0)
	}
	results["pidfd_getfd"] = fmt.Sprint(errno != 0)
	json.NewEncoder(os.Stdout).Encode(results)
}
