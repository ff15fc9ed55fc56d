/** Artifacts in a folder of this machine, which clients write themselves and the server only shows. */
import { once } from 'node:events';
import { mkdir, mkdtemp, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL, fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startMlflowWorld, type Answer, type MlflowWorld } from '#protocols/mlflow/testing/mlflow-fixture.ts';

let world: MlflowWorld;
let root: string;
let outside: string;
beforeAll(async () => {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'dais-folder-')));
  root = join(folder, 'files');
  outside = join(folder, 'outside');
  await mkdir(root);
  await mkdir(outside);
  await writeFile(join(outside, 'secret'), 'not for anybody');
  world = await startMlflowWorld({ folderRoot: pathToFileURL(root).href });
});
afterAll(async () => {
  await world.stop();
  await rm(dirname(root), { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
});

const refusal = ({ status, json }: Answer) => [status, json?.error_code];
/** A run with its artifact folder, created like a client. */
const runWithFolder = async () => {
  const id = await world.run();
  const { json } = await world.get('runs/get', { run_id: id });
  const uri = json.run.info.artifact_uri as string;
  const folder = fileURLToPath(uri);
  await mkdir(folder, { recursive: true });
  return { id, uri, folder };
};
const list = async (id: string, path?: string) =>
  await world.get('artifacts/list', { run_id: id, ...(path !== undefined && { path }) });
const read = async (id: string, path: string) =>
  await world.send('GET', `/get-artifact?run_id=${id}&path=${encodeURIComponent(path)}`);

test('new experiments and their runs use the folder; others their own location', async () => {
  const experiment = await world.experiment();
  const { json } = await world.get('experiments/get', { experiment_id: experiment });
  expect(json.experiment.artifact_location).toBe(`file://${root}/${experiment}`);
  const { id, uri } = await runWithFolder();
  expect(uri).toMatch(new RegExp(`^file://${root}/\\d+/${id}/artifacts$`));
  const made = await world.post('experiments/create', { name: 'in s3', artifact_location: 's3://bucket/x' });
  const result = await world.get('experiments/get', { experiment_id: made.json.experiment_id });
  expect(result.json.experiment.artifact_location).toBe('s3://bucket/x');
  const model = await world.post('logged-models', { experiment_id: experiment, name: 'm' });
  expect(model.json.model.info.artifact_uri).toContain(`file://${root}/${experiment}/models/m-`);
});

test('files of a client are listed and read, whole and in ranges', async () => {
  const { id, uri, folder } = await runWithFolder();
  expect((await list(id)).json).toEqual({ root_uri: uri });
  await mkdir(join(folder, 'model/deep'), { recursive: true });
  await writeFile(join(folder, 'größe und mehr.txt'), '0123456789');
  await writeFile(join(folder, 'model/MLmodel'), 'flavors:\n');
  await writeFile(join(folder, 'model/empty'), '');
  expect((await list(id)).json.files).toEqual([
    { path: 'größe und mehr.txt', is_dir: false, file_size: 10 },
    { path: 'model', is_dir: true },
  ]);
  expect((await list(id, 'model')).json.files).toEqual([
    { path: 'model/MLmodel', is_dir: false, file_size: 9 },
    { path: 'model/deep', is_dir: true },
    { path: 'model/empty', is_dir: false, file_size: 0 },
  ]);
  expect((await list(id, 'model/MLmodel')).json).toEqual({ root_uri: uri });
  expect((await read(id, 'größe und mehr.txt')).text).toBe('0123456789');
  expect((await read(id, 'model/empty')).text).toBe('');
  const part = await world.send('GET', `/get-artifact?run_id=${id}&path=model/MLmodel`, undefined, {
    range: 'bytes=2-4',
  });
  expect([part.status, part.text]).toEqual([206, 'avo']);
  for (const path of ['none', 'model', 'model/MLmodel/x']) {
    expect(refusal(await read(id, path))).toEqual([404, 'RESOURCE_DOES_NOT_EXIST']);
  }
});

test('a folder of many files is listed in pages', async () => {
  const { id, uri, folder } = await runWithFolder();
  const names = Array.from({ length: 25 }, (_, n) => `f${String(n).padStart(2, '0')}`);
  for (const name of names) await writeFile(join(folder, name), name);
  const seen: string[] = [];
  let cursor = '';
  do {
    const more = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const { json } = await world.send('GET', `/api/v1/tracking/artifact-files?home=${uri}&limit=10${more}`);
    seen.push(...(json.items as { name: string }[]).map(({ name }) => name));
    cursor = json.nextCursor ?? '';
  } while (cursor !== '');
  expect(seen).toEqual(names);
  expect((await list(id)).json.files).toHaveLength(25);
});

test('links that lead out of the folder are not followed, those within are', async () => {
  const { id, folder } = await runWithFolder();
  await writeFile(join(folder, 'real'), 'real');
  await symlink('real', join(folder, 'within'));
  await symlink(join(outside, 'secret'), join(folder, 'file-out'));
  await symlink(outside, join(folder, 'folder-out'));
  await symlink('../../../../outside/secret', join(folder, 'climbs'));
  await symlink('nowhere', join(folder, 'dangling'));
  await symlink('itself', join(folder, 'itself'));
  const socket = createServer().listen(join(folder, 'socket'));
  await once(socket, 'listening');
  expect((await list(id)).json.files.map(({ path }: { path: string }) => path)).toEqual(['real', 'within']);
  expect((await read(id, 'within')).text).toBe('real');
  for (const path of ['file-out', 'folder-out/secret', 'climbs', 'itself']) {
    const answer = await read(id, path);
    expect([path, answer.status]).toEqual([path, 400]);
    expect(answer.text).not.toContain('not for anybody');
  }
  expect((await list(id, 'folder-out')).status).toBe(400);
  for (const path of ['dangling', 'socket']) expect((await read(id, path)).status).toBe(404);
  socket.close();
});

test.each(['../x', '..%2f..%2fetc%2fpasswd', '/etc/passwd', 'a/../../b', 'file:///etc/passwd', 'a\\..\\b'])(
  'the path %s stays inside the folder',
  async (path) => {
    const { id } = await runWithFolder();
    expect(refusal(await read(id, path))).toEqual([400, 'INVALID_PARAMETER_VALUE']);
    expect(refusal(await list(id, path))).toEqual([400, 'INVALID_PARAMETER_VALUE']);
  },
);

test('only files of an experiment of the project in the folder are reached by its URI', async () => {
  const { uri, folder } = await runWithFolder();
  await writeFile(join(folder, 'f'), 'f');
  const ask = async (home: string, project = 'default') => {
    const query = new URLSearchParams({ home, path: 'f' }).toString();
    return await world.send('GET', `/p/${project}/api/v1/tracking/artifact-files/content?${query}`);
  };
  expect((await ask(uri)).text).toBe('f');
  const text = JSON.stringify({ apiVersion: 'dais.dev/v1', kind: 'Project', metadata: { name: 'other' }, spec: {} });
  await world.send('POST', '/api/v1/apply', { sources: [{ file: 'x.json', text }] });
  const elsewhere: readonly [string, string?][] = [
    [uri, 'other'],
    [`file://${root}`],
    [`file://${root}/`],
    [`file://${root}/99999/x`],
    [`file://${outside}`],
    [`file://${root}/../outside`],
    [`${uri}/../../../../outside`],
    [`${uri}/%2e%2e`],
    ['file:///etc'],
    ['mlflow-artifacts:/1'],
    ['s3://bucket/x'],
  ];
  for (const [home, project] of elsewhere) {
    const answer = await ask(home, project);
    expect([home, answer.status, answer.json.code]).toEqual([home, 400, 'invalid_request']);
  }
  // A client chooses the artifact location of an experiment; the server does not read it outside of the folder.
  const made = await world.post('experiments/create', { name: 'etc', artifact_location: `file://${outside}` });
  const run = await world.run(made.json.experiment_id as string);
  expect(refusal(await list(run))).toEqual([400, 'INVALID_PARAMETER_VALUE']);
});

test('a folder that is replaced by a link during a read reveals no outside file', async () => {
  const { id, folder } = await runWithFolder();
  const inner = join(folder, 'sub');
  await mkdir(inner);
  await writeFile(join(inner, 'secret'), 'of the run');
  await symlink(outside, join(folder, 'link'));
  const load = { on: true };
  const exchange = (async () => {
    while (load.on) {
      await rename(inner, join(folder, 'kept'));
      await rename(join(folder, 'link'), inner);
      await rename(inner, join(folder, 'link'));
      await rename(join(folder, 'kept'), inner);
    }
  })();
  const answers: string[] = [];
  for (let n = 0; n < 150; n += 1) {
    // A response that ends early because the file is gone reveals nothing.
    const answer = await read(id, 'sub/secret').catch((error: unknown) => ({ text: String(error) }));
    answers.push(answer.text);
  }
  load.on = false;
  await exchange;
  expect(answers.filter((text) => text.includes('not for anybody'))).toEqual([]);
  expect((await read(id, 'sub/secret')).text).toBe('of the run');
});
