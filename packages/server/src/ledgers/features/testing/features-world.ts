/** Test fixture: a kernel with the data and feature ledgers, a query engine and an online store. */
import { join } from 'node:path';
import type { FeatureBuild, FeatureRows, Ingest, Materialization, OnlineFeatures } from '@dais/api/data';
import { expect, vi } from 'vitest';
import { openFsBlobStore } from '#engines/blobs/fs/fs-blob-store.ts';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import { PostgresOnlineStore } from '#engines/online/postgres/postgres-online.ts';
import { onlineSlice } from '#engines/online/postgres/online-slice.ts';
import type { OnlineStore } from '#engines/online/contract.ts';
import { DuckdbQuery } from '#engines/query/duckdb/duckdb-query.ts';
import { Content, CONTENT_DEFAULTS } from '#kernel/content/content.ts';
import { KindRegistry } from '#kernel/registry.ts';
import { kernelSlice } from '#kernel/slice.ts';
import { manifest, startTestKernel, type TestKernel } from '#kernel/testing/test-kernel.ts';
import { dataset } from '#kinds/dataset/index.ts';
import { entity } from '#kinds/entity/index.ts';
import { featureService } from '#kinds/feature-service/index.ts';
import { featureView } from '#kinds/feature-view/index.ts';
import { project } from '#kinds/project/index.ts';
import { dataLedger, dataSlice, dataVersionNodes, readDatasetSpec, VersionMaker } from '#ledgers/data/index.ts';
import { lineageEntries, lineageSlice } from '#ledgers/lineage/index.ts';
import { systemClock, type Clock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { Readable } from 'node:stream';
import { dataSources, featuresLedger, featuresSlice } from '../index.ts';
import { featureServiceNodes, featureViewNodes } from '../lineage-nodes.ts';

export interface FeaturesWorld {
  readonly db: TestDatabase;
  readonly dais: TestKernel;
  readonly online: OnlineStore;
  call<Output>(name: string, input: unknown): Promise<Output>;
  apply(kind: string, name: string, spec: object): Promise<void>;
  /** Creates a Dataset with one version of these CSV rows, and returns its name. */
  dataset(csv: string, spec?: object): Promise<string>;
  /** Creates another version, and returns its number. */
  push(name: string, csv: string): Promise<number>;
  history(input: object): Promise<FeatureRows>;
  read(input: object): Promise<OnlineFeatures>;
  materialize(input: object): Promise<Materialization>;
  build(input: object): Promise<FeatureBuild>;
  stop(): Promise<void>;
}

export interface FeaturesWorldOptions {
  readonly clock?: Clock;
  /** Default: rows in the same database. */
  readonly online?: (test: TestDatabase) => Promise<OnlineStore>;
}

export async function startFeaturesWorld({
  clock = systemClock,
  online,
}: FeaturesWorldOptions = {}): Promise<FeaturesWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'dais-features-'));
  const db = await startTestDatabase([kernelSlice, lineageSlice, dataSlice, featuresSlice, onlineSlice]);
  const blobs = await openFsBlobStore({ root: join(folder, 'blobs'), clock: systemClock });
  const content = new Content({ database: db.database, blobs, clock: systemClock, ...CONTENT_DEFAULTS });
  const engine = new DuckdbQuery({
    folder: join(folder, 'query'),
    log: silentLog,
    clock: systemClock,
    tempBytes: 2 ** 32,
    memoryBytes: 2 ** 30,
    threads: 2,
  });
  const kinds = [project, dataset(systemClock), entity, featureView(clock), featureService];
  const dependencies = {
    database: db.database,
    content,
    blobs,
    clock: systemClock,
    log: silentLog,
    query: async () => await Promise.resolve(engine),
    kinds: () => new KindRegistry(kinds),
    folder: join(folder, 'data'),
    hooks: {},
    // These tests use no external sources.
    source: () => Promise.reject(new Error('no sources')),
    secretValue: () => Promise.reject(new Error('no secrets')),
  };
  const data = dataLedger(dependencies);
  const store = online === undefined ? new PostgresOnlineStore(db.database) : await online(db);
  const features = featuresLedger({
    database: db.database,
    clock,
    log: silentLog,
    sources: dataSources({
      data: dependencies,
      maker: new VersionMaker(dependencies),
      // Tests of the privacy ledger cover findings; here only the manifest counts.
      masks: async (tx, of) =>
        ((await readDatasetSpec(tx, of)).sensitive ?? []).map(({ column, category, mask }) => ({
          column,
          category,
          method: mask,
          source: 'declared' as const,
        })),
    }),
    query: dependencies.query,
    online: async () => await Promise.resolve(store),
    folder: join(folder, 'features'),
    days: 90,
  });
  const dais = await startTestKernel(db, {
    kinds,
    entries: [
      ...data.entries,
      ...features.entries,
      ...lineageEntries([dataVersionNodes, featureViewNodes, featureServiceNodes]),
    ],
    jobs: [...data.jobs, ...features.jobs],
  });
  let made = 0;
  const call: FeaturesWorld['call'] = async (name, input) => await dais.call(name, input);
  const push: FeaturesWorld['push'] = async (name, csv) => {
    const bytes = Buffer.from(csv);
    const files = [{ name: 'rows.csv', bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }];
    const begun = await call<Ingest>('datasetPush.begin', { name, files });
    for (const file of begun.needed) {
      await dais.call('datasetPush.upload', { name, id: begun.id, file }, { content: Readable.from([bytes]) });
    }
    await call('datasetPush.commit', { name, id: begun.id });
    const get = async () => await call<Ingest>('datasetIngest.get', { name, id: begun.id });
    await vi.waitUntil(async () => (await get()).endedAt !== undefined, { timeout: 60_000, interval: 30 });
    const ended = await get();
    expect(ended.problems).toEqual([]);
    expect(ended.state).toBe('succeeded');
    return ended.version ?? 0;
  };
  const settled = async <Work extends { readonly state: string }>(get: () => Promise<Work>): Promise<Work> => {
    const ended = async () => !['pending', 'running'].includes((await get()).state);
    await vi.waitUntil(ended, { timeout: 60_000, interval: 30 });
    return await get();
  };
  return {
    db,
    dais,
    online: store,
    call,
    apply: async (kind, name, spec) => void (await dais.apply([manifest(kind, name, spec)])),
    dataset: async (csv, spec = {}) => {
      const name = `data-${++made}`;
      await call('dataset.create', { manifest: manifest('Dataset', name, spec) });
      await push(name, csv);
      return name;
    },
    push,
    history: async (input) => await call('features.history', input),
    read: async (input) => await call('features.read', input),
    materialize: async (input) => {
      const { id } = await call<Materialization>('features.materialize', input);
      return await settled(async () => await call<Materialization>('featureMaterialization.get', { id }));
    },
    build: async (input) => {
      const { id } = await call<FeatureBuild>('features.build', input);
      return await settled(async () => await call<FeatureBuild>('featureBuild.get', { id }));
    },
    stop: async () => {
      await dais.stop();
      await engine.close();
      await store.close();
      await db.stop();
      await blobs.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    },
  };
}
