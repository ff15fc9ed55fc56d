/** For tests: writes event files of TensorBoard and run files of W&B, byte by byte. */
import { crc32 } from 'node:zlib';
import { maskedCrc32c } from '../tensorboard/crc32c.ts';

type Value = number | bigint | string | Buffer;

/** A protocol buffers message. Numbers become varints; see `double` and `float`. */
export function message(...fields: readonly (readonly [number, Value | Fixed])[]): Buffer {
  return Buffer.concat(
    fields.flatMap(([field, value]) => {
      if (value instanceof Fixed) return [varint(field * 8 + value.wire), value.bytes];
      if (typeof value === 'number' || typeof value === 'bigint') return [varint(field * 8), varint(value)];
      const bytes = typeof value === 'string' ? Buffer.from(value) : value;
      return [varint(field * 8 + 2), varint(bytes.length), bytes];
    }),
  );
}

class Fixed {
  readonly wire: number;
  readonly bytes: Buffer;

  constructor(wire: number, bytes: Buffer) {
    this.wire = wire;
    this.bytes = bytes;
  }
}

export function double(value: number): Fixed {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return new Fixed(1, bytes);
}

export function float(value: number): Fixed {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return new Fixed(5, bytes);
}

function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const byte = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest === 0n ? byte : byte | 0x80);
  } while (rest !== 0n);
  return Buffer.from(bytes);
}

function tfRecord(data: Buffer): Buffer {
  const header = Buffer.alloc(12);
  header.writeBigUInt64LE(BigInt(data.length));
  header.writeUInt32LE(maskedCrc32c(header.subarray(0, 8)), 8);
  const footer = Buffer.alloc(4);
  footer.writeUInt32LE(maskedCrc32c(data));
  return Buffer.concat([header, data, footer]);
}

/** An event with one value of a summary. `at` is in seconds. */
export function event(at: number, step: number, ...values: readonly Buffer[]): Buffer {
  const summary = message(...values.map((value) => [1, value] as const));
  return tfRecord(message([1, double(at)], [2, step], [5, summary]));
}

export const sessionStart = (at: number, step: number): Buffer =>
  tfRecord(message([1, double(at)], [2, step], [7, message([1, 1])]));

export const scalar = (tag: string, value: number): Buffer => message([1, tag], [2, float(value)]);

const plugin = (name: string, content: Buffer = Buffer.alloc(0)): Buffer =>
  message([1, message([1, name], [2, content])]);

/** As newer writers: a tensor with the plugin `scalars`. */
export const tensorScalar = (tag: string, value: number, withPlugin = true): Buffer =>
  message([1, tag], ...(withPlugin ? [[9, plugin('scalars')] as const] : []), [
    8,
    message([1, 1], [5, float(value).bytes]),
  ]);

export const image = (tag: string, bytes: Buffer): Buffer =>
  message([1, tag], [4, message([1, 1], [2, 1], [4, bytes])]);

export const text = (tag: string, ...lines: readonly string[]): Buffer =>
  message([1, tag], [9, plugin('text')], [8, message([1, 7], ...lines.map((line) => [8, line] as const))]);

export function hyperparameters(values: Readonly<Record<string, number | string | boolean>>): Buffer {
  const entries = Object.entries(values).map(([key, value]) => {
    const encoded =
      typeof value === 'number'
        ? message([2, double(value)])
        : typeof value === 'string'
          ? message([3, value])
          : message([4, Number(value)]);
    return [1, message([1, key], [2, encoded])] as const;
  });
  return message([1, '_hparams_/session_start_info'], [9, plugin('hparams', message([3, message(...entries)]))]);
}

const BLOCK = 32_768;
const HEADER = 7;

/** A `.wandb` file with these records, in blocks as LevelDB writes them. */
export function wandbFile(records: readonly Buffer[]): Buffer {
  const parts: Buffer[] = [Buffer.from([...Buffer.from(':W&B'), 0xe1, 0xbe, 0])];
  let size = HEADER;
  const add = (part: Buffer) => {
    parts.push(part);
    size += part.length;
  };
  for (const record of records) {
    for (let at = 0, isFirst = true; isFirst || at < record.length; isFirst = false) {
      const rest = BLOCK - (size % BLOCK);
      if (rest < HEADER) add(Buffer.alloc(rest));
      const room = BLOCK - (size % BLOCK) - HEADER;
      const piece = record.subarray(at, at + room);
      at += piece.length;
      const isLast = at >= record.length;
      add(chunk(isFirst ? (isLast ? 1 : 2) : isLast ? 4 : 3, piece));
    }
  }
  return Buffer.concat(parts);
}

function chunk(type: number, data: Buffer): Buffer {
  const header = Buffer.alloc(HEADER);
  header.writeUInt32LE(crc32(data, crc32(Buffer.from([type]))));
  header.writeUInt16LE(data.length, 4);
  header[6] = type;
  return Buffer.concat([header, data]);
}

type Json = Readonly<Record<string, unknown>>;

const items = (field: number, values: Json, nested = false) =>
  Object.entries(values).map(
    ([key, value]) =>
      [
        field,
        message(...(nested ? key.split('.').map((part) => [2, part] as const) : [[1, key] as const]), [
          16,
          typeof value === 'number' && !Number.isFinite(value) ? String(value) : JSON.stringify(value),
        ]),
      ] as const,
  );

const timestamp = (seconds: number): Buffer => message([1, Math.floor(seconds)], [2, Math.round((seconds % 1) * 1e9)]);

/** Records of a `.wandb` file. */
export const wandb = {
  run: (run: {
    id: string;
    project: string;
    name?: string;
    at?: number;
    tags?: string[];
    group?: string;
    config?: Json;
  }) =>
    message([
      17,
      message(
        [1, run.id],
        [3, run.project],
        [4, message(...items(1, run.config ?? {}))],
        [6, run.group ?? ''],
        [8, run.name ?? ''],
        ...(run.tags ?? []).map((tag) => [10, tag] as const),
        [17, timestamp(run.at ?? 1_700_000_000)],
      ),
    ]),
  /** Keys with `.` are nested. */
  history: (step: number, at: number, values: Json) =>
    message([2, message(...items(1, { ...values, _step: step, _timestamp: at }, true), [2, message([1, step])])]),
  summary: (values: Json) => message([3, message(...items(1, values))]),
  config: (values: Json) => message([5, message(...items(1, values))]),
  stats: (at: number, values: Json) => message([7, message([2, timestamp(at)], ...items(3, values))]),
  exit: (code: number) => message([18, message([1, code], [2, 60])]),
};
