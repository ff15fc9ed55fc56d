/**
 * Extracts one file from a ZIP archive on disk, such as a wheel; supports only the features of such archives (no ZIP64,
 * no encryption).
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { open, writeFile, type FileHandle } from 'node:fs/promises';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createInflateRaw } from 'node:zlib';

const END = 0x06054b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
/** The end record with the longest comment. */
const END_AREA = 22 + 65_535;

interface Member {
  readonly name: string;
  readonly method: number;
  readonly packedSize: number;
  readonly size: number;
  readonly offset: number;
}

/**
 * Writes the member `name` to `target`, at most `maxBytes`. The caller has verified the archive (by a digest):
 * checksums inside are not compared. @throws Error with the error in the archive.
 */
export async function extractZipMember(archive: string, name: string, target: string, maxBytes: number): Promise<void> {
  const file = await open(archive, 'r');
  let start: number;
  let member: Member | undefined;
  try {
    member = (await readMembers(file, archive)).find((one) => one.name === name);
    if (member === undefined) throw new Error(`${archive} does not contain ${name}`);
    if (member.method !== 0 && member.method !== 8) {
      throw new Error(
        `${name} in ${archive} uses compression method ${member.method}; only stored and deflated are supported`,
      );
    }
    if (member.size > maxBytes)
      throw new Error(`${name} in ${archive} has ${member.size} bytes, more than ${maxBytes}`);
    const header = await readAt(file, member.offset, 30);
    if (header.length < 30 || header.readUInt32LE(0) !== LOCAL) throw new Error(`${archive} is damaged`);
    start = member.offset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
  } finally {
    await file.close();
  }
  const { size, packedSize, method } = member;
  if (packedSize === 0) return await writeFile(target, '', { flag: 'wx' });
  const output = createWriteStream(target, { flags: 'wx' });
  const packed = createReadStream(archive, { start, end: start + packedSize - 1 });
  const counted = new ByteLimit(size);
  await (method === 0 ? pipeline(packed, counted, output) : pipeline(packed, createInflateRaw(), counted, output));
  if (counted.seen !== size) throw new Error(`${name} in ${archive} has ${counted.seen} bytes, not ${size}`);
}

/** Limits the output: a trusted archive never exceeds its declared size. */
class ByteLimit extends Transform {
  seen = 0;
  readonly #limit: number;

  constructor(limit: number) {
    super();
    this.#limit = limit;
  }

  override _transform(chunk: Buffer, _encoding: string, done: (error: Error | null, chunk?: Buffer) => void): void {
    this.seen += chunk.length;
    if (this.seen > this.#limit) done(new Error('the decompressed archive exceeds its declared size'));
    else done(null, chunk);
  }
}

async function readMembers(file: FileHandle, archive: string): Promise<Member[]> {
  const { size } = await file.stat();
  const from = Math.max(0, size - END_AREA);
  const tail = await readAt(file, from, size - from);
  let end = tail.length - 22;
  while (end >= 0 && tail.readUInt32LE(end) !== END) end -= 1;
  if (end < 0) throw new Error(`${archive} is not a ZIP archive`);
  const count = tail.readUInt16LE(end + 10);
  const directory = await readAt(file, tail.readUInt32LE(end + 16), tail.readUInt32LE(end + 12));
  const members: Member[] = [];
  for (let at = 0; members.length < count;) {
    if (at + 46 > directory.length || directory.readUInt32LE(at) !== ENTRY) throw new Error(`${archive} is damaged`);
    const nameEnd = at + 46 + directory.readUInt16LE(at + 28);
    members.push({
      name: directory.toString('utf8', at + 46, nameEnd),
      method: directory.readUInt16LE(at + 10),
      packedSize: directory.readUInt32LE(at + 20),
      size: directory.readUInt32LE(at + 24),
      offset: directory.readUInt32LE(at + 42),
    });
    at = nameEnd + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  return members;
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  return buffer.subarray(0, bytesRead);
}
