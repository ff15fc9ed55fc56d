import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import type { OnlineStore, OnlineView } from '../contract.ts';
import { onlineSlice } from '../postgres/online-slice.ts';
import { PostgresOnlineStore } from '../postgres/postgres-online.ts';
import { onlineStoreSuite } from '../suite.ts';
import { openCachedOnline } from './cached-online.ts';

onlineStoreSuite('postgres behind LMDB', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dais-online-'));
  const db = await startTestDatabase([onlineSlice]);
  const open = async (name: string, database = db.database) =>
    await openCachedOnline({
      store: new PostgresOnlineStore(database),
      database,
      folder: join(folder, name),
      maxBytes: 2 ** 26,
      now: () => Date.now(),
    });
  const [store, other] = [await open('one'), await open('two', db.open())];
  return {
    store,
    other,
    project: randomUUID(),
    end: async () => {
      await store.close();
      await other.close();
      await db.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
});

describe('a cached row', () => {
  let db: TestDatabase;
  let folder: string;
  let inner: OnlineStore;
  let store: OnlineStore;
  let now = 0;
  const view: OnlineView = { project: randomUUID(), view: randomUUID() };
  const key = Buffer.from('a');
  const row = (eventTime: number) => ({ key, eventTime, createdTime: 0, value: Buffer.alloc(1000, eventTime) });
  const read = async () => (await store.read([{ ...view, keys: [key] }]))[0]?.[0]?.eventTime;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dais-online-'));
    db = await startTestDatabase([onlineSlice]);
    inner = new PostgresOnlineStore(db.database);
    store = await openCachedOnline({
      store: inner,
      database: db.database,
      folder: join(folder, 'c'),
      maxBytes: 2 ** 20,
      now: () => now,
    });
  });
  afterAll(async () => {
    await store.close();
    await db.stop();
    await rm(folder, { recursive: true, force: true });
  });

  test('is returned until it expires, also for missing rows', async () => {
    expect(await read()).toBeUndefined();
    // Bypasses the cache, like a lost message.
    await inner.write(view, [row(1)]);
    expect(await read()).toBeUndefined();
    now += 10_001;
    expect(await read()).toBe(1);
    await inner.write(view, [row(2)]);
    expect(await read()).toBe(1);
    await store.write(view, [row(3)]);
    expect(await read()).toBe(3);
  });

  test('never exceeds the cache size', async () => {
    const keys = Array.from({ length: 3000 }, (_, at) => Buffer.from(`k${at}`));
    await inner.write(
      view,
      keys.map((one) => ({ ...row(5), key: one })),
    );
    for (let at = 0; at < keys.length; at += 100) {
      const [rows] = await store.read([{ ...view, keys: keys.slice(at, at + 100) }]);
      expect(rows?.every((one) => one?.eventTime === 5)).toBe(true);
    }
  });
});
