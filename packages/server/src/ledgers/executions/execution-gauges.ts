/** How much runs, waits and has ended, as figures that are read when somebody asks. */
import type { Database } from '#engines/database/contract.ts';
import { transact } from '#kernel/transaction.ts';

export interface ExecutionFigures {
  /** `ready`: waits for a place; `claimed`: being started; `started`: runs. */
  readonly steps: readonly { readonly state: string; readonly n: number }[];
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
    return { steps: [{ state: 'ready', n: ready?.n ?? 0 }, ...attempts], ended };
  });
}
