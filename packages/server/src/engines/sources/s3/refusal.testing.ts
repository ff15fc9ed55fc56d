import { DaisError } from '@dais/api';

/** Returns the error of `work` as `code: message`; `taken` without an error. */
export function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return error instanceof DaisError ? `${error.code}: ${error.message}` : String(error);
  }
  return 'taken';
}
