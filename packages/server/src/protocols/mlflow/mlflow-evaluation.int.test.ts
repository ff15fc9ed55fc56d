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
