/** Artifacts: files of runs and models, kept by content under their paths. */
import type { Readable } from 'node:stream';
import {
  abortUploadOperation,
  beginUploadOperation,
  completeUploadOperation,
  DaisError,
  deleteArtifactOperation,
  fetchArtifactOperation,
  linkArtifactOperation,
  listArtifactsOperation,
  putPartOperation,
  readArtifactOperation,
  showArtifactOperation,
  writeArtifactOperation,
} from '@dais/api';
import type { Download } from '#kernel/content/download.ts';
import { attachContent } from '#kernel/content/references.ts';
import type { Call, OperationEntry } from '#kernel/dispatch.ts';
import { byteQuota } from '#kernel/tenants.ts';
import { transact } from '#kernel/transaction.ts';
import { afterConflicts } from './after-conflicts.ts';
import type { ArtifactParts } from './artifact-parts.ts';
import { artifactPath } from './artifact-path.ts';
import { artifactsOf, listFolder, removeTree } from './artifact-tree.ts';
import { folderEntries } from './folder/folder-entries.ts';
import { completeUpload, type CompleteCall } from './transfers/complete-upload.ts';
import { fetchArtifact, linkArtifact } from './transfers/links.ts';
import { abortUpload, beginUpload, putPart } from './transfers/uploads.ts';

interface PathCall {
  readonly path: string;
}

export function artifactEntries(parts: ArtifactParts): readonly OperationEntry[] {
  const read = async ({ input, tenant }: Call<PathCall>): Promise<Download> => {
    const owner = artifactsOf(tenant.id);
    const path = artifactPath(input.path);
    const { size, sha256 } = await parts.content.stat(owner, path);
    return { size, sha256, open: async (range) => (await parts.content.open(owner, path, range)).bytes };
  };
  return [
    {
      operation: listArtifactsOperation,
      handle: async (tx, { input, tenant }: Call<{ path?: string; limit: number; cursor?: string }>) => {
        const { path, limit, cursor } = input;
        const folder = path === undefined ? '' : artifactPath(path);
        return await listFolder(tx, artifactsOf(tenant.id), { folder, limit, ...(cursor !== undefined && { cursor }) });
      },
    },
    { operation: readArtifactOperation, perform: read },
    { operation: showArtifactOperation, perform: read },
    {
      operation: linkArtifactOperation,
      perform: async (call: Call<{ path: string; seconds: number }>) => await linkArtifact(parts, call),
    },
    {
      operation: fetchArtifactOperation,
      perform: async (call: Call<{ id: string; ticket: string }>) => await fetchArtifact(parts, call),
    },
    {
      operation: beginUploadOperation,
      perform: async (call: Call<{ path: string; parts: number }>) => await beginUpload(parts, call),
    },
    {
      operation: putPartOperation,
      perform: async (call: Call<{ id: string; number: string; ticket: string }>) => await putPart(parts, call),
    },
    {
      operation: completeUploadOperation,
      perform: async (call: Call<CompleteCall>) => await completeUpload(parts, call),
    },
    { operation: abortUploadOperation, handle: abortUpload },
    ...folderEntries(parts),
    {
      operation: writeArtifactOperation,
      perform: async (call: Call<PathCall>) => await writeArtifact(parts, call),
    },
    {
      operation: deleteArtifactOperation,
      handle: async (tx, { input, tenant }: Call<PathCall>) => ({
        deleted: await removeTree(tx, artifactsOf(tenant.id), artifactPath(input.path)),
      }),
    },
  ];
}

async function writeArtifact(parts: ArtifactParts, { input, tenant, context }: Call<PathCall>): Promise<object> {
  const path = artifactPath(input.path);
  const bytes: Readable | undefined = context.content;
  if (bytes === undefined) throw new DaisError('unreadable_body', 'The request carries no bytes.');
  const { database, content } = parts;
  const request = { mode: 'read', projectId: tenant.id } as const;
  const quota = await transact(database, request, async (tx) => await byteQuota(tx, tenant.id));
  const lease = await content.upload(bytes, { projectId: tenant.id, quota });
  try {
    await afterConflicts(database, tenant.id, async (tx) => {
      await attachContent(tx, artifactsOf(tenant.id), [{ lease: lease.id, name: path }], { replace: true });
    });
  } catch (error) {
    await content.release(lease);
    throw error;
  }
  return { path, size: lease.size, sha256: lease.sha256 };
}
