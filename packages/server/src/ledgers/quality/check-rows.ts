/** Stored checks of versions. */
import { DaisError, type Actor } from '@dais/api';
import {
  type DatasetVersion,
  type Expectation,
  type ExpectationResult,
  type QualityCheck,
  type QualityCheckResults,
} from '@dais/api/data';
import type { Sql } from '#engines/database/contract.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { uuidv7 } from '#lib/ids.ts';

interface CheckRow {
  readonly id: string;
  readonly dataset: string;
  readonly version: string;
  readonly number: number;
  readonly state: QualityCheck['state'];
  readonly gate: boolean;
  readonly passed: number;
  readonly failed: number;
  readonly warned: number;
  readonly message: string | null;
  readonly created_at: bigint;
  readonly created_by: Actor | null;
  readonly ended_at: bigint | null;
  readonly seconds: number | null;
}

interface ResultRow extends CheckRow {
  readonly results: ExpectationResult[];
}

const COLUMNS = `id, dataset, version, number, state, gate, passed, failed, warned, message, created_at, created_by, ended_at,
  seconds`;

/** Maximum number of manual checks per version; older ones are deleted. The gating check is kept with its version. */
const MAX_BY_HAND = 100;

export interface NewCheck {
  readonly version: DatasetVersion;
  readonly gate: boolean;
  readonly expectations: readonly Expectation[];
  readonly now: number;
  readonly by?: Actor;
}

export async function insertCheck(
  tx: Transaction,
  { version, gate, expectations, now, by }: NewCheck,
): Promise<QualityCheck> {
  const [row] = await tx.sql.query<CheckRow>(
    `insert into quality.check (id, project_id, dataset, version, number, state, gate, expectations, created_at, created_by)
     values ($1, $2, $3, $4, $5, 'pending', $6, $7, $8, $9) returning ${COLUMNS}`,
    [
      uuidv7(now),
      tx.projectId,
      version.dataset,
      version.id,
      version.number,
      gate,
      JSON.stringify(expectations),
      now,
      by === undefined ? null : JSON.stringify(by),
    ],
    'insert_quality_check',
  );
  if (row === undefined) throw new Error('an insert gave no row');
  await tx.sql.query(
    `delete from quality.check where id in (
       select id from quality.check where version = $1 and not gate and state not in ('pending', 'running')
       order by id desc offset $2)`,
    [version.id, MAX_BY_HAND],
    'drop_old_checks',
  );
  return present(row);
}

function present(row: CheckRow): QualityCheck {
  return {
    id: row.id,
    dataset: row.dataset,
    version: row.version,
    number: row.number,
    state: row.state,
    gate: row.gate,
    passed: row.passed,
    failed: row.failed,
    warned: row.warned,
    ...(row.message !== null && { message: row.message }),
    createdAt: Number(row.created_at),
    ...(row.ended_at !== null && { endedAt: Number(row.ended_at) }),
    ...(row.seconds !== null && { seconds: row.seconds }),
    ...(row.created_by !== null && { createdBy: row.created_by }),
  };
}

function presentResults(row: ResultRow): QualityCheckResults {
  return { ...present(row), results: row.results };
}

export async function listChecks(
  { sql, projectId }: Transaction,
  dataset: string,
  { after, limit }: { readonly after?: string | undefined; readonly limit: number },
): Promise<readonly QualityCheck[]> {
  const rows = await sql.query<CheckRow>(
    `select ${COLUMNS} from quality.check
     where project_id = $1 and dataset = $2 and ($3::uuid is null or id < $3) order by id desc limit $4`,
    [projectId, dataset, after ?? null, limit],
    'list_quality_checks',
  );
  return rows.map(present);
}

export async function readCheck(
  { sql, projectId }: Transaction,
  dataset: string,
  id: string,
): Promise<QualityCheckResults> {
  const [row] = await sql.query<ResultRow>(
    `select ${COLUMNS}, results from quality.check where project_id = $1 and dataset = $2 and id::text = $3`,
    [projectId, dataset, id],
    'read_quality_check',
  );
  if (row === undefined) throw new DaisError('not_found', `Dataset ${dataset} has no check ${id}.`);
  return presentResults(row);
}

/** Returns the newest completed check of a version. A gating check takes precedence. */
export async function newestCheck(
  { sql, projectId }: Transaction,
  version: string,
): Promise<QualityCheckResults | undefined> {
  const [row] = await sql.query<ResultRow>(
    `select ${COLUMNS}, results from quality.check
     where project_id = $1 and version = $2 and ended_at is not null order by id desc limit 1`,
    [projectId, version],
    'newest_quality_check',
  );
  return row === undefined ? undefined : presentResults(row);
}

export interface DueCheck {
  readonly id: string;
  readonly version: string;
  readonly gate: boolean;
  readonly expectations: Expectation[];
}

/** Marks a check as running. Undefined if it was deleted with its version, or has ended. */
export async function startCheck(sql: Sql, id: string): Promise<DueCheck | undefined> {
  const [row] = await sql.query<DueCheck>(
    `update quality.check set state = 'running' where id = $1 and ended_at is null
     returning id, version, gate, expectations`,
    [id],
    'start_quality_check',
  );
  return row;
}

export interface EndedCheck {
  readonly state: 'passed' | 'failed' | 'error';
  readonly results: readonly ExpectationResult[];
  readonly message?: string;
  readonly now: number;
  readonly seconds: number;
}

/** Returns false if the check has already ended or was deleted. */
export async function endCheck(sql: Sql, id: string, ended: EndedCheck): Promise<boolean> {
  const { state, results, message, now, seconds } = ended;
  const broken = results.filter(({ outcome }) => outcome !== 'passed');
  const blocking = broken.filter(({ severity }) => severity === 'block').length;
  const rows = await sql.query(
    `update quality.check set state = $2, results = $3, message = $4, ended_at = $5, seconds = $6, passed = $7, failed = $8,
       warned = $9 where id = $1 and ended_at is null returning id`,
    [
      id,
      state,
      JSON.stringify(results),
      message ?? null,
      now,
      seconds,
      results.length - broken.length,
      blocking,
      broken.length - blocking,
    ],
    'end_quality_check',
  );
  return rows.length > 0;
}

/** Deletes profiles and checks of versions that are permanently deleted. */
export async function forgetVersions({ sql }: Transaction, ids: readonly string[]): Promise<void> {
  await sql.query('delete from quality.check where version = any($1::uuid[])', [ids], 'forget_quality_checks');
  await sql.query('delete from quality.profile where version = any($1::uuid[])', [ids], 'forget_quality_profiles');
}
