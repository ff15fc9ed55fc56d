/** TensorProto with one number or with strings: scalars, texts, images and sounds of newer writers. */
import { LENGTH, ProtoReader } from '../run-logs/proto-reader.ts';

export interface Tensor {
  /** The first element. Undefined: not a number type. */
  readonly number?: number;
  readonly strings: readonly Buffer[];
}

/** Values of `DataType`. */
const FLOAT = 1;
const DOUBLE = 2;
const HALF = 19;
const BFLOAT16 = 14;
const MOST_STRINGS = 10_000;

/** Readers of `tensor_content`, in the byte order of the machine that wrote it: little-endian. */
const CONTENT: Readonly<Record<number, { readonly size: number; read(bytes: Buffer): number }>> = {
  [FLOAT]: { size: 4, read: (bytes) => bytes.readFloatLE(0) },
  [DOUBLE]: { size: 8, read: (bytes) => bytes.readDoubleLE(0) },
  3: { size: 4, read: (bytes) => bytes.readInt32LE(0) },
  4: { size: 1, read: (bytes) => bytes.readUInt8(0) },
  5: { size: 2, read: (bytes) => bytes.readInt16LE(0) },
  6: { size: 1, read: (bytes) => bytes.readInt8(0) },
  9: { size: 8, read: (bytes) => Number(bytes.readBigInt64LE(0)) },
  10: { size: 1, read: (bytes) => bytes.readUInt8(0) },
  [BFLOAT16]: { size: 2, read: (bytes) => bfloat16(bytes.readUInt16LE(0)) },
  17: { size: 2, read: (bytes) => bytes.readUInt16LE(0) },
  [HALF]: { size: 2, read: (bytes) => float16(bytes.readUInt16LE(0)) },
  22: { size: 4, read: (bytes) => bytes.readUInt32LE(0) },
  23: { size: 8, read: (bytes) => Number(bytes.readBigUInt64LE(0)) },
};

/** @throws MalformedMessage */
export function readTensor(reader: ProtoReader): Tensor {
  const strings: Buffer[] = [];
  let type = 0;
  let content: Buffer | undefined;
  let number: number | undefined;
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        type = reader.int();
        break;
      case 4:
        content = reader.bytes();
        break;
      case 5:
        number ??= reader.wire === LENGTH ? packed(reader.bytes(), FLOAT) : reader.float();
        break;
      case 6:
        number ??= reader.wire === LENGTH ? packed(reader.bytes(), DOUBLE) : reader.double();
        break;
      case 8:
        if (strings.length < MOST_STRINGS) strings.push(reader.bytes());
        break;
      // int_val, int64_val, bool_val, half_val, uint32_val, uint64_val
      case 7:
      case 10:
      case 11:
      case 13:
      case 16:
      case 17:
        number ??= reader.wire === LENGTH ? firstVarint(reader.bytes()) : reader.int();
        break;
    }
  }
  if (number !== undefined && type === HALF) number = float16(number);
  else if (number !== undefined && type === BFLOAT16) number = bfloat16(number);
  if (number === undefined && content !== undefined) number = packed(content, type);
  return { strings, ...(number !== undefined && { number }) };
}

function packed(bytes: Buffer, type: number): number | undefined {
  const content = CONTENT[type];
  return content === undefined || bytes.length < content.size ? undefined : content.read(bytes);
}

/** A packed list has the format of the values of fields without their keys. */
function firstVarint(bytes: Buffer): number | undefined {
  const end = bytes.findIndex((byte) => byte < 0x80);
  if (end === -1) return undefined;
  const reader = new ProtoReader(Buffer.concat([Buffer.from([8]), bytes.subarray(0, end + 1)]));
  reader.next();
  return reader.int();
}

function float16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const [exponent, fraction] = [(bits >> 10) & 0x1f, bits & 0x3ff];
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function bfloat16(bits: number): number {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16LE(bits & 0xffff, 2);
  return bytes.readFloatLE(0);
}
