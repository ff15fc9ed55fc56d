/** For tests: requests in protocol buffers, written field by field. */

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Buffer.from([...bytes, Number(rest)]);
}

export function field(id: number, bytes: Buffer): Buffer {
  return Buffer.concat([varint(BigInt((id << 3) | 2)), varint(BigInt(bytes.length)), bytes]);
}

export function text(id: number, value: string): Buffer {
  return field(id, Buffer.from(value));
}

export function varintField(id: number, value: bigint): Buffer {
  return Buffer.concat([varint(BigInt(id << 3)), varint(value)]);
}

export function fixed64(id: number, bytes: Buffer): Buffer {
  return Buffer.concat([varint(BigInt((id << 3) | 1)), bytes]);
}

export function keyValue(key: string, value: Buffer): Buffer {
  return Buffer.concat([text(1, key), field(2, value)]);
}

export interface SpanIds {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId?: string;
  readonly name: string;
}

const START = 1_790_000_000_000_000_000n;

/** A span in its place in a list of them. */
export function spanBytes({ traceId, spanId, parentId, name }: SpanIds, more: readonly Buffer[] = []): Buffer {
  const times = Buffer.alloc(16);
  times.writeBigUInt64LE(START, 0);
  times.writeBigUInt64LE(START + 1_000_000n, 8);
  const parts = [
    field(1, Buffer.from(traceId, 'hex')),
    field(2, Buffer.from(spanId, 'hex')),
    ...(parentId === undefined ? [] : [field(4, Buffer.from(parentId, 'hex'))]),
    text(5, name),
    fixed64(7, times.subarray(0, 8)),
    fixed64(8, times.subarray(8)),
  ];
  return field(2, Buffer.concat([...parts, ...more]));
}

/** Of one program, in one scope. */
export function requestBytes(spans: Buffer, resource: Buffer = Buffer.alloc(0)): Buffer {
  return field(1, Buffer.concat([field(1, resource), field(2, spans)]));
}
