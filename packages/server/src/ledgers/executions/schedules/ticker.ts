/**
 * Starts the runs of schedules. Several processes can do this at the same time: the process that locks the row of a schedule
 * creates fires for its times, each once, and runs for the fires, in one transaction.
 */
import { DaisError } from '@dais/api';
import type { Database, Sql } from '#engines/database/contract.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { uuidv7 } from '#lib/ids.ts';
import { Loop, type LoopDependencies } from '#lib/concurrency/loop.ts';
import { EXECUTIONS_CHANNEL } from '../executions-events.ts';
import type { Json } from '../machine/plan.ts';
import { newestVersion, requireVersion } from '../pipelines/pipeline-rows.ts';
import { startRun, type StartDependencies } from '../pipelines/start-run.ts';
import { requireIsolation } from '../pipelines/automatic-start.ts';
import { cancelRun } from '../runs/run-machine.ts';
import { addFires, MOST_WAITING } from './fires.ts';
import { decideFires } from './overlap.ts';
import { SCHEDULE_COLUMNS, timingOf, type ScheduleRow } from './schedule-rows.ts';
import { dueTimes } from './schedule-times.ts';

export interface TickerDependencies extends StartDependencies, LoopDependencies {
  readonly database: Database;
}

const POLL_MS = 10_000;
const SCHEDULES_AT_ONCE = 50;
/** Limits of one transaction. */
const TIMES = 100;
const STARTS = 20;
/** Interval of checks whether a run has ended that a fire waits for. */
const BLOCKED_MS = 1000;

export class Ticker {
  readonly #dependencies: TickerDependencies;
  readonly #loop: Loop;

  constructor(dependencies: TickerDependencies) {
    this.#dependencies = dependencies;
    this.#loop = new Loop('schedules', { ...dependencies, pollMs: POLL_MS }, () => this.turn());
  }

  async start(): Promise<void> {
    const { database } = this.#dependencies;
    const isDue = async (sql: Sql) => (await dueSchedules(sql)).length > 0;
    await this.#loop.start((ring) => database.poll(EXECUTIONS_CHANNEL, isDue, ring));
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  /** Returns true if more schedules may be due. */
  async turn(): Promise<boolean> {
    const { database } = this.#dependencies;
    const due = await transact(database, { mode: 'read', projectId: 'all' }, ({ sql }) => dueSchedules(sql));
    for (const { id, project_id: projectId } of due) {
      await transact(database, { mode: 'write', projectId }, async (tx) => await tick(tx, id, this.#dependencies));
    }
    return due.length === SCHEDULES_AT_ONCE;
  }
}

async function dueSchedules(sql: Sql) {
  return await sql.query<{ id: string; project_id: string }>(
    `select id, project_id from executions.schedule where next_check_at <= clock_timestamp() order by next_check_at
     limit ${SCHEDULES_AT_ONCE}`,
    [],
    'schedules_due',
  );
}

type DueRow = ScheduleRow & { readonly document: string | null; readonly now: Date };

interface WaitingRow {
  readonly cause: string;
  readonly fire_time: Date;
  readonly data: Json;
  readonly backfill: boolean;
  readonly n: number;
}

/** Processes one schedule, by the clock of the database. */
async function tick(tx: Transaction, id: string, dependencies: StartDependencies): Promise<void> {
  const { sql } = tx;
  const [row] = await sql.query<DueRow>(
    `select ${SCHEDULE_COLUMNS}, document, clock_timestamp() as now from executions.schedule
     where id = $1 and next_check_at <= clock_timestamp() for update skip locked`,
    [id],
    'take_schedule',
  );
  if (row === undefined) return;
  const nextAt = await makeFires(tx, row);
  const waiting = await sql.query<WaitingRow>(
    `select cause, fire_time, data, coalesce(data ? 'backfill', false) as backfill,
       (select count(*)::int from executions.fire o where o.schedule = $1 and o.fire_time <= f.fire_time) as n
     from executions.fire f where schedule = $1 and state = 'pending' order by fire_time, cause limit ${MOST_WAITING}`,
    [id],
    'waiting_fires',
  );
  const runs = await sql.query<{ id: string; cancel_requested: boolean }>(
    'select id, cancel_requested from executions.run where schedule = $1 and ended_at is null order by created_at, id',
    [id],
    'runs_of_schedule',
  );
  const { overlap, max_concurrency: most } = row;
  const going = overlap === 'replace' ? runs.filter((run) => !run.cancel_requested) : runs;
  const decisions = decideFires(waiting, { running: going.length, overlap, most, room: STARTS });
  for (const run of going.slice(0, decisions.cancel)) {
    const open = await dependencies.machines.open(tx, run.id);
    if (open !== undefined) await cancelRun(open, tx);
  }
  for (const fire of decisions.start) await startFire(tx, row, fire, dependencies);
  await endFires(
    tx,
    id,
    decisions.skip.map(({ cause }) => cause),
    'skipped',
    'the maximum number of runs was already in progress',
  );
  const left = waiting.length - decisions.start.length - decisions.skip.length;
  const delayMs = decisions.more || waiting.length === MOST_WAITING ? 0 : left > 0 ? BLOCKED_MS : undefined;
  await sql.query(
    `update executions.schedule set next_at = $2,
       next_check_at = least($2, clock_timestamp() + $3::float8 * interval '1 millisecond') where id = $1`,
    [id, nextAt === undefined ? null : new Date(nextAt), delayMs ?? null],
    'schedule_ticked',
  );
}

/** Creates fires for due times, and returns the next time. While too many fires wait, no further ones are created. */
async function makeFires(tx: Transaction, row: DueRow): Promise<number | undefined> {
  const from = row.next_at?.getTime();
  if (from === undefined || from > row.now.getTime()) return from;
  const [count] = await tx.sql.query<{ n: number }>(
    `select count(*)::int as n from executions.fire where schedule = $1 and state = 'pending'`,
    [row.id],
    'count_waiting_fires',
  );
  const room = Math.min(TIMES, MOST_WAITING - (count?.n ?? 0));
  if (room <= 0) return from;
  const { times, next } = dueTimes(timingOf(row), from, row.now.getTime(), { catchUp: row.catch_up, room });
  await addFires(tx, row.id, times);
  return next;
}

async function startFire(
  tx: Transaction,
  row: DueRow,
  fire: WaitingRow,
  dependencies: StartDependencies,
): Promise<void> {
  const id = uuidv7();
  try {
    const { format, document, version } = await documentOf(tx, row);
    await startRun(tx, dependencies, {
      id,
      name: row.name,
      pipelineName: row.name,
      pipeline: row.pipeline ?? undefined,
      pipelineVersion: version,
      schedule: row.id,
      format,
      document,
      parameters: row.parameters,
      priority: row.priority,
      experimentId: row.experiment_id ?? undefined,
      about: row.client_metadata ?? undefined,
      fire: { time: fire.fire_time.getTime(), index: fire.n, data: fire.data },
      authorize: async (plan) => {
        await Promise.resolve();
        requireIsolation(plan, dependencies);
      },
    });
    await endFires(tx, row.id, [fire.cause], 'started', undefined, id);
  } catch (error) {
    // Errors of the pipeline are found before any row of the run is written.
    if (!(error instanceof DaisError) || error.retryable) throw error;
    const issues = error.issues?.map(({ path, message }) => `${path ?? ''} ${message}`.trim()) ?? [];
    await endFires(tx, row.id, [fire.cause], 'failed', [error.message, ...issues].join('\n').slice(0, 4000));
  }
}

async function documentOf({ sql }: Transaction, row: DueRow) {
  if (row.format !== null) return { format: row.format, document: JSON.parse(row.document ?? 'null') as unknown };
  const pipeline = { uid: row.pipeline ?? '', name: row.name };
  const version =
    row.pipeline_version === null
      ? await newestVersion(sql, pipeline.uid)
      : await requireVersion(sql, pipeline, row.pipeline_version);
  if (version === undefined)
    throw new DaisError('not_found', 'The pipeline of the schedule has no version or was deleted.');
  return { format: version.format, document: JSON.parse(version.document) as unknown, version: version.id };
}

async function endFires(
  { sql }: Transaction,
  schedule: string,
  causes: readonly string[],
  state: 'started' | 'skipped' | 'failed',
  error?: string,
  run?: string,
): Promise<void> {
  if (causes.length === 0) return;
  await sql.query(
    'update executions.fire set state = $3, error = $4, run = $5 where schedule = $1 and cause = any($2)',
    [schedule, causes, state, error ?? null, run ?? null],
    'end_fires',
  );
}
