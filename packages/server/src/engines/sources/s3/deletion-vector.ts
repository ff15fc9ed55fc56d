/** Reads deletion vectors of Delta and Iceberg: their location and deleted rows. Pure. */
import { crc32 } from 'node:zlib';
import type { DeltaDeletions } from './delta/delta-log.ts';
import { BitmapError, readRows } from './roaring-rows.ts';

/** Alphabet of base 85 (ZeroMQ). */
const Z85 = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#';
/** A UUID of 16 bytes. */
const ID_CHARACTERS = 20;

/** @throws BitmapError for invalid base 85. */
export function fromBase85(text: string): Buffer {
  if (text.length % 5 !== 0) throw new BitmapError('its base 85 text has a wrong length');
  const bytes = Buffer.alloc((text.length / 5) * 4);
  for (let at = 0; at < text.length; at += 5) {
    let value = 0;
    for (const character of text.slice(at, at + 5)) {
      const digit = Z85.indexOf(character);
      if (digit === -1) throw new BitmapError('it is not valid base 85');
      value = value * 85 + digit;
    }
    if (value >= 2 ** 32) throw new BitmapError('it is not valid base 85');
    bytes.writeUInt32BE(value, (at / 5) * 4);
  }
  return bytes;
}

/**
 * Returns the path of a vector relative to the table; undefined for an inline vector. @throws BitmapError for a vector outside
 * the table, and an invalid one.
 */
export function vectorFile({ storageType, pathOrInlineDv: written }: DeltaDeletions): string | undefined {
  if (storageType === 'i') return undefined;
  if (storageType === 'p') throw new BitmapError('it is outside the table');
  if (storageType !== 'u' || written.length < ID_CHARACTERS) throw new BitmapError('it has no location');
  const prefix = written.slice(0, -ID_CHARACTERS);
  const hex = fromBase85(written.slice(-ID_CHARACTERS)).toString('hex');
  const id = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  return `${prefix === '' ? '' : `${prefix}/`}deletion_vector_${id}.bin`;
}

/** Reads an inline vector. @throws BitmapError */
export function inlineRows({ pathOrInlineDv, sizeInBytes, cardinality }: DeltaDeletions): Generator<number> {
  const bytes = fromBase85(pathOrInlineDv);
  if (sizeInBytes > bytes.length || bytes.length - sizeInBytes > 3) throw new BitmapError('its size does not match');
  return readRows(bytes.subarray(0, sizeInBytes), cardinality);
}

export interface StoredVector {
  readonly offset: number;
  /** Size of the bitmap. */
  readonly bytes: number;
  readonly count: number;
}

/** Reads a vector in a file: size, bitmap and checksum. @throws BitmapError */
export function storedRows(file: Buffer, { offset, bytes, count }: StoredVector): Generator<number> {
  const end = offset + 4 + bytes;
  if (end + 4 > file.length) throw new BitmapError('its file is truncated');
  if (file.readUInt32BE(offset) !== bytes) throw new BitmapError('its size in the file does not match');
  const bitmap = file.subarray(offset + 4, end);
  if (crc32(bitmap) !== file.readUInt32BE(end)) throw new BitmapError('its checksum does not match');
  return readRows(bitmap, count);
}
