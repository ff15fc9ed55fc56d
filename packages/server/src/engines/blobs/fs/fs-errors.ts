import { DaisError } from '@dais/api';

/** The `code` of an operating system error, for example `ENOENT`. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

const ADVICE: Readonly<Record<string, string>> = {
  EACCES: 'the user that Dais runs as has no permission; correct the owner or mode of the folder',
  EPERM: 'the user that Dais runs as has no permission; correct the owner or mode of the folder',
  EROFS: 'the file system is mounted read-only',
  ENOENT: 'a folder of the store or its temporary file is missing; check that the disk is mounted',
  ENOTDIR: 'a part of its path is not a folder',
  EISDIR: 'there is a folder in place of a blob',
  EXDEV: 'its folders `tmp` and `sha256` are on different file systems; move them to one',
  EIO: 'the disk reports errors',
  ESTALE: 'the network file system lost the file; mount it again',
  EMFILE: 'too many files are open; raise the limit of open files',
  ENFILE: 'too many files are open on this machine',
};

/**
 * Converts the error of a file operation: `storage_full` for a full disk or quota, else `blobs_unavailable`. Returns errors
 * that are not from the operating system unchanged.
 */
export function fileError(error: unknown, root: string, doing: string): unknown {
  const errno = errnoOf(error);
  if (errno === undefined) return error;
  if (errno === 'ENOSPC' || errno === 'EDQUOT') {
    const what = errno === 'EDQUOT' ? 'the disk quota for' : 'the disk of';
    return new DaisError('storage_full', `${what} ${root} is full (${errno} while ${doing})`, { cause: error });
  }
  const advice = ADVICE[errno];
  const detail = `${doing} in ${root} failed with ${errno}${advice === undefined ? '' : `: ${advice}`}`;
  return new DaisError('blobs_unavailable', detail, { cause: error });
}
