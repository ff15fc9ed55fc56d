package main

import (
	"encoding/binary"
	"fmt"
	"sync"
)

// Bytes of output in one frame: the size of a pipe.
const outputPiece = 64 << 10

// The outbox keeps everything that the agent must receive, longer than a connection: how the command started and ended, and
// the output that the agent has not acknowledged. At most `windowBytes` of output: then the command waits at its full pipe.
type outbox struct {
	mutex   sync.Mutex
	changed *sync.Cond
	// Payloads of frames; nil until it happened.
	terminating, started, failed, exited []byte
	ring                                 []byte
	// Position in the output of the first byte of `ring`.
	base int64
	// Positions in the output of the command.
	acknowledged, produced int64
}

// What one connection has sent.
type progress struct {
	terminating, started, failed, exited, isClosed bool
	sent                                           int64
}

func newOutbox() *outbox {
	box := &outbox{ring: make([]byte, windowBytes)}
	box.changed = sync.NewCond(&box.mutex)
	return box
}

// Changes a field, and wakes who waits for a change.
func (box *outbox) update(change func()) {
	box.mutex.Lock()
	defer box.mutex.Unlock()
	change()
	box.changed.Broadcast()
}

// Adds output. Blocks while the agent has not acknowledged the output before.
func (box *outbox) add(bytes []byte) {
	box.mutex.Lock()
	defer box.mutex.Unlock()
	for len(bytes) > 0 {
		if box.acknowledged == box.produced {
			// Uses few pages of the ring while there is little output.
			box.base = box.produced
		}
		room := box.acknowledged + windowBytes - box.produced
		if room == 0 {
			box.changed.Wait()
			continue
		}
		at := (box.produced - box.base) % windowBytes
		count := copy(box.ring[at:], bytes[:min(int64(len(bytes)), room)])
		box.produced += int64(count)
		bytes = bytes[count:]
		box.changed.Broadcast()
	}
}

// Frees the output before a position.
func (box *outbox) acknowledge(position int64, done *progress) error {
	box.mutex.Lock()
	defer box.mutex.Unlock()
	if position < box.acknowledged || position > done.sent {
		return fmt.Errorf("the agent acknowledged %d bytes of output, not between %d and %d", position, box.acknowledged, done.sent)
	}
	box.acknowledged = position
	box.changed.Broadcast()
	return nil
}

func (box *outbox) position() int64 {
	box.mutex.Lock()
	defer box.mutex.Unlock()
	return box.acknowledged
}

// Starts a connection to an agent that has the output before a position.
func (box *outbox) resume(position int64, done *progress) error {
	box.mutex.Lock()
	done.sent = box.produced
	box.mutex.Unlock()
	if err := box.acknowledge(position, done); err != nil {
		return err
	}
	done.sent = position
	return nil
}

// Waits for the next frame of a connection, and appends it to `buffer`. Returns false when the connection is closed.
func (box *outbox) next(done *progress, buffer []byte) ([]byte, bool) {
	box.mutex.Lock()
	defer box.mutex.Unlock()
	for {
		switch {
		case done.isClosed:
			return nil, false
		case box.terminating != nil && !done.terminating:
			done.terminating = true
			return appendFrame(buffer, frameTerminating, box.terminating), true
		case box.started != nil && !done.started:
			done.started = true
			return appendFrame(buffer, frameStarted, box.started), true
		case done.started && done.sent < box.produced:
			at := (done.sent - box.base) % windowBytes
			size := min(box.produced-done.sent, windowBytes-at, outputPiece)
			done.sent += size
			return appendFrame(buffer, frameOutput, box.ring[at:at+size]), true
		case box.failed != nil && !done.failed:
			done.failed = true
			return appendFrame(buffer, frameFailed, box.failed), true
		case box.exited != nil && !done.exited:
			done.exited = true
			return appendFrame(buffer, frameExited, box.exited), true
		}
		box.changed.Wait()
	}
}

func appendFrame(buffer []byte, kind byte, payload []byte) []byte {
	buffer = binary.BigEndian.AppendUint32(buffer, uint32(len(payload)))
	return append(append(buffer, kind), payload...)
}
