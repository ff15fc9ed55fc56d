/** Tells other processes which rows are no longer what they may have kept. */
import { createHash } from 'node:crypto';
import type { OnlineView } from '../contract.ts';

/** What a message says. `keys` undefined: any of the view; `view` undefined: anything. */
export interface Change {
  readonly by: string;
  readonly view: string | undefined;
  readonly keys: readonly string[] | undefined;
}

/** PostgreSQL lets a message have 8,000 bytes. */
const MOST_KEYS = 450;

/** Sixteen characters for a key of any length. */
export function keyMark(key: Buffer): string {
  return createHash('sha256').update(key).digest('base64url').slice(0, 16);
}

export function changeText(by: string, { view }: OnlineView, keys: readonly Buffer[] | undefined): string {
  const marks = keys === undefined || keys.length > MOST_KEYS ? '' : keys.map(keyMark).join('');
  return `${by} ${view} ${marks}`;
}

/** What cannot be read, such as the empty message after a reconnect, says that anything may have changed. */
export function readChange(text: string): Change {
  const match = /^(\S+) ([0-9a-f-]{36}) ((?:[\w-]{16})*)$/.exec(text);
  if (match === null) return { by: '', view: undefined, keys: undefined };
  const [, by = '', view, marks = ''] = match;
  return { by, view, keys: marks === '' ? undefined : (marks.match(/.{16}/g) ?? undefined) };
}
