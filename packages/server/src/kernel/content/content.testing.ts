/** A real database and a real store for tests of content, and what must always be true of the two together. */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { DaisError } from '@dais/api';
import type { BlobStore } from '#engines/blobs/contract.ts';
import { openFsBlobStore } from '#engines/blobs/fs/fs-blob-store.ts';
import type { Slice } from '#engines/database/contract.ts';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import { Collector } from '#content/content-collector.ts';
import { Content, type ContentDependencies } from '#kernel/content/content.ts';
import type { ContentOwner } from '#kernel/content/references.ts';
import { kernelSlice } from '#kernel/slice.ts';
import { systemClock } from '#lib/clock.ts';
import { uuidv7 } from '#lib/ids.ts';

export interface ContentWorld {
  readonly db: TestDatabase;
  readonly blobs: BlobStore;
  readonly root: string;
  /** Without a grace period: garbage is collected immediately. */
  readonly content: Content;
  readonly collector: Collector;
  /** Like `content`, but its uploads can be collected immediately. */
  readonly hasty: Content;
  dependencies(more?: Partial<ContentDependencies>): ContentDependencies;
  project(): Promise<string>;
  /** Returns the text under a name; null if there is no such name. */
  textOf(owner: ContentOwner, name: string): Promise<string | null>;
  /** Every stored locator. */
  stored(): Promise<string[]>;
  temporary(): Promise<string[]>;
  end(): Promise<void>;
}

export async function openContentWorld(slices: readonly Slice[] = []): Promise<ContentWorld> {
  // A deadlock is resolved after this time; PostgreSQL's own 1 s would make races slow.
  const db = await startTestDatabase([kernelSlice, ...slices], { settings: { deadlock_timeout: '20ms' } });
  const root = await mkdtemp(join(tmpdir(), 'dais-content-'));
  const blobs = await openFsBlobStore({ root, clock: systemClock });
  const dependencies = (more: Partial<ContentDependencies> = {}): ContentDependencies => {
    return { database: db.database, blobs, clock: systemClock, claimMs: 2000, leaseMs: 600_000, ...more };
  };
  const content = new Content(dependencies());
  return {
    db,
    blobs,
    root,
    dependencies,
    content,
    hasty: new Content(dependencies({ leaseMs: -1000 })),
    collector: new Collector({ ...dependencies(), graceMs: -1000, sweepMs: -1000 }),
    project: async () => {
      const id = uuidv7();
      await db.asAdmin(`insert into kernel.tenant (id, name) values ('${id}', '${id}')`);
      return id;
    },
    textOf: async (owner, name) => {
      const found = await orNotFound(content.open(owner, name));
      return found === null ? null : (await buffer(found.bytes)).toString();
    },
    stored: async () => {
      const found: string[] = [];
      for await (const { locator } of blobs.list()) found.push(locator);
      return found;
    },
    temporary: async () => await readdir(join(root, 'tmp')),
    end: async () => {
      await db.stop();
      await rm(root, { recursive: true });
    },
  };
}

/** What is wrong with the books and the store; empty when all is well. Only while nothing is going on. */
export async function findProblems(world: ContentWorld): Promise<string[]> {
  const found: string[] = [];
  const check = async (what: string, sql: string): Promise<void> => {
    for (const row of await world.db.asAdmin(sql)) found.push(`${what}: ${JSON.stringify(row)}`);
  };
  await check(
    'the count of holds is not that of references and leases',
    `select project_id, locator, coalesce(h.holds, 0)::int as holds, coalesce(r.n, 0)::int as n
     from kernel.blob_hold h full join (
       select project_id, locator, count(*) as n from (
         select project_id, locator from kernel.blob_ref union all select project_id, locator from kernel.upload_lease) x
       group by 1, 2) r using (project_id, locator) where coalesce(h.holds, 0) <> coalesce(r.n, 0)`,
  );
  await check(
    'the usage is not the sum of what is held',
    `select project_id, u.bytes::int, h.bytes::int as held from kernel.blob_usage u full join (
       select project_id, sum(size) as bytes from kernel.blob_hold where holds > 0 group by 1) h using (project_id)
     where coalesce(u.bytes, 0) <> coalesce(h.bytes, 0)`,
  );
  await check(
    'held and about to be deleted',
    `select b.locator from kernel.blob b join kernel.blob_hold h using (locator) where state = 'deleting' and holds > 0`,
  );
  await check(
    'garbage that the collector would never inspect',
    `select locator from kernel.blob b where state = 'kept'
       and not exists (select from kernel.blob_hold h where h.locator = b.locator and holds > 0)`,
  );
  await check(
    'the size of a hold is not that of its blob',
    'select locator from kernel.blob b join kernel.blob_hold h using (locator) where b.size <> h.size and holds > 0',
  );
  const references = await world.db.asAdmin(
    `select distinct locator, encode(digest, 'hex') as sha256 from kernel.blob_ref join kernel.blob using (locator)`,
  );
  for (const { locator, sha256 } of references) {
    try {
      const bytes = await buffer(await world.blobs.get(String(locator)));
      if (digest(bytes) !== sha256) found.push(`other bytes under ${String(locator)}`);
    } catch (error) {
      found.push(`referred to and not readable: ${String(locator)}: ${String(error)}`);
    }
  }
  return found;
}

/** Expires all leases, collects, and returns remaining unreferenced and missing referenced content. */
export async function garbage(world: ContentWorld): Promise<string[]> {
  const found: string[] = [];
  await world.db.asAdmin(`update kernel.upload_lease set expires_at = '-infinity'`);
  await world.db.asAdmin(`update kernel.blob set claim_until = '-infinity' where claim_until is not null`);
  await world.collector.collect(new AbortController().signal);
  const rows = await world.db.asAdmin('select locator from kernel.blob order by locator');
  const referred = await world.db.asAdmin('select distinct locator from kernel.blob_ref order by locator');
  const want = JSON.stringify(referred.map((row) => row['locator']));
  const known = JSON.stringify(rows.map((row) => row['locator']));
  const stored = JSON.stringify(await world.stored());
  if (known !== want) found.push(`rows ${known}, referred to ${want}`);
  if (stored !== want) found.push(`stored ${stored}, referred to ${want}`);
  const temporary = await world.temporary();
  if (temporary.length > 0) found.push(`temporary files ${temporary.join(' ')}`);
  const leases = await world.db.asAdmin('select count(*)::int as n from kernel.upload_lease');
  if (leases[0]!['n'] !== 0) found.push(`${String(leases[0]!['n'])} leases that have ended`);
  return found;
}

export function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function orNotFound<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof DaisError && error.code === 'not_found') return null;
    throw error;
  }
}
