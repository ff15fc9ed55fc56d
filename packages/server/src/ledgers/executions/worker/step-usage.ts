/** Records the usage of an attempt in the transaction that ends it. */
import type { Actor } from '@dais/api';
import type { Sql } from '#engines/database/contract.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { keyOf } from '#ledgers/lineage/index.ts';
import type { NewUsage } from '#ledgers/usage/index.ts';
import type { Amounts } from '../admission/requests.ts';
import type { ExecutionDependencies } from '../execution-dependencies.ts';
import type { AttemptClaim, AttemptEnd, HeldAttempt } from './attempts.ts';
import type { LoadedStep } from './step-load.ts';

/** A job has a free text as its name. */
const MOST_NAME = 200;

export interface EndedAttempt {
  readonly id: string;
  readonly projectId: string;
  readonly claimedAt: Date;
  /** The end of the attempt. */
  readonly now: Date;
  readonly requests: Amounts;
  readonly actor: Actor;
  /** Name of the run. */
  readonly name: string;
  readonly pipeline: string | undefined;
  readonly machine: string | undefined;
}

/** The interval is the one that counts against quotas: from the claim to the end. */
export function attemptUsage(attempt: EndedAttempt, usage?: TaskUsage): NewUsage {
  const { id, projectId, claimedAt, now, requests, actor, name, pipeline, machine } = attempt;
  return {
    projectId,
    type: 'step',
    source: id,
    startedAt: claimedAt,
    endedAt: now,
    actor,
    resource: pipeline === undefined ? `Job/${name.slice(0, MOST_NAME)}` : `Pipeline/${pipeline}`,
    lineage: keyOf('step', id),
    ...(machine !== undefined && { node: machine }),
    requests,
    ...(usage !== undefined && { cpuSeconds: usage.cpuMs / 1000, memoryBytes: usage.peakMemoryBytes }),
  };
}

/** What the compute engine measured. */
interface TaskUsage {
  readonly cpuMs: number;
  readonly peakMemoryBytes: number;
}

/** Records an attempt. A lost one ended at the last contact with the process that ran it. */
export function recordAttempt(
  tx: Transaction,
  { usage }: Pick<ExecutionDependencies, 'usage'>,
  attempt: {
    readonly claim: AttemptClaim;
    readonly held: HeldAttempt;
    readonly loaded: LoadedStep;
    readonly end: AttemptEnd;
  },
): void {
  if (usage === undefined) return;
  const { claim, held, loaded, end } = attempt;
  const { id, projectId, requests, lastContact } = claim;
  const now = end.ending === 'lost' ? (lastContact ?? held.now) : held.now;
  const ended = { ...loaded, id, projectId, requests, claimedAt: held.claimedAt, now };
  usage(tx, attemptUsage(ended, end.usage as TaskUsage | undefined));
}

interface OpenAttemptRow {
  readonly id: string;
  readonly node: string;
  readonly claimed_at: Date;
  readonly now: Date;
  readonly requests: Amounts;
  readonly actor_type: Actor['type'];
  readonly actor_id: string;
  readonly name: string;
  readonly pipeline: string | null;
  readonly machine: string | null;
}

/** Locks the attempts of a run that have not ended. */
export async function lockOpenAttempts(
  sql: Sql,
  run: string,
): Promise<readonly (Omit<EndedAttempt, 'projectId'> & { readonly node: string })[]> {
  const rows = await sql.query<OpenAttemptRow>(
    `select a.id, a.node, a.claimed_at, clock_timestamp() as now, a.requests, r.actor_type, r.actor_id, r.name, p.name as pipeline,
       coalesce(c.name, t.name) as machine
     from executions.attempt a join executions.run r on r.id = a.run left join executions.pipeline p on p.uid = r.pipeline
       left join executions.compute_node c on c.id = a.compute_node
       left join executions.target t on 'target/' || t.uid = a.compute_node
     where a.run = $1 and a.state <> 'ended' for update of a`,
    [run],
    'execution_open_attempts',
  );
  return rows.map(({ id, node, claimed_at: claimedAt, now, requests, name, ...row }) => ({
    id,
    node,
    claimedAt,
    now,
    requests,
    name,
    actor: { type: row.actor_type, id: row.actor_id },
    pipeline: row.pipeline ?? undefined,
    machine: row.machine ?? undefined,
  }));
}
