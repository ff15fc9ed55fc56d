/** Permanently removes objects that were deleted long ago: rows and files, in batches of one transaction. */
import { eventTypes } from '@dais/api';
import type { Transaction } from '#kernel/transaction.ts';
import { dropComments } from '#ledgers/comments/index.ts';
import { artifactsOf as artifactOwner, removeTree } from '../artifacts/artifact-tree.ts';
import { ownPath } from '../artifacts/artifact-path.ts';
import { artifactsOf, below, publicId } from '../experiments/experiment-lookup.ts';
import { removeEarlyLinks } from '../traces/trace-files.ts';
import type { TrackingOptions } from '../dependencies.ts';
import { OF_MODELS, OF_RUNS, OF_SERIES } from '../experiments/project-records.ts';
import { runKey } from '../runs/run-subject.ts';

/** Limit of one transaction: a run can have a million points and thousands of files. */
const AT_ONCE = 20;
/** Limit of traces in one transaction: each can have many rows of spans. */
const TRACES_AT_ONCE = 500;

/** Returns the objects that must be kept, because an existing object uses their files. */
export type HeldBy = (
  tx: Transaction,
  candidates: { readonly runs: readonly string[]; readonly loggedModels: readonly string[] },
) => Promise<{ readonly runs: ReadonlySet<string>; readonly loggedModels: ReadonlySet<string> }>;

export interface GarbageDependencies {
  readonly options: Pick<TrackingOptions, 'artifactRoot'>;
  readonly heldBy: HeldBy;
}

export interface Garbage {
  readonly runs: number;
  readonly loggedModels: number;
  readonly experiments: number;
  readonly traces: number;
  readonly files: number;
}

/** Position after the last batch, so that kept objects are not checked again. */
export interface GarbagePosition {
  readonly run: bigint;
  readonly model: bigint;
}

export const GARBAGE_START: GarbagePosition = { run: 0n, model: 0n };

interface Candidate {
  readonly num: bigint;
  readonly id: string;
  readonly experiment: bigint;
  readonly is_default: boolean;
  readonly artifact_location: string | null;
}

/**
 * Removes one batch of objects in the project of the transaction that were deleted before `before`, in ms. `next` is
 * undefined at the end.
 */
export async function collectGarbage(
  tx: Transaction,
  { options, heldBy }: GarbageDependencies,
  before: number,
  position: GarbagePosition,
): Promise<{ readonly removed: Garbage; readonly next: GarbagePosition | undefined }> {
  const { projectId } = tx;
  const runs = await candidates(tx, 'run', before, position.run);
  const models = await candidates(tx, 'logged_model', before, position.model);
  const ids = { runs: runs.map(({ id }) => id), loggedModels: models.map(({ id }) => id) };
  const held = await heldBy(tx, ids);
  const goneRuns = runs.filter(({ id }) => !held.runs.has(id));
  const goneModels = models.filter(({ id }) => !held.loggedModels.has(id));
  await removeRuns(tx, goneRuns);
  await removeModels(tx, goneModels);
  // Remove experiments only after all their contents.
  const more = runs.length === AT_ONCE || models.length === AT_ONCE;
  const { experiments, traces, busy } = more ? NO_EXPERIMENTS : await removeExperiments(tx, before);
  const root = (candidate: Candidate) => artifactsOf({ ...candidate, id: candidate.experiment }, options);
  const folders = [
    ...goneRuns.map((run) => below(root(run), run.id)),
    ...goneModels.map((model) => below(root(model), `models/${model.id}`)),
    // An explicit artifact location may be shared with other experiments.
    ...experiments.filter((one) => one.artifact_location === null).map((one) => artifactsOf(one, options)),
  ];
  const files = await removeFolders(tx, folders, options);
  const removed = {
    runs: goneRuns.length,
    loggedModels: goneModels.length,
    experiments: experiments.length,
    traces,
    files,
  };
  if (goneRuns.length + goneModels.length + experiments.length + traces > 0) {
    await tx.enter(projectId);
    tx.emit({
      type: eventTypes.garbageCollected,
      projectId,
      data: {
        runs: goneRuns.map(({ id }) => id),
        loggedModels: goneModels.map(({ id }) => id),
        experiments: experiments.map(publicId),
        traces,
        files,
      },
    });
  }
  const next = { run: runs.at(-1)?.num ?? position.run, model: models.at(-1)?.num ?? position.model };
  return { removed, next: more || busy ? next : undefined };
}

/** Counts deleted objects, including those that must be kept. */
export async function countGarbage({ sql, projectId }: Transaction, before: number): Promise<Omit<Garbage, 'files'>> {
  const [row] = await sql.query<{ runs: number; models: number; experiments: number; traces: number }>(
    `select (select count(*)::int from tracking.run where project_id = $1 and deleted_at < $2) as runs,
       (select count(*)::int from tracking.logged_model where project_id = $1 and deleted_at < $2) as models,
       (select count(*)::int from tracking.experiment where project_id = $1 and deleted_at < $2) as experiments,
       (select count(*)::int from tracking.trace t join tracking.experiment e on e.id = t.experiment
        where t.project_id = $1 and e.deleted_at < $2) as traces`,
    [projectId, before],
    'count_garbage',
  );
  const { runs = 0, models = 0, experiments = 0, traces = 0 } = row ?? {};
  return { runs, loggedModels: models, experiments, traces };
}

/** Returns deleted runs, locked against restoration. */
async function candidates(
  { sql, projectId }: Transaction,
  table: 'run' | 'logged_model',
  before: number,
  after: bigint,
): Promise<Candidate[]> {
  return await sql.query<Candidate>(
    `select x.num, x.id, x.experiment, e.is_default, e.artifact_location
     from tracking.${table} x join tracking.experiment e on e.id = x.experiment
     where x.project_id = $1 and x.deleted_at < $2 and x.num > $3
     order by x.num limit ${AT_ONCE} for update of x skip locked`,
    [projectId, before, after],
    `garbage_${table}`,
  );
}

async function removeRuns(tx: Transaction, runs: readonly Candidate[]): Promise<void> {
  if (runs.length === 0) return;
  const { sql } = tx;
  await dropComments(
    tx,
    runs.map(({ num }) => runKey(num)),
  );
  const nums = [runs.map(({ num }) => num)];
  for (const table of OF_SERIES) {
    await sql.query(
      `delete from tracking.${table} where series in (select series from tracking.metric where run = any($1))`,
      nums,
      `garbage_${table}`,
    );
  }
  for (const table of OF_RUNS) {
    await sql.query(`delete from tracking.${table} where run = any($1)`, nums, `garbage_of_run_${table}`);
  }
  await sql.query('delete from tracking.run where num = any($1)', nums, 'garbage_runs_gone');
}

async function removeModels({ sql }: Transaction, models: readonly Candidate[]): Promise<void> {
  if (models.length === 0) return;
  const nums = [models.map(({ num }) => num)];
  for (const table of [...OF_MODELS, 'logged_model_metric']) {
    await sql.query(`delete from tracking.${table} where model = any($1)`, nums, `garbage_of_model_${table}`);
  }
  await sql.query('delete from tracking.logged_model where num = any($1)', nums, 'garbage_models_gone');
}

type GoneExperiment = Pick<Candidate, 'is_default' | 'artifact_location'> & { readonly id: bigint };

interface GoneExperiments {
  readonly experiments: readonly GoneExperiment[];
  readonly traces: number;
  /** More traces may remain. */
  readonly busy: boolean;
}

const NO_EXPERIMENTS: GoneExperiments = { experiments: [], traces: 0, busy: true };

/** Removes experiments without runs and logged models, after their traces. */
async function removeExperiments(tx: Transaction, before: number): Promise<GoneExperiments> {
  const { sql, projectId } = tx;
  const empty = await sql.query<{ id: bigint }>(
    `select id from tracking.experiment e where project_id = $1 and deleted_at < $2
       and not exists (select 1 from tracking.run r where r.experiment = e.id)
       and not exists (select 1 from tracking.logged_model m where m.experiment = e.id)
     order by id limit ${AT_ONCE} for update skip locked`,
    [projectId, before],
    'garbage_experiments',
  );
  if (empty.length === 0) return { ...NO_EXPERIMENTS, busy: false };
  const ids = empty.map(({ id }) => id);
  const traces = await sql.query<{ id: string; project_id: string }>(
    `delete from tracking.trace where num in (
       select num from tracking.trace where experiment = any($1) limit ${TRACES_AT_ONCE}) returning id, project_id`,
    [ids],
    'garbage_traces',
  );
  await removeEarlyLinks(tx, traces);
  if (traces.length === TRACES_AT_ONCE) return { experiments: [], traces: traces.length, busy: true };
  const experiments = await sql.query<GoneExperiment>(
    'delete from tracking.experiment where id = any($1) returning id, is_default, artifact_location',
    [ids],
    'garbage_experiments_gone',
  );
  return { experiments, traces: traces.length, busy: empty.length === AT_ONCE };
}

/** Deletes files stored in Dais and returns their number. Shared bytes remain. */
async function removeFolders(
  tx: Transaction,
  addresses: readonly string[],
  options: Pick<TrackingOptions, 'artifactRoot'>,
): Promise<number> {
  const owner = artifactOwner(tx.projectId);
  let files = 0;
  for (const address of addresses) {
    const path = ownPath(address, options);
    if (path !== undefined) files += await removeTree(tx, owner, path);
  }
  return files;
}
