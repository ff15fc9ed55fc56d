import type { Onlooker } from './approval-words.ts';
import { useOwnAccess } from '#server/own-access.ts';

/** The viewer of the page; undefined until it is loaded. */
export function useOnlooker(project: string): Onlooker | undefined {
  return useOwnAccess(project).data;
}
