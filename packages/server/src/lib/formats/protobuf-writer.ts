/** Writes the wire format of protocol buffers, field by field: the other half of protobuf-reader.ts. */

/** One field in the wire format. */
export type ProtobufField = readonly Uint8Array[];

const VARINT = 0;
const LENGTH = 2;

/** A message inside of another, text or bytes. */
export function bytesField(field: number, value: Uint8Array | string): ProtobufField {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : value;
  return [varint((field << 3) | LENGTH), varint(bytes.length), bytes];
}

/** A whole number of at most 53 bits, also below 0; an enum; a truth value as 0 or 1. */
export function numberField(field: number, value: number): ProtobufField {
  return [varint((field << 3) | VARINT), varint(value)];
}

export function messageOf(...fields: readonly ProtobufField[]): Buffer {
  return Buffer.concat(fields.flat());
}

function varint(value: number): Uint8Array {
  // Two's complement in 64 bits, as the format has it for numbers below 0.
  let rest = value < 0 ? BigInt.asUintN(64, BigInt(value)) : BigInt(value);
  const bytes: number[] = [];
  do {
    const low = Number(rest & 127n);
    rest >>= 7n;
    bytes.push(rest === 0n ? low : low | 128);
  } while (rest !== 0n);
  return Uint8Array.from(bytes);
}
