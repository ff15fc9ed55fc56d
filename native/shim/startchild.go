package main

import (
	"encoding/binary"
	"encoding/json"
	"io"
	"os"
	"syscall"
)

// What the child reported before it became the command, or could not.
type startReport struct {
	startedAt int64
	failure   *failedMessage
}

// Starts the child that becomes the command, in its own session. It writes all its output into one pipe, which keeps the order.
func (shim *shim) startChild() syscall.Errno {
	var files [3][2]int
	for index := range files {
		if err := syscall.Pipe2(files[index][:], syscall.O_CLOEXEC); err != nil {
			return err.(syscall.Errno)
		}
	}
	output, order, report := files[0], files[1], files[2]
	input, err := syscall.Open("/dev/null", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return err.(syscall.Errno)
	}
	shim.pid, err = syscall.ForkExec(ownProgram, []string{roleExec}, &syscall.ProcAttr{
		Env:   []string{},
		Files: []uintptr{uintptr(input), uintptr(output[1]), uintptr(output[1]), uintptr(order[0]), uintptr(report[1])},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	for _, descriptor := range []int{input, output[1], order[0], report[1]} {
		syscall.Close(descriptor)
	}
	// Only the ends of this process: the flag belongs to an end, and a command must not find it on its output.
	for _, descriptor := range []int{output[0], order[1], report[0]} {
		syscall.SetNonblock(descriptor, true)
	}
	shim.output = os.NewFile(uintptr(output[0]), "output")
	orders, reports := os.NewFile(uintptr(order[1]), "order"), os.NewFile(uintptr(report[0]), "report")
	if err != nil {
		shim.output.Close()
		orders.Close()
		reports.Close()
		errno, _ := err.(syscall.Errno)
		return max(errno, syscall.EPERM)
	}
	go func(text []byte) {
		orders.Write(text)
		orders.Close()
	}(encodeChildOrder(shim.command))
	go shim.readStart(reports)
	go shim.readOutput()
	return 0
}

func (shim *shim) readStart(reports *os.File) {
	defer reports.Close()
	text, _ := io.ReadAll(reports)
	if len(text) < 8 {
		shim.starts <- startReport{failure: &failedMessage{int(syscall.EIO), "the program cannot be started: the shim ended before it"}}
		return
	}
	report := startReport{startedAt: int64(binary.LittleEndian.Uint64(text))}
	if len(text) > 8 {
		report.failure = &failedMessage{}
		if json.Unmarshal(text[8:], report.failure) != nil {
			report.failure = &failedMessage{int(syscall.EIO), "the program cannot be started"}
		}
	}
	shim.starts <- report
}

func (shim *shim) readOutput() {
	buffer := make([]byte, outputPiece)
	for {
		count, err := shim.output.Read(buffer)
		shim.box.add(buffer[:count])
		if err != nil {
			break
		}
	}
	// After the deadline: what is in the pipe now, but nothing that a surviving process writes later.
	if connection, err := shim.output.SyscallConn(); err == nil {
		connection.Control(func(descriptor uintptr) {
			for rest := windowBytes; rest > 0; {
				count, err := syscall.Read(int(descriptor), buffer)
				if err == syscall.EINTR {
					continue
				}
				if count <= 0 {
					return
				}
				shim.box.add(buffer[:count])
				rest -= count
			}
		})
	}
	shim.drained <- true
}
