/** Tensors as bytes: little-endian, in row-major order; each string with its length before it. */
import { DaisError } from '@dais/api/errors';
import { arrayOver, elementBytes, type Datatype, type TensorData } from '#gateway/index.ts';

/** Without a copy, except for unaligned bytes. */
export function decodeTensor(name: string, datatype: Datatype, bytes: Buffer, count: number): TensorData {
  if (datatype === 'BYTES') return fromRawTexts(name, bytes, count);
  const expected = count * (elementBytes(datatype) as number);
  if (bytes.length !== expected) {
    throw new DaisError(
      'invalid_request',
      `The input "${name}" has ${bytes.length} bytes; ${count} elements of ${datatype} require ${expected}.`,
    );
  }
  if (datatype === 'BOOL' && bytes.some((byte) => byte > 1)) {
    throw new DaisError('invalid_request', `The input "${name}" has a byte that is neither 0 nor 1; expected BOOL.`);
  }
  return arrayOver(datatype, bytes);
}

export function encodeTensor(data: TensorData): Buffer {
  if (ArrayBuffer.isView(data)) return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  let length = 0;
  for (const text of data) length += 4 + text.length;
  const raw = Buffer.allocUnsafe(length);
  let at = 0;
  for (const text of data) {
    at = raw.writeUInt32LE(text.length, at);
    at += text.copy(raw, at);
  }
  return raw;
}

function fromRawTexts(name: string, bytes: Buffer, count: number): Buffer[] {
  const texts: Buffer[] = [];
  let at = 0;
  while (at < bytes.length) {
    const from = at + 4;
    const to = from <= bytes.length ? from + bytes.readUInt32LE(at) : Number.POSITIVE_INFINITY;
    if (to > bytes.length) {
      throw new DaisError('invalid_request', `Element ${texts.length} of the input "${name}" is truncated.`);
    }
    texts.push(bytes.subarray(from, to));
    at = to;
    if (texts.length > count) break;
  }
  if (texts.length !== count) {
    throw new DaisError(
      'invalid_request',
      `The input "${name}" has ${texts.length > count ? 'more than ' : ''}${Math.min(texts.length, count)} elements; its shape has ${count}.`,
    );
  }
  return texts;
}

/**
 * Returns the number of elements of a shape. Throws for an invalid shape, and for more than `most` elements, which no
 * body can contain.
 */
export function shapeCount(name: string, shape: readonly (number | bigint)[], most: number): number {
  let count = 1;
  for (const size of shape) {
    if (typeof size !== 'number' || !Number.isInteger(size) || size < 0) {
      throw new DaisError(
        'invalid_request',
        `The input "${name}" has the invalid shape [${shape.join()}]. Dimensions must be integers from 0.`,
      );
    }
    count *= size;
  }
  // A product above 2^53 is far above `most`: rounding cannot hide it.
  if (count > most) {
    throw new DaisError(
      'invalid_request',
      `The input "${name}" has fewer elements than its shape [${shape.join()}] has.`,
    );
  }
  return count;
}
