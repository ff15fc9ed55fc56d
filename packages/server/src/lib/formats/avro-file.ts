/**
 * Reads Avro object container files with the schema that they contain. Integers beyond 2^53 keep all digits.
 * Decompressed bytes and values are limited, whatever sizes a file declares.
 */
import { inflateRawSync } from 'node:zlib';

export class AvroError extends Error {}

export type AvroValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Buffer
  | readonly AvroValue[]
  | { readonly [field: string]: AvroValue };

export interface AvroFile {
  /** Metadata of the writer, in addition to `avro.schema` and `avro.codec`. */
  readonly metadata: ReadonlyMap<string, string>;
  readonly records: readonly AvroValue[];
}

export interface AvroLimits {
  /** Inflated, of all blocks. */
  readonly bytes: number;
  /** Of all records, including nested ones. */
  readonly values: number;
}

const MAGIC = Buffer.from([0x4f, 0x62, 0x6a, 1]);
const SYNC_BYTES = 16;
/** Values within each other; a schema may refer to itself. */
const DEPTH = 64;

/** @throws AvroError for an invalid file, one beyond the limits, or an unsupported codec. */
export function readAvroFile(bytes: Buffer, limits: AvroLimits): AvroFile {
  const budget = { values: limits.values };
  const head = new AvroReader(bytes, budget);
  if (!head.take(MAGIC.length).equals(MAGIC)) throw new AvroError('it is not an Avro file');
  const metadata = new Map<string, string>();
  for (const [key, value] of Object.entries(head.map((reader) => reader.bytes())))
    metadata.set(key, (value as Buffer).toString('utf8'));
  const sync = head.take(SYNC_BYTES);
  const decode = compile(parseSchema(metadata.get('avro.schema') ?? ''), '', new Map());
  const unpack = codecOf(metadata.get('avro.codec') ?? 'null');
  const records: AvroValue[] = [];
  let left = limits.bytes;
  while (!head.ended) {
    const count = head.size();
    const block = unpack(head.take(head.size()), left);
    left -= block.length;
    if (left < 0) throw new AvroError('it exceeds the maximum size');
    if (!head.take(SYNC_BYTES).equals(sync)) throw new AvroError('a block does not end with the sync marker');
    const reader = new AvroReader(block, budget);
    for (let at = 0; at < count; at++) records.push(decode(reader, 0));
    if (!reader.ended) throw new AvroError('a block contains bytes after its records');
  }
  return { metadata, records };
}

type Decode = (reader: AvroReader, depth: number) => AvroValue;

class AvroReader {
  readonly #bytes: Buffer;
  readonly #budget: { values: number };
  #at = 0;

  constructor(bytes: Buffer, budget: { values: number }) {
    this.#bytes = bytes;
    this.#budget = budget;
  }

  get ended(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** Called for each value, because some values have no bytes. */
  count(): void {
    if (this.#budget.values-- <= 0) throw new AvroError('it exceeds the maximum number of values');
  }

  take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new AvroError('it ends too early');
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  long(): number | bigint {
    let value = 0n;
    let low = 0;
    for (let index = 0; index < 10; index++) {
      const byte = this.take(1)[0] as number;
      // Seven bytes are 49 bits, which a double holds.
      if (index < 7) low += (byte & 0x7f) * 2 ** (7 * index);
      else value |= BigInt(byte & 0x7f) << BigInt(7 * index);
      if (byte >= 0x80) continue;
      if (value === 0n) return low % 2 === 0 ? low / 2 : -(low + 1) / 2;
      const whole = BigInt.asUintN(64, value + BigInt(low));
      const signed = (whole >> 1n) ^ -(whole & 1n);
      const number = Number(signed);
      return Number.isSafeInteger(number) ? number : signed;
    }
    throw new AvroError('a number is too long');
  }

  /** A count or a length. */
  size(): number {
    const size = this.long();
    if (typeof size === 'bigint' || size < 0) throw new AvroError(`a size is ${size}`);
    return size;
  }

  bytes(): Buffer {
    return this.take(this.size());
  }

  items(item: () => void): void {
    for (;;) {
      const count = this.long();
      if (count === 0) return;
      if (typeof count === 'bigint') throw new AvroError(`a count is ${count}`);
      if (count < 0) this.size();
      for (let at = 0; at < Math.abs(count); at++) {
        this.count();
        item();
      }
    }
  }

  map(value: (reader: AvroReader) => AvroValue): Record<string, AvroValue> {
    const entries: [string, AvroValue][] = [];
    this.items(() => entries.push([this.bytes().toString('utf8'), value(this)]));
    return Object.fromEntries(entries);
  }
}

const PRIMITIVES: Readonly<Record<string, Decode>> = {
  null: () => null,
  boolean: (reader) => reader.take(1)[0] !== 0,
  int: (reader) => reader.long(),
  long: (reader) => reader.long(),
  float: (reader) => reader.take(4).readFloatLE(0),
  double: (reader) => reader.take(8).readDoubleLE(0),
  bytes: (reader) => reader.bytes(),
  string: (reader) => reader.bytes().toString('utf8'),
};

type Named = Map<string, Decode>;

function compile(schema: unknown, space: string, named: Named): Decode {
  if (typeof schema === 'string') {
    const primitive = PRIMITIVES[schema];
    if (primitive !== undefined) return primitive;
    const name = fullName(schema, space);
    if (!named.has(name)) throw new AvroError(`its schema uses the unknown type ${schema.slice(0, 100)}`);
    return (reader, depth) => (named.get(name) as Decode)(reader, depth);
  }
  if (Array.isArray(schema)) {
    const branches = schema.map((branch) => compile(branch, space, named));
    return (reader, depth) => {
      const branch = branches[reader.size()];
      if (branch === undefined) throw new AvroError('the index of a union value is out of range');
      return branch(reader, depth);
    };
  }
  if (typeof schema !== 'object' || schema === null) throw new AvroError('its schema cannot be read');
  return compileComplex(schema, space, named);
}

interface ComplexSchema {
  readonly type?: unknown;
  readonly name?: unknown;
  readonly namespace?: unknown;
  readonly fields?: unknown;
  readonly symbols?: unknown;
  readonly items?: unknown;
  readonly values?: unknown;
  readonly size?: unknown;
}

function compileComplex(schema: ComplexSchema, space: string, named: Named): Decode {
  const { type } = schema;
  if (type === 'array') {
    const item = compile(schema.items, space, named);
    return deeper((reader, depth) => {
      const items: AvroValue[] = [];
      reader.items(() => items.push(item(reader, depth)));
      return items;
    });
  }
  if (type === 'map') {
    const value = compile(schema.values, space, named);
    return deeper((reader, depth) => reader.map((inside) => value(inside, depth)));
  }
  if (type !== 'record' && type !== 'enum' && type !== 'fixed') return compile(type, space, named);
  const name = fullName(String(schema.name), typeof schema.namespace === 'string' ? schema.namespace : space);
  const refer: Decode = (reader, depth) => (named.get(name) as Decode)(reader, depth);
  // Registered before its fields are read, because a field can have the type itself.
  named.set(name, refer);
  named.set(name, compileNamed(schema, name.slice(0, Math.max(0, name.lastIndexOf('.'))), named));
  return refer;
}

function compileNamed({ type, fields, symbols, size }: ComplexSchema, space: string, named: Named): Decode {
  if (type === 'enum') {
    const words = Array.isArray(symbols) ? symbols.map(String) : [];
    return (reader) => {
      const word = words[reader.size()];
      if (word === undefined) throw new AvroError('the index of an enum value is out of range');
      return word;
    };
  }
  if (type === 'fixed') {
    if (!Number.isSafeInteger(size) || Number(size) < 0) throw new AvroError('its schema cannot be read');
    return (reader) => reader.take(Number(size));
  }
  if (!Array.isArray(fields)) throw new AvroError('its schema cannot be read');
  const parts = (fields as readonly { readonly name?: unknown; readonly type?: unknown }[]).map(
    (field): readonly [string, Decode] => [String(field.name), compile(field.type, space, named)],
  );
  return deeper((reader, depth) => {
    const entries: [string, AvroValue][] = [];
    for (const [field, decode] of parts) {
      reader.count();
      entries.push([field, decode(reader, depth)]);
    }
    return Object.fromEntries(entries);
  });
}

function deeper(decode: Decode): Decode {
  return (reader, depth) => {
    if (depth >= DEPTH) throw new AvroError(`its values are nested deeper than ${DEPTH} levels`);
    reader.count();
    return decode(reader, depth + 1);
  };
}

function fullName(name: string, space: string): string {
  return name.includes('.') || space === '' ? name : `${space}.${name}`;
}

function parseSchema(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new AvroError('its schema cannot be read', { cause: error });
  }
}

function codecOf(codec: string): (packed: Buffer, mostBytes: number) => Buffer {
  switch (codec) {
    case 'null':
      return (packed) => packed;
    case 'deflate':
      return (packed, mostBytes) => {
        try {
          return inflateRawSync(packed, { maxOutputLength: Math.max(1, mostBytes) });
        } catch (error) {
          throw new AvroError('a block cannot be decompressed, or exceeds the maximum size', { cause: error });
        }
      };
    default:
      throw new AvroError(`its codec ${codec.slice(0, 40)} is not supported: write the file with deflate`);
  }
}
