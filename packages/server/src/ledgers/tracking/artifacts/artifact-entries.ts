/** Artifacts: files of runs and models, kept by content under their paths. */
import type { Readable } from 'node:stream';
import {
  DaisError,
  deleteArtifactOperation,
  linkArtifactOperation,
  listArtifactsOperation,
  readArtifactOperation,
  showArtifactOperation,
  writeArtifactOperation,
} from '@dais/api';
import type { BlobStore, PresignedUploads } from '#engines/blobs/contract.ts';
import type { Database } from '#engines/database/contract.ts';
import type { Content } from '#kernel/content/content.ts';
import type { Download } from '#kernel/content/download.ts';
import { attachContent, findReference } from '#kernel/content/references.ts';
import type { Call, OperationEntry } from '#kernel/dispatch.ts';
import { byteQuota } from '#kernel/tenants.ts';
import { transact } from '#kernel/transaction.ts';
import { artifactPath } from './artifact-path.ts';
import { artifactsOf, listFolder, removeTree } from './artifact-tree.ts';

export interface ArtifactParts {
  readonly database: Database;
  readonly content: Content;
  /** Where the bytes lie: some stores can be reached by clients themselves. */
  readonly blobs?: BlobStore & Partial<PresignedUploads>;
}

interface PathCall {
  readonly path: string;
}

/** Two writers of one path take turns; each try can lose to another one. */
const TRIES = 5;

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
      perform: async (call: Call<LinkCall>) => await linkArtifact(parts, call),
    },
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

interface LinkCall extends PathCall {
  readonly seconds: number;
}

/** @throws DaisError `invalid_state` where only the server reaches the bytes. */
async function linkArtifact({ database, blobs }: ArtifactParts, { input, tenant }: Call<LinkCall>): Promise<object> {
  const name = artifactPath(input.path);
  if (blobs?.presignGet === undefined) {
    const detail = 'The content of this server lies where only the server reaches it: read the artifact here.';
    throw new DaisError('invalid_state', detail);
  }
  const request = { mode: 'read', projectId: tenant.id } as const;
  const { locator, size, sha256 } = await transact(
    database,
    request,
    async (tx) => await findReference(tx, { ...artifactsOf(tenant.id), name }),
  );
  return { url: await blobs.presignGet(locator, input.seconds, name.split('/').at(-1)), size, sha256 };
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
    await attach(database, tenant.id, { lease: lease.id, name: path });
  } catch (error) {
    await content.release(lease);
    throw error;
  }
  return { path, size: lease.size, sha256: lease.sha256 };
}

async function attach(
  database: Database,
  projectId: string,
  entry: { readonly lease: string; readonly name: string },
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await transact(database, { mode: 'write', projectId }, async (tx) => {
        await attachContent(tx, artifactsOf(projectId), [entry], { replace: true });
      });
      return;
    } catch (error) {
      if (!(error instanceof DaisError) || error.code !== 'conflict' || attempt === TRIES) throw error;
    }
  }
}
