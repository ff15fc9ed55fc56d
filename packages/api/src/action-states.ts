/**
 * Which action fits which state of a resource: one table. The server refuses by it, and the console says beforehand what
 * it would refuse, and why.
 */
import { DaisError } from '#errors.ts';

/** What the table looks at. */
export interface ActedOn {
  readonly kind: string;
  readonly name: string;
  /** Its deletion was asked for, and something still cleans up. */
  readonly deleting: boolean;
}

/** What one may still do with what is on its way out: look at it, and ask once more that it go. */
const WHILE_DELETING: ReadonlySet<string> = new Set(['get', 'list', 'watch', 'history', 'delete']);

/** `verb`: of the uniform ones, or a kind's own. Undefined: the state does not stand in the way. */
export function refusedByState(verb: string, { kind, name, deleting }: ActedOn): DaisError | undefined {
  if (!deleting || WHILE_DELETING.has(verb)) return undefined;
  return new DaisError('being_deleted', `${kind} "${name}" is being deleted.`);
}
