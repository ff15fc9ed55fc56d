import { beforeAll, afterAll, expect, test } from 'vitest';
import { startMlflowWorld, type Json, type MlflowWorld } from './testing/mlflow-fixture.ts';

let world: MlflowWorld;
beforeAll(async () => {
  world = await startMlflowWorld();
});
afterAll(async () => await world?.stop());

const v3 = async (method: string, path: string, body?: unknown) =>
  await world.send(method, `/api/3.0/mlflow/review-queues/${path}`, body);
const create = async (experiment: string, more: object = {}): Promise<Json> =>
  await v3('POST', 'create', { experiment_id: experiment, name: 'Hard cases', queue_type: 'CUSTOM', ...more });
const trace = async (experiment: string, id: string) => {
  const trace_location = { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: experiment } };
  const info = { trace_id: id, trace_location, request_time: '2026-11-24T23:26:11.223Z', state: 'OK' };
  await world.send('POST', '/api/3.0/mlflow/traces', { trace: { trace_info: info } });
  return id;
};
const ids = (items: readonly Json[] | undefined, key: string) => (items ?? []).map((one: Json) => one[key]);

test('a queue is created, found, changed and deleted', async () => {
  const experiment = await world.experiment();
  const question = { experiment_id: experiment, name: 'ok?', type: 'FEEDBACK', input: { text: {} } };
  const schema = (await world.send('POST', '/api/3.0/mlflow/label-schemas/create', question)).json.label_schema;
  const made = await create(experiment, { users: ['Ann ', 'ann', 'bob'], schema_ids: [schema.schema_id] });
  const { review_queue: queue } = made.json;
  expect([made.status, queue]).toEqual([
    200,
    {
      queue_id: expect.stringMatching(/^rq-/),
      experiment_id: experiment,
      name: 'Hard cases',
      queue_type: 'CUSTOM',
      created_by: expect.any(String),
      creation_time_ms: expect.any(Number),
      last_update_time_ms: expect.any(Number),
      users: ['ann', 'bob'],
      schema_ids: [schema.schema_id],
    },
  ]);
  const id = queue.queue_id;
  expect((await v3('GET', `get?queue_id=${id}`)).json).toEqual(made.json);
  expect((await v3('GET', `get-by-name?experiment_id=${experiment}&name=hard%20CASES`)).json).toEqual(made.json);
  const found = async (more = '') =>
    ids((await v3('GET', `list?experiment_id=${experiment}${more}`)).json.review_queues, 'queue_id');
  expect(await found()).toEqual([id]);
  expect(await found('&user=ANN')).toEqual([id]);
  expect(await found('&user=carl')).toEqual([]);
  const changed = await v3('POST', 'update', { queue_id: id, name: 'Easy', update_users: true, new_owner: 'Carl' });
  expect(changed.json.review_queue).toMatchObject({ name: 'Easy', created_by: 'Carl' });
  expect(changed.json.review_queue).not.toHaveProperty('users');
  for (const _ of [1, 2]) expect((await v3('POST', 'delete', { queue_id: id })).json).toEqual({});
  expect((await v3('GET', `get?queue_id=${id}`)).status).toBe(404);
});

test('a user has one queue', async () => {
  const experiment = await world.experiment();
  const ask = async (user: string) => await v3('POST', 'get-or-create-user', { experiment_id: experiment, user });
  const made = await Promise.all(['Ann', 'ann', ' ANN '].map(ask));
  expect(new Set(made.map(({ json }) => json.review_queue.queue_id)).size).toBe(1);
  expect(made[0]?.json.review_queue).toMatchObject({ name: 'ann', queue_type: 'USER', users: ['ann'] });
  const id = made[0]?.json.review_queue.queue_id;
  expect((await v3('POST', 'update', { queue_id: id, name: 'x' })).status).toBe(400);
  await create(experiment, { name: 'bob' });
  expect((await ask('bob')).json.error_code).toBe('RESOURCE_ALREADY_EXISTS');
});

test('traces are added, reviewed and removed', async () => {
  const experiment = await world.experiment();
  const [one, two] = [await trace(experiment, 'tr-one'), await trace(experiment, 'tr-two')];
  const id = (await create(experiment)).json.review_queue.queue_id;
  const add = async (...traces: readonly string[]) =>
    await v3('POST', 'items/add', { queue_id: id, item_type: 'TRACE', item_ids: traces });
  expect((await add(one, ' tr-two ')).json.items).toMatchObject([
    { queue_id: id, item_type: 'TRACE', item_id: one, status: 'PENDING' },
    { item_id: two },
  ]);
  const set = async (status: string, user?: string) =>
    await v3('POST', 'items/set-status', {
      queue_id: id,
      item_id: one,
      status,
      ...(user !== undefined && { completed_by: user }),
    });
  expect((await set('COMPLETE', 'Ann')).json.item).toMatchObject({ status: 'COMPLETE', completed_by: 'ann' });
  // The first reviewer stays.
  expect((await set('COMPLETE', 'bob')).json.item).toMatchObject({ completed_by: 'ann' });
  expect((await add(one)).json.items).toMatchObject([{ status: 'COMPLETE' }]);
  const items = async (more = '') => ids((await v3('GET', `items/list?queue_id=${id}${more}`)).json.items, 'item_id');
  expect(await items()).toEqual([one, two]);
  expect(await items('&status=PENDING')).toEqual([two]);
  const reopened = (await set('PENDING')).json.item;
  expect(reopened.status).toBe('PENDING');
  expect(reopened).not.toHaveProperty('completed_by');
  expect((await set('DECLINED')).status).toBe(400);
  const locked = await v3('POST', 'update', { queue_id: id, update_schema_ids: true });
  expect([locked.status, locked.json.message]).toEqual([400, expect.stringContaining('Remove the traces first')]);
  const queues = (await v3('GET', `list?experiment_id=${experiment}&item_id=${one}`)).json.review_queues;
  expect(ids(queues, 'queue_id')).toEqual([id]);
  expect((await v3('POST', 'items/remove', { queue_id: id, item_ids: [one] })).json).toEqual({});
  expect(await items()).toEqual([two]);
  const removed = { experiment_id: experiment, request_ids: [two] };
  await world.send('POST', '/api/3.0/mlflow/traces/delete-traces', removed);
  expect(await items()).toEqual([]);
});

test.each<[string, object, number, string]>([
  ['a reserved name', { name: 'Default' }, 400, 'INVALID_PARAMETER_VALUE'],
  ['a taken name', { name: 'TAKEN' }, 400, 'RESOURCE_ALREADY_EXISTS'],
  ['eleven reviewers', { users: Array.from({ length: 11 }, (_, n) => `u${n}`) }, 400, 'INVALID_PARAMETER_VALUE'],
  ['a missing question', { schema_ids: ['ls-none'] }, 404, 'RESOURCE_DOES_NOT_EXIST'],
  ['a user with another', { name: 'ann', queue_type: 'USER', users: ['bob'] }, 400, 'INVALID_PARAMETER_VALUE'],
  ['no type', { queue_type: 'REVIEW_QUEUE_TYPE_UNSPECIFIED' }, 400, 'INVALID_PARAMETER_VALUE'],
  ['a missing experiment', { experiment_id: '99999' }, 404, 'RESOURCE_DOES_NOT_EXIST'],
])('rejects %s', async (_what, more, status, code) => {
  await create('0', { name: 'taken' });
  const answer = await create('0', more);
  expect([answer.status, answer.json.error_code]).toEqual([status, code]);
});

test('missing queues and traces of other experiments are not found', async () => {
  const [experiment, other] = [await world.experiment(), await world.experiment()];
  const foreign = await trace(other, 'tr-foreign');
  const id = (await create(experiment)).json.review_queue.queue_id;
  for (const [path, body] of [
    ['items/add', { queue_id: id, item_ids: [foreign] }],
    ['items/add', { queue_id: 'rq-none', item_ids: [foreign] }],
    ['items/set-status', { queue_id: id, item_id: foreign, status: 'PENDING' }],
    ['update', { queue_id: 'rq-none', name: 'x' }],
    ['items/remove', { queue_id: '../x', item_ids: [foreign] }],
  ] as const) {
    const answer = await v3('POST', path, body);
    expect([path, answer.status, answer.json.error_code]).toEqual([path, 404, 'RESOURCE_DOES_NOT_EXIST']);
  }
});
