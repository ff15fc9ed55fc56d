/**
 * Reads row numbers of deletion vectors of Delta and Iceberg: a 64-bit Roaring bitmap in the portable format (a list of 32-bit
 * bitmaps with their high halves). The cost is bounded by the size of the input. Pure.
 */

export class BitmapError extends Error {}

const MAGIC = 1_681_511_377;
const ARRAYS_AND_BITMAPS = 12_346;
const WITH_RUNS = 12_347;
/** Bitmaps with runs and up to this number of containers have no offsets. */
const WITHOUT_OFFSETS = 4;
/** Containers with more values are bitmaps. */
const ARRAY_VALUES = 4096;
const HIGH = 2 ** 32;
/** Maximum row number, within safe integers. */
const HIGHEST_KEY = 2 ** 20;

/** Yields the numbers in ascending order. @throws BitmapError for an invalid bitmap, or one without exactly `count` numbers. */
export function* readRows(bytes: Buffer, count: number): Generator<number> {
  const reader = new Reader(bytes);
  if (reader.u32() !== MAGIC) throw new BitmapError('it is not a bitmap in the portable format');
  const bitmaps = reader.u64();
  let before = -1;
  let last = -1;
  let left = count;
  for (let at = 0; at < bitmaps; at++) {
    const key = reader.u32();
    if (key <= before || key > HIGHEST_KEY) throw new BitmapError('its keys are out of order');
    before = key;
    for (const row of readBitmap(reader, key * HIGH)) {
      if (row <= last) throw new BitmapError('its rows are out of order');
      if (left === 0) throw new BitmapError('it has more rows than declared');
      left -= 1;
      last = row;
      yield row;
    }
  }
  if (left > 0) throw new BitmapError('it has fewer rows than declared');
  if (!reader.ended) throw new BitmapError('it has more bytes than declared');
}

function* readBitmap(reader: Reader, base: number): Generator<number> {
  const cookie = reader.u32();
  const runs = cookie % 65_536 === WITH_RUNS;
  if (!runs && cookie !== ARRAYS_AND_BITMAPS) throw new BitmapError('a part of it is not a Roaring bitmap');
  const size = runs ? Math.floor(cookie / 65_536) + 1 : reader.u32();
  if (size > 65_536) throw new BitmapError('a part of it has too many containers');
  const isRun = runs ? reader.take(Math.ceil(size / 8)) : Buffer.alloc(0);
  const containers: { readonly key: number; readonly count: number }[] = [];
  for (let at = 0; at < size; at++) containers.push({ key: reader.u16(), count: reader.u16() + 1 });
  if (!runs || size >= WITHOUT_OFFSETS) reader.take(4 * size);
  let before = -1;
  for (const [at, { key, count }] of containers.entries()) {
    if (key <= before) throw new BitmapError('its containers are out of order');
    before = key;
    const start = base + key * 65_536;
    const run = runs && ((isRun[Math.floor(at / 8)] ?? 0) >> (at % 8)) % 2 === 1;
    if (run) yield* readRuns(reader, start);
    else if (count <= ARRAY_VALUES) yield* readArray(reader, start, count);
    else yield* readBits(reader, start);
  }
}

function* readRuns(reader: Reader, start: number): Generator<number> {
  for (let left = reader.u16(); left > 0; left--) {
    const first = reader.u16();
    const length = reader.u16() + 1;
    if (first + length > 65_536) throw new BitmapError('a run exceeds its container');
    for (let at = 0; at < length; at++) yield start + first + at;
  }
}

function* readArray(reader: Reader, start: number, count: number): Generator<number> {
  for (let at = 0; at < count; at++) yield start + reader.u16();
}

function* readBits(reader: Reader, start: number): Generator<number> {
  for (const [at, byte] of reader.take(8192).entries()) {
    for (let bit = 0, left = byte; left > 0; bit++, left >>= 1) if (left % 2 === 1) yield start + at * 8 + bit;
  }
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get ended(): boolean {
    return this.#at === this.#bytes.length;
  }

  take(count: number): Buffer {
    const end = this.#at + count;
    if (end > this.#bytes.length) throw new BitmapError('it is truncated');
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  u16(): number {
    return this.take(2).readUInt16LE();
  }

  u32(): number {
    return this.take(4).readUInt32LE();
  }

  u64(): number {
    const low = this.u32();
    return this.u32() * HIGH + low;
  }
}
