package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"syscall"
	"time"
)

const (
	firstRetry = 20 * time.Millisecond
	lastRetry  = 500 * time.Millisecond
	// While no agent listens and the command waits for one.
	lastStartRetry = 50 * time.Millisecond
	// Time that an agent has for its part of a reconnection.
	handshakePatience = 10 * time.Second
)

type runOrder struct {
	runMessage
	arguments, variables []string
}

// Exactly one field is set.
type order struct {
	run    *runOrder
	signal *signalMessage
	isBye  bool
}

// The connection to the agent, which is opened again whenever it is lost.
type agentLink struct {
	socket string
	image  []string
	box    *outbox
	orders chan<- order
	// Receives true when an agent is connected, and false when it is lost.
	connected chan<- bool
	// Of the one command; proves the identity of the shim. In memory only.
	secret []byte
}

func (link *agentLink) keepConnected() {
	delay := firstRetry
	reason := ""
	for {
		limit := lastRetry
		if connection, err := dial(link.socket); err == nil {
			isAccepted, err := link.serve(connection)
			connection.Close()
			if isAccepted {
				link.connected <- false
			}
			// Not for an agent that refuses each connection.
			if isAccepted && link.secret != nil {
				delay = firstRetry
			}
			// Once for an agent that refuses each connection.
			if err != nil && !errors.Is(err, io.EOF) && err.Error() != reason {
				reason = err.Error()
				complain("lost the agent: %s", reason)
			}
		} else if link.secret == nil {
			limit = lastStartRetry
		}
		time.Sleep(delay)
		delay = min(2*delay, limit)
	}
}

// The `net` package would double the size of the program.
func dial(path string) (*os.File, error) {
	flags := syscall.SOCK_STREAM | syscall.SOCK_CLOEXEC | syscall.SOCK_NONBLOCK
	number, err := syscall.Socket(syscall.AF_UNIX, flags, 0)
	if err != nil {
		return nil, err
	}
	if err := syscall.Connect(number, &syscall.SockaddrUnix{Name: path}); err != nil {
		syscall.Close(number)
		return nil, err
	}
	return os.NewFile(uintptr(number), path), nil
}

// Serves one connection until it is lost. Reports whether the agent was the right one.
func (link *agentLink) serve(connection *os.File) (isAccepted bool, err error) {
	done := &progress{}
	if err := link.sayHello(connection); err != nil {
		return false, err
	}
	if link.secret != nil {
		if err := link.resume(connection, done); err != nil {
			return false, err
		}
	}
	link.connected <- true
	sender := make(chan bool)
	go func() {
		link.send(connection, done)
		close(sender)
	}()
	err = link.receive(connection, done)
	connection.Close()
	link.box.update(func() { done.isClosed = true })
	<-sender
	return true, err
}

func (link *agentLink) sayHello(connection io.Writer) error {
	folder, _ := os.Getwd()
	if err := writeFrame(connection, frameVariables, joinStrings(link.image)); err != nil {
		return err
	}
	return writeFrame(connection, frameHello, encode(helloMessage{
		Version:       protocolVersion,
		Pid:           os.Getpid(),
		Uid:           os.Getuid(),
		Gid:           os.Getgid(),
		Architecture:  runtime.GOARCH,
		WorkingFolder: folder,
		Variables:     len(link.image),
		Resumes:       link.secret != nil,
		Acknowledged:  link.box.position(),
	}))
}

// Proves to a restarted agent that this is the shim that got the command, and learns which output the agent has.
func (link *agentLink) resume(connection *os.File, done *progress) error {
	connection.SetReadDeadline(time.Now().Add(handshakePatience))
	defer connection.SetReadDeadline(time.Time{})
	challenge, err := readFrame(connection)
	if err != nil {
		return err
	}
	if challenge.kind != frameChallenge {
		return fmt.Errorf("the agent sent frame %d instead of a challenge", challenge.kind)
	}
	proof := hmac.New(sha256.New, link.secret)
	proof.Write(challenge.payload)
	if err := writeFrame(connection, frameProof, proof.Sum(nil)); err != nil {
		return err
	}
	answer, err := readFrame(connection)
	if err != nil {
		return err
	}
	var position positionMessage
	if answer.kind != frameResume || json.Unmarshal(answer.payload, &position) != nil {
		return fmt.Errorf("the agent sent frame %d instead of the position of its output", answer.kind)
	}
	return link.box.resume(position.Acknowledged, done)
}

func (link *agentLink) send(connection *os.File, done *progress) {
	buffer := make([]byte, 0, headerBytes+outputPiece)
	for {
		frame, isOpen := link.box.next(done, buffer)
		if !isOpen {
			return
		}
		if _, err := connection.Write(frame); err != nil {
			return
		}
	}
}

func (link *agentLink) receive(connection io.Reader, done *progress) error {
	var arguments, variables []byte
	for {
		frame, err := readFrame(connection)
		if err != nil {
			return err
		}
		switch frame.kind {
		case frameArguments:
			arguments = append(arguments, frame.payload...)
		case frameVariables:
			variables = append(variables, frame.payload...)
		case frameRun:
			err = link.takeCommand(frame.payload, arguments, variables)
			arguments, variables = nil, nil
		case frameAcknowledge:
			var position positionMessage
			if err = json.Unmarshal(frame.payload, &position); err == nil {
				err = link.box.acknowledge(position.Acknowledged, done)
			}
		case frameSignal:
			var message signalMessage
			if err = json.Unmarshal(frame.payload, &message); err == nil {
				link.orders <- order{signal: &message}
			}
		case frameBye:
			link.orders <- order{isBye: true}
		default:
			err = fmt.Errorf("the agent sent frame %d", frame.kind)
		}
		if err == nil && len(arguments)+len(variables) > maxStringBytes {
			err = fmt.Errorf("the agent sent more than %d bytes of arguments and variables", maxStringBytes)
		}
		if err != nil {
			return err
		}
	}
}

func (link *agentLink) takeCommand(payload, arguments, variables []byte) error {
	if link.secret != nil {
		return errors.New("the agent sent a second command")
	}
	command := &runOrder{}
	if err := json.Unmarshal(payload, &command.runMessage); err != nil {
		return err
	}
	var err error
	if command.arguments, err = splitStrings(arguments, command.Arguments); err != nil {
		return err
	}
	if command.variables, err = splitStrings(variables, command.Variables); err != nil {
		return err
	}
	if len(command.arguments) == 0 || command.Secret == "" {
		return errors.New("the agent sent a command without a program or without a secret")
	}
	link.secret = []byte(command.Secret)
	link.orders <- order{run: command}
	return nil
}
