/** Test fixture: kinds, policies and the data ledger with a kernel, on a separate database and query engine. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { DataFinding, DataScan, Ingest } from '@dais/api/data';
import { expect, vi } from 'vitest';
import { openOutbound } from '#control/open-outbound.ts';
import { loadData, loadFeatures, openOnline, loadLabels, loadPrivacy } from '#compose/data.ts';
import { loadTracking } from '#compose/runs.ts';
import { loadKinds, loadSlices } from '#compose.ts';
import { loadLineage } from '#compose/event-ledgers.ts';
import { openFsBlobStore } from '#engines/blobs/fs/fs-blob-store.ts';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import { openEnvKeys } from '#engines/keys/env/env-keys.ts';
import { openDuckdbQuery } from '#engines/query/duckdb/duckdb-query.ts';
import { Content, CONTENT_DEFAULTS } from '#kernel/content/content.ts';
import type { CallContext } from '#kernel/context.ts';
import { KindRegistry } from '#kernel/registry.ts';
import { manifest, startTestKernel, type TestKernel } from '#kernel/testing/test-kernel.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { CedarAuthorizer } from '#policy/cedar-authorizer.ts';

type As = Partial<CallContext>;

/** With sign-in. */
function person(name: string): As {
  return { principal: { type: 'user', id: name, via: { method: 'password', mfa: false } } };
}

const OWNER: As = { principal: { type: 'user', id: 'owner', via: { method: 'owner-token', mfa: false } } };

export interface PrivacyProject {
  readonly id: string;
  readonly name: string;
  readonly context: As;
  /** As the owner, unless `as` is set. */
  call<Output = unknown>(operation: string, input: unknown, as?: As): Promise<Output>;
  /** Creates a user with a role in the project. */
  member(role: string): Promise<As>;
  /** Returns the name of a new dataset. */
  dataset(spec?: object): Promise<string>;
  /** Pushes a file and waits until the version is scanned. */
  push(dataset: string, csv: string): Promise<void>;
  findings(dataset: string, state?: string): Promise<readonly DataFinding[]>;
}

export interface PrivacyWorld {
  readonly db: TestDatabase;
  readonly dais: TestKernel;
  readonly engine: ReturnType<typeof openDuckdbQuery>;
  project(): Promise<PrivacyProject>;
  stop(): Promise<void>;
}

export async function startPrivacyWorld(): Promise<PrivacyWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'dais-privacy-'));
  const outbound = await openOutbound({ allowHosts: [] }, '0');
  const keys = openEnvKeys(randomBytes(32).toString('base64'));
  const clock = systemClock;
  const { kinds, entries, jobs, policies, subscribers } = await loadKinds({ keys, outbound, clock });
  const db = await startTestDatabase(await loadSlices(kinds));
  const { database } = db;
  const blobs = await openFsBlobStore({ root: join(folder, 'blobs'), clock });
  const engine = openDuckdbQuery({
    folder: join(folder, 'query'),
    tempMb: 1024,
    memoryMb: 1024,
    clock,
    log: silentLog,
  });
  const query = async () => await Promise.resolve(engine);
  const now = () => clock.now();
  const local = { database, blobs, folder: join(folder, 'data') };
  const privacy = await loadPrivacy({ database, keys, local, now, query, random: randomBytes });
  const data = await loadData({
    ...local,
    keys,
    outbound,
    content: new Content({ database, blobs, clock, ...CONTENT_DEFAULTS }),
    clock,
    log: silentLog,
    query,
    kinds: () => new KindRegistry(kinds),
    hooks: {
      begin: async (tx, version) => {
        await privacy.enqueueScan(tx, version);
        return 'ready';
      },
      forget: [privacy.forget],
      masked: async (tx, dataset, _principal, may) => await privacy.masked(tx, dataset, may),
    },
  });
  const labels = await loadLabels({ now, folder: local.folder, masks: privacy.masks, maker: data.maker });
  const online = await openOnline(
    { features: { online: { type: 'postgres' }, cacheMb: 0, days: 90 } },
    { dataFolder: folder, clock, database },
  );
  const features = await loadFeatures({
    database,
    clock,
    log: silentLog,
    data: local,
    maker: data.maker,
    masks: privacy.masks,
    query,
    online: async () => await Promise.resolve(online),
    folder: join(folder, 'features'),
    days: 90,
  });
  const lineage = await loadLineage({ days: 400, now });
  const tracking = await loadTracking({ clock, random: randomBytes });
  const dais = await startTestKernel(db, {
    kinds,
    entries: [
      ...entries,
      ...data.entries,
      ...privacy.entries,
      ...labels.entries,
      ...features.entries,
      ...lineage.entries,
      ...tracking.entries,
    ],
    jobs: [...jobs, ...data.jobs, ...privacy.jobs, ...labels.jobs, ...features.jobs],
    subscribers,
    authorizer: new CedarAuthorizer({ database, clock, log: silentLog, engine: policies }),
  });
  let made = 0;
  const project = async (): Promise<PrivacyProject> => {
    const name = `p${++made}`;
    const { metadata } = await dais.call('project.create', { manifest: manifest('Project', name) }, OWNER);
    const context = { ...OWNER, projects: [name] };
    const call = async <Output>(operation: string, input: unknown, as: As = {}) =>
      await dais.call<Output>(operation, input, { ...context, ...as });
    const ended = async <Thing>(read: () => Promise<Thing>, isOver: (thing: Thing) => boolean): Promise<Thing> => {
      await vi.waitUntil(async () => isOver(await read()), { timeout: 60_000, interval: 30 });
      return await read();
    };
    return {
      id: metadata.uid,
      name,
      context,
      call,
      member: async (role) => {
        const user = `${role}-${++made}`;
        await dais.call('user.create', { manifest: manifest('User', user, { email: `${user}@example.com` }) }, OWNER);
        await call('roleBinding.create', { manifest: manifest('RoleBinding', user, { role, users: [user] }) });
        return person(user);
      },
      dataset: async (spec = {}) => {
        const dataset = `data-${++made}`;
        await call('dataset.create', { manifest: manifest('Dataset', dataset, spec) });
        return dataset;
      },
      push: async (dataset, csv) => {
        const bytes = Buffer.from(csv);
        const sha256 = createHash('sha256').update(bytes).digest('hex');
        const files = [{ name: 'rows.csv', bytes: bytes.length, sha256 }];
        const { id, needed } = await call<Ingest>('datasetPush.begin', { name: dataset, files });
        for (const file of needed)
          await call('datasetPush.upload', { name: dataset, id, file }, { content: Readable.from([bytes]) });
        await call('datasetPush.commit', { name: dataset, id });
        const ingest = await ended(
          async () => await call<Ingest>('datasetIngest.get', { name: dataset, id }),
          ({ endedAt }) => endedAt !== undefined,
        );
        expect(ingest.problems).toEqual([]);
        const version = String(ingest.version);
        const scan = await ended(
          async () => await call<DataScan>('datasetScan.get', { name: dataset, version }),
          ({ state }) => state !== 'pending',
        );
        expect(scan.error).toBeUndefined();
      },
      findings: async (dataset, state) =>
        (
          await call<{ items: DataFinding[] }>('datasetFinding.list', {
            name: dataset,
            ...(state !== undefined && { state }),
          })
        ).items,
    };
  };
  return {
    db,
    dais,
    engine,
    project,
    stop: async () => {
      await dais.stop();
      await engine.close();
      await db.stop();
      await blobs.close();
      await keys.close();
      await outbound.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    },
  };
}
