import type { listEventsOperation } from '@dais/api';
import type { CallOf } from '#kernel/entry.ts';
import { encodePosition, listEvents, presentEvents, readCursor } from '#kernel/events.ts';
import { cutPage, decodeNumberCursor } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';

/** A page of what happened in one tenant, newest first. */
export async function eventPage({ sql }: Transaction, call: CallOf<typeof listEventsOperation>) {
  const { limit, cursor, kind, name, type } = call.input;
  const filter = [call.tenant.id, kind ?? '', name ?? '', type ?? ''];
  const state = await readCursor(sql);
  const before = decodeNumberCursor(filter, cursor) ?? state.seq + 1n;
  const events = await listEvents(
    sql,
    { projectId: call.tenant.id, kind, name, type, rows: call.rows },
    before,
    limit + 1,
  );
  const { page, next } = cutPage(events, limit, filter, ({ seq }) => String(seq));
  return {
    items: await presentEvents(sql, state.epoch, page),
    ...next,
    resourceVersion: encodePosition(state.epoch, state.seq),
  };
}
