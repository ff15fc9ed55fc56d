/**
 * Which actions are allowed in which state of a resource: one table. The server rejects by it, and the console shows
 * beforehand what the server would reject, and why.
 */
import { DaisError } from '#errors.ts';

/** The fields of a resource that the table uses. */
export interface ActedOn {
  readonly kind: string;
  readonly name: string;
  /** The deletion was requested, and finalizers are still running. */
  readonly deleting: boolean;
}

/** Verbs that are allowed during deletion: reading, and repeating the request. */
const WHILE_DELETING: ReadonlySet<string> = new Set(['get', 'list', 'watch', 'history', 'delete']);

/** `verb`: a uniform one, or a kind's own. Undefined: the state allows it. */
export function refusedByState(verb: string, { kind, name, deleting }: ActedOn): DaisError | undefined {
  if (!deleting || WHILE_DELETING.has(verb)) return undefined;
  return new DaisError('being_deleted', `${kind} "${name}" is being deleted.`);
}
