import { DaisError } from '@dais/api/errors';

/** The `code` of an operating system error, for example `ENOENT`. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Converts a disk-full error to a DaisError; returns other errors unchanged. */
export function storageError(error: unknown, root: string): unknown {
  const errno = errnoOf(error);
  if (errno !== 'ENOSPC' && errno !== 'EDQUOT') return error;
  const what = errno === 'EDQUOT' ? 'the disk quota for' : 'the disk of';
  return new DaisError('storage_full', `${what} ${root} is full (${errno})`, { cause: error });
}
