/** Moves entries that exceed their retention from the table to the blob store, oldest first. */
import { eventTypes } from '@dais/api';
import type { JobHandler } from '#kernel/job-runner.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import { archivedSize, keepArchive, type ArchiveStore } from './archive-store.ts';
import { readState } from './tree-store.ts';

export interface ArchiveOptions {
  /** Retention of entries in the table, in days. */
  readonly days: number;
  /** Entries per object; about 10 MB before compression. Set by tests. */
  readonly objectEntries?: number;
}

const OBJECT = 16_384;
/** Rows per deletion transaction. */
const SLICE = 5000;

export function archiveHandler(archives: ArchiveStore, { days, objectEntries = OBJECT }: ArchiveOptions): JobHandler {
  return {
    queue: 'audit archive',
    concurrency: 1,
    perProject: 1,
    retry: { baseMs: 10_000, capMs: 3_600_000 },
    every: { firstMs: 600_000, againMs: 6 * 3_600_000 },
    async run(_job, io) {
      let archived = 0;
      for (;;) {
        io.signal.throwIfAborted();
        const old = await io.read(async (tx) => {
          await tx.enter('all');
          if ((await readState(tx.sql)).hold !== undefined) return [];
          // Only complete objects whose entries are all old enough; an entry that is newer than its successor waits with it.
          return await tx.sql.query<{ seq: bigint; at: Date; body: Buffer }>(
            `with first as (select seq, at, body from audit.entry where seq >= $1 order by seq limit $2)
             select seq, at, body from first
             where (select count(*) from first) = $2
               and (select max(at) from first) < clock_timestamp() - $3 * interval '1 day'
             order by seq`,
            [await archivedSize(tx.sql), objectEntries, days],
          );
        });
        const first = old[0];
        if (first === undefined) break;
        const upload = await archives.upload(
          Number(first.seq),
          old.map((row) => row.body),
        );
        const lastAt = old.reduce((last, { at }) => (at > last ? at : last), first.at);
        await io.write(async (tx) => {
          await keepArchive(tx, upload, lastAt);
          const { from, to, sha256 } = upload;
          tx.emit({ type: eventTypes.auditArchived, projectId: ORGANIZATION, data: { from, to, sha256 } });
        });
        archived += old.length;
      }
      for (;;) {
        io.signal.throwIfAborted();
        const deleted = await io.write(async (tx) => {
          await tx.enter('all');
          if ((await readState(tx.sql)).hold !== undefined) return 0;
          const [row] = await tx.sql.query<{ n: bigint }>('select audit.remove_archived($1, $2) as n', [
            await archivedSize(tx.sql),
            SLICE,
          ]);
          return Number(row?.n ?? 0n);
        });
        if (deleted === 0) break;
      }
      await io.write(async (tx) => {
        await tx.sql.query(`delete from audit.checkpoint where at < clock_timestamp() - $1 * interval '1 day'`, [days]);
      });
      return { archived };
    },
  };
}
