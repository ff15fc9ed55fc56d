import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ExecutionNode } from '@dais/api/executions';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { importingPipeline } from './testing/importing-pipeline.ts';
import { startKfpWorld, type KfpWorld } from './testing/kfp-fixture.ts';
import { FAILS, MEASURES, smallPipeline, WAITS, WRITES } from './testing/small-pipeline.ts';

let world: KfpWorld;
beforeAll(async () => {
  world = await startKfpWorld();
});
afterAll(async () => await world?.stop());

const start = async (script: string, more: object = {}) =>
  await world.post('/runs', { display_name: 'a run', pipeline_spec: smallPipeline(script), ...more });
const state = async (id: string) => (await world.get(`/runs/${id}`)).json.state as string;
const until = async (id: string, expected: string) => {
  await expect.poll(async () => await state(id), { timeout: 60_000, interval: 50 }).toBe(expected);
  return (await world.get(`/runs/${id}`)).json;
};

test('a run of a pipeline in the request ends, and its artifact is read', async () => {
  const experiment = (await world.post('/experiments', { display_name: 'runs' })).json.experiment_id as string;
  const spec = smallPipeline(WRITES);
  const made = await world.post('/runs', {
    experiment_id: experiment,
    display_name: 'first',
    description: 'why',
    pipeline_spec: spec,
    runtime_config: { parameters: { word: 'bytes' }, pipeline_root: '' },
    service_account: 'robot',
  });
  expect(made).toMatchObject({
    status: 200,
    json: { run_id: expect.any(String), experiment_id: experiment, state: 'PENDING', storage_state: 'AVAILABLE' },
  });
  const run = await until(made.json.run_id, 'SUCCEEDED');
  expect(run).toMatchObject({
    display_name: 'first',
    description: 'why',
    pipeline_spec: spec,
    runtime_config: { parameters: { word: 'bytes' } },
    service_account: 'robot',
    finished_at: expect.stringMatching(/Z$/),
    state_history: [{ state: 'PENDING' }, { state: 'RUNNING' }, { state: 'SUCCEEDED' }],
    run_details: {
      task_details: [{ task_id: 'say', display_name: 'say', state: 'SUCCEEDED', run_id: made.json.run_id }],
    },
  });
  expect(run.error).toBeUndefined();
  const file = `/runs/${run.run_id}/nodes/say/artifacts`;
  expect(await world.get(`${file}/data:read`)).toMatchObject({
    status: 200,
    json: { data: Buffer.from('bytes').toString('base64') },
  });
  expect((await world.get(`${file}/other:read`)).status).toBe(404);
  expect((await world.get(`/runs/${run.run_id}/nodes/none/artifacts/data:read`)).status).toBe(404);
});

const read = async (run: string, artifact: string, node = 'say') => {
  const { status, json } = await world.get(`/runs/${run}/nodes/${node}/artifacts/${artifact}:read`);
  return { status, text: Buffer.from((json.data as string | undefined) ?? '', 'base64').toString('utf8'), json };
};

test('metrics are read as an artifact, and with the run', async () => {
  const spec = smallPipeline(MEASURES, { type: 'system.Metrics' });
  const { run_id: id } = (await world.post('/runs', { display_name: 'measures', pipeline_spec: spec })).json;
  const run = await until(id, 'SUCCEEDED');
  expect(run.plugins_output).toEqual({
    dais: {
      entries: { 'say/data/accuracy': { value: 0.875 }, 'say/data/best': { value: 'b' } },
      state: 'PLUGIN_SUCCEEDED',
    },
  });
  const metrics = await read(id, 'data');
  expect(metrics).toMatchObject({ status: 200 });
  expect(JSON.parse(metrics.text)).toEqual({ accuracy: 0.875, best: 'b' });
});

test.each(['main-logs', 'executor-logs'])(
  'logs are read as the artifact %s, while a task runs and afterwards',
  async (name) => {
    const { run_id: id } = (await start('echo first; echo "ünd" >&2; sleep 2; echo last')).json;
    await until(id, 'RUNNING');
    await expect.poll(async () => (await read(id, name)).text, { timeout: 30_000, interval: 50 }).toContain('first');
    await until(id, 'SUCCEEDED');
    expect((await read(id, name)).text).toBe('first\nünd\nlast\n');
    // More than one page of the log.
    const { run_id: long } = (await start('i=0; while [ $i -lt 60000 ]; do echo "line $i"; i=$((i+1)); done')).json;
    await until(long, 'SUCCEEDED');
    const { text } = await read(long, name);
    expect(text.split('\n')).toHaveLength(60_001);
    expect(text).toMatch(/\nline 59999\n$/);
    expect(await read(id, name, 'nobody')).toMatchObject({ status: 404 });
  },
);

test('the reason of a task that did not start is in its error, in the run, and in its log', async () => {
  const spec = smallPipeline(WRITES);
  const secretAsEnv = [
    {
      secretNameParameter: { componentInputParameter: 'word' },
      keyToEnv: [{ secretKey: 'user', envVar: 'USER_NAME' }],
    },
  ];
  const platforms = { kubernetes: { deploymentSpec: { executors: { 'exec-say': { secretAsEnv } } } } };
  const { run_id: id } = (
    await world.post('/runs', {
      display_name: 'no secret',
      pipeline_spec: { pipeline_spec: spec, platform_spec: { platforms } },
    })
  ).json;
  const run = await until(id, 'FAILED');
  const reason = 'Secret hello does not exist or has no key user. Apply a Secret with this name and key.';
  expect(run.error.message).toContain(reason);
  expect(run.run_details.task_details).toMatchObject([{ state: 'FAILED', error: { message: reason } }]);
  expect(run.run_details.task_details[0].state_history.at(-1)).toMatchObject({
    state: 'FAILED',
    error: { message: reason },
  });
  expect((await read(id, 'main-logs')).text).toBe(`${reason}\n`);
});

test('the file at the URL of an importer is fetched for the component', async () => {
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/rows.csv' ? 200 : 404).end('id\n7\n');
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const run = async (host: string, file: string) =>
    (
      await world.post('/runs', {
        display_name: 'brings',
        pipeline_spec: importingPipeline(`http://${host}:${port}/${file}`),
      })
    ).json.run_id as string;
  try {
    const id = await run('127.0.0.1', 'rows.csv');
    await until(id, 'SUCCEEDED');
    expect(await world.get(`/runs/${id}/nodes/say/artifacts/data:read`)).toMatchObject({
      json: { data: Buffer.from('id\n7\n').toString('base64') },
    });
    const { items } = (await world.send('GET', `/api/v1/executions/${id}/nodes`)).json as { items: ExecutionNode[] };
    // The metadata of artifacts is also readable through the native API.
    expect(items.find(({ path }) => path === 'bring')?.outputs['artifact']).toMatchObject({
      files: [{ name: 'artifact', metadata: { rows: 3 }, uri: `http://127.0.0.1:${port}/rows.csv` }],
    });
    const { error } = await until(await run('127.0.0.1', 'other.csv'), 'FAILED');
    expect(error.message).toContain('cannot be fetched');
    // Inside the network, and not permitted.
    await until(await run('127.0.0.2', 'rows.csv'), 'FAILED');
  } finally {
    await new Promise((resolve) => void server.close(resolve));
  }
});

test('a failed run has an error, and is retried under its id', async () => {
  const { run_id: id } = (await start(FAILS)).json as { run_id: string };
  const failed = await until(id, 'FAILED');
  expect(failed.error.message).toEqual(expect.stringContaining('say'));
  expect(await world.post(`/runs/${id}:retry`)).toMatchObject({ status: 200, json: {} });
  const again = await until(id, 'FAILED');
  expect(again.run_id).toBe(id);
  expect(again.created_at).not.toBe(failed.created_at);
  const predicates = [{ key: 'run_id', operation: 'EQUALS', string_value: id }];
  const listed = await world.get('/runs', { filter: JSON.stringify({ predicates }) });
  expect(listed.json).toMatchObject({ total_size: 1, runs: [{ run_id: id, state: 'FAILED' }] });
  expect((await world.delete(`/runs/${id}`)).status).toBe(200);
  expect((await world.get(`/runs/${id}`)).status).toBe(404);
});

test('a successful run cannot be retried', async () => {
  const { run_id: id } = (await start(WRITES)).json as { run_id: string };
  await until(id, 'SUCCEEDED');
  expect(await world.post(`/runs/${id}:retry`)).toMatchObject({ status: 400, json: { code: 9 } });
});

test('a terminated run ends as failed, so that waiting clients continue', async () => {
  const { run_id: id } = (await start(WAITS)).json as { run_id: string };
  await until(id, 'RUNNING');
  expect((await world.delete(`/runs/${id}`)).status).toBe(400);
  expect((await world.post(`/runs/${id}:terminate`)).status).toBe(200);
  expect(await until(id, 'FAILED')).toMatchObject({ error: { message: 'terminated' } });
  expect(await world.post(`/runs/${id}:terminate`)).toMatchObject({ status: 400, json: { code: 9 } });
});

test('runs are archived, alone and with their experiment, and listed by their fields', async () => {
  const experiment = (await world.post('/experiments', { display_name: 'archive' })).json.experiment_id as string;
  const ids: string[] = [];
  for (const name of ['b', 'a', 'c']) {
    ids.push(
      (await start(name === 'c' ? FAILS : WRITES, { experiment_id: experiment, display_name: name })).json.run_id,
    );
  }
  for (const [index, id] of ids.entries()) await until(id, index === 2 ? 'FAILED' : 'SUCCEEDED');
  const list = async (query: Readonly<Record<string, string>>) => {
    const { json } = await world.get('/runs', { experiment_id: experiment, ...query });
    return (json.runs as { display_name: string }[]).map(({ display_name: name }) => name);
  };
  const where = (...predicates: object[]) => ({ filter: JSON.stringify({ predicates }) });
  const isState = (operation: string, value: string) => where({ operation, key: 'state', stringValue: value });
  expect(await list({})).toEqual(['b', 'a', 'c']);
  expect(await list({ sort_by: 'display_name' })).toEqual(['a', 'b', 'c']);
  expect(await list({ sort_by: 'created_at desc', page_size: '2' })).toEqual(['c', 'a']);
  expect(await list(isState('EQUALS', 'FAILED'))).toEqual(['c']);
  expect(await list(isState('NOT_EQUALS', 'FAILED'))).toEqual(['b', 'a']);
  expect(await list(isState('EQUALS', 'PAUSED'))).toEqual([]);
  const archived = where({ operation: 'EQUALS', key: 'storage_state', stringValue: 'ARCHIVED' });
  expect((await world.post(`/runs/${ids[0]}:archive`)).status).toBe(200);
  expect(await list(archived)).toEqual(['b']);
  expect((await world.post(`/runs/${ids[0]}:unarchive`)).status).toBe(200);
  expect(await list(archived)).toEqual([]);
  await world.post(`/experiments/${experiment}:archive`);
  expect(await list(archived)).toHaveLength(3);
  expect(await start(WRITES, { experiment_id: experiment })).toMatchObject({ status: 400, json: { code: 9 } });
});

test.each([
  ['no name', { display_name: '' }, 400, 'display_name'],
  ['no pipeline', { pipeline_spec: undefined }, 400, 'Specify pipeline_spec'],
  ['two pipelines', { pipeline_version_reference: { pipeline_id: 'x' } }, 400, 'only one of'],
  ['an unknown field', { pipelineSpek: {} }, 400, 'did you mean pipeline_spec?'],
  ['an unknown experiment', { experiment_id: '999999' }, 404, 'not found'],
  [
    'an unknown pipeline',
    { pipeline_spec: undefined, pipeline_version_reference: { pipeline_id: 'x' } },
    404,
    'not found',
  ],
  ['an unknown parameter', { runtime_config: { parameters: { other: 1 } } }, 400, 'other'],
  ['a parameter of another type', { runtime_config: { parameters: { word: 3 } } }, 400, 'word'],
  ['plugins', { plugins_input: { a: {} } }, 400, 'plugins'],
  ['something that is no pipeline', { pipeline_spec: { hello: 'world' } }, 400, 'pipelineInfo'],
  ['an empty pipeline', { pipeline_spec: { pipelineInfo: { name: 'x' }, schemaVersion: '2.1.0' } }, 400, 'root'],
  [
    'an unknown image',
    { pipeline_spec: JSON.parse(JSON.stringify(smallPipeline(WRITES)).replace('example.com', 'other.com')) },
    400,
    'other.com',
  ],
])('a run with %s is rejected', async (_, more, status, message) => {
  const answer = await start(WRITES, more);
  expect(answer).toMatchObject({
    status,
    json: { message: expect.stringContaining(message), code: expect.any(Number) },
  });
});

test('a run without an experiment is in the default one', async () => {
  const made = await start(WRITES, { experiment_id: '' });
  expect(made.json.experiment_id).toBe('0');
  await until(made.json.run_id, 'SUCCEEDED');
});
