/**
 * The protocol between the agent of a pod and its shim (`native/shim`), process 1 of the user's container, over a Unix socket.
 *
 * A frame is the length of its payload in four bytes (big-endian), its type in one byte, and the payload, at most 1 MiB. Payloads
 * are JSON, except those marked as bytes. Strings are sent as bytes with a zero byte after each, before the message that contains
 * their number: so they are exact, and JSON does not enlarge them. The agent sends them in as many frames as they need; the shim
 * sends the variables of its image in one.
 *
 * | from  | frame       | payload                                                                                              |
 * | ----- | ----------- | ---------------------------------------------------------------------------------------------------- |
 * | both  | variables   | bytes: environment variables, of the image or for the command                                          |
 * | shim  | hello       | version, pid, uid, gid, architecture, workingFolder, variables, resumes, acknowledged                  |
 * | shim  | proof       | bytes: HMAC-SHA256 of the challenge, with the secret as key                                            |
 * | shim  | started     | pid, startedAt                                                                                        |
 * | shim  | output      | bytes of standard output and standard error, in the order in which they were written                   |
 * | shim  | terminating | signal: the container is being stopped from outside                                                    |
 * | shim  | exited      | code or signal, startedAt, endedAt, usage; all output was sent before                                   |
 * | shim  | failed      | errno, message: the command was not started                                                            |
 * | agent | arguments   | bytes: program and arguments                                                                           |
 * | agent | run         | arguments, variables, workingFolder, limits, graceMs, secret                                           |
 * | agent | challenge   | bytes: random                                                                                          |
 * | agent | resume      | acknowledged                                                                                          |
 * | agent | acknowledge | acknowledged: bytes of output that the shim need not keep                                              |
 * | agent | signal      | signal, killAfterMs                                                                                   |
 * | agent | bye         | the shim exits                                                                                        |
 *
 * First connection: `hello`, then `run` or `bye`. Later connections, after the agent has restarted: `hello` with `resumes`, `challenge`,
 * `proof`, `resume`; then the shim repeats `started`, the output after `acknowledged`, and how the command ended. Times are
 * milliseconds since 1970 by the clock of the node. A position is a number of bytes of output.
 *
 * The shim keeps at most `WINDOW_BYTES` of output that is not acknowledged. Then it stops reading, and the command waits when its pipe
 * is full.
 *
 * The command runs with the user of the shim and can connect to the socket. So the agent treats everything that it receives as
 * the word of the command, and ends a connection that breaks these rules.
 */

export const PROTOCOL_VERSION = 1;
export const WINDOW_BYTES = 2 ** 20;
export const CHALLENGE_BYTES = 32;
export const PROOF_BYTES = 32;

const HEADER_BYTES = 5;
export const MAX_PAYLOAD_BYTES = 2 ** 20;
const MAX_CONTROL_BYTES = 2 ** 16;

const SHIM_FRAMES = {
  hello: 1,
  variables: 2,
  proof: 3,
  started: 4,
  output: 5,
  terminating: 6,
  exited: 7,
  failed: 8,
} as const;

const AGENT_FRAMES = {
  variables: 2,
  arguments: 65,
  run: 66,
  challenge: 67,
  resume: 68,
  acknowledge: 69,
  signal: 70,
  bye: 71,
} as const;

export type ShimFrameType = keyof typeof SHIM_FRAMES;
export type AgentFrameType = keyof typeof AGENT_FRAMES;

/** Of a frame from the shim. Control frames are small, so that a connection that is not accepted yet needs little memory. */
function payloadLimit(type: ShimFrameType): number {
  if (type === 'proof') return PROOF_BYTES;
  return type === 'output' || type === 'variables' ? MAX_PAYLOAD_BYTES : MAX_CONTROL_BYTES;
}

const SHIM_TYPES = new Map<number, ShimFrameType>(
  Object.entries(SHIM_FRAMES).map(([type, number]) => [number, type as ShimFrameType]),
);

export interface ShimFrame {
  readonly type: ShimFrameType;
  readonly payload: Buffer;
}

/** Bytes that are no valid frame or message. The message is the reason for the end of the connection. */
export class ShimProtocolError extends Error {}

/** @throws RangeError for a payload above the limit. */
export function encodeFrame(type: AgentFrameType, payload: Uint8Array): Buffer {
  return frameOf(AGENT_FRAMES[type], payload);
}

/** Returns a frame as a shim sends it; for tests. */
export function encodeShimFrame(type: ShimFrameType, payload: Uint8Array): Buffer {
  return frameOf(SHIM_FRAMES[type], payload);
}

function frameOf(type: number, payload: Uint8Array): Buffer {
  if (payload.length > MAX_PAYLOAD_BYTES) throw new RangeError(`a frame cannot have ${payload.length} bytes`);
  const frame = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
  frame.writeUInt32BE(payload.length, 0);
  frame.writeUInt8(type, 4);
  frame.set(payload, HEADER_BYTES);
  return frame;
}

/** Splits received bytes into frames. Keeps at most one incomplete frame, in memory for what was received of it. */
export class FrameDecoder {
  #held: Buffer = Buffer.alloc(0);
  #size = 0;

  /** Yields complete frames. @throws ShimProtocolError for a frame that is not allowed, as soon as its header is there. */
  *decode(bytes: Buffer): Generator<ShimFrame> {
    let rest = bytes;
    while (rest.length > 0) {
      if (this.#size === 0) {
        const size = frameSize(rest, rest.length);
        if (rest.length >= size) {
          yield readFrame(rest.subarray(0, size));
          rest = rest.subarray(size);
          continue;
        }
      }
      const needed = this.#size < HEADER_BYTES ? HEADER_BYTES : frameSize(this.#held, this.#size);
      const piece = rest.subarray(0, needed - this.#size);
      rest = rest.subarray(piece.length);
      this.#hold(piece);
      if (this.#size < HEADER_BYTES || this.#size < frameSize(this.#held, this.#size)) continue;
      const frame = this.#held.subarray(0, this.#size);
      this.#held = Buffer.alloc(0);
      this.#size = 0;
      yield readFrame(frame);
    }
  }

  /** Whether the received bytes end inside a frame. */
  get isInsideFrame(): boolean {
    return this.#size > 0;
  }

  /** Copies the piece: thousands of small pieces would need more memory than their bytes. */
  #hold(piece: Buffer): void {
    const size = this.#size + piece.length;
    if (size > this.#held.length) {
      const larger = Buffer.allocUnsafe(Math.max(size, 2 * this.#held.length, HEADER_BYTES));
      this.#held.copy(larger, 0, 0, this.#size);
      this.#held = larger;
    }
    piece.copy(this.#held, this.#size);
    this.#size = size;
  }
}

/** Returns the size of the frame at the start of `bytes`, with its header; Infinity while the header is incomplete. */
function frameSize(bytes: Buffer, length: number): number {
  if (length < HEADER_BYTES) return Infinity;
  const size = bytes.readUInt32BE(0);
  const number = bytes.readUInt8(4);
  const type = SHIM_TYPES.get(number);
  if (type === undefined) throw new ShimProtocolError(`the shim sent a frame of the unknown type ${number}`);
  const limit = payloadLimit(type);
  if (size > limit)
    throw new ShimProtocolError(`the shim sent a frame \`${type}\` of ${size} bytes, more than ${limit}`);
  return HEADER_BYTES + size;
}

function readFrame(frame: Buffer): ShimFrame {
  return { type: SHIM_TYPES.get(frame.readUInt8(4))!, payload: frame.subarray(HEADER_BYTES) };
}
