/** Usage of real queries, exported as files. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { UsageRecord } from '@dais/api/usage';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { QueryEngine } from '#engines/query/contract.ts';
import { scan } from '#engines/query/model/build.ts';
import type { Download } from '#kernel/content/download.ts';
import { codeOf } from '#kernel/testing/test-kernel.ts';
import { startDataWorld, type DataWorld } from '#ledgers/data/testing/data-world.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { ledger, recordUsage } from './index.ts';

let world: DataWorld;
let engine: () => Promise<QueryEngine>;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-usage-'));
  world = await startDataWorld(
    { usage: recordUsage },
    {
      slice: ledger.slice,
      make: ({ database, query }) => {
        engine = query;
        const { entries = [] } = ledger.open({
          database,
          query,
          folder,
          clock: systemClock,
          log: silentLog,
          host: 'machine',
          node: async () => await Promise.resolve(undefined),
          figures: () => undefined,
          storedBytes: async () => await Promise.resolve(0),
          days: 400,
        });
        return { entries, jobs: [], hooks: {} };
      },
    },
  );
});
afterAll(async () => {
  await world.stop();
  await rm(folder, { recursive: true, force: true });
});

const queries = async () => (await world.dais.call<{ items: UsageRecord[] }>('usage.list', { type: 'query' })).items;

async function exported(format: 'csv' | 'parquet', input: object = {}): Promise<Buffer> {
  const file = await world.dais.call<Download>('usage.export', { format, ...input });
  const bytes = await buffer(await file.open());
  expect(bytes).toHaveLength(file.size);
  return bytes;
}

test('a query over datasets is recorded with its caller and dataset, also if it fails', async () => {
  const name = await world.dataset();
  await world.push(name, { 'a.csv': 'id,n\n1,2\n2,3\n' });
  const { id } = await world.version(name);
  await world.dais.call('data.query', { sql: `select sum(n) from "${name}"` });
  const [record, ...others] = await queries();
  expect(others).toEqual([]);
  expect(record).toMatchObject({
    unit: 'second',
    project: 'default',
    person: 'owner',
    resource: `Dataset/${name}`,
    lineage: `dataset-version:${id}`,
  });
  expect(record?.quantity).toBeGreaterThan(0);
  expect(await codeOf(world.dais.call('data.query', { sql: `select missing from "${name}"` }))).toBe('query_invalid');
  expect(await queries()).toHaveLength(2);
});

test('records are exported as CSV and Parquet, and the files are deleted after they were sent', async () => {
  const before = await queries();
  const text = (await exported('csv')).toString('utf8');
  const [head, ...rows] = text.trimEnd().split('\n');
  expect(head).toBe(
    'id,type,source,started_at,ended_at,quantity,unit,project,team,person,resource,lineage,node,requests,cpu_seconds,memory_bytes,corrects,price,currency,cost,budget',
  );
  expect(rows).toHaveLength(before.length);
  expect(rows[0]).toContain(before[0]?.source);

  const path = join(folder, 'back.parquet');
  await writeFile(path, await exported('parquet'));
  const tables = { back: { files: [{ path, format: 'parquet' as const }] } };
  const output = { type: 'rows', limit: 100 } as const;
  const back = await (await engine()).run({ tables, query: scan('back'), output, owner: 'test' });
  const at = (name: string) => back.columns.findIndex((column) => column.name === name);
  expect(back.columns.filter(({ name }) => ['started_at', 'quantity'].includes(name)).map(({ type }) => type)).toEqual([
    'timestamp',
    'float64',
  ]);
  expect(back.rows.map((row) => [row[at('id')], row[at('quantity')], row[at('cost')]])).toEqual(
    before.map(({ id, quantity }) => [id, quantity, null]),
  );
  await expect.poll(async () => await readdir(folder)).toEqual(['back.parquet']);
  expect((await exported('csv', { type: 'storage' })).toString('utf8').trimEnd().split('\n')).toEqual([head]);
});
