/** Finds runs by id. */
import { DaisError } from '@dais/api';
import type { Transaction } from '#kernel/transaction.ts';
import type { RowCache } from '../row-cache.ts';
import { RUN_COLUMNS, type RunRow } from './hydrate.ts';

/** A run that accepts writes, with its internal number. */
export interface ActiveRun {
  readonly num: bigint;
  readonly projectId: string;
  readonly experiment: bigint;
}

export async function findRun({ sql, projectId }: Transaction, id: string): Promise<RunRow | undefined> {
  const [row] = await sql.query<RunRow>(
    `select ${RUN_COLUMNS} from tracking.run r join tracking.experiment e on e.id = r.experiment
     where r.project_id = $1 and r.id = $2`,
    [projectId, id],
    'run_by_id',
  );
  return row;
}

/** @throws DaisError `not_found`. */
export async function requireRun(tx: Transaction, id: string): Promise<RunRow> {
  const row = await findRun(tx, id);
  if (row === undefined) throw noRun(id);
  return row;
}

/** The CTE `run`: the run with the id `$2` in the project `$1`. Without rows if it accepts no writes. */
export const ACTIVE_RUN =
  'run as (select num, experiment from tracking.run where project_id = $1::uuid and id = $2 and deleted_at is null)' as const;

/** A cached run that has logged before. */
interface KnownRun extends ActiveRun {
  /** Number of further calls that read the stored state before they write: see `logRun`. */
  wary: number;
}
export type KnownRuns = RowCache<KnownRun>;

/**
 * Finds a run as `activeRun` does. For a cached run, the next statement checks whether it accepts writes, which saves one of
 * three round trips in each call that logs a point.
 */
export async function activeRunAhead(tx: Transaction, id: string, known: KnownRuns): Promise<KnownRun> {
  const there = known.get(tx.projectId, id);
  if (there === undefined) {
    const run = { ...(await activeRun(tx, id)), wary: 0 };
    known.add(run.projectId, id, run);
    return run;
  }
  const texts = [noRunText(id), runDeletedText(id)];
  tx.sql.defer('select tracking.require_active_run($1, $2, $3)', [there.num, ...texts], 'require_active_run');
  return there;
}

/** Finds a run for logging. @throws DaisError `not_found`, `invalid_state` when it is deleted. */
export async function activeRun({ sql, projectId }: Transaction, id: string): Promise<ActiveRun> {
  const [row] = await sql.query<{ num: bigint; experiment: bigint; deleted: boolean }>(
    `select num, experiment, deleted_at is not null as deleted from tracking.run where project_id = $1 and id = $2`,
    [projectId, id],
    'active_run',
  );
  if (row === undefined) throw noRun(id);
  if (row.deleted) throw runDeleted(id);
  return { num: row.num, projectId, experiment: row.experiment };
}

export function noRun(id: string): DaisError {
  return new DaisError('not_found', noRunText(id));
}

export function runDeleted(id: string): DaisError {
  return new DaisError('invalid_state', runDeletedText(id));
}

function noRunText(id: string): string {
  return `There is no run "${id}" in this project.`;
}

function runDeletedText(id: string): string {
  return `Run "${id}" is deleted. Restore it first.`;
}
