/** Responses: `Export…ServiceResponse`, and `google.rpc.Status` for a refused request. */
export type Encoding = 'protobuf' | 'json';

/** Names of the JSON field for rejected items; protocol buffers have the same field numbers in all signals. */
export type RejectedField = 'rejectedSpans' | 'rejectedDataPoints' | 'rejectedLogRecords';

/** Items of a request that were not stored, with the reason of the first. */
export interface Rejections {
  readonly rejected: number;
  readonly reason: string | undefined;
}

/** Empty if every item was stored, as the specification requires. */
export function answerBody(encoding: Encoding, field: RejectedField, { rejected, reason }: Rejections): Buffer {
  if (encoding === 'json') {
    const partial = { partialSuccess: { [field]: String(rejected), errorMessage: reason ?? '' } };
    return Buffer.from(JSON.stringify(rejected === 0 ? {} : partial));
  }
  if (rejected === 0) return Buffer.alloc(0);
  return bytesField(1, Buffer.concat([number(1, rejected), bytesField(2, Buffer.from(reason ?? ''))]));
}

export function statusBody(encoding: Encoding, code: number, message: string): Buffer {
  if (encoding === 'json') return Buffer.from(JSON.stringify({ code, message }));
  return Buffer.concat([number(1, code), bytesField(2, Buffer.from(message))]);
}

function number(id: number, value: number): Buffer {
  return Buffer.concat([varint(id << 3), varint(value)]);
}

function bytesField(id: number, bytes: Buffer): Buffer {
  return Buffer.concat([varint((id << 3) | 2), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest & 127) | 128);
    rest = Math.floor(rest / 128);
  }
  return Buffer.from([...bytes, rest]);
}
