import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startMlflowWorld, type Json, type MlflowWorld } from './testing/mlflow-fixture.ts';

let world: MlflowWorld;
let experiment: string;
beforeAll(async () => {
  world = await startMlflowWorld();
  experiment = await world.experiment();
});
afterAll(async () => await world?.stop());

const v3 = async (method: string, path: string, body?: unknown) =>
  await world.send(method, `/api/3.0/mlflow/${path}`, body);
let made = 0;
const info = (more: object = {}) => {
  made += 1;
  return {
    trace_id: `tr-${String(made).padStart(32, '0')}`,
    trace_location: { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: experiment } },
    request_time: '2026-11-24T23:26:11.223Z',
    execution_duration: '0.836s',
    state: 'OK',
    trace_metadata: { 'mlflow.trace.tokenUsage': '{"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}' },
    tags: { 'mlflow.traceName': 'f' },
    request_preview: '{"x": 1}',
    response_preview: '2',
    ...more,
  };
};
const start = async (more: object = {}): Promise<Json> => {
  const answer = await v3('POST', 'traces', { trace: { trace_info: info(more) } });
  expect(answer.status).toBe(200);
  return answer.json.trace.trace_info;
};
const spans = (traceId: string, more: object = {}) => ({
  resourceSpans: [
    {
      scopeSpans: [
        {
          spans: [
            {
              traceId,
              spanId: '00000000000000a1',
              name: 'f',
              startTimeUnixNano: '1790000000000000000',
              endTimeUnixNano: '1790000000836000000',
              attributes: [
                {
                  key: 'mlflow.spanInputs',
                  value: { kvlistValue: { values: [{ key: 'x', value: { doubleValue: 1 } }] } },
                },
              ],
              status: { code: 1 },
              ...more,
            },
          ],
        },
      ],
    },
  ],
});
const send = async (body: object, headers: Readonly<Record<string, string>> = {}) =>
  await world.send('POST', '/v1/traces', body, { 'x-mlflow-experiment-id': experiment, ...headers });

test('a trace in the third version, as MLflow answers it', async () => {
  const assessments = [
    {
      assessment_name: 'ok',
      source: { source_type: 'CODE', source_id: 'default' },
      create_time: '2026-11-24T23:26:11Z',
      last_update_time: '2026-11-24T23:26:11Z',
      feedback: { value: true },
      rationale: 'r',
      valid: true,
    },
  ];
  const written = await start({ assessments, client_request_id: 'c1' });
  const uri = `mlflow-artifacts:/${experiment}/traces/${written.trace_id}/artifacts`;
  expect(written).toEqual({
    ...info(),
    trace_id: written.trace_id,
    client_request_id: 'c1',
    tags: { 'mlflow.traceName': 'f', 'mlflow.artifactLocation': uri },
    trace_metadata: expect.anything(),
    assessments: [
      { ...assessments[0], assessment_id: expect.stringMatching(/^a-[0-9a-f]{32}$/), trace_id: written.trace_id },
    ],
  });
  expect(JSON.parse(written.trace_metadata['mlflow.trace.tokenUsage'])).toEqual({
    input_tokens: 3,
    output_tokens: 4,
    total_tokens: 7,
  });
  expect((await v3('GET', `traces/${written.trace_id}`)).json).toEqual({ trace: { trace_info: written } });
  expect((await v3('POST', 'traces/batchGetInfos', { trace_ids: [written.trace_id, 'tr-none'] })).json).toEqual({
    trace_infos: [written],
  });
});

test('spans that came over OpenTelemetry', async () => {
  const { trace_id: id } = await start();
  expect((await send(spans(id.slice(3)))).status).toBe(200);
  const whole = await v3('GET', `traces/get?trace_id=${id}`);
  expect(whole.json.trace.trace_info.tags['mlflow.trace.spansLocation']).toBe('TRACKING_STORE');
  expect(whole.json.trace.spans).toEqual([
    {
      trace_id: Buffer.from(id.slice(3), 'hex').toString('base64'),
      span_id: Buffer.from('00000000000000a1', 'hex').toString('base64'),
      name: 'f',
      start_time_unix_nano: '1790000000000000000',
      end_time_unix_nano: '1790000000836000000',
      attributes: [
        { key: 'mlflow.spanInputs', value: { kvlist_value: { values: [{ key: 'x', value: { double_value: 1 } }] } } },
      ],
      events: [],
      links: [],
      status: { code: 'STATUS_CODE_OK' },
    },
  ]);
  const batch = await v3('GET', `traces/batchGet?trace_ids=${id}&trace_ids=tr-none`);
  expect(batch.json.traces).toEqual([whole.json.trace]);
  const file = await world.send('GET', `/ajax-api/2.0/mlflow/get-trace-artifact?request_id=${id}`);
  expect(file.headers.get('content-disposition')).toBe('attachment; filename=traces.json');
  expect(file.text).toContain('"start_time_unix_nano":1790000000000000000');
  expect(file.json.spans[0].attributes['mlflow.spanInputs']).toBe('{"x":1}');
});

test('spans in a separate file', async () => {
  const { trace_id: id } = await start();
  const path = `${experiment}/traces/${id}/artifacts/traces.json`;
  const put = await world.send('PUT', `/api/2.0/mlflow-artifacts/artifacts/${path}`, '{"spans": []}');
  expect(put.status).toBe(200);
  const file = await world.send('GET', `/ajax-api/3.0/mlflow/get-trace-artifact?request_id=${id}`);
  expect([file.status, file.json]).toEqual([200, { spans: [] }]);
});

test('as clients before 3.0 write and read them', async () => {
  const begun = await world.post('traces', {
    experiment_id: experiment,
    timestamp_ms: 1000,
    request_metadata: [{ key: 'm', value: '1' }],
    tags: [{ key: 'mlflow.traceName', value: 'old' }],
  });
  const { request_id: id } = begun.json.trace_info;
  expect(begun.json.trace_info).toMatchObject({ status: 'IN_PROGRESS', timestamp_ms: 1000, execution_time_ms: 0 });
  const ended = await world.send('PATCH', `/api/2.0/mlflow/traces/${id}`, {
    request_id: id,
    timestamp_ms: 1500,
    status: 'OK',
    request_metadata: [{ key: 'n', value: '2' }],
    tags: [],
  });
  expect(ended.json.trace_info).toMatchObject({
    status: 'OK',
    execution_time_ms: 500,
    request_metadata: [
      { key: 'm', value: '1' },
      { key: 'n', value: '2' },
    ],
  });
  expect((await world.get(`traces/${id}/info`)).json).toEqual(ended.json);
  const found = await world.get('traces', { experiment_ids: experiment, filter: "name = 'old'" });
  expect(found.json.traces).toEqual([ended.json.trace_info]);
});

test('tags', async () => {
  const { trace_id: id } = await start();
  expect((await world.send('PATCH', `/api/2.0/mlflow/traces/${id}/tags`, { key: 'a', value: '1' })).json).toEqual({});
  expect((await v3('PATCH', `traces/${id}/tags`, { key: 'b', value: '2' })).status).toBe(200);
  expect((await world.send('DELETE', `/api/2.0/mlflow/traces/${id}/tags`, { key: 'a' })).status).toBe(200);
  const { tags } = (await v3('GET', `traces/${id}`)).json.trace.trace_info;
  expect([tags.a, tags.b]).toEqual([undefined, '2']);
  const missing = await v3('DELETE', `traces/${id}/tags`, { key: 'a' });
  expect([missing.status, missing.json.message]).toEqual([404, `No trace tag with key 'a' for trace with ID '${id}'`]);
});

test('links to runs and prompts are found', async () => {
  const { trace_id: id } = await start();
  const run = await world.run(experiment);
  expect((await world.post('traces/link-to-run', { trace_ids: [id], run_id: run })).json).toEqual({});
  expect(
    (await world.post('traces/link-prompts', { trace_id: id, prompt_versions: [{ name: 'p', version: '2' }] })).json,
  ).toEqual({});
  for (const filter of [`run_id = '${run}'`, "prompt = 'p/2'", `metadata.\`mlflow.sourceRun\` = '${run}'`]) {
    const locations = [{ mlflow_experiment: { experiment_id: experiment } }];
    const found = await v3('POST', 'traces/search', { locations, filter });
    expect([filter, found.json.traces.map((one: Json) => one.trace_id)]).toEqual([filter, [id]]);
  }
});

test('a link to a run that arrives before the trace is kept, until the trace is deleted', async () => {
  const run = await world.run(experiment);
  const trace = info();
  const search = async () => {
    const locations = [{ mlflow_experiment: { experiment_id: experiment } }];
    const found = await v3('POST', 'traces/search', { locations, filter: `run_id = '${run}'` });
    return (found.json.traces ?? []).map((one: Json) => one.trace_id);
  };
  for (const _ of [1, 2]) {
    expect((await world.post('traces/link-to-run', { trace_ids: [trace.trace_id], run_id: run })).json).toEqual({});
  }
  expect(await search()).toEqual([]);
  await v3('POST', 'traces', { trace: { trace_info: trace } });
  expect(await search()).toEqual([trace.trace_id]);
  const removed = { experiment_id: experiment, request_ids: [trace.trace_id] };
  expect((await v3('POST', 'traces/delete-traces', removed)).json).toEqual({ traces_deleted: 1 });
  await v3('POST', 'traces', { trace: { trace_info: trace } });
  expect(await search()).toEqual([]);
});

describe('assessments', () => {
  test('are created, read, changed and deleted', async () => {
    const { trace_id: id } = await start();
    const path = `traces/${id}/assessments`;
    const sent = {
      assessment_name: 'expected',
      source: { source_type: 'HUMAN', source_id: 'ada' },
      expectation: { serialized_value: { serialization_format: 'JSON_FORMAT', value: '{"a": [1, 2.5]}' } },
      metadata: { m: '1' },
    };
    const one = (await v3('POST', path, { assessment: { ...sent, trace_id: id } })).json.assessment;
    expect(one).toMatchObject({ ...sent, expectation: { serialized_value: { value: '{"a":[1,2.5]}' } }, valid: true });
    const at = `${path}/${one.assessment_id}`;
    expect((await v3('GET', at)).json.assessment).toEqual(one);
    const changed = await v3('PATCH', at, {
      assessment: { expectation: { value: 5 }, metadata: { n: '2' } },
      update_mask: 'expectation,metadata',
    });
    expect(changed.json.assessment).toMatchObject({ expectation: { value: 5 }, metadata: { m: '1', n: '2' } });
    expect((await v3('DELETE', at)).json).toEqual({});
    expect((await v3('DELETE', at)).json).toEqual({});
    expect((await v3('GET', at)).status).toBe(404);
  });
});

describe('deleting', () => {
  const remove = async (body: object) =>
    await v3('POST', 'traces/delete-traces', { experiment_id: experiment, ...body });

  test('by ids and by time', async () => {
    const [a, b] = [await start(), await start({ request_time: '2020-01-01T00:00:00Z' })];
    expect((await remove({ request_ids: [a.trace_id, 'tr-none'] })).json).toEqual({ traces_deleted: 1 });
    const old = await world.post('traces/delete-traces', {
      experiment_id: experiment,
      max_timestamp_millis: Date.parse('2021-01-01'),
      max_traces: 5,
    });
    expect(old.json.traces_deleted).toBeGreaterThanOrEqual(1);
    for (const { trace_id: id } of [a, b]) expect((await v3('GET', `traces/${id}`)).status).toBe(404);
  });

  test.each([
    [{}, /Either `max_timestamp_millis` or `trace_ids`/],
    [{ request_ids: ['a'], max_timestamp_millis: 1 }, /Only one of/],
    [{ request_ids: ['a'], max_traces: 1 }, /can't be specified/],
    [{ max_timestamp_millis: 1, max_traces: 0 }, /positive integer/],
  ])('rejects %j', async (body, message) => {
    const { status, json } = await remove(body);
    expect([status, json.error_code]).toEqual([400, 'INVALID_PARAMETER_VALUE']);
    expect(json.message).toMatch(message);
  });
});

test('how much two filters have to do with each other', async () => {
  const home = await world.experiment();
  for (const [state, team] of [
    ['OK', 'a'],
    ['ERROR', 'b'],
    ['ERROR', 'b'],
    ['OK', 'b'],
  ] as const) {
    const location = { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: home } };
    await start({ trace_location: location, state, tags: { team } });
  }
  const answer = await v3('POST', 'traces/calculate-filter-correlation', {
    experiment_ids: [home],
    filter_string1: "status = 'ERROR'",
    filter_string2: "tags.team = 'b'",
  });
  expect(answer.json).toMatchObject({ filter1_count: 2, filter2_count: 3, joint_count: 2, total_count: 4 });
  expect(answer.json.npmi).toBeCloseTo(0.415, 3);
});

const BAD = { ...info(), trace_location: { mlflow_experiment: { experiment_id: '0' } } };

test.each([
  ['POST', 'traces', {}, 400],
  ['POST', 'traces', { trace: {} }, 400],
  ['POST', 'traces', { trace: { trace_info: { ...BAD, request_time: 'yesterday' } } }, 400],
  ['POST', 'traces', { trace: { trace_info: { ...BAD, execution_duration: '5' } } }, 400],
  ['POST', 'traces', { trace: { trace_info: { ...BAD, trace_id: '../x' } } }, 404],
  ['POST', 'traces', { trace: { trace_info: { ...BAD, tags: { a: 1 } } } }, 400],
  ['POST', 'traces', { trace: { trace_info: { ...BAD, trace_location: {} } } }, 400],
  ['GET', 'traces/tr-none', undefined, 404],
  ['GET', 'traces/%2e%2e%2fetc', undefined, 404],
  ['GET', 'traces/get', undefined, 400],
  ['GET', 'traces/get?trace_id=tr-none', undefined, 404],
  ['GET', 'traces/batchGet', undefined, 400],
  ['POST', 'traces/search', {}, 400],
  ['POST', 'traces/search', { locations: [{}], max_results: 501 }, 400],
  ['POST', 'traces/search', { locations: [{ mlflow_experiment: { experiment_id: 'x' } }] }, 400],
  ['POST', 'traces/search', { locations: [{ mlflow_experiment: { experiment_id: '1' } }], filter: 'x = y' }, 400],
  ['POST', 'traces/tr-none/assessments', { assessment: { assessment_name: 'a', feedback: { value: 1 } } }, 404],
  ['POST', 'traces/tr-none/assessments', { assessment: { assessment_name: 'a' } }, 400],
  ['PATCH', 'traces/tr-none/assessments/a-1', { assessment: {}, update_mask: 'rationale' }, 404],
  ['PATCH', 'traces/tr-none/tags', { key: 'mlflow.artifactLocation', value: 'x' }, 400],
  ['POST', 'traces/calculate-filter-correlation', { experiment_ids: ['1'] }, 400],
])('bad: %s %s %j', async (method, path, body, status) => {
  const answer = await v3(method, path, body);
  expect([answer.status, typeof answer.json.error_code]).toEqual([status, 'string']);
});

test('files of a trace stay inside its folder', async () => {
  const { trace_id: id } = await start();
  for (const path of ['../../x', 'a/b', '%2e%2e/x', '/etc/passwd']) {
    const query = new URLSearchParams({ request_id: id, path });
    const answer = await world.send('GET', `/ajax-api/2.0/mlflow/get-trace-artifact?${query.toString()}`);
    expect([answer.status, path]).toEqual([400, path]);
  }
  expect((await world.send('GET', '/ajax-api/2.0/mlflow/get-trace-artifact')).status).toBe(400);
});
