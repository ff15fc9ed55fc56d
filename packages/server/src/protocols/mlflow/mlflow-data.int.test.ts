/** Metrics, searches, datasets, logged models and artifacts, as the wire carries them. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startMlflowWorld, type Json, type MlflowWorld } from './testing/mlflow-fixture.ts';

let world: MlflowWorld;
beforeAll(async () => {
  world = await startMlflowWorld();
});
afterAll(async () => await world.stop());

const SEE = ' See the API docs for more information about request parameters.';
const refusal = (answer: { readonly status: number; readonly json: Json }) => [answer.status, answer.json.message];

test('metrics: NaN as text, infinities as the largest numbers, the latest by step', async () => {
  const id = await world.run();
  const log = async (value: unknown, step: number) =>
    (await world.post('runs/log-metric', { run_id: id, key: 'm', value, timestamp: '1000', step })).text;
  for (const [step, value] of [1, '0.1', 'NaN', 'Infinity', '-Infinity', true].entries()) {
    expect(await log(value, step)).toBe('{}');
  }
  const history = await world.get('metrics/get-history', { run_id: id, metric_key: 'm' });
  const points = history.json.metrics as { value: unknown; step: number; timestamp: number }[];
  expect(new Map(points.map(({ step, value }) => [step, value]))).toEqual(
    new Map<number, unknown>([
      [0, 1],
      [1, 0.1],
      [2, 'NaN'],
      [3, 1.7976931348623157e308],
      [4, -1.7976931348623157e308],
      [5, 1],
    ]),
  );
  expect((await world.get('runs/get', { run_id: id })).json.run.data.metrics).toEqual([
    { key: 'm', value: 1, timestamp: 1000, step: 5 },
  ]);
  const page = await world.get('metrics/get-history', { run_id: id, metric_key: 'm', max_results: '4' });
  expect(page.json.metrics).toHaveLength(4);
  const rest = await world.get('metrics/get-history', {
    run_id: id,
    metric_key: 'm',
    max_results: '4',
    page_token: page.json.next_page_token as string,
  });
  expect(rest.json.metrics).toHaveLength(2);
  expect(rest.json.next_page_token).toBeUndefined();
  expect((await world.get('metrics/get-history', { run_id: id, metric_key: 'none' })).text).toBe('{}');
});

test.each([
  [{ value: 'abc' }, `Invalid value "abc" for parameter 'value' supplied:  Hint: Value was of type 'str'.${SEE}`],
  [{ value: null }, `Missing value for required parameter 'value'.${SEE}`],
  [{ timestamp: undefined }, `Missing value for required parameter 'timestamp'.${SEE}`],
  [
    { key: 'a@b' },
    `Invalid value "a@b" for parameter 'name' supplied: Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).`,
  ],
  [{ key: 'a'.repeat(251) }, "'Metric name' exceeds the maximum length of 250 characters"],
  [
    { timestamp: -1 },
    "Invalid value -1 for parameter 'timestamp' supplied: metric 'm' (value=1). Timestamp must be a nonnegative long (64-bit integer) ",
  ],
])('rejects the metric %j', async (wrong, message) => {
  const run_id = await world.run();
  const answer = await world.post('runs/log-metric', { run_id, key: 'm', value: 1, timestamp: 1, ...wrong });
  expect(refusal(answer)).toEqual([400, message]);
});

test('a batch that is sent twice is stored once', async () => {
  const id = await world.run();
  const metrics = Array.from({ length: 500 }, (_, step) => ({ key: 'm', value: step / 7, timestamp: step, step }));
  for (let time = 0; time < 3; time++)
    expect((await world.post('runs/log-batch', { run_id: id, metrics })).text).toBe('{}');
  expect((await world.get('metrics/get-history', { run_id: id, metric_key: 'm' })).json.metrics).toHaveLength(500);
});

test('a sample of many runs', async () => {
  const ids = [await world.run(), await world.run()];
  const metrics = Array.from({ length: 100 }, (_, step) => ({ key: 'm', value: step, timestamp: step, step }));
  for (const run_id of ids) await world.post('runs/log-batch', { run_id, metrics });
  const sample = async (more: Readonly<Record<string, string>>) =>
    await world.get('metrics/get-history-bulk-interval', { run_ids: ids, metric_key: 'm', ...more });
  const few = (await sample({ max_results: '10' })).json.metrics as { run_id: string; step: number }[];
  expect(few.length).toBeLessThan(30);
  for (const id of ids) {
    const steps = few.filter(({ run_id }) => run_id === id).map(({ step }) => step);
    expect([steps[0], steps.at(-1)]).toEqual([0, 99]);
  }
  expect(refusal(await sample({ max_results: '2501' }))).toEqual([
    400,
    `max_results must be between 1 and 2500.${SEE}`,
  ]);
  expect(refusal(await sample({ start_step: '1' }))).toEqual([
    400,
    'If either start step or end step are specified, both must be specified.',
  ]);
  expect(refusal(await sample({ start_step: '5', end_step: '1' }))).toEqual([
    400,
    'end_step must be greater than start_step. Found start_step=5 and end_step=1.',
  ]);
  const many = await world.get('metrics/get-history-bulk-interval', {
    run_ids: Array.from({ length: 101 }, () => ids[0] ?? ''),
    metric_key: 'm',
  });
  expect(refusal(many)).toEqual([
    400,
    `GetMetricHistoryBulkInterval request must specify at most 100 run_ids. Received 101 run_ids.${SEE}`,
  ]);
});

test('runs are found: filters, orders, pages', async () => {
  const experiment = await world.experiment();
  const ids: string[] = [];
  for (let number = 0; number < 5; number++) {
    const id = await world.run(experiment);
    ids.push(id);
    await world.post('runs/log-batch', {
      run_id: id,
      metrics: [{ key: 'm', value: number, timestamp: 1, step: 0 }],
      params: [{ key: 'p', value: String(number % 2) }],
    });
  }
  const search = async (body: object) =>
    await world.post('runs/search', { experiment_ids: [experiment], order_by: ['metrics.m'], ...body });
  const found = async (body: object) =>
    (((await search(body)).json.runs ?? []) as { info: { run_id: string } }[]).map(({ info }) =>
      ids.indexOf(info.run_id),
    );
  expect(await found({})).toEqual([0, 1, 2, 3, 4]);
  expect(await found({ filter: 'metrics.m > 0.5' })).toEqual([1, 2, 3, 4]);
  expect(await found({ filter: "metrics.m >= 1 and params.p = '1'" })).toEqual([1, 3]);
  expect(await found({ order_by: ['metrics.m DESC'], max_results: 2 })).toEqual([4, 3]);
  expect((await search({ filter: "params.p = 'none'" })).text).toBe('{}');
  expect((await search({ experiment_ids: [] })).text).toBe('{}');
  const first = await search({ max_results: 3 });
  const second = await search({ max_results: 3, page_token: first.json.next_page_token as string });
  expect([first.json.runs.length, second.json.runs.length, second.json.next_page_token]).toEqual([3, 2, undefined]);
  await world.post('runs/delete', { run_id: ids[0] });
  expect(await found({})).toEqual([1, 2, 3, 4]);
  expect(await found({ run_view_type: 'DELETED_ONLY' })).toEqual([0]);
  expect(await found({ run_view_type: 'ALL' })).toEqual([0, 1, 2, 3, 4]);
});

test.each([
  [{ filter: "metrics.m > '0.5'" }, "Expected numeric value type for metric. Found '0.5'"],
  [{ filter: 'params.p = 1' }, "Expected a quoted string value for parameter (e.g. 'my-value'). Got value 1"],
  [{ filter: "params.p = '1' OR params.p='2'" }, "Invalid clause(s) in filter string: 'OR'"],
  [
    { filter: "foo.bar = 'x'" },
    "Invalid entity type 'foo'. Valid values are ['metric', 'parameter', 'tag', 'attribute', 'dataset']",
  ],
  [{ order_by: ['metrics.m', 'metrics.m'] }, "`order_by` contains duplicate fields: ['metrics.m', 'metrics.m']"],
  [{ max_results: 0 }, "Invalid value 0 for parameter 'max_results' supplied. It must be a positive integer"],
  [
    { max_results: 50_001 },
    `Invalid value 50001 for parameter 'max_results' supplied:  Hint: Value was of type 'int'.${SEE}`,
  ],
  [{ page_token: 'garbage' }, 'Invalid page token, could not base64-decode'],
])('rejects the search %j', async (body, message) => {
  const answer = await world.post('runs/search', { experiment_ids: ['0'], ...body });
  expect(answer.status).toBe(400);
  expect(answer.json.error_code).toBe('INVALID_PARAMETER_VALUE');
  expect(answer.json.message).toContain(message);
});

test('answers that can be long are not indented', async () => {
  const id = await world.run();
  await world.post('runs/log-metric', { run_id: id, key: 'm', value: 1, timestamp: 2, step: 3 });
  const { text } = await world.get('metrics/get-history', { run_id: id, metric_key: 'm' });
  expect(text).toBe('{"metrics":[{"key":"m","value":1,"timestamp":2,"step":3}]}');
});

test('experiments are found by POST and by GET', async () => {
  await world.experiment('find me');
  const byPost = await world.post('experiments/search', { max_results: 10, filter: "name = 'find me'" });
  const byGet = await world.get('experiments/search', { max_results: '10', filter: "name = 'find me'" });
  expect(byGet.text).toBe(byPost.text);
  expect(byPost.json.experiments).toHaveLength(1);
  expect(refusal(await world.post('experiments/search', {}))).toEqual([
    400,
    "Invalid value 0 for parameter 'max_results' supplied. It must be a positive integer",
  ]);
});

test('datasets and models of a run', async () => {
  const id = await world.run();
  const dataset = { name: 'd', digest: 'x', source_type: 'local', source: '{}', schema: '[]', profile: '{}' };
  const datasets = [{ tags: [{ key: 'mlflow.data.context', value: 'training' }], dataset }];
  expect((await world.post('runs/log-inputs', { run_id: id, datasets, models: [{ model_id: 'm-1' }] })).text).toBe(
    '{}',
  );
  expect((await world.post('runs/log-inputs', { run_id: id, datasets })).text).toBe('{}');
  expect((await world.post('runs/outputs', { run_id: id, models: [{ model_id: 'm-2', step: '3' }] })).text).toBe('{}');
  const { inputs, outputs } = (await world.get('runs/get', { run_id: id })).json.run;
  expect(inputs).toEqual({ dataset_inputs: datasets, model_inputs: [{ model_id: 'm-1' }] });
  expect(outputs).toEqual({ model_outputs: [{ model_id: 'm-2', step: 3 }] });
});

test.each([
  ['name', 501],
  ['digest', 37],
  ['source', 65_536],
  ['schema', 1_048_576],
])('rejects a dataset whose %s has %d characters', async (field, length) => {
  const run_id = await world.run();
  const dataset = { name: 'd', digest: 'x', source_type: 'local', source: '{}', [field]: 'x'.repeat(length) };
  const answer = await world.post('runs/log-inputs', { run_id, datasets: [{ tags: [], dataset }] });
  expect(refusal(answer)).toEqual([400, `'${field}' exceeds the maximum length of ${length - 1} characters`]);
});

test('a logged model, from its making to its end', async () => {
  const experiment_id = await world.experiment();
  const made = await world.post('logged-models', {
    experiment_id,
    name: 'm',
    model_type: 't',
    params: [{ key: 'p', value: '1' }],
  });
  const id = made.json.model.info.model_id as string;
  expect(id).toMatch(/^m-[0-9a-f]{32}$/);
  expect(made.json.model.info).toMatchObject({
    experiment_id,
    name: 'm',
    status: 'LOGGED_MODEL_PENDING',
    model_type: 't',
    artifact_uri: `mlflow-artifacts:/${experiment_id}/models/${id}/artifacts`,
  });
  const at = `/api/2.0/mlflow/logged-models/${id}`;
  expect((await world.send('PATCH', at, { model_id: id, status: 2 })).json.model.info.status).toBe(
    'LOGGED_MODEL_READY',
  );
  expect((await world.send('PATCH', `${at}/tags`, { tags: [{ key: 'a/b', value: 'c' }] })).text).toBe('{}');
  expect((await world.send('GET', at)).json.model.info.tags).toEqual([{ key: 'a/b', value: 'c' }]);
  expect((await world.send('DELETE', `${at}/tags/a%2Fb`)).text).toBe('{}');
  expect((await world.send('DELETE', `${at}/tags/none`)).status).toBe(404);
  const found = await world.post('logged-models/search', { experiment_ids: [experiment_id], filter: "name = 'm'" });
  expect(found.json.models).toHaveLength(1);
  expect((await world.send('DELETE', at, { model_id: id })).text).toBe('{}');
  const gone = await world.send('GET', at);
  expect([gone.status, gone.json.error_code]).toEqual([404, 'RESOURCE_DOES_NOT_EXIST']);
  expect((await world.send('GET', `${at}?allow_deleted=true`)).status).toBe(200);
});

const proxy = '/api/2.0/mlflow-artifacts/artifacts';

test('artifacts go up and come down; folders are listed', async () => {
  const experiment = await world.experiment();
  const id = await world.run(experiment);
  const root = `${experiment}/${id}/artifacts`;
  const put = async (path: string, bytes: string) =>
    await fetch(`${world.http.url}${proxy}/${root}/${path}`, { method: 'PUT', body: bytes });
  const up = await put('model/MLmodel', 'flavors:\n');
  expect([up.status, await up.text()]).toEqual([200, '{}']);
  await put('model/a%20b.bin', 'bytes');
  await put('top.txt', 'top');
  const down = await fetch(`${world.http.url}${proxy}/${root}/model/MLmodel`);
  expect(await down.text()).toBe('flavors:\n');
  expect(down.headers.get('content-type')).toBe('text/plain');
  expect(down.headers.get('content-disposition')).toBe('attachment; filename=MLmodel');
  expect(down.headers.get('x-content-type-options')).toBe('nosniff');
  const part = await fetch(`${world.http.url}${proxy}/${root}/top.txt`, { headers: { range: 'bytes=1-1' } });
  expect([part.status, await part.text()]).toEqual([206, 'o']);
  expect((await world.send('GET', `${proxy}?path=${root}`)).json).toEqual({
    files: [
      { path: 'model', is_dir: true },
      { path: 'top.txt', is_dir: false, file_size: 3 },
    ],
  });
  expect((await world.get('artifacts/list', { run_id: id, path: 'model' })).json).toEqual({
    root_uri: `mlflow-artifacts:/${root}`,
    files: [
      { path: 'model/MLmodel', is_dir: false, file_size: 9 },
      { path: 'model/a b.bin', is_dir: false, file_size: 5 },
    ],
  });
  expect((await world.send('GET', `${proxy}?path=${root}/top.txt`)).text).toBe('{}');
  expect((await world.send('GET', `/get-artifact?run_uuid=${id}&path=top.txt`)).text).toBe('top');
  expect((await world.send('DELETE', `${proxy}/${root}/model`)).text).toBe('{}');
  const gone = await world.send('GET', `${proxy}/${root}/model/MLmodel`);
  expect([gone.status, gone.json.error_code]).toEqual([404, 'RESOURCE_DOES_NOT_EXIST']);
});

test.each([
  '..%2f..%2fetc%2fpasswd',
  'a%2f%2e%2e%2f%2e%2e%2fetc',
  '%252e%252e%252fetc%252fpasswd',
  '%2fetc%2fpasswd',
  'a%5c..%5cb',
  'a%00b',
  'a%0ab',
  'C:%5cwindows',
  'file:%2f%2f%2fetc%2fpasswd',
  'a%23b',
])('the path %s stays inside the folder', async (path) => {
  for (const method of ['GET', 'PUT', 'DELETE']) {
    const answer = await world.send(method, `${proxy}/${path}`, method === 'PUT' ? 'x' : undefined);
    expect(refusal(answer)).toEqual([400, 'Invalid path']);
  }
  expect(refusal(await world.send('GET', `${proxy}?path=${path}`))).toEqual([400, 'Invalid path']);
});

test('a project has separate experiments, runs and artifacts', async () => {
  const text = JSON.stringify({ apiVersion: 'dais.dev/v1', kind: 'Project', metadata: { name: 'team' }, spec: {} });
  await world.send('POST', '/api/v1/apply', { sources: [{ file: 'team.json', text }] });
  const made = await world.send('POST', '/p/team/api/2.0/mlflow/experiments/create', { name: 'ours' });
  const id = made.json.experiment_id as string;
  expect((await world.send('GET', `/p/team/api/2.0/mlflow/experiments/get?experiment_id=${id}`)).status).toBe(200);
  expect((await world.get('experiments/get', { experiment_id: id })).status).toBe(404);
  const run = await world.send('POST', '/p/team/ajax-api/2.0/mlflow/runs/create', { experiment_id: '0' });
  expect(run.json.run.info.experiment_id).toBe('0');
  await fetch(`${world.http.url}/p/team${proxy}/x/file`, { method: 'PUT', body: 'theirs' });
  expect((await world.send('GET', `${proxy}/x/file`)).status).toBe(404);
});
