import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startKfpWorld, type KfpWorld } from './testing/kfp-fixture.ts';

let world: KfpWorld;
beforeAll(async () => {
  world = await startKfpWorld();
});
afterAll(async () => await world?.stop());

const make = async (display_name: string, more: object = {}) =>
  (await world.post('/experiments', { display_name, ...more })).json.experiment_id as string;
const filter = (...predicates: object[]) => JSON.stringify({ predicates });
const names = async (query: Readonly<Record<string, string>>) =>
  ((await world.get('/experiments', query)).json.experiments as { display_name: string }[]).map(
    ({ display_name: name }) => name,
  );

test('has a health endpoint without authentication', async () => {
  expect(await world.get('/healthz')).toMatchObject({ status: 200, json: { multi_user: false } });
  expect((await world.send('GET', '/p/any/apis/v2beta1/healthz')).status).toBe(200);
});

test('an experiment is created, read, archived and deleted, and its name can be reused', async () => {
  const made = await world.post('/experiments', { displayName: 'first', description: 'what for', namespace: '' });
  expect(made).toMatchObject({
    status: 200,
    json: {
      experiment_id: expect.stringMatching(/^\d+$/),
      display_name: 'first',
      description: 'what for',
      created_at: expect.stringMatching(/^\d{4}-.*Z$/),
      storage_state: 'AVAILABLE',
      last_run_created_at: '1970-01-01T00:00:00Z',
    },
  });
  const at = `/experiments/${made.json.experiment_id}`;
  expect((await world.get(at)).json).toEqual(made.json);
  expect(await world.post('/experiments', { display_name: 'first' })).toMatchObject({
    status: 409,
    json: { code: 6, message: expect.stringContaining('first') },
  });
  for (const [verb, state] of [
    ['archive', 'ARCHIVED'],
    ['archive', 'ARCHIVED'],
    ['unarchive', 'AVAILABLE'],
    ['unarchive', 'AVAILABLE'],
  ] as const) {
    expect(await world.post(`${at}:${verb}`)).toMatchObject({ status: 200, json: {} });
    expect((await world.get(at)).json.storage_state).toBe(state);
  }
  expect(await world.send('DELETE', `/apis/v2beta1${at}`)).toMatchObject({ status: 200, json: {} });
  expect(await world.get(at)).toMatchObject({
    status: 404,
    json: { code: 5, message: expect.stringContaining('not found') },
  });
  expect((await world.post('/experiments', { display_name: 'first' })).status).toBe(200);
});

test('lists by page, with the order and filter of the first page in its token', async () => {
  for (const name of ['page c', 'page a', 'page d', 'page b']) await make(name);
  const like = filter({ operation: 'IS_SUBSTRING', key: 'display_name', string_value: 'page ' });
  const query = { filter: like, sort_by: 'display_name desc', page_size: '3' };
  const first = await world.get('/experiments', query);
  expect(first.json).toMatchObject({ total_size: 4, next_page_token: expect.any(String) });
  const token = { page_token: first.json.next_page_token as string };
  const second = await world.get('/experiments', { ...token, page_size: '3' });
  expect([...first.json.experiments, ...second.json.experiments].map((one) => one.display_name)).toEqual(
    ['d', 'c', 'b', 'a'].map((letter) => `page ${letter}`),
  );
  expect(second.json.next_page_token).toBeUndefined();
  expect((await world.get('/experiments', { ...query, ...token })).status).toBe(200);
  const other = await world.get('/experiments', { ...token, sort_by: 'created_at' });
  expect(other).toMatchObject({ status: 400, json: { message: expect.stringContaining('does not match') } });
});

describe('filters', () => {
  const ids: Record<string, string> = {};
  beforeAll(async () => {
    for (const name of ['red', "gr'een", 'blue']) ids[name] = await make(name);
    await world.post(`/experiments/${ids['blue']}:archive`);
  });
  const mine = { operation: 'IN', key: 'id', stringValues: { values: [] as string[] } };
  const ofMine = () => ({ ...mine, stringValues: { values: Object.values(ids) } });

  test.each([
    ['by name and number of the operation', { operation: 1, key: 'name', stringValue: "gr'een" }, ["gr'een"]],
    ['not equal', { operation: 'NOT_EQUALS', key: 'display_name', string_value: 'red' }, ["gr'een", 'blue']],
    ['a part', { operation: 9, key: 'display_name', string_value: 'e' }, ['red', "gr'een", 'blue']],
    ['archived', { operation: 'EQUALS', key: 'storage_state', stringValue: 'ARCHIVED' }, ['blue']],
    ['not archived', { operation: 'NOT_EQUALS', key: 'storage_state', stringValue: 'ARCHIVED' }, ['red', "gr'een"]],
    [
      'since',
      { operation: 'GREATER_THAN', key: 'created_at', timestamp_value: '2020-01-01T00:00:00Z' },
      ['red', "gr'een", 'blue'],
    ],
    ['seconds', { operation: 'LESS_THAN', key: 'created_at', long_value: '5' }, []],
    ['in nothing', { operation: 'IN', key: 'name', string_values: { values: [] } }, []],
  ])('%s', async (_, predicate, expected) => {
    expect(await names({ filter: filter(ofMine(), predicate) })).toEqual(expected);
    // Clients encode it once more.
    expect(await names({ filter: encodeURIComponent(filter(ofMine(), predicate)) })).toEqual(expected);
  });
});

test.each([
  ['no name', {}, 'display_name'],
  ['an unknown field', { display_name: 'x', displayNam: 'x' }, 'displayNam: unknown field, did you mean display_name?'],
  ['a field twice', { display_name: 'x', displayName: 'x' }, 'given twice'],
  ['a wrong type', { display_name: 3 }, 'display_name: a string is expected, not 3'],
  ['no JSON', '{', 'the body is not valid JSON'],
  ['a list', [], 'not a JSON object'],
  ['NUL', { display_name: 'a\0b' }, 'NUL'],
  ['a name that is too long', { display_name: 'x'.repeat(501) }, 'longer than 500'],
])('a creation with %s is rejected', async (_, body, message) => {
  expect(await world.post('/experiments', body)).toMatchObject({
    status: 400,
    json: { code: 3, message: expect.stringContaining(message), details: [] },
  });
});

test.each([
  ['page_size', '-1', 'page size'],
  ['page_size', 'many', 'page_size: a 32-bit integer'],
  ['page_token', 'x', 'Invalid page token'],
  ['page_token', Buffer.from('["a","b","c"]').toString('base64url'), ''],
  ['sort_by', 'color', 'Cannot sort on field color'],
  ['sort_by', 'display_name down', 'invalid sort by format'],
  ['filter', '{', 'not valid JSON'],
  ['filter', '%zz', 'percent-encoding'],
  ['filter', '{"predicate":[]}', 'unknown field'],
  ['filter', filter({ operation: 'EQUALS', key: 'color', string_value: 'red' }), 'color'],
  ['filter', filter({ operation: 'IN', key: 'name', string_value: 'red' }), 'requires a list'],
  ['filter', filter({ operation: 'EQUALS', key: 'name', string_values: { values: ['a'] } }), 'requires a single value'],
  ['filter', filter({ operation: 'IS_SUBSTRING', key: 'name', int_value: 3 }), 'requires a string'],
  ['filter', filter({ operation: 'LIKE', key: 'name', string_value: 'a' }), 'one of EQUALS'],
  ['filter', filter({ operation: 'EQUALS', key: 'name' }), 'exactly one value'],
  ['filter', filter({ operation: 'EQUALS', key: 'created_at', timestamp_value: '2026-02-30T00:00:00Z' }), 'a time'],
])('a list with %s %s is rejected', async (name, value, message) => {
  const answer = await world.get('/experiments', { [name]: value });
  expect(answer).toMatchObject({ status: 400, json: { code: 3, message: expect.stringContaining(message) } });
});

test('errors of unknown paths have the format of the protocol', async () => {
  expect(await world.get('/experiments/nope')).toMatchObject({ status: 404, json: { code: 5 } });
  expect(await world.get('/experiments/1/runs')).toMatchObject({ status: 404, json: { code: 5 } });
  expect(await world.post('/experiments/1:forget')).toMatchObject({ status: 405, json: { code: 12 } });
  expect(await world.send('PUT', '/apis/v2beta1/experiments')).toMatchObject({ status: 405, json: { code: 12 } });
});

test('a namespace is a project, and ids returned for it contain it', async () => {
  const project = { apiVersion: 'dais.dev/v1', kind: 'Project', metadata: { name: 'team' }, spec: {} };
  await world.send('POST', '/api/v1/apply', { sources: [{ file: 'p.json', text: JSON.stringify(project) }] });
  const made = await world.post('/experiments', { display_name: 'theirs', namespace: 'team' });
  const id = made.json.experiment_id as string;
  expect(id).toMatch(/^team\.\d+$/);
  expect((await world.get(`/experiments/${id}`)).json).toMatchObject({ experiment_id: id, display_name: 'theirs' });
  expect((await world.get('/experiments', { namespace: 'team' })).json.experiments).toContainEqual(
    expect.objectContaining({ experiment_id: id }),
  );
  const bare = id.slice('team.'.length);
  expect((await world.get(`/experiments/${bare}`)).status).toBe(404);
  for (const one of [id, bare]) {
    const inside = await world.send('GET', `/p/team/apis/v2beta1/experiments/${one}`);
    expect(inside.json).toMatchObject({ experiment_id: bare });
  }
  expect((await world.send('GET', `/p/default/apis/v2beta1/experiments/${id}`)).status).toBe(400);
  expect((await world.get('/experiments', { namespace: 'nowhere' })).status).toBe(404);
});
