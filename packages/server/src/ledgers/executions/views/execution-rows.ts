/** Converts rows of runs, nodes and attempts to API records. */
import { DaisError } from '@dais/api';
import type { Execution, ExecutionAttempt, ExecutionNode, ExecutionState, ExecutionValue } from '@dais/api/executions';
import type { Sql } from '#engines/database/contract.ts';
import type { DamagedReference, OwnerName } from '#kernel/content/owner-names.ts';
import type { Artifact, Value, Values } from '../machine/plan.ts';

export interface RunRow {
  readonly id: string;
  readonly project_id: string;
  readonly name: string;
  readonly state: ExecutionState;
  readonly cancel_requested: boolean;
  readonly priority: number;
  readonly error: string | null;
  readonly code: Execution['code'] | null;
  readonly retry_of: string | null;
  readonly thread: string | null;
  readonly superseded: boolean;
  readonly description: string | null;
  readonly pipeline: string | null;
  readonly pipeline_version: string | null;
  readonly schedule: string | null;
  readonly experiment_id: string | null;
  readonly client_metadata: Record<string, unknown> | null;
  readonly warnings: readonly string[];
  readonly archived_at: Date | null;
  readonly actor_type: string;
  readonly actor_id: string;
  readonly created_at: Date;
  readonly started_at: Date | null;
  readonly ended_at: Date | null;
}

export const RUN_COLUMNS =
  'id, project_id, name, state, cancel_requested, priority, error, code, retry_of, thread, superseded, description, pipeline, pipeline_version, schedule, experiment_id, client_metadata, warnings, archived_at, actor_type, actor_id, created_at, started_at, ended_at';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** @throws DaisError `not_found` */
export async function requireRun(sql: Sql, projectId: string, id: string): Promise<RunRow> {
  const [row] = UUID.test(id)
    ? await sql.query<RunRow>(
        `select ${RUN_COLUMNS} from executions.run where project_id = $1 and id = $2`,
        [projectId, id],
        'execution_by_id',
      )
    : [];
  if (row === undefined) throw new DaisError('not_found', `There is no job or pipeline run "${id}" in this project.`);
  return row;
}

/** Returns what users call the run. Runs of documents without a Pipeline resource are recorded in an experiment. */
export function runNoun({ pipeline, experiment_id: experiment }: Pick<RunRow, 'pipeline' | 'experiment_id'>): string {
  return pipeline === null && experiment === null ? 'job' : 'pipeline run';
}

export function presentRun(row: RunRow): Execution {
  return {
    id: row.id,
    name: row.name,
    state: row.state,
    cancelRequested: row.cancel_requested,
    priority: row.priority,
    ...(row.error !== null && { error: row.error }),
    ...(row.code !== null && { code: row.code }),
    ...(row.retry_of !== null && { retryOf: row.retry_of }),
    ...(row.thread !== null && { thread: row.thread }),
    ...(row.superseded && { superseded: true as const }),
    ...(row.description !== null && { description: row.description }),
    ...(row.pipeline !== null && { pipeline: row.pipeline }),
    ...(row.pipeline_version !== null && { pipelineVersion: row.pipeline_version }),
    ...(row.schedule !== null && { schedule: row.schedule }),
    ...(row.experiment_id !== null && { experimentId: row.experiment_id }),
    ...(row.client_metadata !== null && { about: row.client_metadata }),
    ...(row.warnings.length > 0 && { warnings: [...row.warnings] }),
    ...(row.archived_at !== null && { archivedAt: row.archived_at.getTime() }),
    submittedBy: `${row.actor_type}:${row.actor_id}`,
    ...times(row),
  };
}

/** Returns the run with counts of its nodes by state, which reads all of its nodes. @throws DaisError `not_found` */
export async function presentWhole(sql: Sql, projectId: string, id: string): Promise<Execution> {
  const row = await requireRun(sql, projectId, id);
  const counts = await sql.query<{ state: keyof NonNullable<Execution['nodes']>; n: number }>(
    `select state, count(*)::int as n from executions.node where run = $1 and path <> '' group by state`,
    [row.id],
    'execution_nodes',
  );
  return { ...presentRun(row), nodes: Object.fromEntries(counts.map(({ state, n }) => [state, n])) };
}

function times({ created_at, ...row }: { created_at: Date; started_at: Date | null; ended_at: Date | null }) {
  return { createdAt: created_at.getTime(), ...span(row) };
}

function span({ started_at, ended_at }: { started_at: Date | null; ended_at: Date | null }) {
  return {
    ...(started_at !== null && { startedAt: started_at.getTime() }),
    ...(ended_at !== null && { endedAt: ended_at.getTime() }),
  };
}

export interface NodeRecordRow {
  readonly path: string;
  readonly kind: ExecutionNode['kind'];
  readonly state: ExecutionNode['state'];
  readonly source: 'cache' | 'reused' | null;
  readonly attempts: number;
  readonly error: string | null;
  readonly inputs: Values;
  readonly outputs: Values;
  /** Absent when the query does not select it. */
  readonly tracking_run?: string | null;
  readonly experiment?: string | null;
  readonly started_at: Date | null;
  readonly ended_at: Date | null;
}

export function presentNode(row: NodeRecordRow): ExecutionNode {
  return {
    path: row.path,
    kind: row.kind,
    state: row.state,
    ...(row.source !== null && { source: row.source }),
    attempts: row.attempts,
    // The error of a failed attempt before a successful one belongs to the attempt, not to the node.
    ...(row.error !== null && row.state !== 'succeeded' && { error: row.error }),
    ...(typeof row.tracking_run === 'string' && {
      tracking: { experiment: row.experiment ?? '', run: row.tracking_run },
    }),
    inputs: presentValues(row.inputs),
    outputs: presentValues(row.outputs),
    ...span(row),
  };
}

function presentValues(values: Values): Record<string, ExecutionValue> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, presentValue(value)]));
}

function presentValue(value: Value): ExecutionValue {
  // Parsed from JSON, so it has the same type under another name.
  if ('parameter' in value)
    return { parameter: value.parameter as Extract<ExecutionValue, { parameter: unknown }>['parameter'] };
  if ('artifact' in value && value.artifact.dataset !== undefined) {
    const { name, number, id } = value.artifact.dataset;
    return { dataset: name, version: number, id, digest: value.artifact.digest };
  }
  const all = 'artifact' in value ? [value.artifact] : value.artifacts;
  return { files: all.map(presentArtifact) };
}

function presentArtifact({ run, prefix, files, bytes, digest, label, type, metadata, uri }: Artifact) {
  return {
    run,
    prefix,
    files,
    bytes,
    digest,
    ...(label !== undefined && { name: label }),
    ...(type !== undefined && { type }),
    ...(metadata !== undefined && { metadata: { ...metadata } }),
    ...(uri !== undefined && { uri }),
  };
}

export interface AttemptRow {
  readonly id: string;
  readonly path: string;
  readonly n: number;
  readonly state: ExecutionAttempt['state'];
  readonly ending: ExecutionAttempt['ending'] | null;
  readonly code: number | null;
  readonly signal: string | null;
  readonly error: string | null;
  readonly usage: { readonly wallMs: number; readonly cpuMs: number; readonly peakMemoryBytes: number } | null;
  readonly target: string;
  readonly note: string | null;
  readonly claimed_at: Date;
  readonly started_at: Date | null;
  readonly ended_at: Date | null;
}

export function presentAttempt(row: AttemptRow): ExecutionAttempt {
  return {
    id: row.id,
    node: row.path,
    number: row.n,
    state: row.state,
    ...(row.ending !== null && row.ending !== undefined && { ending: row.ending }),
    ...(row.code !== null && { code: row.code }),
    ...(row.signal !== null && { signal: row.signal }),
    ...(row.error !== null && { error: row.error }),
    ...row.usage,
    ...(row.target !== '' && { target: row.target }),
    ...(row.note !== null && row.state === 'claimed' && { note: row.note }),
    claimedAt: row.claimed_at.getTime(),
    ...span(row),
  };
}

/** Names pipeline runs and jobs. */
export async function nameRunOwners(sql: Sql, references: readonly DamagedReference[]): Promise<readonly OwnerName[]> {
  return await sql.query<OwnerName>(
    `select project_id as "projectId", id as owner, 'run' as kind, name || ' (' || id || ')' as name
     from executions.run where id = any($1::uuid[])`,
    [[...new Set(references.map(({ owner }) => owner))]],
    'run_content_owners',
  );
}
