/** Checks the data folder at startup. Errors of the operating system become errors with a remedy. */
import { randomUUID } from 'node:crypto';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DaisError } from '@dais/api/errors';

/** A start writes less than this before the database checks its own disk. */
const PROBE_BYTES = 64 * 1024;

const REASONS: Readonly<Record<string, string>> = {
  EROFS: 'its file system is mounted read-only. Mount it read-write',
  EACCES: 'this user has no write permission. Correct its owner or mode',
  EPERM: 'this user has no write permission. Correct its owner or mode',
  EIO: 'its disk reports errors. Check the disk',
  ENOTDIR: 'a file exists where a folder is needed. Move the file',
  EEXIST: 'a file exists where a folder is needed. Move the file',
};

/** Creates the folder and writes into it. @throws DaisError `storage_full`, `invalid_config`. */
export async function prepareDataFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const probe = join(folder, `.write-${randomUUID()}`);
    try {
      const file = await open(probe, 'wx', 0o600);
      try {
        await file.writeFile(Buffer.alloc(PROBE_BYTES));
        await file.datasync();
      } finally {
        await file.close();
      }
    } finally {
      await rm(probe, { force: true });
    }
  } catch (error) {
    throw explainFileError(error, folder);
  }
}

/** Explains an error of the operating system during the start; returns all others as they are. */
export function explainFileError(error: unknown, folder: string): unknown {
  if (error instanceof DaisError || !(error instanceof Error)) return error;
  const { code = '', path = folder, syscall } = error as NodeJS.ErrnoException;
  if (syscall === undefined) return error;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    const what = code === 'EDQUOT' ? 'the disk quota is used up' : 'its disk is full';
    return new DaisError('storage_full', `Dais cannot start: ${path} cannot be written because ${what} (${code}).`, {
      cause: error,
    });
  }
  const reason = REASONS[code];
  if (reason === undefined) return error;
  const detail = `Dais cannot start: ${path} cannot be written because ${reason}, or choose another folder with --data (${code}).`;
  return new DaisError('invalid_config', detail, { issues: [{ path: 'data', message: detail }], cause: error });
}
