/**
 * The framing of `.wandb` files: after a header of 7 bytes, the log format of LevelDB. Blocks of 32 KiB contain chunks:
 * CRC-32 of type and data, length, type, data. A record is one full chunk, or a first, middle and last chunks.
 */
import { crc32 } from 'node:zlib';
import type { FileReader } from '../run-logs/log-file.ts';

const BLOCK = 32_768;
const FILE_HEADER = 7;
const CHUNK_HEADER = 7;
const MAGIC = ':W&B';
const FULL = 1;
const FIRST = 2;
const LAST = 4;
/** Larger records than this are not read. */
export const LARGEST_RECORD = 64 << 20;

export type LogRecord =
  | { readonly kind: 'record'; readonly data: Buffer }
  /** Reading continues with the next block. */
  | { readonly kind: 'damaged' | 'too large'; readonly at: number }
  /** The file ends within a record. */
  | { readonly kind: 'incomplete'; readonly at: number };

/** Whether the file starts as a `.wandb` file does. */
export async function hasWandbHeader(reader: FileReader): Promise<boolean> {
  const header = await reader.take(FILE_HEADER);
  return header?.toString('latin1', 0, 4) === MAGIC;
}

/** Yields the records after the header of the file. */
export async function* readRecords(reader: FileReader): AsyncGenerator<LogRecord> {
  let parts: Buffer[] = [];
  let size = 0;
  let startedAt = -1;
  /** Whether the start of a record is searched after a damaged one. */
  let isSearching = false;
  while (reader.position < reader.size) {
    const at = reader.position;
    const rest = BLOCK - (at % BLOCK);
    // A chunk header does not span blocks: the writer fills the block with zeros.
    if (rest < CHUNK_HEADER) {
      reader.position = Math.min(reader.size, at + rest);
      continue;
    }
    const header = await reader.take(CHUNK_HEADER);
    const length = header?.readUInt16LE(4) ?? 0;
    const type = header?.[6] ?? 0;
    const data = header === undefined ? undefined : await takeAtMost(reader, length, rest - CHUNK_HEADER);
    if (header === undefined || data === undefined) {
      yield { kind: 'incomplete', at };
      return;
    }
    if (data === 'too long' || header.readUInt32LE(0) !== checksum(type, data)) {
      // A file that grew while its machine stopped can end with zeros.
      yield { kind: isZero(header) ? 'incomplete' : 'damaged', at };
      [parts, size, startedAt, isSearching] = [[], 0, -1, true];
      reader.position = Math.min(reader.size, at + rest);
      continue;
    }
    const isStart = type === FULL || type === FIRST;
    if (startedAt !== -1 && isStart) {
      yield { kind: 'damaged', at: startedAt };
      [parts, size, startedAt] = [[], 0, -1];
    } else if (startedAt === -1 && !isStart) {
      // The rest of a record whose start is damaged, which was reported.
      if (!isSearching) yield { kind: 'damaged', at };
      isSearching = true;
      continue;
    }
    isSearching = false;
    if (isStart) startedAt = at;
    size += data.length;
    if (size <= LARGEST_RECORD) parts.push(Buffer.from(data));
    if (type !== FULL && type !== LAST) continue;
    if (size > LARGEST_RECORD) yield { kind: 'too large', at: startedAt };
    else yield { kind: 'record', data: parts.length === 1 ? parts[0]! : Buffer.concat(parts) };
    [parts, size, startedAt] = [[], 0, -1];
  }
  if (startedAt !== -1) yield { kind: 'incomplete', at: startedAt };
}

async function takeAtMost(reader: FileReader, length: number, most: number): Promise<Buffer | 'too long' | undefined> {
  return length > most ? 'too long' : await reader.take(length);
}

function checksum(type: number, data: Buffer): number {
  return type < FULL || type > LAST ? -1 : crc32(data, crc32(Buffer.from([type])));
}

const isZero = (header: Buffer): boolean => header.every((byte) => byte === 0);
