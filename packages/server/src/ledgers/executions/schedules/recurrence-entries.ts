/** Operations on schedules by id, independent of their origin. */
import { DaisError, type Issue } from '@dais/api';
import {
  backfillRecurrenceOperation,
  createRecurrenceOperation,
  deleteRecurrenceOperation,
  enableRecurrenceOperation,
  isZone,
  listFiresOperation,
  listRecurrencesOperation,
  listTimesOperation,
  readCron,
  readRecurrenceOperation,
  RECURRENCES_COUNTED,
  searchRecurrencesOperation,
  type CreateRecurrenceInput,
  type Recurrence,
} from '@dais/api/executions';
import { entry, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import { readByUid } from '#kernel/store.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { uuidv7 } from '#lib/ids.ts';
import { notifyWorkers } from '../executions-events.ts';
import { requirePipeline, requireVersion } from '../pipelines/pipeline-rows.ts';
import { inspectPipeline, type StartDependencies } from '../pipelines/start-run.ts';
import { authorizePlan } from '../runs/plan-permissions.ts';
import { searchRecords, type RecordTable } from '../search/record-query.ts';
import { parsePagePosition } from '../views/execution-reads.ts';
import { addFires, presentFire, type FireRow } from './fires.ts';
import {
  presentSchedule,
  removeSchedule,
  requireSchedule,
  SCHEDULE_COLUMNS,
  timingOf,
  writeSchedule,
  type ScheduleRow,
} from './schedule-rows.ts';
import { nextTime, timesBetween } from './schedule-times.ts';

/** Limit of pipeline runs in one backfill. */
const MOST_BACKFILLED = 500;

export function recurrenceEntries(dependencies: StartDependencies): readonly OperationEntry[] {
  return [
    entry(createRecurrenceOperation, async (tx, call) => await create(tx, call, dependencies)),
    entry(readRecurrenceOperation, async ({ sql, projectId }, { input }) =>
      presentSchedule(await requireSchedule(sql, projectId, input.id)),
    ),
    entry(listRecurrencesOperation, list),
    entry(enableRecurrenceOperation, enable),
    entry(deleteRecurrenceOperation, remove),
    entry(listFiresOperation, listFires),
    entry(listTimesOperation, listTimes),
    entry(backfillRecurrenceOperation, backfill),
  ];
}

async function create(
  tx: Transaction,
  call: CallOf<typeof createRecurrenceOperation>,
  dependencies: StartDependencies,
): Promise<Recurrence> {
  const { input, context } = call;
  const { pipeline, version, format, document, ...requested } = input;
  const issues = timingIssues(input);
  if (input.when.type === 'webhook') {
    issues.push({
      path: 'when.type',
      message: 'webhook is supported only in a Schedule resource',
      expected: 'cron or interval',
    });
  }
  if ((pipeline === undefined) === (format === undefined)) {
    issues.push({ path: 'pipeline', message: 'exactly one of `pipeline`, or `format` with `document`, is required' });
  }
  if (issues.length > 0) throw new DaisError('invalid_request', 'The schedule is not valid.', { issues });
  const source = pipeline === undefined ? { format: format ?? '', document } : await ofPipeline(tx, pipeline, version);
  const { plan } = await inspectPipeline(tx, dependencies, {
    name: input.name,
    format: source.format,
    document: source.document,
  });
  await authorizePlan(call, plan, { tx, data: dependencies.data });
  const id = uuidv7();
  const runs = 'pipeline' in source ? { pipeline: source.pipeline, pipelineVersion: source.version } : source;
  await writeSchedule(tx, { ...requested, ...runs, id, origin: context.origin });
  return presentSchedule(await requireSchedule(tx.sql, tx.projectId, id));
}

function timingIssues({ when, startAt, endAt }: CreateRecurrenceInput): Issue[] {
  const issues: Issue[] = [];
  if (when.type === 'cron') {
    const reading = readCron(when.cron);
    if ('problem' in reading) issues.push({ path: 'when.cron', message: reading.problem });
    if (!isZone(when.zone)) issues.push({ path: 'when.zone', message: `${when.zone} is not a time zone` });
  }
  if (startAt !== undefined && endAt !== undefined && startAt >= endAt) {
    issues.push({ path: 'endAt', message: 'must be after `startAt`' });
  }
  return issues;
}

async function ofPipeline({ sql, projectId }: Transaction, name: string, version: string | undefined) {
  const pipeline = await requirePipeline(sql, projectId, name);
  const { id, format, document } = await requireVersion(sql, pipeline, version ?? 'latest');
  return {
    pipeline: pipeline.uid,
    version: version === undefined ? undefined : id,
    format,
    document: JSON.parse(document) as unknown,
  };
}

async function list({ sql, projectId }: Transaction, { input }: CallOf<typeof listRecurrencesOperation>) {
  const { name, experimentId, limit, cursor } = input;
  const filter = [projectId, 'recurrences', name ?? '', experimentId ?? ''];
  const before = parsePagePosition(decodePageCursor(filter, cursor));
  const rows = await sql.query<ScheduleRow & { readonly micros: bigint }>(
    `select ${SCHEDULE_COLUMNS}, (extract(epoch from created_at) * 1000000)::bigint as micros from executions.schedule
     where project_id = $1 and ($2::text is null or name = $2) and ($3::text is null or experiment_id = $3)
       and ($4::bigint is null
         or (created_at, id) < (timestamptz 'epoch' + $4::bigint * interval '1 microsecond', $5::uuid))
     order by created_at desc, id desc limit $6`,
    [projectId, name ?? null, experimentId ?? null, before?.micros ?? null, before?.id ?? null, limit + 1],
    'list_schedules',
  );
  const { page, next } = cutPage(rows, limit, filter, ({ micros, id }) => `${micros} ${id}`);
  return { items: page.map(presentSchedule), ...next };
}

/** @throws DaisError `other_origin` */
async function requireUngoverned({ sql, projectId }: Transaction, id: string): Promise<ScheduleRow> {
  const row = await requireSchedule(sql, projectId, id);
  const [resource] = await readByUid(sql, [row.id]);
  if (resource === undefined) return row;
  const detail = `Schedule "${row.name}" is managed as a resource. Change or delete it through its manifest.`;
  throw new DaisError('other_origin', detail);
}

async function enable(tx: Transaction, { input }: CallOf<typeof enableRecurrenceOperation>): Promise<Recurrence> {
  const { id, enabled } = input;
  const row = await requireUngoverned(tx, id);
  if (row.enabled !== enabled) {
    const next = row.catch_up && row.next_at !== null ? row.next_at.getTime() : nextTime(timingOf(row), await now(tx));
    await tx.sql.query(
      `update executions.schedule set enabled = $2, next_at = $3, updated_at = clock_timestamp(),
         next_check_at = case when $2 then clock_timestamp() end where id = $1`,
      [row.id, enabled, next === undefined ? null : new Date(next)],
      'enable_schedule',
    );
    notifyWorkers(tx);
  }
  return presentSchedule(await requireSchedule(tx.sql, tx.projectId, id));
}

async function now({ sql }: Transaction): Promise<number> {
  const [clock] = await sql.query<{ now: Date }>('select clock_timestamp() as now', [], 'clock');
  return clock?.now.getTime() ?? 0;
}

async function remove(
  tx: Transaction,
  { input }: CallOf<typeof deleteRecurrenceOperation>,
): Promise<Record<string, never>> {
  const row = await requireUngoverned(tx, input.id);
  await removeSchedule(tx, row.id);
  return {};
}

async function listFires({ sql, projectId }: Transaction, { input }: CallOf<typeof listFiresOperation>) {
  const { id, limit, cursor } = input;
  const schedule = await requireSchedule(sql, projectId, id);
  const filter = [projectId, schedule.id, 'fires'];
  const before = /^(\d{1,18}) (.+)$/.exec(decodePageCursor(filter, cursor) ?? '');
  const rows = await sql.query<FireRow & { readonly micros: bigint }>(
    `select cause, fire_time, state, run, error, (extract(epoch from fire_time) * 1000000)::bigint as micros
     from executions.fire where schedule = $1 and ($2::bigint is null
       or (fire_time, cause) < (timestamptz 'epoch' + $2::bigint * interval '1 microsecond', $3::text))
     order by fire_time desc, cause desc limit $4`,
    [schedule.id, before?.[1] ?? null, before?.[2] ?? null, limit + 1],
    'list_fires',
  );
  const { page, next } = cutPage(rows, limit, filter, ({ micros, cause }) => `${micros} ${cause}`);
  return { items: page.map(presentFire), ...next };
}

async function listTimes(tx: Transaction, { input }: CallOf<typeof listTimesOperation>) {
  const { id, after, count } = input;
  const timing = timingOf(await requireSchedule(tx.sql, tx.projectId, id));
  return { times: timesBetween(timing, (after ?? (await now(tx))) + 1, Infinity, count) };
}

async function backfill(tx: Transaction, { input }: CallOf<typeof backfillRecurrenceOperation>) {
  const { id, from, to } = input;
  const row = await requireSchedule(tx.sql, tx.projectId, id);
  const until = Math.min(to, await now(tx));
  const times = timesBetween(timingOf(row), from, until, MOST_BACKFILLED + 1);
  if (times.length > MOST_BACKFILLED) {
    const detail = `The range contains more than ${MOST_BACKFILLED} scheduled times. Backfill a shorter range.`;
    throw new DaisError('invalid_request', detail, { issues: [{ path: 'to', message: detail }] });
  }
  const made = await addFires(tx, row.id, times, { backfill: true });
  if (made.length > 0) {
    await tx.sql.query(
      'update executions.schedule set next_check_at = clock_timestamp() where id = $1',
      [row.id],
      'backfill',
    );
    notifyWorkers(tx);
  }
  return { times: made };
}

const recurrences: RecordTable<ScheduleRow, Recurrence> = {
  name: 'recurrences',
  from: 'executions.schedule r',
  id: 'r.id',
  columns: SCHEDULE_COLUMNS.split(', ')
    .map((column) => `r.${column}`)
    .join(', '),
  fields: {
    id: { sql: 'r.id', type: 'text' },
    name: { sql: 'r.name', type: 'text' },
    description: { sql: 'r.description', type: 'text', missing: true },
    origin: { sql: 'r.origin', type: 'text' },
    pipeline: { sql: 'r.pipeline', type: 'text', missing: true },
    experimentId: { sql: 'r.experiment_id', type: 'text', missing: true },
    enabled: { sql: 'r.enabled', type: 'flag' },
    createdAt: { sql: 'r.created_at', type: 'moment' },
    updatedAt: { sql: 'r.updated_at', type: 'moment' },
  },
  unless: {},
  counted: RECURRENCES_COUNTED,
  present: presentSchedule,
};

export const recurrenceSearch: readonly OperationEntry[] = [
  entry(searchRecurrencesOperation, async (tx, { input }) => await searchRecords(tx, recurrences, input)),
];
