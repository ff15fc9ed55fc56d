/** Operations on artifacts: files of runs and models, stored by content under their paths. */
import type { Readable } from 'node:stream';
import { DaisError, type OutputOf } from '@dais/api';
import {
  abortUploadOperation,
  beginUploadOperation,
  completeUploadOperation,
  deleteArtifactOperation,
  fetchArtifactOperation,
  linkArtifactOperation,
  listArtifactsOperation,
  putPartOperation,
  readArtifactOperation,
  showArtifactOperation,
  writeArtifactOperation,
} from '@dais/api/tracking';
import type { Download } from '#kernel/content/download.ts';
import { attachContent } from '#kernel/content/references.ts';
import { downloadEntry, entry, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import { byteQuota } from '#kernel/tenants.ts';
import { transact } from '#kernel/transaction.ts';
import { retryConflicts } from './retry-conflicts.ts';
import type { ArtifactDependencies } from './artifact-dependencies.ts';
import { artifactPath } from './artifact-path.ts';
import { artifactsOf, listFolder, removeTree } from './artifact-tree.ts';
import { folderEntries } from './folder/folder-entries.ts';
import { completeUpload } from './transfers/complete-upload.ts';
import { fetchArtifact, linkArtifact } from './transfers/links.ts';
import { abortUpload, startUpload, uploadPart } from './transfers/uploads.ts';

export function artifactEntries(dependencies: ArtifactDependencies): readonly OperationEntry[] {
  const read = async ({
    input,
    tenant,
  }: CallOf<typeof readArtifactOperation | typeof showArtifactOperation>): Promise<Download> => {
    const owner = artifactsOf(tenant.id);
    const path = artifactPath(input.path);
    const { size, sha256 } = await dependencies.content.stat(owner, path);
    return { size, sha256, open: async (range) => (await dependencies.content.open(owner, path, range)).bytes };
  };
  return [
    entry(listArtifactsOperation, async (tx, { input, tenant }) => {
      const { path, limit, cursor } = input;
      const folder = path === undefined ? '' : artifactPath(path);
      return await listFolder(tx, artifactsOf(tenant.id), { folder, limit, ...(cursor !== undefined && { cursor }) });
    }),
    downloadEntry(readArtifactOperation, { perform: read }),
    downloadEntry(showArtifactOperation, { perform: read }),
    entry(linkArtifactOperation, { perform: async (call) => await linkArtifact(dependencies, call) }),
    downloadEntry(fetchArtifactOperation, { perform: async (call) => await fetchArtifact(dependencies, call) }),
    entry(beginUploadOperation, { perform: async (call) => await startUpload(dependencies, call) }),
    entry(putPartOperation, { perform: async (call) => await uploadPart(dependencies, call) }),
    entry(completeUploadOperation, { perform: async (call) => await completeUpload(dependencies, call) }),
    entry(abortUploadOperation, abortUpload),
    ...folderEntries(dependencies),
    entry(writeArtifactOperation, { perform: async (call) => await writeArtifact(dependencies, call) }),
    entry(deleteArtifactOperation, async (tx, { input, tenant }) => ({
      deleted: await removeTree(tx, artifactsOf(tenant.id), artifactPath(input.path)),
    })),
  ];
}

async function writeArtifact(
  dependencies: ArtifactDependencies,
  { input, tenant, context }: CallOf<typeof writeArtifactOperation>,
): Promise<OutputOf<typeof writeArtifactOperation>> {
  const path = artifactPath(input.path);
  const bytes: Readable | undefined = context.content;
  if (bytes === undefined)
    throw new DaisError('unreadable_body', 'The request has no body. Send the bytes of the file.');
  const { database, content } = dependencies;
  const request = { mode: 'read', projectId: tenant.id } as const;
  const quota = await transact(database, request, async (tx) => await byteQuota(tx, tenant.id));
  const lease = await content.upload(bytes, { projectId: tenant.id, quota });
  try {
    await retryConflicts(database, tenant.id, async (tx) => {
      await attachContent(tx, artifactsOf(tenant.id), [{ lease: lease.id, name: path }], { replace: true });
    });
  } catch (error) {
    await content.release(lease);
    throw error;
  }
  return { path, size: lease.size, sha256: lease.sha256 };
}
