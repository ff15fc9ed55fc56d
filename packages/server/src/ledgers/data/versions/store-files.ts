/** Stores files of the query engine as files of a version. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { byteQuota } from '#kernel/tenants.ts';
import { transact } from '#kernel/transaction.ts';
import type { DataDependencies } from '../data-dependencies.ts';
import { requireDataset } from '../dataset-rows.ts';
import { keptDigests, type NewFile } from './commit.ts';

/** The lower-case hex SHA-256 of a file. */
async function fileDigest(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 18, signal })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

export interface WrittenPart {
  readonly path: string;
  readonly rows: number;
}

/**
 * Uploads files that no version of the dataset contains, and reuses the others. Uploads have no owner until a version is
 * committed with them, and are garbage otherwise.
 * @throws DaisError `quota_exceeded`, `storage_full`, `blobs_unavailable`.
 */
export async function storeFiles(
  { database, content }: Pick<DataDependencies, 'database' | 'content'>,
  { projectId, dataset }: { readonly projectId: string; readonly dataset: string },
  written: readonly WrittenPart[],
  signal?: AbortSignal,
): Promise<NewFile[]> {
  const { quota, known } = await transact(database, { mode: 'read', projectId }, async (tx) => ({
    quota: await byteQuota(tx, projectId),
    known: await keptDigests(tx, await requireDataset(tx, dataset)),
  }));
  const leases = new Map<string, string>();
  const files: NewFile[] = [];
  for (const { path, rows } of written) {
    signal?.throwIfAborted();
    const digest = await fileDigest(path, signal);
    const { size: bytes } = await stat(path);
    if (known.has(digest)) {
      files.push({ digest, bytes, rows, kept: true });
      continue;
    }
    let lease = leases.get(digest);
    if (lease === undefined) {
      const upload = await content.upload(createReadStream(path), { projectId, quota, sha256: digest });
      leases.set(digest, (lease = upload.id));
    }
    files.push({ digest, bytes, rows, lease });
  }
  return files;
}
