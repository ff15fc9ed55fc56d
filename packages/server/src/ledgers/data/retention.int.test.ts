import type { DatasetVersion } from '@dais/api/data';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Transaction } from '#kernel/transaction.ts';
import { startDataWorld, type DataWorld } from './testing/data-world.ts';

let world: DataWorld;
beforeAll(async () => {
  world = await startDataWorld();
});
afterAll(async () => await world.stop());

async function runRetention(): Promise<unknown> {
  const job = world.ledger.jobs.find(({ queue }) => queue === 'data-retention');
  const inTransaction = async <T>(work: (tx: Transaction) => Promise<T>) => await world.dais.write(work);
  const signal = new AbortController().signal;
  return await job?.run({} as never, { signal, read: inTransaction, write: inTransaction, progress: () => {} });
}

async function numbers(name: string): Promise<readonly number[]> {
  const { items } = await world.dais.call<{ items: readonly DatasetVersion[] }>('datasetVersion.list', { name });
  return items
    .filter(({ state }) => state !== 'deleted')
    .map(({ number }) => number)
    .toSorted((a, b) => a - b);
}

async function withVersions(count: number, spec: object): Promise<string> {
  const name = await world.dataset(spec);
  for (let n = 1; n <= count; n++) {
    await world.push(name, { 'a.csv': `x\n${n}\n` }, n === 1 ? { tags: ['reference'] } : {});
  }
  return name;
}

test('retention keeps the newest versions of the limit and tagged versions', async () => {
  const limited = await withVersions(5, { retention: { versions: 2 } });
  const unlimited = await withVersions(3, {});
  expect(await runRetention()).toMatchObject({ versions: 2 });
  expect(await numbers(limited)).toEqual([1, 4, 5]);
  expect(await numbers(unlimited)).toEqual([1, 2, 3]);
  expect(await world.rows(limited)).toEqual([[5]]);
  expect(await runRetention()).toMatchObject({ versions: 0 });
});

test('retention by days keeps the latest version although it is older', async () => {
  const name = await withVersions(3, { retention: { days: 7 } });
  await world.db.asAdmin(
    `update data.version v set created_at = v.created_at - 8 * 86400000::bigint
     from data.dataset d where d.id = v.dataset and d.name = '${name}'`,
  );
  await runRetention();
  expect(await numbers(name)).toEqual([1, 3]);
});
