/** Retention: deletes old versions, abandoned pushes, and old ingests. */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { detachContent } from '#kernel/content/references.ts';
import type { JobHandler, JobIo } from '#kernel/job-runner.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { DataDependencies } from './data-dependencies.ts';
import { lockDataset, readDatasetSpec } from './dataset-rows.ts';
import { contentOfIngest } from './ingest/gather.ts';
import { failIngest } from './ingest/ingest-job.ts';
import { deleteVersions } from './versions/delete.ts';

const DAY_MS = 86_400_000;
/** A push that is not committed within this time is canceled, and its uploads are deleted. */
const OPEN_MS = DAY_MS;
/** Retention time of ingests and their rejected rows. */
const ENDED_DAYS = 30;
/** Retention time of unused read results. */
const READING_DAYS = 180;
const SLICE = 50;

export function dataRetention(dependencies: DataDependencies): JobHandler {
  return {
    queue: 'data-retention',
    concurrency: 1,
    perProject: 1,
    retry: { baseMs: 1000, capMs: 60_000 },
    every: { firstMs: 300_000, againMs: 3_600_000 },
    run: async (_job, io) => {
      const now = dependencies.clock.now();
      await sweepFolder(dependencies, now);
      return {
        open: await sweep(io, async (tx) => await cancelAbandonedPushes(tx, now)),
        ended: await sweep(io, async (tx) => await forgetEnded(tx, now)),
        readings: await sweep(io, async (tx) => await forgetReadings(tx, now)),
        versions: await deleteOld(dependencies, io, now),
      };
    },
  };
}

async function sweep(io: JobIo, remove: (tx: Transaction) => Promise<number>): Promise<number> {
  let removed = 0;
  for (let rows = SLICE; rows === SLICE && !io.signal.aborted; removed += rows) {
    rows = await io.write(async (tx) => {
      await tx.enter('all');
      return await remove(tx);
    });
  }
  return removed;
}

async function cancelAbandonedPushes(tx: Transaction, now: number): Promise<number> {
  const rows = await tx.sql.query<{ id: string; project_id: string }>(
    `select id, project_id from data.ingest where state = 'open' and created_at < $1 limit ${SLICE}`,
    [now - OPEN_MS],
    'old_pushes',
  );
  for (const { id, project_id: projectId } of rows) {
    await tx.enter(projectId);
    await failIngest(tx, id, 'canceled', { now, problems: [{ message: 'The push was not completed within a day.' }] });
  }
  return rows.length;
}

async function forgetEnded(tx: Transaction, now: number): Promise<number> {
  const rows = await tx.sql.query<{ id: string; project_id: string }>(
    `delete from data.ingest where id in (select id from data.ingest where ended_at < $1 order by ended_at limit ${SLICE})
     returning id, project_id`,
    [now - ENDED_DAYS * DAY_MS],
    'forget_ingests',
  );
  for (const row of rows) await detachContent(tx, contentOfIngest(row));
  return rows.length;
}

async function forgetReadings(tx: Transaction, now: number): Promise<number> {
  const rows = await tx.sql.query(
    `delete from data.read_file where ctid in (select ctid from data.read_file where used_at < $1 limit ${SLICE}) returning 1`,
    [now - READING_DAYS * DAY_MS],
    'forget_readings',
  );
  return rows.length;
}

/** Applies `spec.retention` of each dataset. Tagged versions and the newest ready version are kept. */
async function deleteOld(dependencies: DataDependencies, io: JobIo, now: number): Promise<number> {
  let deleted = 0;
  for (let after = 0n; !io.signal.aborted;) {
    const [dataset] = await io.read(async (tx) => {
      await tx.enter('all');
      return await tx.sql.query<{ id: bigint; name: string; project_id: string }>(
        `select d.id, d.name, d.project_id from data.dataset d where d.id > $1
           and exists (select 1 from data.version v where v.dataset = d.id and v.state <> 'deleted' offset 1)
         order by d.id limit 1`,
        [after],
        'next_dataset',
      );
    });
    if (dataset === undefined) return deleted;
    after = dataset.id;
    deleted += await io.write(async (tx) => {
      await tx.enter(dataset.project_id);
      const { retention } = await readDatasetSpec(tx, dataset.name);
      if (retention === undefined) return 0;
      const row = await lockDataset(tx, dataset.name);
      const old = await tx.sql.query<{ id: string }>(
        `with kept as (
           select id, state, created_at, row_number() over (order by number desc) as place
           from data.version where dataset = $1 and state <> 'deleted')
         select k.id from kept k
         where ($2::int is null or k.place > $2) and ($3::bigint is null or k.created_at < $3)
           and not exists (select 1 from data.version_tag t where t.version = k.id)
           and k.id is distinct from (select id from kept where state = 'ready' order by place limit 1)
         limit ${SLICE}`,
        [row.id, retention.versions ?? null, retention.days === undefined ? null : now - retention.days * DAY_MS],
        'old_versions',
      );
      const ids = old.map(({ id }) => id);
      await deleteVersions(tx, row, ids, {
        reason: 'Removed by the retention of the dataset',
        hooks: dependencies.hooks,
      });
      return ids.length;
    });
  }
  return deleted;
}

/** Deletes temporary files of killed processes. */
async function sweepFolder({ folder }: DataDependencies, now: number): Promise<void> {
  for (const kind of ['ingest', 'make', 'export', 'tables']) {
    for (const name of await readdir(join(folder, kind)).catch(() => [])) {
      const path = join(folder, kind, name);
      const found = await stat(path).catch(() => undefined);
      if (found !== undefined && now - found.mtimeMs > DAY_MS) await rm(path, { recursive: true, force: true });
    }
  }
}
