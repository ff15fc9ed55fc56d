/**
 * The protocol between Dais and a model process, over a pair of connected sockets. A frame has 16 bytes (length of the rest,
 * id, kind, length of the header; all u32 little-endian), a JSON header padded with spaces to 8 bytes, then the tensors, each
 * aligned to 8 bytes. Numbers are raw and little-endian; BYTES are n + 1 offsets (u32) and then the bytes.
 * `python/dais_worker/frames.py` implements the other side.
 */
import type { Duplex } from 'node:stream';
import type { Datatype, Tensor } from './contract.ts';
import { arrayTypeOf, elementsOf } from './tensors.ts';

export const FRAME = {
  /** From the process: the model is loaded; with its inputs and outputs. */
  ready: 1,
  /** To the process: a batch. */
  infer: 2,
  /** From the process: the result. */
  result: 3,
  /** From the process: the model failed, with `message`; before `ready`, loading failed. */
  failed: 4,
  /** To the process, and back with the same id. */
  ping: 5,
} as const;

export interface Frame {
  readonly id: number;
  readonly kind: number;
  readonly header: Readonly<Record<string, unknown>>;
  readonly tensors: readonly Tensor[];
}

/** Name, datatype, shape, bytes; and 1 when a null mask with one byte per element follows. */
type Entry = readonly [string, Datatype, readonly number[], number, 0 | 1];

const PRELUDE = 16;
/** A vector of writes costs Node more than the copy of a frame up to this size. */
const MOST_JOINED = 64 * 1024;
/** A longer frame is an error of the sender. */
const LONGEST = 2 ** 31;

/** In chunks, so that large tensors are not copied. */
export function encodeFrame(frame: Omit<Frame, 'header' | 'tensors'> & Partial<Frame>): Uint8Array[] {
  const { id, kind, header = {}, tensors = [] } = frame;
  const pieces: Uint8Array[] = [];
  const entries: Entry[] = [];
  let size = 0;
  const add = (bytes: Uint8Array) => {
    pieces.push(bytes);
    size += bytes.byteLength;
    const pad = -size & 7;
    if (pad > 0) pieces.push(PADDING.subarray(0, pad));
    size += pad;
  };
  for (const { name, datatype, shape, data, nulls } of tensors) {
    const bytes = datatype === 'BYTES' ? textBytes(data as readonly Buffer[]) : viewOf(data as Uint8Array);
    entries.push([name, datatype, shape, bytes.byteLength, nulls === undefined ? 0 : 1]);
    add(bytes);
    if (nulls !== undefined) add(nulls);
  }
  const text = Buffer.from(JSON.stringify({ ...header, tensors: entries }), 'utf8');
  const length = (text.length + 7) & ~7;
  const head = Buffer.alloc(PRELUDE + length, ' ');
  head.writeUInt32LE(length + size, 0);
  head.writeUInt32LE(id, 4);
  head.writeUInt32LE(kind, 8);
  head.writeUInt32LE(length, 12);
  text.copy(head, PRELUDE);
  return [head, ...pieces];
}

export function sendFrame(socket: Duplex, frame: Parameters<typeof encodeFrame>[0]): void {
  const pieces = encodeFrame(frame);
  const length = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
  if (length <= MOST_JOINED) {
    socket.write(Buffer.concat(pieces, length));
    return;
  }
  socket.cork();
  for (const piece of pieces) socket.write(piece);
  socket.uncork();
}

const PADDING = new Uint8Array(8);

function viewOf(data: Uint8Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function textBytes(values: readonly Buffer[]): Uint8Array {
  const from = 4 * (values.length + 1);
  const total = values.reduce((sum, value) => sum + value.length, 0);
  const bytes = Buffer.allocUnsafe(from + total);
  let at = 0;
  bytes.writeUInt32LE(0, 0);
  values.forEach((value, index) => {
    value.copy(bytes, from + at);
    at += value.length;
    bytes.writeUInt32LE(at, 4 * (index + 1));
  });
  return bytes;
}

/** `body` is the frame after the first 16 bytes; its tensors are views of it. @throws RangeError for an invalid frame. */
function decodeBody(id: number, kind: number, headerLength: number, body: Buffer): Frame {
  const { tensors: entries = [], ...header } = JSON.parse(body.toString('utf8', 0, headerLength)) as {
    tensors?: readonly Entry[];
  };
  let at = headerLength;
  const take = (length: number) => {
    if (!Number.isSafeInteger(length) || length < 0 || at + length > body.length)
      throw new RangeError('A tensor is truncated.');
    const from = at;
    at += length + (-length & 7);
    return body.subarray(from, from + length);
  };
  const tensors = entries.map(([name, datatype, shape, length, hasNulls]): Tensor => {
    if (!shape.every((dimension) => Number.isSafeInteger(dimension) && dimension >= 0))
      throw new RangeError('A shape is invalid.');
    const bytes = take(length);
    const count = elementsOf(shape);
    const nulls = hasNulls === 1 ? take(count) : undefined;
    return { name, datatype, shape, data: dataOf(datatype, count, bytes), ...(nulls !== undefined && { nulls }) };
  });
  return { id, kind, header, tensors };
}

function dataOf(datatype: Datatype, count: number, bytes: Buffer): Tensor['data'] {
  if (datatype !== 'BYTES') {
    const type = arrayTypeOf(datatype);
    if (count * type.BYTES_PER_ELEMENT !== bytes.length)
      throw new RangeError('The length of a tensor does not match its shape.');
    return new type(bytes.buffer, bytes.byteOffset, count);
  }
  const from = 4 * (count + 1);
  if (bytes.length < from) throw new RangeError('The length of a tensor does not match its shape.');
  const data: Buffer[] = [];
  let begin = from;
  for (let index = 1; index <= count; index++) {
    const end = from + bytes.readUInt32LE(4 * index);
    if (end < begin || end > bytes.length) throw new RangeError('The offsets of a tensor are invalid.');
    data.push(bytes.subarray(begin, end));
    begin = end;
  }
  return data;
}

/** Calls `onFrame` for each complete frame. An invalid frame destroys the socket. */
export function onFrames(socket: Duplex, give: (frame: Frame) => void): void {
  const prelude = Buffer.alloc(PRELUDE);
  let had = 0;
  let body: Buffer | undefined;
  let filled = 0;
  const take = (chunk: Buffer) => {
    let at = 0;
    while (at < chunk.length) {
      if (body === undefined) {
        const copied = chunk.copy(prelude, had, at, at + PRELUDE - had);
        had += copied;
        at += copied;
        if (had < PRELUDE) return;
        const length = prelude.readUInt32LE(0);
        if (length > LONGEST || prelude.readUInt32LE(12) > length) throw new RangeError('This is not a frame.');
        // Separate memory, so that tensors are aligned for their type.
        body = Buffer.allocUnsafeSlow(length);
        filled = 0;
      }
      const copied = chunk.copy(body, filled, at);
      filled += copied;
      at += copied;
      if (filled < body.length) return;
      const whole = body;
      body = undefined;
      had = 0;
      give(decodeBody(prelude.readUInt32LE(4), prelude.readUInt32LE(8), prelude.readUInt32LE(12), whole));
    }
  };
  socket.on('data', (chunk: Buffer) => {
    try {
      take(chunk);
    } catch (error) {
      socket.destroy(new RangeError((error as Error).message));
    }
  });
}
