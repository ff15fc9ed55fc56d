import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LineageGraph } from '@dais/api/lineage';
import type { DatasetVersion } from '@dais/api/data';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CliFixture } from '#testing/cli-fixture.ts';

let dais: CliFixture;

beforeAll(async () => {
  dais = await CliFixture.shared();
});
afterAll(async () => {
  await dais.stop();
});

const run = async (...words: string[]) => await dais.run(words, { workingFolder: dais.folder });
const write = async (file: string, text: string) => {
  await mkdir(join(dais.folder, file, '..'), { recursive: true });
  await writeFile(join(dais.folder, file), text);
};

const FIRST = 'id,carrier,delay\n1,LH,5\n2,BA,\n3,AF,12\n';
const SECOND = 'id,carrier,delay\n1,LH,5\n2,BA,7\n4,KL,3\n';

test('a dataset is pushed, inspected, compared, tagged, pulled and restored', async () => {
  await write('raw/a.csv', FIRST);
  await dais.run(['apply', '-f', '-'], {
    stdin: 'apiVersion: dais.dev/v1\nkind: Dataset\nmetadata: {name: flights}\nspec: {keys: [id], label: delay}\n',
  });
  const first = await run('data', 'push', 'flights', 'raw', '-m', 'First', '--tag', 'initial');
  expect([first.code, first.out]).toEqual([0, 'flights@1\n']);
  expect(first.err).toContain('Sent 1 file, ');
  const again = await run('data', 'push', 'flights', 'raw');
  expect(again.out).toContain('No new data: flights@1 is identical');
  expect(again.err).toContain('Sent 0 files, 0 B; 1 file already stored.');
  await write('raw/a.csv', SECOND);
  expect((await run('data', 'push', 'flights', 'raw', '-o', 'name')).out).toBe('flights@2\n');
  const versions = await run('data', 'versions', 'flights');
  expect(versions.out).toMatch(/^VERSION +STATE +ROWS +SIZE +NEW +TAGS +BY +AGE +MESSAGE\n2 +ready +3 /);
  expect(versions.out).toMatch(/\n1 +ready +3 .* initial .* First\n/);
  expect((await run('data', 'head', 'flights@initial')).out).toBe(
    'ID   CARRIER   DELAY\n1    LH        5\n2    BA        -\n3    AF        12\n',
  );
  const sql = 'select f.carrier, f.delay from flights f left join "flights@1" o using (id) where o.id is null';
  expect((await run('data', 'sql', sql)).out).toBe('CARRIER   DELAY\nKL        3\n');
  const diff = (await run('data', 'diff', 'flights')).out;
  expect(diff).toContain(
    'flights@1 -> flights@2\n  3 -> 3 rows: 1 added, 1 removed, 1 row changed\n  changed columns: delay (1)',
  );
  expect((await run('data', 'diff', 'flights@1', 'flights@2')).out).toBe(diff);
  expect((await run('data', 'diff', 'flights@2', '1')).out).toContain('flights@2 -> flights@1');
  expect((await run('data', 'diff', 'flights@1', 'other@1')).err).toContain('compares versions of one dataset');
  expect((await run('data', 'tag', 'flights@2', 'gold')).out).toBe('flights@gold is version 2.\n');
  expect((await run('data', 'tag', 'flights', 'gold', '--remove')).out).toBe('Tag gold removed from flights.\n');
  const pulled = await run('data', 'pull', 'flights@1', 'there');
  expect(pulled.out).toContain('flights@1: 1 file, ');
  expect(await readdir(join(dais.folder, 'there'))).toEqual(['part-00000.parquet']);
  expect((await run('data', 'pull', 'flights@1', 'there')).out).toContain('1 file already present');
  await run('data', 'pull', 'flights@1', '--format', 'csv');
  expect(await readFile(join(dais.folder, 'flights/flights.csv'), 'utf8')).toBe(FIRST);
  expect((await run('data', 'restore', 'flights@1')).out).toBe('flights@3 created from flights@1.\n');
  expect((await run('data', 'delete', 'flights@2')).out).toBe('flights@2 deleted.\n');
});

test('an error in a file is reported with its line, and its rows are kept', async () => {
  await dais.run(['apply', '-f', '-'], {
    stdin:
      'apiVersion: dais.dev/v1\nkind: Dataset\nmetadata: {name: strict}\nspec: {columns: [{name: id, type: int64}, {name: x, type: float64}]}\n',
  });
  await write('bad.csv', 'id,x\n1,2.5\n2,much\n');
  const refused = await run('data', 'push', 'strict', 'bad.csv');
  expect(refused.code).toBe(7);
  expect(refused.err).toMatch(/^bad\.csv:3:x: .*"much"/m);
  const kept = await run('data', 'push', 'strict', 'bad.csv', '--keep-rejects');
  expect([kept.code, kept.out]).toEqual([0, 'strict@1\n']);
  const rejects = (await run('data', 'rejects', 'strict')).out;
  expect(JSON.parse(rejects.split('\n')[0] ?? '')).toMatchObject({
    file: 'bad.csv',
    line: 3,
    column: 'x',
    value: 'much',
  });
  expect((await run('data', 'push', 'strict', 'nowhere.csv')).err).toContain('File not found: nowhere.csv.');
  const typo = await run('data', 'sql', 'select idd from strict');
  expect([typo.code, typo.err]).toEqual([7, expect.stringContaining('idd')]);
});

test('a run that logs the source of its data is linked to the version', async () => {
  await write('lineage.csv', 'id,x\n1,1\n');
  await run('data', 'push', 'seen', 'lineage.csv');
  const call = async <Output>(path: string, body?: object): Promise<Output> => {
    const more = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${dais.server.url}/api/v1/${path}`, { headers, ...more });
    expect(response.ok).toBe(true);
    return (await response.json()) as Output;
  };
  const version = await call<DatasetVersion>('data/datasets/seen/versions/1');
  const { id: experimentId } = await call<{ id: string }>('tracking/experiments', { name: 'reads data' });
  const sources = [
    { digest: 'abc', source: `{"url": "${dais.server.url}/api/v1/data/datasets/seen/versions/1/export"}` },
    { digest: 'abc', source: 'dais://seen@latest' },
    { digest: version.digest.slice(0, 32), source: 'elsewhere' },
  ];
  for (const { digest, source } of sources) {
    const { id } = await call<{ id: string }>('tracking/runs', { experimentId });
    const dataset = { name: 'data', digest, sourceType: 'http', source };
    await call(`tracking/runs/${id}/inputs`, { datasets: [{ dataset, tags: {} }] });
    const graph = await call<LineageGraph>(`lineage?node=run:${id}&direction=upstream`);
    const edge = { from: `dataset-version:${version.id}`, to: `run:${id}`, relation: 'read' };
    expect(graph.edges).toContainEqual(expect.objectContaining(edge));
  }
});
