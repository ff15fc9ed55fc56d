/** What goes with time: what was brought online and built, and what was packed with schemas that nothing uses any more. */
import type { JobHandler } from '#kernel/job-runner.ts';
import type { FeatureParts } from './features-parts.ts';
import { DROP_QUEUE } from './materialize/queues.ts';

const SLICE = 5000;

/** `days` 0: nothing goes. The last one of each view and each build that made a version stay as long as the rest. */
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
        for (let gone = SLICE; gone === SLICE && !io.signal.aborted; records += gone) {
          gone = await io.write(async (tx) => {
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

/** Takes away what a view that was deleted had online. */
export function dropHandler({ online }: Pick<FeatureParts, 'online'>): JobHandler {
  return {
    queue: DROP_QUEUE,
    concurrency: 1,
    perProject: 1,
    retry: { baseMs: 1000, capMs: 60_000 },
    run: async ({ payload, projectId }, io) => {
      const view = String(payload['view']);
      await (await online()).drop({ project: projectId, view });
      await io.write(async ({ sql }) => {
        // Nothing is packed with these any more, and nobody can push to what is gone.
        await sql.query('delete from features.packing where view = $1', [view], 'drop_packings');
        await sql.query('delete from features.online_view where view = $1', [view], 'drop_online_view');
        await sql.query('delete from features.pushed where view = $1', [view], 'drop_pushed_of_view');
      });
    },
  };
}
