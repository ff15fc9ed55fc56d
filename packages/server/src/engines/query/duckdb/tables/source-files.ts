/** Detects the format of uploaded files by their bytes and decompresses them, with a size limit. */
import { createReadStream, createWriteStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { Transform } from 'node:stream';
import type { FileCompression, SourceFile, TextEncoding } from '../../contract.ts';
import { QueryError } from '../../model/query-error.ts';
import { dataError } from './data-errors.ts';

/** Beyond this size, a file may decompress to at most `RATIO` times its size: text tables rarely exceed 50. */
const FREE_BYTES = 64 * 1024 * 1024;
const RATIO = 250;

export interface OpenedFile {
  readonly source: SourceFile;
  readonly name: string;
  readonly compression: FileCompression;
  readonly bytes: number;
}

/** Plain text on the disk. */
export interface TextFile extends OpenedFile {
  readonly plainPath: string;
  readonly plainBytes: number;
  readonly encoding: TextEncoding;
  /** Its undecoded start: enough for a header of 10,000 columns. */
  readonly start: Buffer;
}

/** @throws QueryError `content_missing` when the file does not exist. */
export async function openFile(source: SourceFile): Promise<OpenedFile> {
  const name = source.name ?? path.basename(source.path);
  const size = await stat(source.path).then(
    (found) => (found.isFile() ? found.size : undefined),
    () => undefined,
  );
  if (size === undefined) throw new QueryError('content_missing', `${name} is missing.`);
  const plain = source.format === 'parquet' || source.format === 'arrow';
  return { source, name, bytes: size, compression: plain ? 'none' : await compressionOf(source) };
}

async function compressionOf(source: SourceFile): Promise<FileCompression> {
  if (source.compression !== undefined) return source.compression;
  const start = await startOf(source.path, 4);
  if (start[0] === 0x1f && start[1] === 0x8b) return 'gzip';
  if (start.length === 4 && start.readUInt32LE() === 0xfd2fb528) return 'zstd';
  return 'none';
}

/**
 * Decompresses a file into the folder of `place` if necessary, within the remaining `budget`. @throws QueryError `data_invalid`
 * for a damaged file, `too_large` for a decompression bomb.
 */
export async function plainText(
  opened: OpenedFile,
  table: string,
  location: { readonly folder: string; readonly number: number },
  budget: { left: number },
): Promise<TextFile> {
  const { source, name, compression, bytes } = opened;
  let plainPath = source.path;
  let plainBytes = bytes;
  if (compression !== 'none') {
    plainPath = path.join(location.folder, `plain-${location.number}`);
    plainBytes = await inflate(opened, table, plainPath, budget);
  }
  budget.left -= plainBytes;
  if (budget.left < 0) throw new QueryError('too_large', `${name}: the files exceed the size that a job can read.`);
  const start = await startOf(plainPath, 4 * 1024 * 1024);
  const utf16 = (start[0] === 0xff && start[1] === 0xfe) || (start[0] === 0xfe && start[1] === 0xff);
  return { ...opened, plainPath, plainBytes, encoding: source.encoding ?? (utf16 ? 'utf-16' : 'utf-8'), start };
}

async function inflate(
  opened: OpenedFile,
  table: string,
  to: string,
  budget: { readonly left: number },
): Promise<number> {
  const { source, name, bytes, compression } = opened;
  let inflated = 0;
  const guard = new Transform({
    transform: (chunk: Buffer, _, done) => {
      inflated += chunk.length;
      if (inflated > budget.left) {
        done(new QueryError('too_large', `${name} decompresses to more than a job can read (${budget.left} bytes).`));
      } else if (inflated > FREE_BYTES && inflated > RATIO * bytes) {
        done(
          new QueryError(
            'too_large',
            `${name} decompresses to more than ${RATIO} times its size, so Dais rejects it as a decompression bomb.`,
          ),
        );
      } else done(null, chunk);
    },
  });
  try {
    const inflater = compression === 'gzip' ? createGunzip() : createZstdDecompress();
    await pipeline(createReadStream(source.path), inflater, guard, createWriteStream(to));
  } catch (error) {
    if (error instanceof QueryError) throw error;
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') {
      throw new QueryError('storage_full', 'The disk is full, so the file cannot be decompressed.');
    }
    throw dataError(
      'unreadable',
      { table, file: name },
      `The file cannot be decompressed as ${compression}.`,
      'Check that the upload was complete, or compress the file again.',
    );
  }
  return inflated;
}

async function startOf(file: string, bytes: number): Promise<Buffer> {
  const handle = await open(file, 'r');
  try {
    const buffer = Buffer.alloc(bytes);
    const { bytesRead } = await handle.read(buffer, 0, bytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
