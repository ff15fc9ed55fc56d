/**
 * Encodes up to 1,000 points in one value of a row: about 8 bytes per point for a regular series, 4 with single-precision
 * values, compared with 76 as a row. docs/internals/metrics.md describes the layout.
 */
import { makePoints, type Points } from './points.ts';

/** Larger chunks are slower to decode for charts; smaller ones need more rows. */
export const CHUNK = 1000;

const VERSION = 1;
/** Flags: alternative column encodings. */
const SINGLE_VALUES = 1;
const RAW_STEPS = 2;
const RAW_TIMES = 4;
/** Bytes of version, flags and count. */
const HEAD = 4;
/** Below this limit, the doubled difference of two differences is exact in a double. */
const LARGEST = 2 ** 50;
/** Bytes of a varint below 2^53. */
const VARINT = 8;

/** Encodes points in the given order. */
export function encodeChunk({ steps, times, values }: Points): Buffer {
  const n = steps.length;
  if (n > 0xffff) throw new Error(`a chunk of ${n} points`);
  const bytes = Buffer.allocUnsafe(HEAD + n * (2 * VARINT + 8) + 2 * VARINT);
  const single = areSingle(values);
  const [rawSteps, rawTimes] = [!isSmooth(steps), !isSmooth(times)];
  bytes[0] = VERSION;
  bytes[1] = (single ? SINGLE_VALUES : 0) | (rawSteps ? RAW_STEPS : 0) | (rawTimes ? RAW_TIMES : 0);
  bytes.writeUInt16LE(n, 2);
  let at = rawSteps ? writeRaw(bytes, HEAD, steps) : writeDeltas(bytes, HEAD, steps);
  at = rawTimes ? writeRaw(bytes, at, times) : writeDeltas(bytes, at, times);
  // Every platform that Dais runs on is little-endian.
  const column = single ? new Float32Array(values) : values;
  bytes.set(new Uint8Array(column.buffer, column.byteOffset, column.byteLength), at);
  return Buffer.from(bytes.subarray(0, at + column.byteLength));
}

/** @throws Error for bytes that encodeChunk did not write. */
export function decodeChunk(bytes: Buffer): Points {
  const flags = bytes[1]!;
  if (bytes[0] !== VERSION || flags > (SINGLE_VALUES | RAW_STEPS | RAW_TIMES)) {
    throw new Error(`a metric chunk of version ${bytes[0]}, flags ${flags}`);
  }
  const n = bytes.readUInt16LE(2);
  const points = makePoints(n);
  const from = new Reader(bytes, HEAD);
  for (const [column, raw] of [
    [points.steps, RAW_STEPS],
    [points.times, RAW_TIMES],
  ] as const) {
    if ((flags & raw) === 0) readDeltas(from, column);
    else readRaw(from, column);
  }
  const { at } = from;
  const single = (flags & SINGLE_VALUES) !== 0;
  if (bytes.length !== at + n * (single ? 4 : 8)) throw new Error(`a metric chunk of ${bytes.length} bytes`);
  if (single) {
    const column = new Float32Array(n);
    new Uint8Array(column.buffer).set(bytes.subarray(at));
    points.values.set(column);
  } else {
    new Uint8Array(points.values.buffer).set(bytes.subarray(at));
  }
  return points;
}

/** Excludes NaN, because single precision may not keep its bits. */
function areSingle(values: Float64Array): boolean {
  for (const value of values) if (Math.fround(value) !== value) return false;
  return values.length > 0;
}

/** Returns whether deltas are exact. Otherwise values are written with 8 bytes each, which is rare. */
function isSmooth(column: Float64Array): boolean {
  let before = 0;
  for (const value of column) {
    if (Math.abs(value - before) >= LARGEST) return false;
    before = value;
  }
  return true;
}

function writeRaw(bytes: Buffer, at: number, column: Float64Array): number {
  let end = at;
  for (const value of column) end = bytes.writeBigInt64LE(BigInt(value), end);
  return end;
}

function readRaw(from: Reader, column: Float64Array): void {
  for (let index = 0; index < column.length; index++) column[index] = from.int64();
}

/**
 * Writes the first value, then the differences of successive differences. Constant steps are zeros, which are written as
 * a run: 0, and the number of further zeros.
 */
function writeDeltas(bytes: Buffer, at: number, column: Float64Array): number {
  const n = column.length;
  if (n === 0) return at;
  let end = writeVarint(bytes, at, zigzag(column[0]!));
  let delta = 0;
  for (let index = 1; index < n;) {
    const next = column[index]! - column[index - 1]!;
    if (next !== delta) {
      end = writeVarint(bytes, end, zigzag(next - delta));
      delta = next;
      index++;
      continue;
    }
    let run = 1;
    while (index + run < n && delta === column[index + run]! - column[index + run - 1]!) run++;
    bytes[end] = 0;
    end = writeVarint(bytes, end + 1, run - 1);
    index += run;
  }
  return end;
}

function readDeltas(from: Reader, column: Float64Array): void {
  const n = column.length;
  if (n === 0) return;
  let value = unzigzag(from.varint());
  let delta = 0;
  column[0] = value;
  for (let index = 1; index < n;) {
    const token = from.varint();
    const run = token === 0 ? 1 + from.varint() : 1;
    delta += unzigzag(token);
    if (index + run > n) throw new Error('a metric chunk contains more points than its count');
    for (const end = index + run; index < end; index++) {
      value += delta;
      column[index] = value;
    }
  }
}

/** Zigzag encoding: small numbers of either sign become small numbers. */
function zigzag(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1;
}

function unzigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

/** Variable-length integer up to 2^53: seven bits per byte, lowest first; the highest bit marks continuation. */
function writeVarint(bytes: Buffer, at: number, value: number): number {
  let end = at;
  let rest = value;
  while (rest >= 128) {
    bytes[end] = (rest % 128) + 128;
    rest = Math.floor(rest / 128);
    end++;
  }
  bytes[end] = rest;
  return end + 1;
}

class Reader {
  readonly #bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  varint(): number {
    let byte = this.#bytes[this.at++]!;
    if (byte < 128) return byte;
    let value = byte - 128;
    for (let unit = 128; ; unit *= 128) {
      if (this.at >= this.#bytes.length) throw new Error('a metric chunk is truncated');
      byte = this.#bytes[this.at++]!;
      if (byte < 128) return value + byte * unit;
      value += (byte - 128) * unit;
    }
  }

  int64(): number {
    const value = Number(this.#bytes.readBigInt64LE(this.at));
    this.at += 8;
    return value;
  }
}
