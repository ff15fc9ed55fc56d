/**
 * Up to 1,000 points in one value of a row: about 8 bytes a point for a regular series, 4 when its values are single
 * precision, against 76 as a row. The layout is described in docs/internals/metrics.md.
 */
import { makePoints, type Points } from './points.ts';

/** More would make a chunk that a chart must decode dearer; fewer would make more rows. */
export const CHUNK = 1000;

const VERSION = 1;
/** Flags: how columns are written when the usual way does not fit or a shorter one does. */
const SINGLE_VALUES = 1;
const RAW_STEPS = 2;
const RAW_TIMES = 4;
/** Version, flags and the count. */
const HEAD = 4;
/** Below this, the difference of two differences is exact in a double, also doubled. */
const LARGEST = 2 ** 50;
/** Bytes of a varint below 2^53. */
const VARINT = 8;

/** Points stand in the order in which they are given. */
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

/** @throws Error for what encodeChunk did not write. */
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

/** NaN is left out: its bits may hold more than single precision keeps. */
function areSingle(values: Float64Array): boolean {
  for (const value of values) if (Math.fround(value) !== value) return false;
  return values.length > 0;
}

/** False for what deltas cannot hold exactly: written as 8 bytes each, as no training does. */
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
 * The first value, then by how much each difference differs from the one before. Even steps are zeros, which are
 * written as one count: 0, and how many more follow.
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
    if (index + run > n) throw new Error('a metric chunk with more points than it says');
    for (const end = index + run; index < end; index++) {
      value += delta;
      column[index] = value;
    }
  }
}

/** Small numbers of either sign become small numbers. */
function zigzag(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1;
}

function unzigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

/** Seven bits a byte, the lowest first; the highest bit says that more follow. Up to 2^53. */
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
      if (this.at >= this.#bytes.length) throw new Error('a metric chunk that is cut off');
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
