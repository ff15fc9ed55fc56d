import { DaisError } from '@dais/api';

/** Converts a failed file operation to a DaisError with the folder; returns other errors unchanged. */
export function storageFailure(error: unknown, folder: string): unknown {
  if (error instanceof DaisError || !(error instanceof Error)) return error;
  if (!('code' in error) || !('syscall' in error) || typeof error.code !== 'string') return error;
  const { code } = error;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new DaisError('storage_full', `The disk of the environments folder ${folder} is full (${code}).`, {
      cause: error,
    });
  }
  if (!['EACCES', 'EPERM', 'EROFS', 'ENOTDIR'].includes(code)) return error;
  return new DaisError(
    'invalid_config',
    `${folder} cannot be used for environments (${code}). Set another folder in \`environments.folder\`, or correct its owner.`,
    { cause: error },
  );
}
