/** Extracts the pipeline from a `.zip` or `.tar.gz` archive, in memory and with size limits. */
import { gunzipSync, inflateRawSync } from 'node:zlib';
import { DaisError } from '@dais/api';

/** Largest pipeline file in bytes, compressed or not. */
export const LARGEST_FILE = 32 * 2 ** 20;
const MOST_ENTRIES = 1000;

interface Entry {
  readonly name: string;
  /** Regular files: no folders, links or devices. */
  readonly isFile: boolean;
  readonly bytes: () => Buffer;
}

/** Returns `pipeline.yaml`, or the only YAML file. @throws DaisError `invalid_request`, `unsafe_path`, `too_large` */
export function pipelineIn(archive: Buffer): Buffer {
  const entries = isZip(archive) ? zipEntries(archive) : tarEntries(unpacked(archive));
  for (const { name } of entries) refuseHostile(name);
  const files = entries.filter(({ name, isFile }) => isFile && /\.ya?ml$/i.test(name));
  const [only, another] = files;
  const named = files.find(({ name }) => /^(?:\.\/)?pipeline\.yaml$/.test(name));
  const chosen = named ?? (another === undefined ? only : undefined);
  if (chosen !== undefined) return chosen.bytes();
  throw refusal(
    only === undefined
      ? 'contains no .yaml file'
      : `contains ${files.length} .yaml files; name the pipeline file pipeline.yaml`,
  );
}

export function isZip(bytes: Buffer): boolean {
  return bytes.length > 3 && (bytes.readUInt32LE(0) === 0x04034b50 || bytes.readUInt32LE(0) === 0x06054b50);
}

export function isGzip(bytes: Buffer): boolean {
  return bytes.length > 2 && bytes[0] === 0x1f && bytes[1] === 0x8b;
}

function refusal(why: string): DaisError {
  return new DaisError('invalid_request', `The archive ${why}.`);
}

function refuseHostile(name: string): void {
  const parts = name.split(/[/\\]/);
  if (name !== '' && !name.includes('\0') && !/^[/\\]|^[A-Za-z]:/.test(name) && !parts.includes('..')) return;
  throw new DaisError(
    'unsafe_path',
    `The archive contains the entry ${JSON.stringify(name.slice(0, 200))}, whose path is outside the archive.`,
  );
}

function tooLarge(): DaisError {
  return new DaisError('too_large', `The archive unpacks to more than ${LARGEST_FILE} bytes.`);
}

function unpacked(archive: Buffer): Buffer {
  try {
    return gunzipSync(archive, { maxOutputLength: LARGEST_FILE });
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge();
    throw refusal('is damaged');
  }
}

function tarEntries(tar: Buffer): Entry[] {
  const entries: Entry[] = [];
  let longName: string | undefined;
  for (let at = 0; at + 512 <= tar.length;) {
    const head = tar.subarray(at, at + 512);
    if (head.every((byte) => byte === 0)) break;
    if (head.toString('latin1', 257, 262) !== 'ustar') throw refusal('is not a tar file');
    const size = Number.parseInt(text(head, 124, 136).trim() || '0', 8);
    const type = head.toString('latin1', 156, 157);
    const from = at + 512;
    if (!Number.isSafeInteger(size) || size < 0 || from + size > tar.length) throw refusal('is damaged');
    const bytes = () => tar.subarray(from, from + size);
    at = from + Math.ceil(size / 512) * 512;
    if (type === 'L') longName = text(bytes(), 0, size);
    else if (type === 'x') longName = /^\d+ path=(.*)$/m.exec(bytes().toString('utf8'))?.[1];
    else if (type !== 'g') {
      const prefix = text(head, 345, 500);
      const name = longName ?? (prefix === '' ? text(head, 0, 100) : `${prefix}/${text(head, 0, 100)}`);
      longName = undefined;
      entries.push({ name, isFile: type === '0' || type === '\0', bytes });
      if (entries.length > MOST_ENTRIES) throw refusal(`has more than ${MOST_ENTRIES} entries`);
    }
  }
  return entries;
}

function text(bytes: Buffer, from: number, to: number): string {
  const whole = bytes.toString('utf8', from, Math.min(to, bytes.length));
  const end = whole.indexOf('\0');
  return end === -1 ? whole : whole.slice(0, end);
}

function zipEntries(zip: Buffer): Entry[] {
  let end = zip.length - 22;
  while (end >= 0 && zip.readUInt32LE(end) !== 0x06054b50) end -= 1;
  if (end < 0) throw refusal('is damaged');
  const count = zip.readUInt16LE(end + 10);
  if (count > MOST_ENTRIES) throw refusal(`has more than ${MOST_ENTRIES} entries`);
  const entries: Entry[] = [];
  for (let at = zip.readUInt32LE(end + 16); entries.length < count;) {
    if (at + 46 > zip.length || zip.readUInt32LE(at) !== 0x02014b50) throw refusal('is damaged');
    const nameEnd = at + 46 + zip.readUInt16LE(at + 28);
    const name = zip.toString('utf8', at + 46, nameEnd);
    const mode = zip.readUInt32LE(at + 38) >>> 28;
    const member = {
      method: zip.readUInt16LE(at + 10),
      packed: zip.readUInt32LE(at + 20),
      offset: zip.readUInt32LE(at + 42),
      isEncrypted: (zip.readUInt16LE(at + 8) & 1) === 1,
    };
    // 8 is a regular file; an archive without modes has 0.
    entries.push({
      name,
      isFile: (mode === 8 || mode === 0) && !name.endsWith('/'),
      bytes: () => inflate(zip, member),
    });
    at = nameEnd + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  return entries;
}

function inflate(
  zip: Buffer,
  member: { readonly method: number; readonly packed: number; readonly offset: number; readonly isEncrypted: boolean },
): Buffer {
  const { method, packed, offset, isEncrypted } = member;
  if (isEncrypted) throw refusal('is encrypted');
  if (offset + 30 > zip.length || zip.readUInt32LE(offset) !== 0x04034b50) throw refusal('is damaged');
  const start = offset + 30 + zip.readUInt16LE(offset + 26) + zip.readUInt16LE(offset + 28);
  const bytes = zip.subarray(start, start + packed);
  if (method === 0) return bytes;
  if (method !== 8) throw refusal(`uses compression method ${method}; only stored and deflated are supported`);
  try {
    return inflateRawSync(bytes, { maxOutputLength: LARGEST_FILE });
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge();
    throw refusal('is damaged');
  }
}
