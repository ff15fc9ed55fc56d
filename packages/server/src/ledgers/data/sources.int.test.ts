import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LineageGraph } from '@dais/api/lineage';
import type { Ingest } from '@dais/api/data';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeOf } from '#kernel/testing/test-kernel.ts';
import { startDataWorld, type DataWorld } from './testing/data-world.ts';

let world: DataWorld;
let server: Server;
let base: string;
const files = new Map<string, string>();

beforeAll(async () => {
  world = await startDataWorld();
  server = createServer((request, response) => {
    const text = files.get(request.url ?? '');
    if (text === undefined) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'content-length': Buffer.byteLength(text), etag: `"${text.length}"` });
    response.end(request.method === 'HEAD' ? undefined : text);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.close();
  await world.stop();
});

async function refresh(name: string): Promise<Ingest> {
  return await world.ended(await world.dais.call<Ingest>('dataset.refresh', { name }));
}

test('downloads URLs into a version; unchanged data creates none', async () => {
  files.set('/a.csv', 'id,x\n1,1\n');
  files.set('/b.ndjson', '{"id": 2, "x": 5}\n');
  const name = await world.dataset({ source: { type: 'http', urls: [`${base}/a.csv`, `${base}/b.ndjson`] } });
  expect(await codeOf(world.push(name, { 'a.csv': 'id\n1\n' }))).toBe('invalid_state');
  expect(await refresh(name)).toMatchObject({ state: 'succeeded', version: 1, problems: [] });
  expect(await world.rows(name)).toEqual([
    [1, 1],
    [2, 5],
  ]);
  expect(await refresh(name)).toMatchObject({ state: 'succeeded', unchanged: true });
  files.set('/a.csv', 'id,x\n1,1\n3,3\n');
  expect(await refresh(name)).toMatchObject({ version: 2 });
  const { id, source } = await world.version(name);
  expect(source).toMatchObject({ type: 'http', uri: `${base}/` });
  const graph = await world.dais.call<LineageGraph>('lineage.get', { node: `dataset-version:${id}` });
  expect(graph.nodes.map(({ type }) => type)).toContain('dataset');
  files.delete('/b.ndjson');
  const deleted = await refresh(name);
  expect(deleted).toMatchObject({ state: 'failed' });
  expect(deleted.problems[0]?.message).toContain('does not exist');
});

test('refreshes a source at the configured interval, and skips one that is being read', async () => {
  files.set('/often.csv', 'id\n1\n');
  const source = { type: 'http', urls: [`${base}/often.csv`] };
  const name = await world.dataset({ source, refreshMinutes: 1 });
  const ingests = async () =>
    (await world.dais.call<{ items: Ingest[] }>('datasetIngest.list', { name, limit: 10 })).items;
  await expect.poll(ingests).toMatchObject([{ state: 'succeeded', version: 1 }]);
  files.set('/often.csv', 'id\n1\n2\n');
  await world.db.asAdmin(`update data.dataset set next_refresh_at = 0 where name = '${name}'`);
  await expect.poll(ingests).toMatchObject([{ state: 'succeeded', version: 2 }, { version: 1 }]);
  const [{ next } = { next: 0 }] = await world.db.asAdmin(
    `select next_refresh_at as next from data.dataset where name = '${name}'`,
  );
  expect(Number(next)).toBeGreaterThan(Date.now() - 60_000);
});

test('a version with external files is read from there, and becomes broken when they change', async () => {
  files.set('/pinned.csv', 'id,x\n1,1\n2,2\n');
  const name = await world.dataset({ source: { type: 'http', urls: [`${base}/pinned.csv`], mode: 'reference' } });
  expect(await refresh(name)).toMatchObject({ state: 'succeeded', version: 1, problems: [] });
  expect(await world.version(name)).toMatchObject({
    mode: 'reference',
    rows: 2,
    files: [{ uri: `${base}/pinned.csv` }],
  });
  expect(await world.rows(name)).toEqual([
    [1, 1],
    [2, 2],
  ]);
  files.set('/pinned.csv', 'id,x\n1,1\n2,3\n');
  expect(await refresh(name)).toMatchObject({ state: 'succeeded', version: 2, problems: [] });
  files.set('/pinned.csv', 'id,x\n1,1\n2,30\n');
  expect(await codeOf(world.rows(`${name}@2`))).toBe('invalid_state');
  expect(await world.version(`${name}@2`)).toMatchObject({ state: 'broken' });
});

test('a query over other datasets creates a version with its lineage', async () => {
  const left = await world.dataset();
  await world.push(left, { 'a.csv': 'id,x\n1,1\n2,2\n3,\n' });
  const sql = 'select id, x * 10 as ten from t where x is not null order by id';
  const name = await world.dataset({ source: { type: 'dataset', sql, tables: { t: `${left}@latest` } } });
  expect(await refresh(name)).toMatchObject({ state: 'succeeded', version: 1, problems: [] });
  expect(await world.rows(name)).toEqual([
    [1, 10],
    [2, 20],
  ]);
  const { source } = await world.version(name);
  expect(source).toMatchObject({ type: 'query', sql, versions: [(await world.version(left)).id] });
});

test('rejects an address inside of the network', async () => {
  const name = await world.dataset({ source: { type: 'http', urls: ['http://169.254.169.254/latest/meta-data'] } });
  const { state, problems } = await refresh(name);
  expect([state, problems[0]?.message]).toEqual(['failed', expect.stringContaining('169.254.169.254')]);
});
