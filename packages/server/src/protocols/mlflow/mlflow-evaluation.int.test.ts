/** Evaluation datasets, scorers, workspaces and endpoints of the MLflow UI, with errors for invalid requests. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startMlflowWorld, type MlflowWorld } from './testing/mlflow-fixture.ts';

let world: MlflowWorld;
beforeAll(async () => {
  world = await startMlflowWorld();
});
afterAll(async () => await world.stop());

const V3 = '/api/3.0/mlflow';
const post = async (path: string, body: unknown) => await world.send('POST', `${V3}/${path}`, body);
const made = async () => (await post('datasets/create', { name: 'questions' })).json.dataset.dataset_id as string;

describe('invalid requests are errors of the caller', () => {
  const long = (length: number) => 'x'.repeat(length);
  const deep = `${'[{"inputs":'.padEnd(11)}${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}}]`;
  test.each([
    ['tags that are no JSON', { name: 'x', tags: '{' }, /'tags'.*not valid JSON/],
    ['tags that are a list', { name: 'x', tags: '[]' }, /'tags'.*JSON object/],
    ['a tag of 5,001 characters', { name: 'x', tags: JSON.stringify({ a: long(5001) }) }, /'value' exceeds/],
    ['a key of 256 characters', { name: 'x', tags: JSON.stringify({ [long(256)]: 'a' }) }, /'key' exceeds/],
    ['a name of 256 characters', { name: long(256) }, /'name' exceeds/],
    ['a name with NUL', { name: 'a\0' }, /NUL/],
    ['an experiment that is a word', { name: 'x', experiment_ids: ['abc'] }, /Invalid experiment ID/],
  ])('a dataset with %s', async (_what, body, text) => {
    const { status, json } = await post('datasets/create', body);
    expect([status, json.error_code]).toEqual([400, 'INVALID_PARAMETER_VALUE']);
    expect(json.message).toMatch(text);
  });

  test.each([
    ['no list', '{}', /'records'.*JSON list/],
    ['items that are no maps', '[1]', /records\[0\].*JSON object/],
    ['inputs that are text', '[{"inputs": "x"}]', /records\[0\]\.inputs/],
    ['tags that are text', '[{"inputs": {}, "tags": "x"}]', /records\[0\]\.tags/],
    [
      'a source of an unknown type',
      '[{"inputs": {}, "source": {"source_type": "BIRD"}}]',
      /Invalid dataset record source/,
    ],
    ['a source without a type', '[{"inputs": {}, "source": {}}]', /Invalid dataset record source/],
    ['NUL', '[{"inputs": {"a": "b\\u0000"}}]', /NUL/],
    ['half of a surrogate pair', '[{"inputs": {"a": "\\ud800"}}]', /surrogate/],
    ['__proto__', '[{"inputs": {"__proto__": {"a": 1}}}]', /cannot be used/],
    ['5,000 levels', deep, /deeper/],
    ['20,001 records', JSON.stringify(Array.from({ length: 20_001 }, () => ({}))), /records/],
  ])('records with %s', async (_what, records, text) => {
    const { status, json } = await post(`datasets/${await made()}/records`, { records });
    expect([status, json.error_code]).toEqual([400, 'INVALID_PARAMETER_VALUE']);
    expect(json.message).toMatch(text);
  });

  test.each(['..%2Fx', '%00', 'd-none', '%7B%7D', 'd-'.padEnd(300, 'x')])('the dataset %s is not there', async (id) => {
    expect((await world.send('GET', `${V3}/datasets/${id}`)).status).toBe(404);
    expect((await world.send('PATCH', `${V3}/datasets/${id}/tags`, { tags: '{}' })).status).toBe(404);
    expect((await world.send('DELETE', `${V3}/datasets/${id}`)).text).toBe('{}');
  });

  test.each([
    [{ serialized_scorer: 'no json' }, 'serialized_scorer must be valid JSON'],
    [{ serialized_scorer: '{"a": [{"call_source": "import os"}]}' }, 'Custom scorer registration'],
    [{ name: '  ' }, 'Scorer name cannot be empty'],
    [{ name: 'x'.repeat(257) }, "'name' exceeds"],
    [{ experiment_id: 'abc' }, 'Invalid experiment ID'],
  ])('a scorer with %j', async (wrong, text) => {
    const body = { experiment_id: '0', name: 'polite', serialized_scorer: '{}', ...wrong };
    const { status, json } = await post('scorers/register', body);
    expect([status, json.error_code]).toEqual([400, 'INVALID_PARAMETER_VALUE']);
    expect(json.message).toContain(text);
  });

  test('a version of a scorer that cannot be is not there', async () => {
    for (const version of ['0', '-1', '2147483647']) {
      const query = `experiment_id=0&name=none&version=${version}`;
      expect([version, (await world.send('GET', `${V3}/scorers/get?${query}`)).status]).toEqual([version, 404]);
    }
  });
});

describe('a workspace is a project', () => {
  const search = '/api/2.0/mlflow/experiments/search?max_results=1';
  const named = async (path: string, workspace: string) =>
    await world.send('GET', path, undefined, { 'X-MLFLOW-WORKSPACE': workspace });

  test('the header names it, and must agree with the address', async () => {
    expect((await named(search, 'default')).status).toBe(200);
    expect((await named(search, '  ')).status).toBe(200);
    expect((await named(`/p/default${search}`, 'default')).status).toBe(200);
    const two = await named(`/p/default${search}`, 'other');
    expect([two.status, two.json.error_code]).toEqual([400, 'INVALID_PARAMETER_VALUE']);
    expect(two.json.message).toBe('Conflicting projects: default and other.');
    for (const workspace of ['nobody-has-this', 'a, b', '../x', 'x'.repeat(5000)]) {
      expect([400, 404]).toContain((await named(search, workspace)).status);
    }
  });

  test('clients see that the server has workspaces, even in a missing one', async () => {
    const { status, json } = await named(`${V3}/server-info`, 'nobody-has-this');
    expect([status, json.store_type, json.workspaces_enabled]).toEqual([200, 'SqlStore', true]);
  });

  test('one is created, described and deleted', async () => {
    const at = `${V3}/workspaces/mine`;
    const created = await post('workspaces', { name: 'mine', description: 'of me' });
    expect([created.status, created.json]).toEqual([200, { workspace: { name: 'mine', description: 'of me' } }]);
    const again = await post('workspaces', { name: 'mine' });
    expect([again.status, again.json.error_code]).toEqual([400, 'RESOURCE_ALREADY_EXISTS']);
    expect((await world.send('PATCH', at, { description: 'of us' })).json).toEqual({
      workspace: { name: 'mine', description: 'of us' },
    });
    expect(await world.send('DELETE', at)).toMatchObject({ status: 200, text: '{}' });
    for (const method of ['GET', 'PATCH', 'DELETE']) {
      const answer = await world.send(method, at, method === 'PATCH' ? {} : undefined);
      expect([method, answer.status, answer.json.error_code]).toEqual([method, 404, 'RESOURCE_DOES_NOT_EXIST']);
    }
  });

  test.each([
    ['a name that is not possible', { name: 'Not A Name' }],
    ['another store', { name: 'other', default_artifact_root: 's3://bucket' }],
    ['an archive', { name: 'other', trace_archival_config: { location: 's3://bucket' } }],
  ])('rejects %s', async (_what, body) => {
    const { status, json } = await post('workspaces', body);
    expect([status, json.error_code]).toEqual([400, 'INVALID_PARAMETER_VALUE']);
  });
});

describe('a file for a run', () => {
  const at = '/ajax-api/2.0/mlflow/upload-artifact';
  const upload = async (query: Readonly<Record<string, string>>, body: string) =>
    await world.send('POST', `${at}?${new URLSearchParams(query).toString()}`, body);

  test('is uploaded up to 10 MB, and downloaded', async () => {
    const run = await world.run();
    const text = 'x'.repeat(10 * 1024 * 1024);
    expect((await upload({ run_uuid: run, path: 'a/b.txt' }, text)).status).toBe(200);
    const back = await world.send('GET', `/get-artifact?run_id=${run}&path=a/b.txt`);
    expect(back.text).toBe(text);
    const more = await upload({ run_uuid: run, path: 'c.txt' }, `${text}x`);
    expect([more.status, more.json.message]).toEqual([413, 'Artifact size is too large. Max size is 10MB.']);
  });

  test.each(['../x', '/etc/passwd', 'a/../../b', '..%2f..%2fx', 'file:///x', 'a\\..\\b', '.'])(
    'does not go to %s',
    async (path) => {
      const { status, json } = await upload({ run_id: await world.run(), path }, 'x');
      expect([status, json.message]).toEqual([400, 'Invalid path']);
    },
  );

  test('rejects a missing run', async () => {
    expect((await upload({ run_id: 'f'.repeat(32), path: 'x' }, 'x')).status).toBe(404);
  });
});

describe('online scoring configurations', () => {
  const CONFIG = `${V3}/scorers/online-config`;
  const judge = (more: object = {}) =>
    JSON.stringify({ instructions_judge_pydantic_data: { model: 'gateway:/judge', instructions: 'Is it?', ...more } });
  const registered = async (serialized_scorer: string, name = 'polite') => {
    const experiment_id = await world.experiment();
    const { json } = await post('scorers/register', { experiment_id, name, serialized_scorer });
    return { experiment_id, name, id: json.scorer_id as string };
  };
  const configs = async (...ids: string[]) => {
    const query = ids.map((id) => `scorer_ids=${id}`).join('&');
    return (await world.send('GET', `${CONFIG}s?${query}`)).json.configs as unknown[];
  };

  test('are set, replaced, and read by scorer', async () => {
    const { id, ...of } = await registered(judge());
    expect(await configs(id)).toEqual([]);
    // Pages send null for an empty filter.
    for (const filter_string of ["status = 'OK'", null, undefined]) {
      const { status, json } = await world.send('PUT', CONFIG, { ...of, sample_rate: 0.5, filter_string });
      expect([status, json]).toEqual([
        200,
        {
          config: {
            online_scoring_config_id: expect.any(String),
            scorer_id: id,
            sample_rate: 0.5,
            experiment_id: of.experiment_id,
            ...(typeof filter_string === 'string' && { filter_string }),
          },
        },
      ]);
      expect(await configs(id, 'unknown')).toEqual([json.config]);
    }
    const stopped = await world.send('PUT', CONFIG, { ...of, sample_rate: 0 });
    expect(await configs(id)).toEqual([stopped.json.config]);
  });

  test('are returned for more scorers than a page has', async () => {
    const experiment_id = await world.experiment();
    const names = Array.from({ length: 3 }, (_, index) => `s${index}`);
    const ids = [];
    for (const name of names) {
      ids.push((await post('scorers/register', { experiment_id, name, serialized_scorer: judge() })).json.scorer_id);
      await world.send('PUT', CONFIG, { experiment_id, name, sample_rate: 1 });
    }
    expect(await configs(...ids, ...ids)).toHaveLength(3);
  });

  const gateway = { base_judge: JSON.parse(judge()) as unknown };
  test.each([
    ['a judge', judge()],
    ['a judge of MLflow', JSON.stringify({ builtin_scorer_pydantic_data: { model: 'gateway:/judge' } })],
    ['a judge of another library', JSON.stringify({ third_party_scorer_data: { model: 'gateway:/judge' } })],
    ['a judge with memory', JSON.stringify({ memory_augmented_judge_data: gateway })],
  ])('are for %s with a model of a gateway', async (_what, definition) => {
    const { id: _id, ...of } = await registered(definition);
    expect((await world.send('PUT', CONFIG, { ...of, sample_rate: 1 })).status).toBe(200);
  });

  test.each([
    ['no model', '{}', 'does not use a gateway model'],
    ['a list', '[]', 'does not use a gateway model'],
    ['a model of a provider', judge({ model: 'openai:/gpt-4o-mini' }), 'does not use a gateway model'],
    ['a number as a model', judge({ model: 5 }), 'does not use a gateway model'],
    ['expectations', judge({ instructions: 'Is it {{ expectations }}?' }), 'requires expectations'],
  ])('are refused for a scorer with %s, except to stop it', async (_what, definition, text) => {
    const { id: _id, ...of } = await registered(definition);
    const { status, json } = await world.send('PUT', CONFIG, { ...of, sample_rate: 0.5 });
    expect([status, json.error_code]).toEqual([400, 'INVALID_PARAMETER_VALUE']);
    expect(json.message).toContain(text);
    expect((await world.send('PUT', CONFIG, { ...of, sample_rate: 0 })).status).toBe(200);
  });

  test.each([
    [{ sample_rate: 1.5 }, 400, 'between 0.0 and 1.0, got 1.5'],
    [{ sample_rate: -1 }, 400, 'between 0.0 and 1.0, got -1.0'],
    [{ sample_rate: 'NaN' }, 400, 'got nan'],
    [{ sample_rate: 'half' }, 400, "'sample_rate'"],
    [{ sample_rate: undefined }, 400, "Missing value for required parameter 'sample_rate'"],
    [{ name: undefined }, 400, "Missing value for required parameter 'name'"],
    [{ filter_string: 'status =' }, 400, 'Invalid clause'],
    [{ filter_string: 5 }, 400, "'filter_string'"],
    [{ experiment_id: '999999' }, 404, 'No Experiment with id=999999'],
    [{ experiment_id: 'abc' }, 400, 'Invalid experiment ID'],
    [{ name: 'none' }, 404, "Scorer with name 'none' not found"],
    [{ name: 'x'.repeat(300) }, 404, 'not found'],
  ])('with %j are errors of the caller', async (wrong, status, text) => {
    const { id: _id, ...of } = await registered(judge());
    const answer = await world.send('PUT', CONFIG, { ...of, sample_rate: 0.5, ...wrong });
    expect([answer.status, answer.json.message]).toEqual([status, expect.stringContaining(text)]);
  });

  test('need ids', async () => {
    const { status, json } = await world.send('GET', `${CONFIG}s`);
    expect([status, json.error_code]).toEqual([400, 'INVALID_PARAMETER_VALUE']);
  });
});

test.each([
  ['POST', '/ajax-api/3.0/jobs/'],
  ['POST', '/ajax-api/3.0/jobs/search'],
  ['GET', '/ajax-api/3.0/jobs/0f3c'],
  ['PATCH', '/ajax-api/3.0/jobs/cancel/0f3c'],
  ['GET', '/ajax-api/3.0/mlflow/jobs/0f3c'],
  ['PATCH', '/ajax-api/3.0/mlflow/jobs/cancel/0f3c'],
  ['POST', '/ajax-api/3.0/mlflow/scorer/invoke'],
  ['POST', '/ajax-api/3.0/mlflow/issues/invoke'],
  ['POST', '/ajax-api/3.0/mlflow/genai/evaluate/invoke'],
  ['POST', `${V3}/prompt-optimization/jobs`],
])('%s %s of MLflow jobs is refused with the reason and an alternative', async (method, path) => {
  const { json } = await world.send(method, path, method === 'GET' ? undefined : {});
  expect(json.error_code).toBe('ENDPOINT_NOT_FOUND');
  expect(json.message).toMatch(/functions of its server, which Dais does not run: .*in your own code/);
});
