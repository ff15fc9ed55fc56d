/** Operations on how versions come. */
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
import type { Call, OperationEntry } from '#kernel/dispatch.ts';
import { transact } from '#kernel/transaction.ts';
import type { DataParts } from '../data-parts.ts';
import { requireDataset } from '../dataset-rows.ts';
import { contentOfIngest, REJECTS } from './gather.ts';
import { listIngests, presentIngest, readIngestOf } from './ingest-rows.ts';
import { beginPush, cancelIngest, commitPush, uploadPushed, type BeginPushInput } from './pushes.ts';
import { startRefresh, type RefreshInput } from './refresh.ts';

interface Named {
  readonly name: string;
  readonly id: string;
}

export function ingestEntries(parts: DataParts): readonly OperationEntry[] {
  return [
    {
      operation: beginPushOperation,
      handle: async (tx, call: Call<BeginPushInput>) => await beginPush(tx, call, parts),
    },
    {
      operation: uploadPushedFileOperation,
      perform: async (call: Call<Named & { file: string }>) => await uploadPushed(parts, call),
    },
    { operation: commitPushOperation, handle: commitPush },
    {
      operation: cancelIngestOperation,
      handle: async (tx, call: Call<Named>) => await cancelIngest(tx, call, parts),
    },
    {
      operation: refreshDatasetOperation,
      handle: async (tx, { input }: Call<RefreshInput>) => {
        const id = await startRefresh(tx, input, parts.clock.now());
        return await presentIngest(tx, await readIngestOf(tx, input.name, id));
      },
    },
    {
      operation: readIngestOperation,
      handle: async (tx, { input }: Call<Named>) =>
        await presentIngest(tx, await readIngestOf(tx, input.name, input.id)),
    },
    {
      operation: listIngestsOperation,
      handle: async (tx, { input }: Call<{ name: string; limit: number; cursor?: string }>) => {
        await requireDataset(tx, input.name);
        return await listIngests(tx, input);
      },
    },
    {
      operation: readRejectsOperation,
      perform: async ({ input, tenant }: Call<Named>): Promise<Download> => {
        const row = await transact(parts.database, { mode: 'read', projectId: tenant.id }, async (tx) => {
          return await readIngestOf(tx, input.name, input.id);
        });
        if (row.rejects === 0n) throw new DaisError('invalid_state', 'No rows were rejected.');
        const owner = contentOfIngest(row);
        const { size, sha256 } = await parts.content.stat(owner, REJECTS);
        return { size, sha256, open: async (range) => (await parts.content.open(owner, REJECTS, range)).bytes };
      },
    },
  ];
}
