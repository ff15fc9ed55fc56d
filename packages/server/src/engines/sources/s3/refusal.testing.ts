import { DaisError } from '@dais/api';

/** How `work` is refused, as `code: message`; `taken` when it is not. */
export function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return error instanceof DaisError ? `${error.code}: ${error.message}` : String(error);
  }
  return 'taken';
}
