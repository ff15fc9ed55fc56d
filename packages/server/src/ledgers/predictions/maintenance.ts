/** Maintains prediction files: merges small ones, deletes old ones, applies the limit of each project. */
import { ascending } from '#engines/query/model/build.ts';
import type { JobHandler, JobIo } from '#kernel/job-runner.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { forgetErasures } from './erase.ts';
import { deleteFiles, type FileRow } from './file-rows.ts';
import type { PredictionsDependencies } from './predictions-dependencies.ts';
import { rewriteFiles } from './rewrite.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Files of one endpoint and hour before a merge: each read of the newest creates one. */
const MANY = 8;
/** Most bytes of files in a merge. */
const MOST_JOINED_BYTES = 256 * 1024 * 1024;
const MOST_JOINED = 500;
const SLICE = 100;

export function maintenanceHandler(dependencies: PredictionsDependencies): JobHandler {
  return {
    queue: 'prediction maintenance',
    concurrency: 1,
    perProject: 1,
    retry: { baseMs: 10_000, capMs: HOUR_MS },
    every: { firstMs: 120_000, againMs: 600_000 },
    run: async (_job, io) => ({
      deleted: await deleteOldFiles(dependencies, io),
      joined: await mergeSmallFiles(dependencies, io),
      nodes: await io.write(forgetOldNodes),
      erasures: await io.write(async (tx) => {
        await tx.enter('all');
        return await forgetErasures(tx.sql);
      }),
    }),
  };
}

/** Forgets the collections of nodes that have been removed since. */
async function forgetOldNodes(tx: Transaction): Promise<number> {
  await tx.enter('all');
  const rows = await tx.sql.query(
    `delete from predictions.collection where collected_until < clock_timestamp() - interval '60 days' returning 1`,
    [],
    'forget_collections',
  );
  return rows.length;
}

/** Merges files of a past hour, or of one with many files. Returns the number of merged files. */
export async function mergeSmallFiles(
  dependencies: PredictionsDependencies,
  io: Pick<JobIo, 'read' | 'signal'>,
): Promise<number> {
  let joined = 0;
  for (;;) {
    io.signal.throwIfAborted();
    const hour = dependencies.clock.now() - HOUR_MS;
    const files = await io.read(async (tx) => {
      await tx.enter('all');
      const [group] = await tx.sql.query<{ project_id: string; endpoint: string; hour: bigint }>(
        `select project_id, endpoint, hour from predictions.file where bytes < $3
         group by project_id, endpoint, hour, name having count(*) >= $1 or (hour < $2 and count(*) > 1)
         order by hour limit 1`,
        [MANY, hour - HOUR_MS, MOST_JOINED_BYTES / 2],
        'small_prediction_files',
      );
      if (group === undefined) return [];
      const all = await tx.sql.query<FileRow>(
        `select * from predictions.file where project_id = $1 and endpoint = $2 and hour = $3 and bytes < $4
         order by first_at, id limit ${MOST_JOINED}`,
        [group.project_id, group.endpoint, group.hour, MOST_JOINED_BYTES / 2],
        'prediction_files_of_hour',
      );
      return limitBytes(all.filter(({ name }) => name === all[0]?.name));
    });
    if (files.length < 2) return joined;
    const done = await rewriteFiles(dependencies, {
      files,
      relation: ({ relation }) => ({
        type: 'sort',
        from: relation,
        by: [ascending('prediction_id'), ascending('row')],
      }),
      erased: 0,
      signal: io.signal,
    });
    if (!done) return joined;
    joined += files.length;
  }
}

function limitBytes(files: readonly FileRow[]): readonly FileRow[] {
  let bytes = 0;
  return files.filter((file, index) => index < 2 || (bytes += Number(file.bytes)) < MOST_JOINED_BYTES);
}

/** Deletes by age, then by the bytes of a project, oldest first. */
export async function deleteOldFiles(
  dependencies: PredictionsDependencies,
  io: Pick<JobIo, 'write' | 'signal'>,
): Promise<number> {
  const { clock, days, projectBytes } = dependencies;
  let deleted = 0;
  for (let count = SLICE; count === SLICE && !io.signal.aborted; deleted += count) {
    count = await io.write(async (tx) => {
      await tx.enter('all');
      const files = await tx.sql.query<Pick<FileRow, 'id' | 'project_id'>>(
        `select id, project_id from (
           select id, project_id, last_at, sum(bytes) over (partition by project_id order by last_at desc, id desc) as bytes
           from predictions.file) f
         where last_at < $1 or bytes > $2 order by last_at limit ${SLICE}`,
        [clock.now() - days * DAY_MS, projectBytes],
        'old_prediction_files',
      );
      await deleteFiles(tx, files);
      return files.length;
    });
  }
  return deleted;
}
