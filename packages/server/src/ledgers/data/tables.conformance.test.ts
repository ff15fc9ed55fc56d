/** Dataset versions from tables that other packages wrote into a bucket. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { Ingest } from '@dais/api/data';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { manifest } from '#kernel/testing/test-kernel.ts';
import { run } from '#lib/process.ts';
import { sharedMotoServer, type MotoServer } from '../../../../../conformance/s3/moto-server.ts';
import { pythonEnvironment } from '../../../../../tools/python-env.mjs';
import { startDataWorld, type DataWorld } from './testing/data-world.ts';

const conformance = fileURLToPath(new URL('../../../../../conformance/data/', import.meta.url));
const BUCKET = 'tables-lake';
const region = 'eu-central-1';

let server: Pick<MotoServer, 'url'>;
let client: S3Client;
let world: DataWorld;
let folder: string;
/** The rows of each Delta table as its own package reads them. */
let shown: Readonly<Record<string, { readonly rows: readonly (readonly unknown[])[] }>>;

beforeAll(async () => {
  server = await sharedMotoServer();
  folder = await mkdtemp(join(tmpdir(), 'dais-tables-'));
  world = await startDataWorld();
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  client = new S3Client({ region, endpoint: server.url, credentials, forcePathStyle: true });
  const environment = await pythonEnvironment('data', join(conformance, 'requirements.txt'));
  const make = async (program: string) => {
    const words = [join(conformance, program), join(folder, program.replace('_tables.py', ''))];
    const made = await run(join(environment, 'bin', 'python'), words, {
      env: { PATH: '/usr/bin:/bin', HOME: folder },
      timeoutMs: 300_000,
    });
    if (made.code !== 0) throw new Error(made.stderr);
    return JSON.parse(made.stdout.toString()) as unknown;
  };
  shown = (await make('delta_tables.py')) as typeof shown;
  await make('iceberg_tables.py');
  const location = { CreateBucketConfiguration: { LocationConstraint: region } } as const;
  await client.send(new CreateBucketCommand({ Bucket: BUCKET, ...location }));
  for (const table of ['old', 'both', 'parted', 'mapped']) await upload(`delta/${table}`);
  for (const table of ['equality', 'renamed']) await upload(`iceberg/${table}`);
}, 900_000);
afterAll(async () => {
  client?.destroy();
  await world?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function upload(table: string): Promise<void> {
  for (const entry of await readdir(join(folder, table), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const Key = path.slice(folder.length + 1);
    await client.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: await readFile(path), ACL: 'public-read' }));
  }
}

const delta = async (path: string, more: object = {}, spec: object = {}) =>
  await world.dataset({
    source: { type: 'delta', bucket: BUCKET, region, endpoint: server.url, path: `delta/${path}`, ...more },
    ...spec,
  });

const refresh = async (name: string) => await world.ended(await world.dais.call<Ingest>('dataset.refresh', { name }));

const byFirst = (rows: readonly (readonly unknown[])[]) => rows.toSorted(([a], [b]) => Number(a) - Number(b));

test('columns of the table that no file contains are columns of the version', async () => {
  const name = await delta('parted', {}, { keys: ['id'] });
  expect(await refresh(name)).toMatchObject({ state: 'succeeded', version: 1, problems: [] });
  expect(byFirst(await world.rows(name))).toEqual(shown['parted']?.rows);
  const version = await world.version(name);
  expect(version.source.snapshot).toBe('delta 1');
  expect(version.schema.columns.map(({ name: column, type }) => [column, type])).toEqual([
    ['id', 'int64'],
    ['word', 'string'],
    ['day', 'date'],
    ['at', 'timestamp'],
    ['number', 'int32'],
    ['share', 'float64'],
    ['price', 'decimal(9,2)'],
    ['yes', 'boolean'],
    ['last', 'string'],
  ]);
  expect(await refresh(name)).toMatchObject({ state: 'succeeded', unchanged: true });
});

test('deleted rows of an unchanged file are not in the next version', async () => {
  const name = await delta('both', { version: 0 });
  expect(await refresh(name)).toMatchObject({ state: 'succeeded', version: 1, problems: [] });
  expect(await world.rows(name)).toHaveLength(3);
  const source = { type: 'delta', bucket: BUCKET, region, endpoint: server.url, path: 'delta/both' };
  await world.dais.call('dataset.update', { name, manifest: manifest('Dataset', name, { source }) });
  expect(await refresh(name)).toMatchObject({ state: 'succeeded', version: 2, problems: [] });
  expect(byFirst(await world.rows(name))).toEqual(shown['both']?.rows);
  expect(await world.rows(`${name}@1`)).toHaveLength(3);
});

test('refers to the files of a table with a checkpoint; copies a table whose files are not its rows', async () => {
  const plain = await delta('old', { mode: 'reference' });
  expect(await refresh(plain)).toMatchObject({ state: 'succeeded', version: 1, problems: [] });
  expect(await world.version(plain)).toMatchObject({ mode: 'reference', rows: shown['old']?.rows.length });
  expect(byFirst(await world.rows(plain))).toEqual(shown['old']?.rows);
  for (const path of ['parted', 'both', 'mapped']) {
    const { state, problems } = await refresh(await delta(path, { mode: 'reference' }));
    expect([state, problems[0]?.message]).toEqual(['failed', expect.stringContaining('`mode: managed`')]);
  }
});

test('reports a column that the manifest does not list', async () => {
  const columns = [
    { name: 'day', type: 'timestamp' },
    { name: 'id', type: 'int32' },
  ];
  const name = await delta('parted', {}, { columns });
  const { state, problems } = await refresh(name);
  expect([state, problems[0]?.message]).toEqual(['failed', expect.stringContaining('not expected')]);
});

test('equality deletes and renamed columns of an Iceberg table', async () => {
  const iceberg = async (table: string) =>
    await world.dataset({
      source: { type: 'iceberg', bucket: BUCKET, region, endpoint: server.url, path: `iceberg/${table}` },
    });
  const name = await iceberg('equality');
  expect(await refresh(name)).toMatchObject({ state: 'succeeded', version: 1, problems: [] });
  const ids = byFirst(await world.rows(name)).map(([id]) => id);
  expect(ids).toEqual([2, 4, 6, 7, 8, 9, 10, 11, 12, 14, 15, 16, 18, 19, 21]);
  expect(await refresh(name)).toMatchObject({ state: 'succeeded', unchanged: true });
  const renamed = await iceberg('renamed');
  expect(await refresh(renamed)).toMatchObject({ state: 'succeeded', version: 1, problems: [] });
  expect(await readdir(join(world.folder, 'data', 'tables'))).toEqual([]);
});
