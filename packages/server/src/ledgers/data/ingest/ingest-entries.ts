/** Operations of ingests. */
import { DaisError } from '@dais/api';
import {
  beginPushOperation,
  cancelIngestOperation,
  commitPushOperation,
  listIngestsOperation,
  readIngestOperation,
  readRejectsOperation,
  refreshDatasetOperation,
  uploadPushedFileOperation,
} from '@dais/api/data';
import type { Download } from '#kernel/content/download.ts';
import { downloadEntry, entry, type OperationEntry } from '#kernel/entry.ts';
import { transact } from '#kernel/transaction.ts';
import type { DataDependencies } from '../data-dependencies.ts';
import { requireDataset } from '../dataset-rows.ts';
import { contentOfIngest, REJECTS } from './gather.ts';
import { listIngests, presentIngest, readIngestOf } from './ingest-rows.ts';
import { beginPush, cancelIngest, commitPush, uploadPushed } from './pushes.ts';
import { startRefresh } from './refresh.ts';

export function ingestEntries(dependencies: DataDependencies): readonly OperationEntry[] {
  return [
    entry(beginPushOperation, async (tx, call) => await beginPush(tx, call, dependencies)),
    entry(uploadPushedFileOperation, { perform: async (call) => await uploadPushed(dependencies, call) }),
    entry(commitPushOperation, commitPush),
    entry(cancelIngestOperation, async (tx, call) => await cancelIngest(tx, call, dependencies)),
    entry(refreshDatasetOperation, async (tx, { input }) => {
      const id = await startRefresh(tx, input, dependencies.clock.now());
      return await presentIngest(tx, await readIngestOf(tx, input.name, id));
    }),
    entry(
      readIngestOperation,
      async (tx, { input }) => await presentIngest(tx, await readIngestOf(tx, input.name, input.id)),
    ),
    entry(listIngestsOperation, async (tx, { input }) => {
      await requireDataset(tx, input.name);
      return await listIngests(tx, input);
    }),
    downloadEntry(readRejectsOperation, {
      perform: async ({ input, tenant }): Promise<Download> => {
        const row = await transact(dependencies.database, { mode: 'read', projectId: tenant.id }, async (tx) => {
          return await readIngestOf(tx, input.name, input.id);
        });
        if (row.rejected_rows === 0n) throw new DaisError('invalid_state', 'No rows were rejected.');
        const owner = contentOfIngest(row);
        const { size, sha256 } = await dependencies.content.stat(owner, REJECTS);
        return { size, sha256, open: async (range) => (await dependencies.content.open(owner, REJECTS, range)).bytes };
      },
    }),
  ];
}
