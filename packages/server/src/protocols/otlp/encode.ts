/** Answers: `ExportTraceServiceResponse`, and `google.rpc.Status` for what was refused. */
export type Encoding = 'protobuf' | 'json';

/** Empty if every span was stored, as the specification requires. */
export function answerBody(encoding: Encoding, rejected: number, reason: string | undefined): Buffer {
  if (encoding === 'json') {
    const partial = { partialSuccess: { rejectedSpans: String(rejected), errorMessage: reason ?? '' } };
    return Buffer.from(JSON.stringify(rejected === 0 ? {} : partial));
  }
  if (rejected === 0) return Buffer.alloc(0);
  return field(1, Buffer.concat([number(1, rejected), field(2, Buffer.from(reason ?? ''))]));
}

export function statusBody(encoding: Encoding, code: number, message: string): Buffer {
  if (encoding === 'json') return Buffer.from(JSON.stringify({ code, message }));
  return Buffer.concat([number(1, code), field(2, Buffer.from(message))]);
}

function number(id: number, value: number): Buffer {
  return Buffer.concat([varint(id << 3), varint(value)]);
}

function field(id: number, bytes: Buffer): Buffer {
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
