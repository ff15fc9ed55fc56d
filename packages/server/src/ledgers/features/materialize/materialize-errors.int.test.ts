/** A materialization whose store fails after it has written: the next attempts end with the same rows, each counted once. */
import { DaisError } from '@dais/api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { OnlineStore } from '#engines/online/contract.ts';
import { PostgresOnlineStore } from '#engines/online/postgres/postgres-online.ts';
import { startFeaturesWorld, type FeaturesWorld } from '../testing/features-world.ts';

const ENTITIES = 12_000;
/** Writes that succeed but report a failure. */
const failing = new Set([1, 3]);
let writes = 0;
let views = 0;
let world: FeaturesWorld;
beforeAll(async () => {
  world = await startFeaturesWorld({
    online: async (db): Promise<OnlineStore> => {
      const store = new PostgresOnlineStore(db.database);
      const write: OnlineStore['write'] = async (view, rows) => {
        writes += 1;
        const changed = await store.write(view, rows);
        if (failing.has(writes)) throw new DaisError('database_unavailable', 'the connection was lost');
        return changed;
      };
      return await Promise.resolve(
        Object.assign(Object.create(store) as OnlineStore, {
          write,
          read: store.read.bind(store),
          keys: store.keys.bind(store),
          count: store.count.bind(store),
          drop: store.drop.bind(store),
          close: store.close.bind(store),
        }),
      );
    },
  });
  await world.apply('Entity', 'k', { type: 'int64' });
}, 120_000);
afterAll(async () => await world.stop());

test('an attempt continues where the last one stopped, without loss or duplicates', async () => {
  const lines = Array.from(
    { length: ENTITIES * 2 },
    (_, at) => `${at % ENTITIES},2026-11-01T00:00:0${at < ENTITIES ? 1 : 2}Z,${at}`,
  );
  const dataset = await world.dataset(`k,at,v\n${lines.join('\n')}\n`);
  await world.apply('FeatureView', 'counted', {
    entities: ['k'],
    source: { type: 'dataset', dataset },
    eventTime: 'at',
    features: [{ name: 'v', type: 'int64' }],
  });
  const done = await world.materialize({ view: 'counted', mode: 'full', end: '2026-11-02T00:00:00Z' });
  expect(done).toMatchObject({ state: 'succeeded', entities: ENTITIES });
  expect(writes).toBeGreaterThan(3);
  const k = [0, 1, 4999, 5000, 9999, 10_000, ENTITIES - 1];
  const { features } = await world.read({ features: ['counted:v'], entities: { k } });
  expect(features[0]?.values).toEqual(k.map((key) => key + ENTITIES));
  const again = await world.materialize({ view: 'counted', mode: 'full', end: '2026-11-02T00:00:00Z' });
  expect(again).toMatchObject({ state: 'succeeded', entities: ENTITIES, written: 0 });
}, 120_000);

test.each([
  `select 1 as k, timestamp '2026-01-01' as at, content as v from read_text('/etc/passwd')`,
  `copy (select 1) to '/tmp/dais-stolen'`,
  `select 1 as k, timestamp '2026-01-01' as at, getenv('HOME') as v`,
])(
  'a view whose SQL reads or writes outside materializes no rows: %s',
  async (sql) => {
    const name = `outside-${(views += 1)}`;
    const dataset = await world.dataset('x\n1\n');
    await world.apply('FeatureView', name, {
      entities: ['k'],
      source: { type: 'sql', sql, datasets: [dataset] },
      eventTime: 'at',
      features: [{ name: 'v', type: 'string' }],
    });
    const ended = await world.materialize({ view: name, mode: 'full' });
    expect(ended).toMatchObject({ state: 'failed', entities: 0, error: expect.any(String) });
    const requested = { features: [`${name}:v`], entities: { k: [1], event_timestamp: ['2026-02-01'] } };
    await expect(world.history(requested)).rejects.toMatchObject({ code: 'query_invalid' });
  },
  120_000,
);
