import type { Onlooker } from './approval-words.ts';
import { useOwnAccess } from '#server/own-access.ts';

/** Whom the page is shown to; undefined until the server has said so. */
export function useOnlooker(project: string): Onlooker | undefined {
  return useOwnAccess(project).data;
}
