/** Deletes expired uploads, with their parts, and expired links. */
import { detachContent } from '#kernel/content/references.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { partsOf } from './upload-rows.ts';

/** Uploads per transaction: each can have ten thousand parts. */
const UPLOADS = 5;
const LINKS = 5000;

export function transferRetention(): JobHandler {
  return {
    queue: 'artifact transfers',
    concurrency: 1,
    perProject: 1,
    retry: { baseMs: 10_000, capMs: 3_600_000 },
    every: { firstMs: 240_000, againMs: 3_600_000 },
    async run(_job, io) {
      const total = { uploads: 0, links: 0 };
      for (let gone = UPLOADS; gone === UPLOADS && !io.signal.aborted; total.uploads += gone) {
        gone = await io.write(async (tx) => await expireUploads(tx));
      }
      for (let gone = LINKS; gone === LINKS && !io.signal.aborted; total.links += gone) {
        gone = await io.write(async (tx) => await expireLinks(tx));
      }
      return total;
    },
  };
}

async function expireUploads(tx: Transaction): Promise<number> {
  await tx.enter('all');
  const gone = await tx.sql.query<{ id: string; project_id: string }>(
    `delete from tracking.artifact_upload where id in (
       select id from tracking.artifact_upload where expires_at < clock_timestamp()
       order by expires_at limit ${UPLOADS} for update skip locked)
     returning id, project_id`,
    [],
    'expire_uploads',
  );
  for (const { id, project_id: projectId } of gone) await detachContent(tx, partsOf(projectId, id));
  return gone.length;
}

async function expireLinks(tx: Transaction): Promise<number> {
  await tx.enter('all');
  const gone = await tx.sql.query(
    `delete from tracking.artifact_link where id in (
       select id from tracking.artifact_link where expires_at < clock_timestamp() limit ${LINKS} for update skip locked)
     returning 1`,
    [],
    'expire_links',
  );
  return gone.length;
}
