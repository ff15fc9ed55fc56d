/** Operations on runs. run-log.ts has those for logging. */
import { DaisError } from '@dais/api';
import {
  createRunOperation,
  deleteRunOperation,
  readRunOperation,
  restoreRunOperation,
  updateRunOperation,
  type Run,
  type RunInfo,
  type RunStatus,
} from '@dais/api/tracking';
import { entry, type OperationEntry } from '#kernel/entry.ts';
import type { Transaction } from '#kernel/transaction.ts';
import {
  DEFAULT_NUMBER,
  ensureDefault,
  experimentDeleted,
  noExperiment,
  publicId,
  type Home,
  type KnownHomes,
} from '../experiments/experiment-lookup.ts';
import { compactEndedRun } from '../metrics/compaction.ts';
import { setPairs } from '../pairs.ts';
import type { TrackingOptions, TrackingDependencies } from '../dependencies.ts';
import { columns, LONGEST, truncateText } from '../texts.ts';
import { emitRunEvent, emitStatusEvent } from '../tracking-events.ts';
import { hydrateRun, RUN_COLUMNS, runInfo, type RunRow } from './hydrate.ts';
import { noteOrigin, noteStarter } from './run-lineage.ts';
import { findRun, noRun, requireRun, runDeleted } from './run-lookup.ts';
import { makeName } from './run-names.ts';

export function runEntries(dependencies: TrackingDependencies, homes: KnownHomes): readonly OperationEntry[] {
  const { options, clock } = dependencies;
  return [
    entry(createRunOperation, async (tx, { input }) => await createRun(tx, input, dependencies, homes)),
    entry(readRunOperation, async (tx, { input }) => await hydrateRun(tx, await requireRun(tx, input.id), options)),
    entry(updateRunOperation, async (tx, { input }) => await updateRun(tx, input, options)),
    entry(deleteRunOperation, async (tx, { input }) => await setDeleted(tx, input.id, clock.now())),
    entry(restoreRunOperation, async (tx, { input }) => await setDeleted(tx, input.id, null)),
  ];
}

interface NewRun {
  readonly experimentId: string;
  readonly id?: string;
  readonly name?: string;
  readonly user?: string;
  readonly startedAt?: number;
  readonly tags?: Readonly<Record<string, string>>;
}

/** @throws DaisError `not_found`, `invalid_state`, `already_exists`. */
export async function createRun(
  tx: Transaction,
  input: NewRun,
  dependencies: TrackingDependencies,
  known?: KnownHomes,
): Promise<Run> {
  const { options, random } = dependencies;
  const { experimentId, user = '', startedAt = 0 } = input;
  const id = input.id ?? random(16).toString('hex');
  const { name, tags } = nameAndTags(input, dependencies);
  const row = { id, name, user, startedAt, tags };
  const home =
    insertRunAhead(tx, experimentId, row, known) ?? (await insertedInto(tx, experimentId, row, dependencies, known));
  emitRunEvent(tx, 'runCreated', id, publicId(home));
  noteOrigin(tx, id, tags, dependencies);
  noteStarter(tx, id, dependencies.clock.now());
  const info = runInfo(
    {
      id,
      name,
      user_name: user,
      status: 'RUNNING',
      started_at: BigInt(startedAt),
      ended_at: null,
      deleted_at: null,
      experiment: home.id,
      is_default: home.is_default,
      artifact_location: home.artifact_location,
    },
    options,
  );
  const nothing = { metrics: [], params: {}, datasets: [], modelInputs: [], modelOutputs: [] };
  return { ...info, ...nothing, tags: Object.fromEntries(tags) };
}

/** Creates a run before it returns. @throws as `createRun` does. */
async function insertedInto(
  tx: Transaction,
  experimentId: string,
  row: RowOfRun,
  { clock }: TrackingDependencies,
  known: KnownHomes | undefined,
) {
  let inserted = await insertRun(tx, experimentId, row);
  if (inserted === undefined && experimentId === DEFAULT_NUMBER) {
    await ensureDefault(tx, clock.now());
    inserted = await insertRun(tx, experimentId, row);
  }
  if (inserted === undefined) throw noExperiment(experimentId);
  if (inserted.deleted_at !== null) throw experimentDeleted(experimentId);
  if (inserted.num === null) throw new DaisError('already_exists', `A run "${row.id}" already exists in this project.`);
  const { id, is_default, artifact_location } = inserted;
  known?.add(tx.projectId, experimentId, { id, is_default, artifact_location });
  return inserted;
}

/** Returns the name and tags of a run, with equal name and name tag. @throws DaisError `invalid_request` when they differ. */
function nameAndTags(input: NewRun, { options: { nameTag }, random }: TrackingDependencies) {
  const tags = new Map(
    Object.entries(input.tags ?? {}).map(([key, value]) => [key, truncateText(value, LONGEST.runTag)] as const),
  );
  const tagged = tags.get(nameTag);
  if (input.name !== undefined && tagged !== undefined && tagged !== '' && tagged !== input.name) {
    const message = `is "${tagged.slice(0, 80)}", but the name is "${input.name}"`;
    const issues = [{ path: `tags["${nameTag}"]`, message, expected: input.name }];
    throw new DaisError('invalid_request', 'The name of the run and its name tag are different.', { issues });
  }
  const given = input.name ?? (tagged === undefined || tagged === '' ? makeName(random) : tagged);
  const name = truncateText(given, LONGEST.runName);
  return { name, tags: tags.set(nameTag, name) };
}

interface RunChange {
  readonly id: string;
  readonly status?: RunStatus;
  readonly endedAt?: number;
  readonly name?: string;
}

/** @throws DaisError `not_found`, `invalid_state`. */
export async function updateRun(tx: Transaction, input: RunChange, options: TrackingOptions): Promise<RunInfo> {
  const { id, status, endedAt, name } = input;
  const [row] = await tx.sql.query<RunRow & { before: string }>(
    `with before as (
       select num, status from tracking.run where project_id = $1 and id = $2 and deleted_at is null for no key update
     )
     update tracking.run r set status = coalesce($3, r.status), ended_at = coalesce($4, ended_at), name = coalesce($5, r.name)
     from before, tracking.experiment e where r.num = before.num and e.id = r.experiment
     returning ${RUN_COLUMNS}, before.status as before`,
    [tx.projectId, id, status ?? null, endedAt ?? null, name ?? null],
    'update_run',
  );
  if (row === undefined) throw (await findRun(tx, id)) === undefined ? noRun(id) : runDeleted(id);
  if (name !== undefined) setPairs(tx, 'tag', row.num, new Map([[options.nameTag, name]]));
  const info = runInfo(row, options);
  if (status !== undefined && status !== row.before) {
    emitStatusEvent(tx, id, info.experimentId, status);
    if (hasEnded(status)) await compactEndedRun(tx, { num: row.num, projectId: tx.projectId });
  }
  return info;
}

const hasEnded = (status: RunStatus) => status !== 'RUNNING' && status !== 'SCHEDULED';

/** Deletes or restores a run. Repetitions have no effect. @throws DaisError `not_found`. */
async function setDeleted(tx: Transaction, id: string, deletedAt: number | null): Promise<Record<string, never>> {
  const [row] = await tx.sql.query<{ experiment: bigint; is_default: boolean }>(
    `update tracking.run r set deleted_at = $3, deleted_with_experiment = false from tracking.experiment e
     where r.project_id = $1 and r.id = $2 and e.id = r.experiment and (r.deleted_at is null) = ($3::bigint is not null)
     returning r.experiment, e.is_default`,
    [tx.projectId, id, deletedAt],
    'set_run_deleted',
  );
  if (row === undefined) {
    await requireRun(tx, id);
    return {};
  }
  emitRunEvent(tx, deletedAt === null ? 'runRestored' : 'runDeleted', id, publicId({ ...row, id: row.experiment }));
  return {};
}

export interface RowOfRun {
  readonly id: string;
  readonly name: string;
  readonly user: string;
  readonly startedAt: number;
  readonly tags: ReadonlyMap<string, string>;
}

type Inserted = Home & {
  readonly deleted_at: bigint | null;
  /** null: the id already exists, or the experiment is deleted. */
  readonly num: bigint | null;
};

/** The lock makes a concurrent deletion of the experiment include this run. */
const insert = (isDefault: boolean) => `
with of as (
  select id, is_default, artifact_location, deleted_at from tracking.experiment
  where project_id = $1 and ${isDefault ? 'is_default and $8::bigint = 0' : 'id = $8 and not is_default'} for share
), made as (
  insert into tracking.run (project_id, id, experiment, name, user_name, status, started_at)
  select $1, $2, of.id, $3, $4, 'RUNNING', $5 from of where of.deleted_at is null
  on conflict (project_id, id) do nothing returning num, experiment
), tagged as (
  insert into tracking.tag (run, experiment, key, project_id, value)
  select made.num, made.experiment, t.key, $1, t.value from made, unnest($6::text[], $7::text[]) t (key, value)
)`;

function valuesOf(projectId: string, experiment: string, run: RowOfRun): unknown[] {
  return [projectId, run.id, run.name, run.user, run.startedAt, ...columns(run.tags), BigInt(experiment)];
}

/** Inserts everything in one statement. Undefined: the experiment does not exist. */
async function insertRun(
  { sql, projectId }: Transaction,
  experiment: string,
  run: RowOfRun,
): Promise<Inserted | undefined> {
  const isDefault = experiment === DEFAULT_NUMBER;
  const [row] = await sql.query<Inserted>(
    `${insert(isDefault)} select of.*, made.num from of left join made on true`,
    valuesOf(projectId, experiment, run),
    isDefault ? 'insert_run_into_default' : 'insert_run',
  );
  return row;
}

/**
 * Inserts a run as `insertRun` does, into a cached experiment: sent with the commit, expecting an active experiment and an
 * unused id. Returns undefined and does nothing if the experiment is not cached or the expectation failed before.
 */
function insertRunAhead(
  { sql, projectId }: Transaction,
  experiment: string,
  run: RowOfRun,
  known: KnownHomes | undefined,
): Home | undefined {
  const home = sql.careful ? undefined : known?.get(projectId, experiment);
  if (home === undefined) return undefined;
  sql.defer(
    `${insert(home.is_default)} select tracking.require_expected(count(*) = 1) from made`,
    valuesOf(projectId, experiment, run),
    home.is_default ? 'insert_run_into_default_ahead' : 'insert_run_ahead',
  );
  return home;
}
