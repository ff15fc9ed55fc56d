/**
 * Lists the members of a ZIP archive that all readers interpret alike: local headers and directory agree, and no bytes
 * are between the members. An archive that two readers could interpret differently is rejected.
 */
import { inflateRaw } from 'node:zlib';
import { promisify } from 'node:util';
import type { ScannedFile } from './scan-finding.ts';

const inflate = promisify(inflateRaw);
const END = 0x06054b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
const END64 = 0x06064b50;
const LOCATOR64 = 0x07064b50;
const MOST_ENTRIES = 100_000;
const MOST_DIRECTORY = 64 * 1024 * 1024;
/** After a member whose sizes follow it. */
const DESCRIPTOR = 24;

export class ZipError extends Error {}

export interface ZipEntry {
  readonly name: string;
  readonly method: number;
  readonly packed: number;
  readonly size: number;
  /** Of its bytes. */
  readonly start: number;
}

export async function listZip(file: ScannedFile): Promise<readonly ZipEntry[]> {
  const { at: endAt, count, size, offset } = await readEnd(file);
  if (count > MOST_ENTRIES || size > MOST_DIRECTORY) throw new ZipError('it has more members than the scan limit');
  if (offset + size > endAt) throw new ZipError('its directory is not at the declared position');
  const directory = await file.read(offset, size);
  const entries: (ZipEntry & { readonly header: number })[] = [];
  const names = new Set<string>();
  let position = 0;
  for (let index = 0; index < count; index++) {
    if (position + 46 > directory.length || directory.readUInt32LE(position) !== ENTRY)
      throw new ZipError('its directory is damaged');
    const flags = directory.readUInt16LE(position + 8);
    const method = directory.readUInt16LE(position + 10);
    const nameLength = directory.readUInt16LE(position + 28);
    const extraLength = directory.readUInt16LE(position + 30);
    const commentLength = directory.readUInt16LE(position + 32);
    const raw = directory.subarray(position + 46, position + 46 + nameLength);
    const name = raw.toString('utf8');
    const extra = directory.subarray(position + 46 + nameLength, position + 46 + nameLength + extraLength);
    const sizes = wide(extra, [
      directory.readUInt32LE(position + 24),
      directory.readUInt32LE(position + 20),
      directory.readUInt32LE(position + 42),
    ]);
    const [plain = 0, packed = 0, header = 0] = sizes;
    if ((flags & 1) !== 0) throw new ZipError(`${name} is encrypted`);
    if (names.has(name)) throw new ZipError(`it has two members ${name}`);
    if (name.includes('\0') || name.startsWith('/') || name.split(/[\\/]/).includes('..')) {
      throw new ZipError(`${JSON.stringify(name)} leaves its folder`);
    }
    names.add(name);
    const local = await file.read(header, 30);
    if (local.length < 30 || local.readUInt32LE(0) !== LOCAL)
      throw new ZipError(`${name} is not at the declared position`);
    const localName = local.readUInt16LE(26);
    const localExtra = local.readUInt16LE(28);
    const start = header + 30 + localName + localExtra;
    const named = await file.read(header + 30, localName);
    if (!named.equals(raw) || local.readUInt16LE(8) !== method || (local.readUInt16LE(6) & 1) !== 0) {
      throw new ZipError(`readers disagree about the name of ${name}`);
    }
    if (start + packed > offset) throw new ZipError(`${name} is truncated`);
    entries.push({ name, method, packed, size: plain, start, header });
    position += 46 + nameLength + extraLength + commentLength;
  }
  // From the first byte to the directory there are only members, and none overlaps another.
  let reached = 0;
  for (const { header, start, packed, name } of entries.toSorted((a, b) => a.header - b.header)) {
    if (header < reached || header - reached > DESCRIPTOR)
      throw new ZipError(`there are unexpected bytes before ${name}`);
    reached = start + packed;
  }
  if (offset - reached > DESCRIPTOR) throw new ZipError('there are unexpected bytes before its directory');
  return entries;
}

/**
 * Returns the bytes of a member. @throws ZipError if it exceeds its declared size, or for an unknown compression
 * method.
 */
export async function readZipEntry(file: ScannedFile, entry: ZipEntry, most: number): Promise<Buffer> {
  const { name, method, packed, size, start } = entry;
  if (size > most) throw new ZipError(`${name} has ${size} bytes, which exceeds the scan limit`);
  if (method !== 0 && method !== 8) throw new ZipError(`${name} uses an unknown compression method`);
  const bytes = await file.read(start, Math.min(packed, most));
  if (method === 0) {
    if (packed !== size) throw new ZipError(`${name} has contradictory sizes`);
    return bytes;
  }
  try {
    const plain = await inflate(bytes, { maxOutputLength: Math.max(size, 1) });
    if (plain.length !== size) throw new ZipError(`${name} does not have the declared size`);
    return plain;
  } catch (error) {
    if (error instanceof ZipError) throw error;
    throw new ZipError(`${name} cannot be decompressed`);
  }
}

/** ZIP64 values for the fields with the marker value, in the order of the field. */
function wide(extra: Buffer, values: readonly number[]): readonly number[] {
  if (!values.includes(0xffff_ffff)) return values;
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== 1) continue;
    let from = at + 4;
    return values.map((value) => {
      if (value !== 0xffff_ffff) return value;
      if (from + 8 > extra.length) throw new ZipError('a size is truncated');
      const large = Number(extra.readBigUInt64LE(from));
      from += 8;
      return large;
    });
  }
  throw new ZipError('a size is missing');
}

interface ZipEnd {
  readonly at: number;
  readonly count: number;
  readonly size: number;
  readonly offset: number;
}

async function readEnd(file: ScannedFile): Promise<ZipEnd> {
  const from = Math.max(0, file.size - 65_557);
  const tail = await file.read(from, file.size - from);
  let at = tail.length - 22;
  while (at >= 0 && (tail.readUInt32LE(at) !== END || at + 22 + tail.readUInt16LE(at + 20) !== tail.length)) at -= 1;
  if (at < 0) throw new ZipError('it has no end record');
  const end = {
    at: from + at,
    count: tail.readUInt16LE(at + 10),
    size: tail.readUInt32LE(at + 12),
    offset: tail.readUInt32LE(at + 16),
  };
  if (at < 20 || tail.readUInt32LE(at - 20) !== LOCATOR64) return end;
  const position = Number(tail.readBigUInt64LE(at - 12));
  if (position + 56 > file.size) throw new ZipError('its end record is not at the declared position');
  const large = await file.read(position, 56);
  if (large.readUInt32LE(0) !== END64) throw new ZipError('its end record is not at the declared position');
  return {
    at: position,
    count: Number(large.readBigUInt64LE(32)),
    size: Number(large.readBigUInt64LE(40)),
    offset: Number(large.readBigUInt64LE(48)),
  };
}
