/** Notifies other processes of changed rows, to invalidate their caches. */
import { createHash } from 'node:crypto';
import type { OnlineView } from '../contract.ts';

/** The content of a message. `keys` undefined: all of the view; `view` undefined: everything. */
export interface Change {
  readonly by: string;
  readonly view: string | undefined;
  readonly keys: readonly string[] | undefined;
}

/** PostgreSQL limits a notification to 8,000 bytes. */
const MOST_KEYS = 450;

/** Sixteen characters for a key of any length. */
export function keyMark(key: Buffer): string {
  return createHash('sha256').update(key).digest('base64url').slice(0, 16);
}

export function changeText(by: string, { view }: OnlineView, keys: readonly Buffer[] | undefined): string {
  const marks = keys === undefined || keys.length > MOST_KEYS ? '' : keys.map(keyMark).join('');
  return `${by} ${view} ${marks}`;
}

/** An unreadable message, such as the empty one after a reconnect, means that everything may have changed. */
export function readChange(text: string): Change {
  const match = /^(\S+) ([0-9a-f-]{36}) ((?:[\w-]{16})*)$/.exec(text);
  if (match === null) return { by: '', view: undefined, keys: undefined };
  const [, by = '', view, marks = ''] = match;
  return { by, view, keys: marks === '' ? undefined : (marks.match(/.{16}/g) ?? undefined) };
}
