/** Retention of materializations, builds and unused schemas. */
import type { JobHandler } from '#kernel/job-runner.ts';
import type { FeatureDependencies } from './features-dependencies.ts';
import { DROP_QUEUE } from './materialize/materialization-rows.ts';

const SLICE = 5000;

/** Deletes old records. `days` 0 keeps all. The last materialization of each view and builds of existing versions are kept. */
export function featureRetention({ days }: { readonly days: number }): JobHandler {
  return {
    queue: 'features.retention',
    concurrency: 1,
    perProject: 1,
    retry: { baseMs: 1000, capMs: 60_000 },
    every: { firstMs: 360_000, againMs: 3_600_000 },
    async run(_job, io) {
      if (days === 0) return { records: 0 };
      let records = 0;
      for (const table of ['materialization', 'build']) {
        for (let deleted = SLICE; deleted === SLICE && !io.signal.aborted; records += deleted) {
          deleted = await io.write(async (tx) => {
            await tx.enter('all');
            const rows = await tx.sql.query(
              `delete from features.${table} where id in (
                 select id from features.${table} where finished_at < clock_timestamp() - $1 * interval '1 day' limit ${SLICE})
               returning 1`,
              [days],
              `old_${table}s`,
            );
            return rows.length;
          });
        }
      }
      return { records };
    },
  };
}

/** Deletes the online values of a deleted view. */
export function dropHandler({ online }: Pick<FeatureDependencies, 'online'>): JobHandler {
  return {
    queue: DROP_QUEUE,
    concurrency: 1,
    perProject: 1,
    retry: { baseMs: 1000, capMs: 60_000 },
    run: async ({ payload, projectId }, io) => {
      const view = String(payload['view']);
      await (await online()).drop({ project: projectId, view });
      await io.write(async ({ sql }) => {
        // No rows use these schemas, and the view no longer accepts pushes.
        await sql.query('delete from features.packing where view = $1', [view], 'drop_packings');
        await sql.query('delete from features.online_view where view = $1', [view], 'drop_online_view');
        await sql.query('delete from features.pushed where view = $1', [view], 'drop_pushed_of_view');
      });
    },
  };
}
