/** Timed jobs: the stored bytes of each day, and retention. */
import type { JobHandler, JobIo } from '#kernel/job-runner.ts';

const HOUR_MS = 3_600_000;
const SHAPE = { concurrency: 1, perProject: 1, retry: { baseMs: 1000, capMs: 60_000 } } as const;

export interface StorageDependencies {
  /** Returns the bytes of the distinct content of a project. */
  readonly storedBytes: (projectId: string) => Promise<number>;
}

/** Records the stored bytes of each project once a day (UTC), at the first run of the day. */
export function storedBytes(dependencies: StorageDependencies): JobHandler {
  return {
    ...SHAPE,
    queue: 'usage-storage',
    every: { firstMs: 60_000, againMs: HOUR_MS },
    run: async (_job, io) => await recordStoredBytes(dependencies, io),
  };
}

/** The record of a project `t` on the current day. */
const TODAY = `r.project_id = t.id and r.type = 'storage' and r.source = to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD')`;

/** Returns the number of new records. */
export async function recordStoredBytes(
  { storedBytes: bytesOf }: StorageDependencies,
  io: Pick<JobIo, 'read' | 'write'>,
): Promise<{ readonly recorded: number }> {
  const projects = await io.read(async (tx) => {
    await tx.enter('all');
    return await tx.sql.query<{ id: string }>(
      `select t.id from kernel.tenant t where t.name <> '' and not exists (select from usage.record r where ${TODAY})`,
      [],
      'usage_unmeasured_projects',
    );
  });
  const measured: { readonly id: string; readonly bytes: number }[] = [];
  for (const { id } of projects) {
    const bytes = await bytesOf(id);
    if (bytes > 0) measured.push({ id, bytes });
  }
  const recorded = await io.write(async (tx) => {
    await tx.enter('all');
    return await tx.sql.query<{ id: string }>(
      `insert into usage.record (project_id, project, team, type, source, started_at, ended_at, quantity, unit, resource)
       select t.id, t.name, o.team, 'storage', to_char(d.day at time zone 'UTC', 'YYYY-MM-DD'), d.day,
         d.day + interval '24 hours', u.bytes, 'byte-day', 'Project/' || t.name
       from unnest($1::uuid[], $2::bigint[]) as u (id, bytes) join kernel.tenant t using (id)
         left join usage.project o on o.project_id = t.id
         cross join (select date_trunc('day', clock_timestamp(), 'UTC') as day) d
       on conflict do nothing
       returning id`,
      [measured.map(({ id }) => id), measured.map(({ bytes }) => bytes)],
      'usage_stored_bytes',
    );
  });
  return { recorded: recorded.length };
}

/** Rows of one transaction. */
const SLICE = 5000;

/** Deletes records that ended more than `days` ago. */
export function usageRetention(days: number): JobHandler {
  return {
    ...SHAPE,
    queue: 'usage-retention',
    every: { firstMs: 300_000, againMs: HOUR_MS },
    async run(_job, io) {
      let removed = 0;
      for (let rows = SLICE; rows === SLICE && !io.signal.aborted; removed += rows) {
        rows = await io.write(async (tx) => {
          await tx.enter('all');
          const gone = await tx.sql.query<{ id: string }>(
            `delete from usage.record where id in (
               select id from usage.record where ended_at < clock_timestamp() - $1 * interval '24 hours'
               order by ended_at limit ${SLICE})
             returning id`,
            [days],
            'usage_retention',
          );
          return gone.length;
        });
      }
      return { removed };
    },
  };
}
