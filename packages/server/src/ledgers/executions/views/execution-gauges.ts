/** Gauges of running, queued and ended work, read at each Prometheus scrape. */
import type { Database } from '#engines/database/contract.ts';
import { transact } from '#kernel/transaction.ts';
import type { GaugeSample } from '#ledgers/ledger.ts';
import { readComputeLoad } from '../admission/compute-use.ts';

const STEPS = 'dais_steps';
const REQUESTED = 'dais_compute_requested';
const CAPACITY = 'dais_compute_capacity';
const ENDED = 'dais_executions_ended_last_hour';

/** Reads the gauges. Each count uses a partial index, so its cost does not grow with the number of past runs. */
export async function readExecutionGauges(database: Database): Promise<readonly GaugeSample[]> {
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
    const compute = Object.entries(load.total.total).flatMap(([resource, capacity]): GaugeSample[] => [
      { gauge: REQUESTED, value: used.get(resource) ?? 0, labels: { resource } },
      { gauge: CAPACITY, value: capacity, labels: { resource } },
    ]);
    return [
      // `ready`: in the queue; `claimed`: starting; `started`: running.
      ...[{ state: 'ready', n: ready?.n ?? 0 }, ...attempts].map(counted(STEPS)),
      ...compute,
      ...ended.map(counted(ENDED)),
    ];
  });
}

/** Beyond it, the queue is not counted further. */
const MOST_COUNTED = 10_000;

/** Returns the number of steps in the queue, at most 10,000. */
export async function countQueued(database: Database): Promise<number> {
  const [queued] = await database.statement<{ n: number }>(
    { mode: 'read', scope: 'all' },
    `select count(*)::int as n from (select from executions.node where state = 'ready' limit ${MOST_COUNTED}) as ready`,
    [],
    'count_queued_steps',
  );
  return queued?.n ?? 0;
}

function counted(gauge: string) {
  return ({ state, n }: { readonly state: string; readonly n: number }): GaugeSample => ({
    gauge,
    value: n,
    labels: { state },
  });
}
