/** How much runs, waits and has ended: gauges that are read when Prometheus scrapes. */
import type { Database } from '#engines/database/contract.ts';
import { transact } from '#kernel/transaction.ts';
import { readComputeLoad } from './admission/compute-use.ts';

export interface ExecutionFigures {
  /** `ready`: waits in the queue; `claimed`: starts; `started`: runs. */
  readonly steps: readonly { readonly state: string; readonly n: number }[];
  /** Of each resource that the machines have: how much, and how much of it running steps request. */
  readonly compute: readonly { readonly resource: string; readonly requested: number; readonly capacity: number }[];
  /** Runs that ended within the last hour. */
  readonly ended: readonly { readonly state: string; readonly n: number }[];
}

/** Every count is of rows that an index of its own holds, however many runs there have been. */
export async function readExecutionFigures(database: Database): Promise<ExecutionFigures> {
  return await transact(database, { mode: 'read', projectId: 'all' }, async ({ sql }) => {
    const attempts = await sql.query<{ state: string; n: number }>(
      `select state, count(*)::int as n from executions.attempt where state <> 'ended' group by state`,
      [],
      'attempt_states',
    );
    const [ready] = await sql.query<{ n: number }>(
      `select count(*)::int as n from executions.node where state = 'ready'`,
      [],
      'steps_ready',
    );
    const ended = await sql.query<{ state: string; n: number }>(
      `select state, count(*)::int as n from executions.run
       where ended_at is not null and ended_at > now() - interval '1 hour' group by state`,
      [],
      'runs_ended_lately',
    );
    const load = await readComputeLoad(sql);
    const { used } = load.ofAll();
    const compute = Object.entries(load.total.total).map(([resource, capacity]) => ({
      resource,
      requested: used.get(resource) ?? 0,
      capacity,
    }));
    return { steps: [{ state: 'ready', n: ready?.n ?? 0 }, ...attempts], compute, ended };
  });
}
