/** The files of an ingest, on the local disk. */
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { DaisError, type DataFormat } from '@dais/api';
import type { SourceObject } from '#engines/sources/contract.ts';
import { findReadable } from '#kernel/content/damage.ts';
import { transact } from '#kernel/transaction.ts';
import type { DataDependencies } from '../data-dependencies.ts';
import type { IngestFileRow, IngestRow } from './ingest-rows.ts';

export interface GatheredFile {
  readonly name: string;
  readonly digest: string;
  readonly bytes: number;
  /** Undefined if the file was not uploaded, because its result is stored. */
  readonly path: string | undefined;
  /** Set for external files. */
  readonly uri?: string;
  readonly pin?: string;
  /** Set if the source provides it. */
  readonly format?: DataFormat | undefined;
  readonly part?: SourceObject['part'];
}

/** Names of the content of an ingest. */
export const pushedName = (position: number) => `files/${String(position).padStart(6, '0')}`;
export const REJECTS = 'rejects.ndjson';

export function contentOfIngest({ id, project_id: projectId }: Pick<IngestRow, 'id' | 'project_id'>) {
  return { projectId, uid: id, label: `ingest ${id}` };
}

/** Downloads the files. @throws DaisError `not_found` if content is missing */
export async function gatherPushed(
  { database, blobs }: DataDependencies,
  row: IngestRow,
  files: readonly IngestFileRow[],
  { folder, signal }: { readonly folder: string; readonly signal: AbortSignal },
): Promise<readonly GatheredFile[]> {
  const owner = contentOfIngest(row);
  const locators = await transact(database, { mode: 'read', projectId: row.project_id }, async (tx) => {
    const found = new Map<number, string>();
    for (const { position } of files) {
      const existing = await findReadable(tx, { ...owner, name: pushedName(position) }).catch((error: unknown) => {
        if (error instanceof DaisError && error.code === 'not_found') return undefined;
        throw error;
      });
      if (existing !== undefined) found.set(position, existing.locator);
    }
    return found;
  });
  const gathered: GatheredFile[] = [];
  for (const { position, name, digest, bytes } of files) {
    signal.throwIfAborted();
    const locator = locators.get(position);
    let path: string | undefined;
    if (locator !== undefined) {
      const label = `the pushed file ${name}`;
      path = await blobs.localPath?.(locator, label);
      if (path === undefined) {
        path = join(folder, `source-${position}`);
        await pipeline(await blobs.get(locator, undefined, label), createWriteStream(path, { mode: 0o600 }), {
          signal,
        });
      }
    }
    gathered.push({ name, digest, bytes: Number(bytes), path });
  }
  return gathered;
}
