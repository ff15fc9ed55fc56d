import { afterAll, beforeAll, expect, test } from 'vitest';
import { startMlflowWorld, type Json, type MlflowWorld } from './testing/mlflow-fixture.ts';

let world: MlflowWorld;
beforeAll(async () => {
  world = await startMlflowWorld();
});
afterAll(async () => await world?.stop());

const v3 = async (method: string, path: string, body?: unknown) =>
  await world.send(method, `/api/3.0/mlflow/label-schemas/${path}`, body);
const create = async (experiment: string, more: object = {}): Promise<Json> =>
  await v3('POST', 'create', { experiment_id: experiment, name: 'right', type: 'FEEDBACK', ...more });

test.each([
  ['a choice of two', { pass_fail: { positive_label: 'Yes', negative_label: 'No' } }],
  ['options', { categorical: { options: ['a', 'b'], multi_select: true } }],
  ['a number', { numeric: { min_value: 0, max_value: 1.5 } }],
  ['a number without limits', { numeric: {} }],
  ['a text', { text: { max_length: 100 } }],
])('%s is created and read', async (_what, input) => {
  const experiment = await world.experiment();
  const made = await create(experiment, { input, instruction: 'Look twice.', enable_comment: true });
  expect([made.status, made.json]).toEqual([
    200,
    {
      label_schema: {
        schema_id: expect.stringMatching(/^ls-/),
        experiment_id: experiment,
        name: 'right',
        type: 'FEEDBACK',
        instruction: 'Look twice.',
        enable_comment: true,
        input,
        created_at: expect.any(Number),
        last_updated_at: expect.any(Number),
        is_default: false,
      },
    },
  ]);
  const id = made.json.label_schema.schema_id;
  expect((await v3('GET', `get?schema_id=${id}`)).json).toEqual(made.json);
  expect((await v3('GET', `get-by-name?experiment_id=${experiment}&name=right`)).json).toEqual(made.json);
  const listed = await v3('GET', `list?experiment_id=${experiment}`);
  expect(listed.json.label_schemas.map((one: Json) => one.name)).toEqual(['right', 'Feedback']);
});

test('one is changed and deleted', async () => {
  const experiment = await world.experiment();
  const id = (await create(experiment, { input: { text: {} } })).json.label_schema.schema_id;
  const changed = await v3('PATCH', 'update', { schema_id: id, name: 'wrong', input: { text: { max_length: 5 } } });
  expect(changed.json.label_schema).toMatchObject({ name: 'wrong', input: { text: { max_length: 5 } } });
  for (const _ of [1, 2]) expect((await v3('DELETE', 'delete', { schema_id: id })).json).toEqual({});
  expect((await v3('GET', `get?schema_id=${id}`)).status).toBe(404);
});

test.each<[string, object, number, string]>([
  ['no form', { input: {} }, 400, 'INVALID_PARAMETER_VALUE'],
  ['two forms', { input: { text: {}, numeric: {} } }, 400, 'INVALID_PARAMETER_VALUE'],
  ['no options', { input: { categorical: {} } }, 400, 'INVALID_PARAMETER_VALUE'],
  ['a reserved name', { name: 'feedback', input: { text: {} } }, 400, 'INVALID_PARAMETER_VALUE'],
  ['a taken name', { name: 'taken', input: { text: {} } }, 400, 'RESOURCE_ALREADY_EXISTS'],
  ['a missing experiment', { experiment_id: '99999', input: { text: {} } }, 404, 'RESOURCE_DOES_NOT_EXIST'],
])('rejects %s', async (_what, more, status, code) => {
  await create('0', { name: 'taken', input: { text: {} } });
  const answer = await create('0', more);
  expect([answer.status, answer.json.error_code]).toEqual([status, code]);
});

test('missing label schemas are not found', async () => {
  for (const path of ['get?schema_id=x', 'get?schema_id=ls-none', 'get-by-name?experiment_id=0&name=none']) {
    const answer = await v3('GET', path);
    expect([path, answer.status, answer.json.error_code]).toEqual([path, 404, 'RESOURCE_DOES_NOT_EXIST']);
  }
});
