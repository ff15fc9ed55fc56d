/** Reads and writes rows of schedules. */
import { DaisError } from '@dais/api';
import { scheduleSpec, type Overlap, type Recurrence, type Starting } from '@dais/api/executions';
import type { Sql } from '#engines/database/contract.ts';
import type { AdmittedChange } from '#kernel/kind.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { canonicalJson } from '#lib/formats/canonical-json.ts';
import { notifyWorkers } from '../executions-events.ts';
import type { Json } from '../machine/plan.ts';
import { requirePipeline, requireVersion } from '../pipelines/pipeline-rows.ts';
import { nextTime, type Timing } from './schedule-times.ts';

export interface ScheduleRow {
  readonly id: string;
  readonly project_id: string;
  readonly origin: string;
  readonly name: string;
  readonly description: string | null;
  readonly pipeline: string | null;
  readonly pipeline_version: string | null;
  readonly format: string | null;
  readonly parameters: Readonly<Record<string, Json>>;
  readonly priority: number;
  readonly experiment_id: string | null;
  readonly client_metadata: Record<string, unknown> | null;
  readonly trigger: Starting;
  readonly starts_at: Date | null;
  readonly ends_at: Date | null;
  readonly catch_up: boolean;
  readonly overlap: Overlap;
  readonly max_concurrency: number;
  readonly enabled: boolean;
  readonly actor_type: string;
  readonly actor_id: string;
  readonly next_at: Date | null;
  readonly created_at: Date;
  readonly updated_at: Date;
}

export const SCHEDULE_COLUMNS =
  'id, project_id, origin, name, description, pipeline, pipeline_version, format, parameters, priority, experiment_id, client_metadata, trigger, starts_at, ends_at, catch_up, overlap, max_concurrency, enabled, actor_type, actor_id, next_at, created_at, updated_at';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export interface NewSchedule {
  readonly id: string;
  readonly origin: string;
  readonly name: string;
  readonly description?: string | undefined;
  readonly pipeline?: string | undefined;
  readonly pipelineVersion?: string | undefined;
  readonly format?: string | undefined;
  readonly document?: unknown;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly when: Starting;
  readonly startAt?: number | undefined;
  readonly endAt?: number | undefined;
  readonly catchUp: boolean;
  readonly overlap: Overlap;
  readonly mostAtOnce: number;
  readonly enabled: boolean;
  readonly priority: number;
  readonly experimentId?: string | undefined;
  readonly about?: object | undefined;
}

/** Creates or updates a schedule. Its waiting fires remain. */
export async function writeSchedule(tx: Transaction, schedule: NewSchedule): Promise<void> {
  const { sql } = tx;
  const [old] = await sql.query<ScheduleRow>(
    `select ${SCHEDULE_COLUMNS} from executions.schedule where id = $1 for update`,
    [schedule.id],
    'lock_schedule',
  );
  const [clock] = await sql.query<{ now: Date }>('select clock_timestamp() as now', [], 'clock');
  const now = clock?.now ?? new Date(0);
  const next = nextOf(schedule, old, now.getTime());
  const { principal } = tx.by;
  await sql.query(
    `insert into executions.schedule as s (id, project_id, origin, name, description, pipeline, pipeline_version, format,
       document, parameters, priority, experiment_id, client_metadata, kind, trigger, starts_at, ends_at, catch_up, overlap,
       max_concurrency, enabled, next_at, next_check_at, actor_type, actor_id, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::jsonb, $11, $12, $13::jsonb, $14, $15::jsonb, $16, $17, $18, $19,
       $20, $21, $22, case when $21 then coalesce($22, clock_timestamp()) end, $23, $24, $25)
     on conflict (id) do update set description = excluded.description, pipeline = excluded.pipeline,
       pipeline_version = excluded.pipeline_version, parameters = excluded.parameters, priority = excluded.priority,
       kind = excluded.kind, trigger = excluded.trigger, starts_at = excluded.starts_at, ends_at = excluded.ends_at,
       catch_up = excluded.catch_up, overlap = excluded.overlap, max_concurrency = excluded.max_concurrency,
       enabled = excluded.enabled, next_at = excluded.next_at,
       next_check_at = case when excluded.enabled then clock_timestamp() end, updated_at = clock_timestamp()`,
    [
      schedule.id,
      tx.projectId,
      schedule.origin,
      schedule.name,
      schedule.description ?? null,
      schedule.pipeline ?? null,
      schedule.pipelineVersion ?? null,
      schedule.format ?? null,
      schedule.format === undefined ? null : canonicalJson(schedule.document),
      JSON.stringify(schedule.parameters),
      schedule.priority,
      schedule.experimentId ?? null,
      schedule.about === undefined ? null : JSON.stringify(schedule.about),
      kindOf(schedule.when),
      JSON.stringify(schedule.when),
      dateOf(schedule.startAt),
      dateOf(schedule.endAt),
      schedule.catchUp,
      schedule.overlap,
      schedule.mostAtOnce,
      schedule.enabled,
      dateOf(next),
      principal.type,
      principal.id,
      // Intervals are counted from this time, so it must equal the time of the first calculation.
      now,
    ],
    'write_schedule',
  );
  notifyWorkers(tx);
}

const dateOf = (ms: number | undefined) => (ms === undefined ? null : new Date(ms));

const EVENTS: ReadonlySet<string> = new Set(['pipeline', 'model', 'dataset']);
const kindOf = ({ type }: Starting) => (EVENTS.has(type) ? 'event' : type);

/** Returns the next time. A due time stays due, unless the timing changed or missed times are not caught up. */
function nextOf(schedule: NewSchedule, old: ScheduleRow | undefined, now: number): number | undefined {
  const { when, startAt, endAt, catchUp } = schedule;
  const same = old !== undefined && canonicalJson(timesOf(old)) === canonicalJson(timing(schedule));
  if (same && (old.enabled || catchUp)) return old.next_at?.getTime();
  const anchor = startAt ?? old?.created_at.getTime() ?? now;
  const from = old === undefined && catchUp && startAt !== undefined ? Math.min(now, startAt - 1) : now;
  return nextTime({ when, anchor, startsAt: startAt, endsAt: endAt }, from);
}

const timesOf = ({ trigger, starts_at: from, ends_at: to }: ScheduleRow) => [
  trigger,
  from?.getTime() ?? null,
  to?.getTime() ?? null,
];

const timing = ({ when, startAt, endAt }: NewSchedule) => [when, startAt ?? null, endAt ?? null];

export function timingOf(row: ScheduleRow): Timing {
  return {
    when: row.trigger,
    anchor: (row.starts_at ?? row.created_at).getTime(),
    startsAt: row.starts_at?.getTime(),
    endsAt: row.ends_at?.getTime(),
  };
}

/** @throws DaisError `not_found` */
export async function requireSchedule(sql: Sql, projectId: string, id: string): Promise<ScheduleRow> {
  const [row] = UUID.test(id)
    ? await sql.query<ScheduleRow>(
        `select ${SCHEDULE_COLUMNS} from executions.schedule where project_id = $1 and id = $2`,
        [projectId, id],
        'schedule_by_id',
      )
    : [];
  if (row === undefined) throw new DaisError('not_found', `There is no schedule with the id "${id}" in this project.`);
  return row;
}

export async function removeSchedule({ sql, projectId }: Transaction, id: string): Promise<void> {
  await sql.query(
    'delete from executions.schedule where project_id = $1 and id = $2',
    [projectId, id],
    'drop_schedule',
  );
}

export function presentSchedule(row: ScheduleRow): Recurrence {
  return {
    id: row.id,
    name: row.name,
    ...(row.description !== null && { description: row.description }),
    origin: row.origin,
    ...(row.pipeline !== null && { pipeline: row.pipeline }),
    ...(row.pipeline_version !== null && { pipelineVersion: row.pipeline_version }),
    ...(row.format !== null && { format: row.format }),
    // Parsed from JSON, so it has the same type under another name.
    parameters: row.parameters as Recurrence['parameters'],
    when: row.trigger,
    ...(row.starts_at !== null && { startAt: row.starts_at.getTime() }),
    ...(row.ends_at !== null && { endAt: row.ends_at.getTime() }),
    catchUp: row.catch_up,
    overlap: row.overlap,
    mostAtOnce: row.max_concurrency,
    enabled: row.enabled,
    priority: row.priority,
    ...(row.experiment_id !== null && { experimentId: row.experiment_id }),
    ...(row.client_metadata !== null && { about: row.client_metadata }),
    ...(row.next_at !== null && row.enabled && { nextAt: row.next_at.getTime() }),
    createdBy: `${row.actor_type}:${row.actor_id}`,
    createdAt: row.created_at.getTime(),
    updatedAt: row.updated_at.getTime(),
  };
}

export async function admitSchedule(tx: Transaction, change: AdmittedChange): Promise<void> {
  const { uid, name, projectId, dryRun, before } = change;
  if (dryRun) return;
  if (change.spec === undefined) return await removeSchedule(tx, uid);
  const spec = scheduleSpec.parse(change.spec);
  // The same apply may create the pipeline afterwards.
  tx.checkAtEnd(`schedule/${uid}`, async () => {
    await tx.enter(projectId);
    const pipeline = await requirePipeline(tx.sql, projectId, spec.pipeline);
    const version = spec.version === undefined ? undefined : await requireVersion(tx.sql, pipeline, spec.version);
    const {
      startAt,
      endAt,
      suspended,
      parameters = {},
      description,
      when,
      catchUp,
      overlap,
      mostAtOnce,
      priority,
    } = spec;
    await writeSchedule(tx, {
      id: uid,
      origin: before?.metadata.origin ?? tx.by.origin,
      name,
      description,
      pipeline: pipeline.uid,
      pipelineVersion: version?.id,
      parameters,
      when,
      startAt: startAt === undefined ? undefined : Date.parse(startAt),
      endAt: endAt === undefined ? undefined : Date.parse(endAt),
      catchUp,
      overlap,
      mostAtOnce,
      enabled: !suspended,
      priority,
    });
  });
}
