import { copyFile, open, stat, truncate } from 'node:fs/promises';

const MAX_BYTES = 8 << 20;

/**
 * Rotates the server log: beyond 8 MiB it becomes `postgres.log.1`, and a new log starts. The server appends, so truncating its
 * file is safe; lines between copy and truncation are lost.
 */
export async function truncateLog(file: string, maxBytes = MAX_BYTES): Promise<void> {
  const size = await logSize(file);
  if (size <= maxBytes) return;
  await copyFile(file, `${file}.1`);
  await truncate(file);
}

export async function logSize(file: string): Promise<number> {
  return (await stat(file).catch(() => undefined))?.size ?? 0;
}

const TAIL_BYTES = 8_192;

/** Returns the log after `from` bytes, at most the last 8 KiB. */
export async function logTail(file: string, from: number): Promise<string> {
  const handle = await open(file, 'r').catch(() => undefined);
  if (handle === undefined) return '';
  try {
    const { size } = await handle.stat();
    const start = Math.max(size < from ? 0 : from, size - TAIL_BYTES);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(Math.max(size - start, 0)), 0, null, start);
    return buffer.subarray(0, bytesRead).toString('utf8').trim();
  } finally {
    await handle.close();
  }
}
