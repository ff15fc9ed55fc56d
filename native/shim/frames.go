package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
)

// The file shim-protocol.ts of the agent documents the protocol. Names and limits are the same.
const (
	protocolVersion = 1
	headerBytes     = 5
	maxPayloadBytes = 1 << 20
	windowBytes     = 1 << 20
	// Of the arguments and variables of a command together. Linux accepts 6 MiB at most, and usually 2.
	maxStringBytes = 8 << 20
)

// From the shim.
const (
	frameHello       = 1
	frameVariables   = 2
	frameProof       = 3
	frameStarted     = 4
	frameOutput      = 5
	frameTerminating = 6
	frameExited      = 7
	frameFailed      = 8
)

// From the agent, which sends `frameVariables` too.
const (
	frameArguments   = 65
	frameRun         = 66
	frameChallenge   = 67
	frameResume      = 68
	frameAcknowledge = 69
	frameSignal      = 70
	frameBye         = 71
)

type helloMessage struct {
	Version       int    `json:"version"`
	Pid           int    `json:"pid"`
	Uid           int    `json:"uid"`
	Gid           int    `json:"gid"`
	Architecture  string `json:"architecture"`
	WorkingFolder string `json:"workingFolder"`
	// Number of variables in the frames before.
	Variables int `json:"variables"`
	// It has started a command, and continues that connection.
	Resumes      bool  `json:"resumes"`
	Acknowledged int64 `json:"acknowledged"`
}

type runMessage struct {
	// Numbers of strings in the frames before.
	Arguments     int                  `json:"arguments"`
	Variables     int                  `json:"variables"`
	WorkingFolder string               `json:"workingFolder"`
	Limits        map[string][2]*int64 `json:"limits"`
	GraceMs       int64                `json:"graceMs"`
	Secret        string               `json:"secret"`
}

type startedMessage struct {
	Pid       int   `json:"pid"`
	StartedAt int64 `json:"startedAt"`
}

type terminatingMessage struct {
	Signal int `json:"signal"`
}

type exitedMessage struct {
	Code      *int  `json:"code,omitempty"`
	Signal    *int  `json:"signal,omitempty"`
	StartedAt int64 `json:"startedAt"`
	EndedAt   int64 `json:"endedAt"`
	WallMs    int64 `json:"wallMs"`
	// Of all processes of the command that were waited for.
	CpuMs       int64 `json:"cpuMs"`
	MaxRssBytes int64 `json:"maxRssBytes"`
	OutputBytes int64 `json:"outputBytes"`
	// The shim sent SIGKILL before the end.
	Killed bool `json:"killed"`
	// Processes survived SIGKILL.
	HasSurvivors bool         `json:"hasSurvivors"`
	ControlGroup *groupReport `json:"controlGroup,omitempty"`
}

type failedMessage struct {
	Errno   int    `json:"errno"`
	Message string `json:"message"`
}

type positionMessage struct {
	Acknowledged int64 `json:"acknowledged"`
}

type signalMessage struct {
	Signal      int    `json:"signal"`
	KillAfterMs *int64 `json:"killAfterMs"`
}

type frame struct {
	kind    byte
	payload []byte
}

func readFrame(reader io.Reader) (frame, error) {
	var header [headerBytes]byte
	if _, err := io.ReadFull(reader, header[:]); err != nil {
		return frame{}, err
	}
	size := binary.BigEndian.Uint32(header[:])
	if size > maxPayloadBytes {
		return frame{}, fmt.Errorf("a frame has %d bytes, more than %d", size, maxPayloadBytes)
	}
	payload := make([]byte, size)
	_, err := io.ReadFull(reader, payload)
	return frame{header[4], payload}, err
}

func writeFrame(writer io.Writer, kind byte, payload []byte) error {
	_, err := writer.Write(appendFrame(make([]byte, 0, headerBytes+len(payload)), kind, payload))
	return err
}

func encode(message any) []byte {
	text, err := json.Marshal(message)
	if err != nil {
		panic(err)
	}
	return text
}

// Strings with a zero byte after each.
func joinStrings(strings []string) []byte {
	var joined []byte
	for _, text := range strings {
		joined = append(append(joined, text...), 0)
	}
	return joined
}

func splitStrings(joined []byte, count int) ([]string, error) {
	parts := bytes.Split(joined, []byte{0})
	last := len(parts) - 1
	if last != count || len(parts[last]) != 0 {
		return nil, fmt.Errorf("received %d strings instead of %d", last, count)
	}
	strings := make([]string, last)
	for index := range strings {
		strings[index] = string(parts[index])
	}
	return strings, nil
}
