/** Log messages of runs: added in batches, read by time. */
import { createHash } from 'node:crypto';
import { DaisError } from '@dais/api';
import {
  addRunMessagesOperation,
  LOG_SEVERITIES,
  listRunMessagesOperation,
  MESSAGE_LENGTH,
  MESSAGES_PER_RUN,
  type LogMessage,
  type LogSeverity,
} from '@dais/api/tracking';
import { entry, type OperationEntry } from '#kernel/entry.ts';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { truncateText } from '../texts.ts';
import { activeRun, noRun } from './run-lookup.ts';

/** Characters of the attributes of a message as JSON. */
const MAX_ATTRIBUTES = 65_536;
/** Nanoseconds of a signed 64-bit integer: the year 2262. */
const MAX_TIME = 2n ** 63n - 1n;

export function messageEntries(): readonly OperationEntry[] {
  return [
    entry(addRunMessagesOperation, async (tx, { input }) => await addMessages(tx, input)),
    entry(listRunMessagesOperation, async (tx, { input }) => await listMessages(tx, input)),
  ];
}

async function addMessages(
  tx: Transaction,
  { id, messages }: { readonly id: string; readonly messages: readonly LogMessage[] },
): Promise<{ added: number }> {
  const { sql, projectId } = tx;
  const rows = messages.map(rowOf);
  const { num } = await activeRun(tx, id);
  if (rows.length === 0) return { added: 0 };
  // The row of the count serializes calls for one run, so that the limit holds.
  await sql.query(
    'insert into tracking.run_message_count (run, project_id, messages) values ($1, $2, 0) on conflict (run) do nothing',
    [num, projectId],
    'start_run_message_count',
  );
  const [stored] = await sql.query<{ messages: bigint }>(
    'select messages from tracking.run_message_count where run = $1 for update',
    [num],
    'lock_run_message_count',
  );
  const added = await sql.query(
    `insert into tracking.run_message
       (run, project_id, time, digest, severity, severity_text, body, attributes, logger, trace, span)
     select $1, $2, * from unnest($3::bigint[], $4::bigint[], $5::smallint[], $6::text[], $7::text[], $8::jsonb[],
       $9::text[], $10::text[], $11::text[])
     on conflict do nothing returning 1`,
    [num, projectId, ...COLUMNS.map((column) => rows.map((row) => row[column]))],
    'add_run_messages',
  );
  if (Number(stored?.messages ?? 0n) + added.length > MESSAGES_PER_RUN) {
    const limit = MESSAGES_PER_RUN.toLocaleString('en');
    throw new DaisError(
      'invalid_state',
      `Run "${id}" cannot store ${added.length} more log messages: a run has at most ${limit}. Raise the level of the logger, or log to another run.`,
    );
  }
  await sql.query(
    'update tracking.run_message_count set messages = messages + $2 where run = $1',
    [num, added.length],
    'count_run_messages',
  );
  return { added: added.length };
}

interface MessageRow {
  readonly time: bigint;
  readonly digest: bigint;
  readonly severity: number;
  readonly severity_text: string | null;
  readonly body: string;
  readonly attributes: string | null;
  readonly logger: string | null;
  readonly trace: string | null;
  readonly span: string | null;
}

const COLUMNS = [
  'time',
  'digest',
  'severity',
  'severity_text',
  'body',
  'attributes',
  'logger',
  'trace',
  'span',
] as const satisfies readonly (keyof MessageRow)[];

/** @throws DaisError `invalid_request` for a time after 2262, and for attributes that are too large. */
function rowOf(message: LogMessage, index: number): MessageRow {
  const time = BigInt(message.time);
  if (time > MAX_TIME) {
    throw new DaisError('invalid_request', `The time of message ${index} is after the year 2262.`);
  }
  const { attributes } = message;
  const json = attributes === undefined || Object.keys(attributes).length === 0 ? null : JSON.stringify(attributes);
  if (json !== null && json.length > MAX_ATTRIBUTES) {
    const limit = MAX_ATTRIBUTES.toLocaleString('en');
    throw new DaisError('invalid_request', `The attributes of message ${index} have more than ${limit} characters.`);
  }
  const row = {
    severity: message.severity,
    severity_text: message.severityText ?? null,
    body: truncateText(message.body, MESSAGE_LENGTH),
    attributes: json,
    logger: message.logger ?? null,
    trace: message.traceId ?? null,
    span: message.spanId ?? null,
  };
  const digest = createHash('sha256')
    .update(JSON.stringify(Object.values(row)))
    .digest()
    .readBigInt64BE();
  return { time, digest, ...row };
}

interface ListCall {
  readonly id: string;
  readonly severity?: LogSeverity;
  readonly contains?: string;
  readonly order: 'asc' | 'desc';
  readonly limit: number;
  readonly cursor?: string;
}

type StoredRow = Omit<MessageRow, 'attributes'> & { readonly attributes: Record<string, unknown> | null };

async function listMessages(
  { sql, projectId }: Transaction,
  { id, severity, contains, order, limit, cursor }: ListCall,
): Promise<{ items: LogMessage[]; nextCursor?: string }> {
  const filter = [id, severity ?? '', contains ?? '', order];
  const [time, digest] = placeOf(decodePageCursor(filter, cursor));
  const [run] = await sql.query<{ num: bigint }>(
    'select num from tracking.run where project_id = $1 and id = $2',
    [projectId, id],
    'run_of_messages',
  );
  if (run === undefined) throw noRun(id);
  const lowest = severity === undefined ? 0 : LOG_SEVERITIES.indexOf(severity) * 4 + 1;
  const [after, direction] = order === 'asc' ? ['>', 'asc'] : ['<', 'desc'];
  const found = await sql.query<StoredRow>(
    `select ${COLUMNS.join(', ')} from tracking.run_message
     where run = $1 and severity >= $2 and ($3::text is null or position(lower($3) in lower(body)) > 0)
       and ($4::bigint is null or (time, digest) ${after} ($4, $5::bigint))
     order by time ${direction}, digest ${direction} limit $6`,
    [run.num, lowest, contains ?? null, time, digest, limit + 1],
    `run_messages_${order}`,
  );
  const { page, next } = cutPage(found, limit, filter, (row) => `${row.time} ${row.digest}`);
  return { items: page.map(messageOf), ...next };
}

function placeOf(text: string | undefined): readonly [time: bigint | null, digest: bigint | null] {
  if (text === undefined) return [null, null];
  const [time = '', digest = ''] = text.split(' ');
  if (!/^\d{1,19}$/.test(time) || !/^-?\d{1,19}$/.test(digest)) {
    throw new DaisError('invalid_cursor', 'The cursor is not valid, or it belongs to another list.');
  }
  return [BigInt.asIntN(64, BigInt(time)), BigInt.asIntN(64, BigInt(digest))];
}

function messageOf({ time, severity, severity_text, body, attributes, logger, trace, span }: StoredRow): LogMessage {
  return {
    time: String(time),
    severity,
    ...(severity_text !== null && { severityText: severity_text }),
    body,
    ...(attributes !== null && { attributes }),
    ...(logger !== null && { logger }),
    ...(trace !== null && { traceId: trace }),
    ...(span !== null && { spanId: span }),
  };
}
