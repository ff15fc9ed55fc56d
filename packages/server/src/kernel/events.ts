import type { Event, EventType } from '@dais/api';
import { DaisError } from '@dais/api/errors';
import type { Sql } from '#engines/database/contract.ts';
import type { Client, Decision, RowFilter, Via } from '#kernel/principal.ts';
import { tenantNames, ORGANIZATION } from '#kernel/tenants.ts';
import type { TransactionOrigin } from '#kernel/transaction.ts';
import { allOf, composeStatement } from '#lib/composed-sql.ts';

/** PostgreSQL channel for notifications of new events. Only a hint. */
export const COMMITTED_CHANNEL = 'dais_committed';

export interface EventSubject {
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

export interface NewEvent {
  readonly type: EventType;
  readonly projectId: string;
  readonly subject?: EventSubject;
  /** Must fit `type.data`. Never a secret. */
  readonly data: Readonly<Record<string, unknown>>;
  /** The subject is a record that no resource references or waits for: no resource is woken. */
  readonly wakes?: false;
}

/** An event in commit order. */
export interface SequencedEvent {
  readonly seq: bigint;
  readonly id: bigint;
  readonly at: Date;
  readonly type: string;
  readonly v: number;
  readonly projectId: string;
  readonly subject?: EventSubject;
  readonly actor: { readonly type: 'user' | 'service' | 'system'; readonly id: string };
  readonly requestId?: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** The authentication of the actor; for the audit log only, never part of `event.list`. */
  readonly via?: Via & Partial<Client>;
  /** Which policies let it happen; for the audit only. */
  readonly decision?: Decision;
}

export function insertEvents(
  sql: Sql,
  events: readonly NewEvent[],
  by: TransactionOrigin,
  decision: Decision | undefined,
): void {
  const via = by.principal.via === undefined ? undefined : { ...by.principal.via, ...by.client };
  sql.defer(
    `with inserted as (
       insert into kernel.event (type, v, project_id, subject_kind, subject_name, subject_uid, data, actor, request_id, via, decision)
       select *, $8::jsonb, $9, $10::jsonb, $11::jsonb from unnest($1::text[], $2::int[], $3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::jsonb[])
     ) select pg_notify('${COMMITTED_CHANNEL}', '')`,
    [
      events.map((event) => event.type.type),
      events.map((event) => event.type.v),
      events.map((event) => event.projectId),
      events.map((event) => event.subject?.kind ?? null),
      events.map((event) => event.subject?.name ?? null),
      events.map((event) => event.subject?.uid ?? null),
      events.map((event) => JSON.stringify(event.data)),
      JSON.stringify({ type: by.principal.type, id: by.principal.id }),
      by.requestId ?? null,
      via === undefined ? null : JSON.stringify(via),
      decision === undefined ? null : JSON.stringify(decision),
    ],
    'insert_events',
  );
}

interface EventRow {
  seq: bigint;
  id: bigint;
  at: Date;
  type: string;
  v: number;
  project_id: string;
  subject_kind: string | null;
  subject_name: string | null;
  subject_uid: string | null;
  actor: SequencedEvent['actor'];
  request_id: string | null;
  data: Record<string, unknown>;
  via: (Via & Partial<Client>) | null;
  decision: Decision | null;
}

const EVENT_COLUMNS =
  'seq, id, at, type, v, project_id, subject_kind, subject_name, subject_uid, actor, request_id, data, via, decision';

function eventFromRow(row: EventRow): SequencedEvent {
  return {
    seq: row.seq,
    id: row.id,
    at: row.at,
    type: row.type,
    v: row.v,
    projectId: row.project_id,
    ...(row.subject_uid !== null && {
      subject: { kind: row.subject_kind ?? '', name: row.subject_name ?? '', uid: row.subject_uid },
    }),
    actor: row.actor,
    ...(row.request_id !== null && { requestId: row.request_id }),
    data: row.data,
    ...(row.via !== null && { via: row.via }),
    ...(row.decision !== null && { decision: row.decision }),
  };
}

/** A comparison with a value that no row has, so that the search ends in the index. */
const NEXT = `select ${EVENT_COLUMNS} from kernel.event where seq > $1 and seq <= coalesce($3, 9223372036854775807)
  and ($4::text[] is null or type = any($4)) order by seq limit $2`;

/**
 * Returns the next events after `after`, in commit order, or up to the position `until`. Row-level security decides
 * which are visible.
 */
export async function readEvents(sql: Sql, after: bigint, limit: number, until?: bigint, types?: readonly string[]) {
  const rows = await sql.query<EventRow>(NEXT, [after, limit, until ?? null, types ?? null], 'read_events');
  return rows.map(eventFromRow);
}

export interface EventFilter {
  readonly kind?: string | undefined;
  readonly name?: string | undefined;
  readonly type?: string | undefined;
}

export function matchesEventFilter(event: SequencedEvent, filter: EventFilter): boolean {
  return (
    (filter.kind === undefined || event.subject?.kind === filter.kind) &&
    (filter.name === undefined || event.subject?.name === filter.name) &&
    (filter.type === undefined || event.type === filter.type)
  );
}

/** Newest first, for people. */
export async function listEvents(
  sql: Sql,
  filter: EventFilter & { readonly projectId: string; readonly rows?: RowFilter | undefined },
  before: bigint,
  limit: number,
): Promise<SequencedEvent[]> {
  const { text, values } = composeStatement(
    (bind) => `select ${EVENT_COLUMNS} from kernel.event r
     where seq < $1 and project_id = $2 and ($3::text is null or subject_kind = $3)
       and ($4::text is null or subject_name = $4) and ($5::text is null or type = $5) and ${allOf([filter.rows?.sql(bind)])}
     order by seq desc limit $6`,
    [before, filter.projectId, filter.kind ?? null, filter.name ?? null, filter.type ?? null, limit],
  );
  const rows = await sql.query<EventRow>(text, values, filter.rows === undefined ? 'list_events' : undefined);
  return rows.map(eventFromRow);
}

export interface CursorState {
  readonly epoch: string;
  /** The last seq given out. */
  readonly seq: bigint;
  /** Events up to here are deleted. */
  readonly oldest: bigint;
}

export async function readCursor(sql: Sql): Promise<CursorState> {
  const [row] = await sql.query<CursorState>('select epoch, seq, oldest from kernel.cursor', [], 'read_cursor');
  if (row === undefined) throw new Error('kernel.cursor has no row');
  return row;
}

/** A place in the event stream as clients see it: opaque, bound to the epoch of the database. */
export function encodePosition(epoch: string, seq: bigint): string {
  return `${epoch.slice(0, 8)}-${seq}`;
}

/** @throws DaisError `invalid_cursor`, `cursor_expired` (another epoch, or deleted events). */
export function decodePosition(text: string, cursor: CursorState): bigint {
  const match = /^([0-9a-f]{8})-(\d{1,18})$/.exec(text);
  if (match === null) throw new DaisError('invalid_cursor', `"${text}" is not a resourceVersion of a list or watch.`);
  const seq = BigInt(match[2] ?? '');
  if (match[1] !== cursor.epoch.slice(0, 8)) {
    throw new DaisError('cursor_expired', 'The database was restored after this position was issued.');
  }
  if (seq < cursor.oldest) throw new DaisError('cursor_expired', 'The events at this position are no longer stored.');
  if (seq > cursor.seq) throw new DaisError('invalid_cursor', `"${text}" is after the newest event.`);
  return seq;
}

export async function presentEvents(
  sql: Sql,
  epoch: string,
  events: readonly SequencedEvent[],
): Promise<readonly Event[]> {
  const ids = [...new Set(events.map((event) => event.projectId))].filter((id) => id !== ORGANIZATION);
  const names = await tenantNames(sql, ids);
  return events.map((event) => presentEvent(event, epoch, names.get(event.projectId)));
}

export function presentEvent(event: SequencedEvent, epoch: string, project: string | undefined): Event {
  return {
    id: String(event.id),
    cursor: encodePosition(epoch, event.seq),
    at: event.at.toISOString(),
    type: event.type,
    v: event.v,
    ...(event.subject !== undefined && { subject: event.subject }),
    ...(project !== undefined && { project }),
    actor: event.actor,
    ...(event.requestId !== undefined && { requestId: event.requestId }),
    data: event.data,
  };
}
