/** Test fixture: a kernel with the data ledger and a query engine, on a separate database. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { DatasetVersion, Ingest } from '@dais/api/data';
import { expect } from 'vitest';
import { openOutbound } from '#control/open-outbound.ts';
import { openDataSource } from '#compose/data.ts';
import { openFsBlobStore } from '#engines/blobs/fs/fs-blob-store.ts';
import type { BlobStore } from '#engines/blobs/contract.ts';
import type { Slice } from '#engines/database/contract.ts';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import { openDuckdbQuery } from '#engines/query/duckdb/duckdb-query.ts';
import type { QueryEngine } from '#engines/query/contract.ts';
import { Content, CONTENT_DEFAULTS } from '#kernel/content/content.ts';
import type { OperationEntry } from '#kernel/entry.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import { KindRegistry } from '#kernel/registry.ts';
import { kernelSlice } from '#kernel/slice.ts';
import { manifest, startTestKernel, type TestKernel } from '#kernel/testing/test-kernel.ts';
import { dataset } from '#kinds/dataset/index.ts';
import { project } from '#kinds/project/index.ts';
import { labelsSlice } from '#ledgers/labeling/index.ts';
import { lineageEntries, lineageSlice } from '#ledgers/lineage/index.ts';
import { privacySlice } from '#ledgers/privacy/index.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import {
  dataLedger,
  dataSlice,
  dataVersionNodes,
  type DataLedger,
  type DataDependencies,
  type VersionHooks,
} from '../index.ts';

export interface DataWorld {
  readonly db: TestDatabase;
  readonly dais: TestKernel;
  readonly blobs: BlobStore;
  readonly engine: QueryEngine;
  readonly ledger: DataLedger;
  readonly folder: string;
  /** Returns the name of a new dataset. */
  dataset(spec?: object): Promise<string>;
  /** Uploads what is needed and commits. */
  begin(name: string, files: Readonly<Record<string, string | Buffer>>, more?: object): Promise<Ingest>;
  /** Pushes, and waits for the end. */
  push(name: string, files: Readonly<Record<string, string | Buffer>>, more?: object): Promise<Ingest>;
  ended(ingest: Pick<Ingest, 'id' | 'dataset'>): Promise<Ingest>;
  version(reference: string): Promise<DatasetVersion>;
  rows(reference: string): Promise<readonly (readonly unknown[])[]>;
  stop(): Promise<void>;
}

/** Another ledger, and its hooks for versions. */
export interface Beside {
  readonly slice: Slice;
  readonly make: (dependencies: Pick<DataDependencies, 'database' | 'blobs' | 'folder' | 'query'>) => {
    readonly entries: readonly OperationEntry[];
    readonly jobs: readonly JobHandler[];
    readonly hooks: VersionHooks;
  };
}

export async function startDataWorld(more: Partial<DataDependencies> = {}, companion?: Beside): Promise<DataWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'dais-data-'));
  // Deleting a dataset also deletes its findings and label sets.
  const slices = new Set([kernelSlice, lineageSlice, dataSlice, privacySlice, labelsSlice]);
  if (companion !== undefined) slices.add(companion.slice);
  const db = await startTestDatabase([...slices]);
  const blobs = await openFsBlobStore({ root: join(folder, 'blobs'), clock: systemClock });
  const content = new Content({ database: db.database, blobs, clock: systemClock, ...CONTENT_DEFAULTS });
  // The sources of these tests are on this machine, which is not a public address.
  const outbound = await openOutbound({ allowHosts: ['127.0.0.1', 'localhost'] }, '0');
  const engine = openDuckdbQuery({
    folder: join(folder, 'query'),
    log: silentLog,
    clock: systemClock,
    tempMb: 4096,
    memoryMb: 1024,
    threads: 2,
  });
  const kinds = [project, dataset(systemClock)];
  const query = async () => await Promise.resolve<QueryEngine>(engine);
  const other = companion?.make({ database: db.database, blobs, folder: join(folder, 'data'), query });
  const ledger = dataLedger({
    database: db.database,
    content,
    blobs,
    clock: systemClock,
    log: silentLog,
    query,
    kinds: () => new KindRegistry(kinds),
    folder: join(folder, 'data'),
    hooks: other?.hooks ?? {},
    secretValue: async () => await Promise.resolve(undefined),
    source: async (source, secret) =>
      await openDataSource(source, { outbound, secret, query, scratch: join(folder, 'data', 'tables') }),
    ...more,
  });
  const dais = await startTestKernel(db, {
    kinds,
    entries: [...ledger.entries, ...lineageEntries([dataVersionNodes]), ...(other?.entries ?? [])],
    jobs: [...ledger.jobs, ...(other?.jobs ?? [])],
  });
  let made = 0;
  const split = (reference: string) => {
    const [name = '', version = 'latest'] = reference.split('@');
    return { name, version };
  };
  const begin: DataWorld['begin'] = async (name, files, input = {}) => {
    const listed = Object.entries(files).map(([file, bytes]) => ({
      name: file,
      bytes: Buffer.byteLength(bytes),
      sha256: createHash('sha256').update(bytes).digest('hex'),
    }));
    const ingest = await dais.call<Ingest>('datasetPush.begin', { name, files: listed, ...input });
    for (const file of ingest.needed) {
      const bytes = Buffer.from(files[file] ?? '');
      await dais.call('datasetPush.upload', { name, id: ingest.id, file }, { content: Readable.from([bytes]) });
    }
    return await dais.call<Ingest>('datasetPush.commit', { name, id: ingest.id });
  };
  const ended: DataWorld['ended'] = async ({ id, dataset: name }) => {
    const get = async () => await dais.call<Ingest>('datasetIngest.get', { name, id });
    await expect.poll(async () => (await get()).endedAt !== undefined, { timeout: 240_000, interval: 30 }).toBe(true);
    return await get();
  };
  return {
    db,
    dais,
    blobs,
    engine,
    ledger,
    folder,
    dataset: async (spec = {}) => {
      const name = `data-${++made}`;
      await dais.call('dataset.create', { manifest: manifest('Dataset', name, spec) });
      return name;
    },
    begin,
    push: async (...input) => await ended(await begin(...input)),
    ended,
    version: async (reference) => await dais.call<DatasetVersion>('datasetVersion.get', split(reference)),
    rows: async (reference) => {
      const input = { ...split(reference), limit: 10_000 };
      return (await dais.call<{ rows: readonly (readonly unknown[])[] }>('datasetVersion.head', input)).rows;
    },
    stop: async () => {
      await dais.stop();
      await engine.close();
      await outbound.close();
      await db.stop();
      await blobs.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    },
  };
}
