import { createHash } from 'node:crypto';
import { DaisError } from '@dais/api';

/** What a list is of; a cursor given out for one list is refused by another. */
function bindingOf(filter: unknown): string {
  return createHash('sha256').update(JSON.stringify(filter)).digest('base64url').slice(0, 12);
}

/** An opaque keyset cursor: the sort key of the last item, bound to the list's filter. */
export function encodePageCursor(filter: unknown, last: string): string {
  return Buffer.from(JSON.stringify([bindingOf(filter), last])).toString('base64url');
}

/** Of rows that were read with one more than `limit`: the page, and the cursor of the next when there is one. */
export function cutPage<Row>(found: readonly Row[], limit: number, filter: unknown, positionOf: (row: Row) => string) {
  const page = found.slice(0, limit);
  const last = page.at(-1);
  const more = found.length > limit && last !== undefined;
  return { page, next: more ? { nextCursor: encodePageCursor(filter, positionOf(last)) } : {} };
}

/** @throws DaisError `invalid_cursor`. */
export function decodePageCursor(filter: unknown, cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined;
  try {
    const [binding, last] = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown[];
    // Clients can forge a cursor: values that PostgreSQL rejects must not reach it.
    if (binding === bindingOf(filter) && typeof last === 'string' && !last.includes('\0')) return last;
  } catch {
    // Continues to the error: it is not a valid cursor.
  }
  throw notOurs();
}

/** The same for lists that are sorted by a number. @throws DaisError `invalid_cursor`. */
export function decodeNumberCursor(filter: unknown, cursor: string | undefined): bigint | undefined {
  const last = decodePageCursor(filter, cursor);
  if (last === undefined) return undefined;
  if (!/^\d{1,18}$/.test(last)) throw notOurs();
  return BigInt(last);
}

function notOurs(): DaisError {
  return new DaisError('invalid_cursor', 'The cursor is not valid, or it belongs to another list.');
}
