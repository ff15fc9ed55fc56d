/** Offline pushes while other versions of the same dataset are created. */
import type { DatasetVersion } from '@dais/api/data';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startFeaturesWorld, type FeaturesWorld } from '../testing/features-world.ts';

const PATIENCE = { timeout: 120_000, interval: 50 };
let world: FeaturesWorld;
beforeAll(async () => {
  world = await startFeaturesWorld();
  await world.apply('Entity', 'k', { type: 'int64' });
});
afterAll(async () => await world.stop());

async function viewsOf(...names: readonly string[]): Promise<string> {
  const dataset = await world.dataset('k,at,v\n0,2026-11-01T00:00:00Z,0\n');
  for (const name of names) {
    await world.apply('FeatureView', name, {
      entities: ['k'],
      source: { type: 'dataset', dataset },
      eventTime: 'at',
      features: [{ name: 'v', type: 'int64' }],
    });
  }
  return dataset;
}

const push = async (view: string, k: number) =>
  await world.call('features.push', { view, rows: { k: [k], at: ['2026-11-02T00:00:00Z'], v: [k] }, to: 'offline' });

async function keys(dataset: string, version = 'latest'): Promise<readonly unknown[]> {
  const { rows } = await world.call<{ rows: unknown[][] }>('datasetVersion.head', {
    name: dataset,
    version,
    limit: 100,
  });
  return rows.map(([k]) => k).toSorted((a, b) => Number(a) - Number(b));
}

test('two concurrent pushes into one dataset: every row exists once', async () => {
  const dataset = await viewsOf('left', 'right');
  await Promise.all(Array.from({ length: 20 }, async (_, n) => await push(n % 2 === 0 ? 'left' : 'right', n + 1)));
  await expect.poll(async () => await keys(dataset), PATIENCE).toEqual(Array.from({ length: 21 }, (_, n) => n));
});

test('appends to the newest version, also to one that is being checked', async () => {
  const dataset = await viewsOf('gated');
  await push('gated', 1);
  await expect.poll(async () => await keys(dataset), PATIENCE).toEqual([0, 1]);
  const state = async (to: string) =>
    await world.db.asAdmin(
      `update data.version set state = '${to}' where number = 2 and dataset = (select id from data.dataset where name = '${dataset}')`,
    );
  await state('building');
  await push('gated', 2);
  const waiting = `select state from kernel.job where queue = 'features.append' and last_error like '%${dataset}@2 is being checked%'`;
  await expect.poll(async () => (await world.db.asAdmin(waiting)).length, PATIENCE).toBe(1);
  expect(await keys(dataset)).toEqual([0]);
  await state('ready');
  await expect.poll(async () => await keys(dataset), PATIENCE).toEqual([0, 1, 2]);
  expect(await world.call<DatasetVersion>('datasetVersion.get', { name: dataset, version: 'latest' })).toMatchObject({
    number: 3,
  });
});

test('appends rows that arrive while a job ends immediately, without waiting for a retry', async () => {
  const dataset = await viewsOf('busy');
  // In the transaction that creates the version, after its rows were read.
  await world.db.asAdmin(`
    create sequence public.came;
    create function public.come() returns trigger language plpgsql security definer as $$ begin
      if nextval('public.came') = 1 then
        insert into features.pushed (project_id, view, rows, batch)
        values (old.project_id, old.view, 1, '{"k": [2], "at": ["2026-11-02T00:00:00Z"], "v": [2]}');
      end if;
      return null;
    end $$;
    create trigger come after delete on features.pushed for each row execute function public.come()`);
  await push('busy', 1);
  await expect.poll(async () => await keys(dataset), PATIENCE).toEqual([0, 1, 2]);
  const late = `select 1 from kernel.job where payload ->> 'name' = 'busy' and run_at > created_at + interval '30 s'`;
  expect(await world.db.asAdmin(late)).toEqual([]);
  await world.db.asAdmin('drop function public.come() cascade; drop sequence public.came');
});

test('waits for a push that commits while a job ends', async () => {
  const dataset = await viewsOf('late');
  await push('late', 1);
  const [job] = await world.db.asAdmin(
    `select project_id, payload ->> 'view' as view from kernel.job where queue = 'features.append' and payload ->> 'name' = 'late'`,
  );
  const [project, view] = [String(job?.['project_id']), String(job?.['view'])];
  await world.db.asAdmin('create table public.go ()');
  const pushing = world.db.asAdmin(`
    select pg_advisory_xact_lock_shared(hashtextextended('features append ' || '${view}', 0));
    insert into features.pushed (project_id, view, rows, batch)
    values ('${project}', '${view}', 1, '{"k": [2], "at": ["2026-11-02T00:00:00Z"], "v": [2]}');
    do $$ begin
      loop exit when exists (select 1 from public.go); perform pg_sleep(0.02); end loop;
    end $$`);
  const waits = `select 1 from pg_locks where locktype = 'advisory' and mode = 'ExclusiveLock' and not granted`;
  await expect.poll(async () => (await world.db.asAdmin(waits)).length, PATIENCE).toBe(1);
  expect(await keys(dataset)).toEqual([0, 1]);
  await world.db.asAdmin('insert into public.go default values');
  await pushing;
  await expect.poll(async () => await keys(dataset), PATIENCE).toEqual([0, 1, 2]);
  await world.db.asAdmin('drop table public.go');
});
