import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startMlflowWorld, type MlflowWorld } from './testing/mlflow-fixture.ts';

let world: MlflowWorld;
beforeAll(async () => {
  world = await startMlflowWorld();
});
afterAll(async () => await world.stop());

const invalid = (message: string) => ({
  error_code: 'INVALID_PARAMETER_VALUE',
  message,
  sqlstate: 'KAM00',
  error_class: 'INVALID_PARAMETER_VALUE',
});
const missing = (message: string) => ({
  error_code: 'RESOURCE_DOES_NOT_EXIST',
  message,
  sqlstate: 'KAM00',
  error_class: 'RESOURCE_NOT_FOUND',
});
const SEE = ' See the API docs for more information about request parameters.';

test('the health check and the version need no credential', async () => {
  for (const prefix of ['', '/p/default']) {
    const health = await world.send('GET', `${prefix}/health`);
    expect([health.status, health.text]).toEqual([200, 'OK']);
    const version = await world.send('GET', `${prefix}/version`);
    expect(version.text).toMatch(/^3\.\d+\.\d+$/);
  }
});

test('a missing endpoint returns an error that makes clients fall back', async () => {
  for (const [method, path] of [
    ['GET', '/api/2.0/mlflow/nothing'],
    ['POST', '/api/3.0/mlflow/gateway/secrets/create'],
    ['DELETE', '/ajax-api/2.0/mlflow/nothing'],
    ['PATCH', '/api/4.0/mlflow/traces/a/b/tags'],
    ['GET', '/p/default/api/3.0/mlflow/nothing'],
  ] as const) {
    const answer = await world.send(method, path);
    expect([answer.status, answer.json.error_code]).toEqual([404, 'ENDPOINT_NOT_FOUND']);
  }
  const wrongMethod = await world.send('DELETE', '/api/2.0/mlflow/experiments/create');
  expect([wrongMethod.status, wrongMethod.json.error_code]).toEqual([405, 'ENDPOINT_NOT_FOUND']);
});

test('a body that is compressed is held to the limit of any body', async () => {
  const create = async (name: string, encoding = 'gzip') => {
    const response = await fetch(`${world.http.url}/api/2.0/mlflow/experiments/create`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-encoding': encoding },
      body: gzipSync(JSON.stringify({ name })),
    });
    return { status: response.status, json: (await response.json()) as { error_code?: string } };
  };
  expect(await create('packed')).toMatchObject({ status: 200 });
  const { json } = await world.get('experiments/get-by-name', { experiment_name: 'packed' });
  expect(json.experiment.name).toBe('packed');
  expect((await create('x'.repeat(64 * 1024 * 1024))).status).toBe(413);
  expect(await create('packed', 'br')).toMatchObject({ status: 400, json: { error_code: 'INVALID_PARAMETER_VALUE' } });
});

test('an experiment, from its making to its return', async () => {
  const made = await world.post('experiments/create', { name: 'E1', tags: [{ key: 'k', value: 'v' }] });
  expect(made.status).toBe(200);
  expect(made.headers.get('content-type')).toMatch(/^application\/json/);
  const { experiment_id: id } = made.json;
  expect(made.text).toBe(`{\n  "experiment_id": "${id}"\n}`);
  const got = await world.get('experiments/get', { experiment_id: id });
  expect(Object.keys(got.json.experiment)).toEqual([
    'experiment_id',
    'name',
    'artifact_location',
    'lifecycle_stage',
    'last_update_time',
    'creation_time',
    'tags',
  ]);
  expect(got.json.experiment).toMatchObject({
    name: 'E1',
    artifact_location: `mlflow-artifacts:/${id}`,
    lifecycle_stage: 'active',
    tags: [{ key: 'k', value: 'v' }],
  });
  expect((await world.post('experiments/create', { name: 'E1' })).json).toEqual({
    error_code: 'RESOURCE_ALREADY_EXISTS',
    message: 'Experiment(name=E1) already exists.',
    sqlstate: 'KAM00',
    error_class: 'RESOURCE_ALREADY_EXISTS',
  });
  expect((await world.post('experiments/set-experiment-tag', { experiment_id: id, key: 'a', value: 'b' })).text).toBe(
    '{}',
  );
  expect((await world.post('experiments/delete-experiment-tag', { experiment_id: id, key: 'a' })).text).toBe('{}');
  expect((await world.post('experiments/delete-experiment-tag', { experiment_id: id, key: 'a' })).json).toEqual(
    missing(`No tag with name: a in experiment with id ${id}`),
  );
  expect((await world.post('experiments/delete', { experiment_id: id })).text).toBe('{}');
  const gone = missing(`No Experiment with id=${id} exists`);
  expect(await world.post('experiments/delete', { experiment_id: id })).toMatchObject({ status: 404, json: gone });
  const byName = await world.get('experiments/get-by-name', { experiment_name: 'E1' });
  expect(byName.json.experiment).toMatchObject({ experiment_id: id, lifecycle_stage: 'deleted' });
  expect(await world.post('runs/create', { experiment_id: id })).toMatchObject({
    status: 400,
    json: invalid(`The experiment ${id} must be in the 'active' state. Current state is deleted.`),
  });
  expect(await world.post('experiments/update', { experiment_id: id, new_name: 'E2' })).toMatchObject({
    status: 400,
    json: invalid('Cannot rename a non-active experiment.'),
  });
  expect((await world.post('experiments/restore', { experiment_id: id })).text).toBe('{}');
  expect(await world.post('experiments/restore', { experiment_id: id })).toMatchObject({ status: 404, json: gone });
  expect((await world.post('experiments/update', { experiment_id: id, new_name: 'E2' })).text).toBe('{}');
});

test('invalid requests return messages of MLflow', async () => {
  const create = async (body: unknown, headers?: Readonly<Record<string, string>>) =>
    (await world.post('experiments/create', body, headers)).json as unknown;
  const noName = invalid(`Missing value for required parameter 'name'.${SEE}`);
  expect(await create({})).toEqual(noName);
  expect(await create('{"name":')).toEqual(noName);
  expect(await create({ name: 5 })).toEqual(
    invalid(`Invalid value 5 for parameter 'name' supplied:  Hint: Value was of type 'int'.${SEE}`),
  );
  expect(await create('{"name": 9.0}')).toEqual(
    invalid(`Invalid value 9.0 for parameter 'name' supplied:  Hint: Value was of type 'float'.${SEE}`),
  );
  expect(await create({ name: 'x' }, { 'content-type': 'text/plain' })).toEqual(
    invalid("Bad Request. Content-Type must be one of ['application/json']."),
  );
  expect(await create(JSON.stringify(JSON.stringify({ name: 'twice encoded' })))).toMatchObject({
    experiment_id: expect.any(String) as unknown,
  });
  expect((await world.get('experiments/get', { experiment_id: '99999' })).json).toEqual(
    missing('No Experiment with id=99999 exists'),
  );
  expect((await world.get('experiments/get', { experiment_id: 'abc' })).json).toEqual(
    invalid("Invalid experiment ID 'abc'. Experiment ID must be a valid integer."),
  );
  expect((await world.get('experiments/get-by-name', { experiment_name: 'zz' })).json).toEqual(
    missing("Could not find experiment with name 'zz'"),
  );
});

test('a GET without a query string is read from its body', async () => {
  const id = await world.experiment('queried by body');
  const body = JSON.stringify({ experiment_id: id });
  const answer = await world.http.raw(
    `GET /api/2.0/mlflow/experiments/get HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
  );
  expect(answer).toContain('"name": "queried by body"');
});

test('a run, from its start to its end', async () => {
  const experimentId = await world.experiment();
  const made = await world.post('runs/create', { experiment_id: experimentId, start_time: 123, user_id: 'u' });
  const { info, data } = made.json.run;
  const id = info.run_id as string;
  expect(id).toMatch(/^[0-9a-f]{32}$/);
  expect(info).toEqual({
    run_uuid: id,
    experiment_id: experimentId,
    run_name: info.run_name,
    user_id: 'u',
    status: 'RUNNING',
    start_time: 123,
    artifact_uri: `mlflow-artifacts:/${experimentId}/${id}/artifacts`,
    lifecycle_stage: 'active',
    run_id: id,
  });
  expect(info.run_name).toMatch(/^[a-z]+-[a-z]+-\d+$/);
  expect(data).toEqual({ tags: [{ key: 'mlflow.runName', value: info.run_name }] });
  expect(made.json.run).toMatchObject({ inputs: {} });
  expect(made.json.run).not.toHaveProperty('outputs');
  const updated = await world.post('runs/update', {
    run_uuid: id,
    status: 'FINISHED',
    end_time: 999,
    run_name: 'named',
  });
  expect(updated.json.run_info).toMatchObject({ status: 'FINISHED', end_time: 999, run_name: 'named', run_id: id });
  expect((await world.post('runs/update', { run_id: id, status: 'NO SUCH STATUS' })).json.run_info.status).toBe(
    'FINISHED',
  );
  expect((await world.post('runs/set-tag', { run_id: id, key: 'mlflow.runName', value: 'by tag' })).text).toBe('{}');
  const got = await world.get('runs/get', { run_id: id });
  expect(got.json.run.info.run_name).toBe('by tag');
  expect(got.json.run.data.tags).toEqual([{ key: 'mlflow.runName', value: 'by tag' }]);
  expect((await world.post('runs/delete', { run_id: id })).text).toBe('{}');
  expect((await world.post('runs/delete', { run_id: id })).text).toBe('{}');
  const inactive = invalid(`The run ${id} must be in the 'active' state. Current state is deleted.`);
  expect((await world.post('runs/set-tag', { run_id: id, key: 'a', value: 'b' })).json).toEqual(inactive);
  expect((await world.post('runs/update', { run_id: id, status: 'FAILED' })).json).toEqual(inactive);
  expect((await world.post('runs/log-parameter', { run_id: id, key: 'a', value: 'b' })).json).toEqual(inactive);
  expect((await world.post('runs/restore', { run_id: id })).text).toBe('{}');
  expect((await world.get('runs/get', { run_id: '0'.repeat(32) })).json).toEqual(
    missing(`Run with id=${'0'.repeat(32)} not found`),
  );
  expect(
    (await world.post('runs/create', { run_name: 'a', tags: [{ key: 'mlflow.runName', value: 'b' }] })).json,
  ).toEqual(
    invalid(
      "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values (run_name='a', mlflow.runName='b').",
    ),
  );
  expect((await world.post('runs/create', {})).json.run.info).toMatchObject({
    experiment_id: '0',
    start_time: 0,
    user_id: '',
  });
});

test('parameters never change', async () => {
  const id = await world.run();
  const log = async (key: string, value: string) =>
    (await world.post('runs/log-parameter', { run_id: id, key, value })).json as unknown;
  expect(await log('p', '1')).toEqual({});
  expect(await log('p', '1')).toEqual({});
  expect(await log('p', '2')).toEqual(
    invalid(
      `Changing param values is not allowed. Param with key='p' was already logged with value='1' for run ID='${id}'. Attempted logging new value '2'.`,
    ),
  );
  const batch = async (params: unknown) => (await world.post('runs/log-batch', { run_id: id, params })).json as unknown;
  expect(await batch([{ key: 'p', value: '3' }])).toEqual(
    invalid(
      `Changing param values is not allowed. Params were already logged='[{'key': 'p', 'old_value': '1', 'new_value': '3'}]' for run ID='${id}'.`,
    ),
  );
  expect(
    await batch([
      { key: 'q', value: '1' },
      { key: 'q', value: '2' },
    ]),
  ).toEqual(
    invalid(
      "Duplicate parameter keys have been submitted: ['q']. Please ensure the request contains only one param value per param key.",
    ),
  );
  expect(await log('empty', '')).toEqual({});
  expect(await log('long', 'x'.repeat(6001))).toEqual({});
  const { params } = (await world.get('runs/get', { run_id: id })).json.run.data;
  expect(params.find((param: { key: string }) => param.key === 'long').value).toHaveLength(6000);
});

test('tags are set, replaced, truncated and removed', async () => {
  const id = await world.run();
  const tags = [
    { key: 'a', value: '1' },
    { key: 'long', value: 'x'.repeat(8001) },
  ];
  expect((await world.post('runs/log-batch', { run_id: id, tags })).json).toEqual({});
  expect((await world.post('runs/set-tag', { run_id: id, key: 'a', value: '2' })).json).toEqual({});
  expect((await world.post('runs/delete-tag', { run_id: id, key: 'zz' })).json).toEqual(
    missing(`No tag with name: zz in run with id ${id}`),
  );
  const of = async () =>
    (await world.get('runs/get', { run_id: id })).json.run.data.tags as { key: string; value: string }[];
  expect((await of()).find(({ key }) => key === 'a')?.value).toBe('2');
  expect((await of()).find(({ key }) => key === 'long')?.value).toHaveLength(8000);
  expect((await world.post('runs/delete-tag', { run_id: id, key: 'a' })).json).toEqual({});
  expect((await of()).find(({ key }) => key === 'a')).toBeUndefined();
});

test('a model that an old client logged is noted in a tag', async () => {
  const id = await world.run();
  const model = { artifact_path: 'm', flavors: {}, utc_time_created: 'now', run_id: id };
  const log = async (model_json: string) =>
    (await world.post('runs/log-model', { run_id: id, model_json })).json as unknown;
  expect(await log(JSON.stringify(model))).toEqual({});
  expect(await log(JSON.stringify({ ...model, artifact_path: 'n' }))).toEqual({});
  const { tags } = (await world.get('runs/get', { run_id: id })).json.run.data;
  const history = JSON.parse(tags.find(({ key }: { key: string }) => key === 'mlflow.log-model.history').value);
  expect(history).toEqual([model, { ...model, artifact_path: 'n' }]);
  expect(await log('{')).toEqual(invalid('Malformed model info. \n { \n is not a valid JSON.'));
  expect(await log('{"flavors":{}}')).toMatchObject({ error_code: 'INVALID_PARAMETER_VALUE' });
});

test.each([
  [{ name: 'x'.repeat(501) }, "'name' exceeds the maximum length of 500 characters"],
  [{ name: ' ' }, "Invalid experiment name: ' '"],
  [
    { name: 'long tag', tags: [{ key: 'k', value: 'x'.repeat(20_001) }] },
    "'value' exceeds the maximum length of 20000 characters",
  ],
  [
    { name: 'long key', tags: [{ key: 'k'.repeat(251), value: '' }] },
    "'key' exceeds the maximum length of 250 characters",
  ],
  [{ name: 'location', artifact_location: 'runs:/a' }, "Artifact location cannot be a runs:/ URI. Given: 'runs:/a'"],
  [{ name: 'location', artifact_location: 's3://a#b' }, "'artifact_location' URL can't include fragments or params."],
])('rejects the experiment %j', async (body, message) => {
  expect(await world.post('experiments/create', body)).toMatchObject({ status: 400, json: invalid(message) });
});

const many = (count: number, make: (index: number) => unknown) =>
  Array.from({ length: count }, (_, index) => make(index));
const metric = (index: number) => ({ key: `m${index}`, value: 1, timestamp: 1, step: 0 });
const pair = (index: number) => ({ key: `k${index}`, value: 'v' });
const split = (name: string, most: number, given: number) =>
  `A batch logging request can contain at most ${most} ${name}. Got ${given} ${name}. Please split up ${name} across multiple requests and try again.`;

test.each([
  [{ metrics: many(1001, metric) }, split('metrics', 1000, 1001)],
  [{ params: many(101, pair) }, split('params', 100, 101)],
  [{ tags: many(101, pair) }, split('tags', 100, 101)],
  [{ metrics: many(950, metric), params: many(51, pair) }, split('metrics, params, and tags', 1000, 1001)],
  [{ metrics: [{ key: 'a', timestamp: 1 }] }, `Missing value for required parameter 'metrics[0].value'.${SEE}`],
  [{ metrics: [{ value: 1, timestamp: 1 }] }, `Missing value for required parameter 'metrics[0].key'.${SEE}`],
  [{ metrics: [{ key: 'a', value: 1 }] }, `Missing value for required parameter 'metrics[0].timestamp'.${SEE}`],
  [{ params: [{ value: 'a' }] }, `Missing value for required parameter 'params[0].key'.${SEE}`],
  [{ metrics: 'a' }, `Invalid value "a" for parameter 'metrics' supplied:  Hint: Value was of type 'str'.${SEE}`],
  [
    { metrics: [{ key: 'a'.repeat(251), value: 1, timestamp: 1 }] },
    "'Metric name' exceeds the maximum length of 250 characters",
  ],
  [{ params: [{ key: 'a'.repeat(251), value: '' }] }, "'Param key' exceeds the maximum length of 250 characters"],
  [{ tags: [{ key: 'a'.repeat(251), value: '' }] }, "'tags[0].key' exceeds the maximum length of 250 characters"],
])('rejects an invalid batch as a whole: %#', async (batch, message) => {
  const id = await world.run();
  expect(await world.post('runs/log-batch', { run_id: id, ...batch })).toMatchObject({
    status: 400,
    json: invalid(message),
  });
  expect((await world.get('runs/get', { run_id: id })).json.run.data.params).toBeUndefined();
});

test.each([
  ['experiments/create', { name: { a: 1 } }],
  ['experiments/create', []],
  ['experiments/create', { name: 'a\u0000b' }],
  ['experiments/create', '"'.repeat(5000)],
  ['experiments/search', { max_results: 'many' }],
  ['experiments/search', { max_results: -1 }],
  ['experiments/search', { max_results: 1, filter: "name = 'a" }],
  ['experiments/search', { max_results: 1, order_by: ['; drop table experiments'] }],
  ['experiments/search', { max_results: 1, page_token: '!!!' }],
  ['runs/create', { experiment_id: '9223372036854775807' }],
  ['runs/create', { experiment_id: 'x'.repeat(100_000) }],
  ['runs/create', { start_time: '99999999999999999999' }],
  ['runs/create', { tags: [{ key: '../../etc', value: '' }] }],
  ['runs/get', {}],
  ['runs/log-batch', { run_id: "' or 1=1 --" }],
  ['runs/log-batch', { run_id: 'a', metrics: [{ key: 'a', value: {}, timestamp: 1 }] }],
  ['runs/log-batch', { run_id: 'a', metrics: [null] }],
  ['runs/log-metric', { run_id: 'a', key: 'k', value: '1', timestamp: 1e300 }],
  ['runs/log-inputs', { run_id: 'a', datasets: [{}] }],
  ['runs/outputs', { run_id: 'a', models: [5] }],
  ['runs/search', { experiment_ids: ['0'], filter: "params.a = 'b' OR 1=1" }],
])('a hostile call of %s is an error of the caller in the format of MLflow', async (path, body) => {
  const answer = await world.post(path, body);
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(answer.status).toBeLessThan(500);
  expect(answer.json).toMatchObject({
    error_code: expect.any(String) as unknown,
    message: expect.any(String) as unknown,
  });
});
