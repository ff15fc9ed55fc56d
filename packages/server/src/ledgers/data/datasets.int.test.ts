import { gzipSync } from 'node:zlib';
import type { Event } from '@dais/api';
import type { LineageGraph } from '@dais/api/lineage';
import type { DatasetVersion } from '@dais/api/data';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeOf, manifest } from '#kernel/testing/test-kernel.ts';
import { errorOf } from '#kernel/testing/test-project.ts';
import { startDataWorld, type DataWorld } from './testing/data-world.ts';

let world: DataWorld;

beforeAll(async () => {
  world = await startDataWorld();
});
afterAll(async () => {
  await world.stop();
});

const PEOPLE = 'id,name,age\n1,Ada,36\n2,Bo,\n3,Čeněk,41\n';

describe('a push', () => {
  test('becomes a version with schema, counts and rows', async () => {
    const ingest = await world.push('people', { 'people.csv': PEOPLE }, { message: 'First', tags: ['initial'] });
    expect(ingest).toMatchObject({ state: 'succeeded', version: 1, unchanged: false, problems: [], rejects: 0 });
    const version = await world.version('people');
    expect(version).toMatchObject({
      number: 1,
      state: 'ready',
      rows: 3,
      message: 'First',
      tags: ['initial'],
      mode: 'managed',
    });
    expect(version.schema.columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
      'id int64',
      'name string',
      'age int64',
    ]);
    expect(version.source.files?.map(({ name }) => name)).toEqual(['people.csv']);
    expect(await world.rows('people@1')).toEqual([
      [1, 'Ada', 36],
      [2, 'Bo', null],
      [3, 'Čeněk', 41],
    ]);
    expect((await world.version('people@initial')).id).toBe(version.id);
    const { metadata } = await world.dais.call('dataset.get', { name: 'people' });
    expect(metadata.origin).toBe('manifest');
  });

  test('of unchanged data creates no version and uploads nothing', async () => {
    const name = await world.dataset();
    await world.push(name, { 'a.csv': PEOPLE });
    const begun = await world.dais.call<{ needed: string[] }>('datasetPush.begin', {
      name,
      files: [{ name: 'other.csv', bytes: PEOPLE.length + 2, sha256: '0'.repeat(64) }],
    });
    expect(begun.needed).toEqual(['other.csv']);
    const again = await world.push(name, { 'b.csv': PEOPLE });
    expect(again).toMatchObject({ state: 'succeeded', version: 1, unchanged: true });
  });

  test('in several formats results in the same rows', async () => {
    const rows = [
      { id: 1, x: 1.5 },
      { id: 2, x: null },
    ];
    const name = await world.dataset();
    await world.push(name, { 'a.csv': 'id,x\n1,1.5\n2,\n' });
    const first = await world.version(name);
    for (const [file, bytes] of Object.entries({
      'a.csv.gz': gzipSync('id,x\n1,1.5\n2,\n'),
      'a.tsv': 'id\tx\n1\t1.5\n2\t\n',
      'a.ndjson': rows.map((row) => JSON.stringify(row)).join('\n'),
      'a.json': JSON.stringify(rows),
    })) {
      const { version, problems } = await world.push(name, { [file]: bytes });
      expect([file, problems]).toEqual([file, []]);
      expect([file, (await world.version(`${name}@${version}`)).digest]).toEqual([file, first.digest]);
    }
  });

  test('that cannot be read reports file, line and column, and stores the rows for download', async () => {
    const name = await world.dataset({
      columns: [
        { name: 'id', type: 'int64' },
        { name: 'age', type: 'int64' },
      ],
    });
    const bad = await world.push(name, { 'a.csv': 'id,age\n1,36\n2,old\n3,41\n' });
    expect(bad).toMatchObject({ state: 'failed', problems: [{ file: 'a.csv', line: 3, column: 'age', value: 'old' }] });
    expect(await codeOf(world.version(name))).toBe('not_found');
    const kept = await world.push(name, { 'a.csv': 'id,age\n1,36\n2,old\n3,41\n' }, { invalidRows: 'keep' });
    expect(kept).toMatchObject({ state: 'succeeded', version: 1, rejects: 1 });
    expect(await world.rows(name)).toEqual([
      [1, 36],
      [3, 41],
    ]);
  });

  test.each([
    ['a ragged file', 'id,age\n1,36,4\n'],
    ['another column', 'id,age,more\n1,36,4\n'],
    ['a missing column', 'id\n1\n'],
    ['nothing at all', ''],
    ['bytes that are no text', Buffer.from([0x69, 0x64, 0x2c, 0x61, 0x67, 0x65, 10, 0x31, 0x2c, 0xff, 0xfe, 10])],
  ])('%s is rejected', async (_what, bytes) => {
    const name = await world.dataset({
      columns: [
        { name: 'id', type: 'int64' },
        { name: 'age', type: 'int64' },
      ],
    });
    const { state, problems } = await world.push(name, { 'a.csv': bytes });
    expect(state).toBe('failed');
    expect(problems[0]?.file ?? problems[0]?.message).toContain('a.csv');
  });

  test('with duplicate or missing keys is rejected', async () => {
    const name = await world.dataset({ keys: ['id'] });
    const twice = await world.push(name, { 'a.csv': 'id,x\n1,1\n2,2\n1,3\n' });
    expect(twice).toMatchObject({ state: 'failed' });
    expect(twice.problems[0]?.message).toContain('1 (2 times)');
    const without = await world.push(name, { 'a.csv': 'id,x\n1,1\n,2\n' });
    expect(without.problems[0]?.message).toContain('no value in 1 row,');
    const good = await world.push(name, { 'a.csv': 'id,x\n1,1\n2,2\n' });
    expect(good).toMatchObject({ state: 'succeeded', version: 1 });
  });

  test('of a file of unknown format is rejected before the upload', async () => {
    const name = await world.dataset();
    expect(await codeOf(world.push(name, { 'a.bin': 'x' }))).toBe('invalid_request');
  });

  test('keeps the schema of the previous version, unless it may change', async () => {
    const name = await world.dataset();
    await world.push(name, { 'a.csv': 'id,x\n1,1\n' });
    expect((await world.push(name, { 'b.csv': 'id,x,y\n1,1,2\n' })).state).toBe('failed');
    await world.dais.call('dataset.update', { name, manifest: manifest('Dataset', name, { schemaChanges: 'add' }) });
    expect((await world.push(name, { 'b.csv': 'id,x,y\n1,1,2\n' })).state).toBe('succeeded');
    expect(await world.rows(name)).toEqual([[1, 1, 2]]);
    expect((await world.push(name, { 'c.csv': 'id,x,y\n1,word,2\n' })).state).toBe('failed');
  });
});

const many = (n: number, value: (id: number) => number = (id) => id * 7) =>
  `id,x,word\n${Array.from({ length: n }, (_, id) => `${id},${value(id)},word-${(id * 2_654_435_761) % 100_003}\n`).join('')}`;

describe('versions', () => {
  test('share unchanged files', async () => {
    const name = await world.dataset({ keys: ['id'] });
    await world.push(name, { 'a.csv': many(200_000) });
    const first = await world.version(`${name}@1`);
    expect(first.fileCount).toBeGreaterThan(10);
    expect(first.newBytes).toBe(first.bytes);
    await world.push(name, { 'a.csv': many(200_000, (id) => (id >= 50_000 && id < 52_000 ? 1 : id * 7)) });
    const second = await world.version(`${name}@2`);
    expect(second.rows).toBe(200_000);
    const shared = new Set(first.files.map(({ digest }) => digest));
    expect(second.files.filter(({ digest }) => !shared.has(digest)).length).toBeLessThanOrEqual(3);
    expect(second.newBytes).toBeLessThan(second.bytes * 0.15);
    expect(second.parent).toBe(first.id);
  });

  test('are found by number, day, tag and latest; a tag can be moved and removed', async () => {
    const name = await world.dataset();
    await world.push(name, { 'a.csv': 'id\n1\n' });
    await world.push(name, { 'a.csv': 'id\n2\n' });
    const today = new Date().toISOString().slice(0, 10);
    expect((await world.version(`${name}@${today}`)).number).toBe(2);
    expect(await codeOf(world.version(`${name}@2020-01-01`))).toBe('not_found');
    await world.dais.call('datasetVersion.tag', { name, version: '1', tag: 'gold' });
    expect((await world.version(`${name}@gold`)).number).toBe(1);
    await world.dais.call('datasetVersion.tag', { name, version: '2', tag: 'gold' });
    expect((await world.version(`${name}@gold`)).number).toBe(2);
    expect(await codeOf(world.dais.call('datasetVersion.delete', { name, version: '2' }))).toBe('still_referenced');
    await world.dais.call('datasetVersion.untag', { name, tag: 'gold' });
    expect(await codeOf(world.version(`${name}@gold`))).toBe('not_found');
    for (const tag of ['latest', 'v3']) {
      expect(await codeOf(world.dais.call('datasetVersion.tag', { name, version: '1', tag }))).toBe('invalid_request');
    }
    expect((await errorOf(world.version('data-nowhere'))).code).toBe('not_found');
  });

  test('differ by keys, columns and statistics', async () => {
    const name = await world.dataset({ keys: ['id'] });
    await world.push(name, { 'a.csv': 'id,x,w\n1,1,a\n2,2,b\n3,3,c\n' });
    await world.push(name, { 'a.csv': 'id,x,w\n1,1,a\n2,20,b\n4,4,d\n' });
    const diff = await world.dais.call<Record<string, unknown>>('datasetVersion.diff', { name, version: 'latest' });
    expect(diff).toMatchObject({
      from: 1,
      to: 2,
      rows: { before: 3, after: 3, added: 1, removed: 1, changed: 1 },
      changedColumns: [{ name: 'x', rows: 1 }],
      samples: { added: [[4, 4, 'd']], removed: [[3, 3, 'c']], changed: [[2, 2, 20, 'b', 'b']] },
    });
  });

  test('without keys differ by whole rows with their multiplicity', async () => {
    const name = await world.dataset();
    await world.push(name, { 'a.csv': 'x\n1\n1\n2\n' });
    await world.push(name, { 'a.csv': 'x\n1\n2\n2\n3\n' });
    const { rows } = await world.dais.call<{ rows: object }>('datasetVersion.diff', { name, version: '2' });
    expect(rows).toEqual({ before: 3, after: 4, added: 2, removed: 1, changed: 0 });
  });

  test('are restored without a copy, and deleted with unshared files', async () => {
    const name = await world.dataset();
    await world.push(name, { 'a.csv': 'x\n1\n' });
    await world.push(name, { 'a.csv': 'x\n2\n' });
    const third = await world.dais.call<DatasetVersion>('datasetVersion.restore', { name, version: '1' });
    expect(third).toMatchObject({ number: 3, newBytes: 0, source: { type: 'restore' } });
    await world.dais.call('datasetVersion.delete', { name, version: '1', reason: 'old' });
    expect(await world.rows(`${name}@3`)).toEqual([[1]]);
    await world.dais.call('datasetVersion.delete', { name, version: '3' });
    expect(await world.rows(name)).toEqual([[2]]);
    expect(await codeOf(world.version(`${name}@3`))).toBe('not_found');
    expect(await codeOf(world.dais.call('dataset.delete', { name }))).toBe('still_referenced');
    await world.dais.call('datasetVersion.delete', { name, version: '2' });
    await world.dais.call('dataset.delete', { name });
  });

  test('emit events and are part of the lineage', async () => {
    const name = await world.dataset();
    await world.push(name, { 'a.csv': 'x\n1\n' });
    const { id } = await world.version(name);
    // An event is delivered after all earlier commits have their positions.
    const types = async () => {
      const { items } = await world.dais.call<{ items: Event[] }>('event.list', { kind: 'Dataset', name, limit: 100 });
      return items.map(({ type }) => type);
    };
    await expect.poll(types).toContain('dataset.version.created');
    const graph = await world.dais.call<LineageGraph>('lineage.get', { node: `dataset-version:${id}` });
    expect(graph.nodes[0]).toMatchObject({ name: `${name}@1`, type: 'dataset-version', data: { state: 'ready' } });
    await expect
      .poll(async () => (await world.dais.call('dataset.get', { name })).status)
      .toMatchObject({
        latestVersion: 1,
        rows: 1,
        conditions: expect.arrayContaining([expect.objectContaining({ type: 'Ready', status: 'True' })]),
      });
  });
});

describe('reading', () => {
  test('SQL over datasets and versions; masked columns stay masked', async () => {
    const name = await world.dataset({ keys: ['id'], sensitive: [{ column: 'name', category: 'name' }] });
    await world.push(name, { 'a.csv': PEOPLE });
    const sql = `select id, name from "${name}@1" where age > 30 order by id`;
    const shown = await world.dais.call<{ rows: unknown[]; masked: string[]; versions: object }>('data.query', { sql });
    expect(shown).toMatchObject({
      rows: [
        [1, null],
        [3, null],
      ],
      masked: ['name'],
      versions: { [`${name}@1`]: `${name}@1` },
    });
    expect(await world.rows(name)).toEqual([
      [1, null, 36],
      [2, null, null],
      [3, null, 41],
    ]);
    const file = (await world.version(name)).files[0]?.name;
    expect(await codeOf(world.dais.call('datasetVersion.readFile', { name, version: '1', file }))).toBe('forbidden');
    expect(await codeOf(world.dais.call('data.query', { sql: 'select * from nowhere' }))).toBe('query_invalid');
  });

  test('all rows as one file', async () => {
    const name = await world.dataset();
    await world.push(name, { 'a.csv': PEOPLE });
    const found = await world.dais.call<{ size: number; open(): Promise<AsyncIterable<Buffer>> }>(
      'datasetVersion.export',
      { name, version: 'latest', format: 'csv' },
    );
    let text = '';
    for await (const chunk of await found.open()) text += chunk.toString();
    expect(text.trim().split('\n')).toHaveLength(4);
    expect(Buffer.byteLength(text)).toBe(found.size);
  });
});
