/** For tests and benchmarks: writes many runs as rows. */
import type { Transaction } from '#kernel/transaction.ts';
import type { PlainRun } from './run-oracle.ts';

/** Writes runs in one transaction, with bulk statements instead of many operations. */
export async function writeRuns(
  tx: Transaction,
  at: { readonly projectId: string; readonly experiment: string },
  runs: readonly PlainRun[],
): Promise<void> {
  const { sql } = tx;
  const { projectId, experiment } = at;
  const rows = await sql.query<{ id: string; num: bigint }>(
    `insert into tracking.run (project_id, id, experiment, name, user_name, status, started_at, ended_at, deleted_at)
     select $1, t.* from unnest($2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[],
       $9::bigint[]) t
     returning id, num`,
    [
      projectId,
      runs.map(({ id }) => id),
      runs.map(() => experiment),
      runs.map(({ name }) => name),
      runs.map(({ user }) => user),
      runs.map(({ status }) => status),
      runs.map(({ startedAt }) => startedAt),
      runs.map(({ endedAt }) => endedAt ?? null),
      runs.map(({ deleted }) => (deleted ? 1 : null)),
    ],
  );
  const nums = new Map(rows.map(({ id, num }) => [id, num]));
  const pairs = <Value>(of: (run: PlainRun) => ReadonlyMap<string, Value>) => {
    const all = runs.flatMap((run) => [...of(run)].map(([key, value]) => [nums.get(run.id), key, value] as const));
    return [all.map(([num]) => num), all.map(([, key]) => key), all.map(([, , value]) => value)];
  };
  for (const [table, of] of [
    ['param', (run: PlainRun) => run.params],
    ['tag', (run: PlainRun) => run.tags],
  ] as const) {
    await sql.query(
      `insert into tracking.${table} (project_id, experiment, run, key, value)
       select $1, $2, t.* from unnest($3::bigint[], $4::text[], $5::text[]) t`,
      [projectId, experiment, ...pairs(of)],
    );
  }
  await sql.query(
    `insert into tracking.metric (project_id, experiment, run, key, value, step, ts, first_step, first_ts, n, tail_n)
     select $1, $2, t.*, 0, 0, 0, 0, 1, 0 from unnest($3::bigint[], $4::text[], $5::float8[]) t`,
    [projectId, experiment, ...pairs((run) => run.metrics)],
  );
  const inputs = runs.flatMap((run) => run.datasets.map((dataset) => ({ num: nums.get(run.id), ...dataset })));
  await sql.query(
    `with wanted as (
       select * from unnest($3::bigint[], $4::text[], $5::text[], $6::text[]) t (run, name, digest, context)
     ), made as (
       insert into tracking.dataset (project_id, experiment, name, digest, source_type, source)
       select distinct $1::uuid, $2::bigint, name, digest, 'local', '' from wanted returning id, name, digest
     )
     insert into tracking.dataset_input (project_id, run, dataset, tags, context)
     select $1, w.run, m.id, '{}', w.context from wanted w join made m using (name, digest)`,
    [
      projectId,
      experiment,
      inputs.map(({ num }) => num),
      inputs.map(({ name }) => name),
      inputs.map(({ digest }) => digest),
      inputs.map(({ context }) => context ?? null),
    ],
  );
}
