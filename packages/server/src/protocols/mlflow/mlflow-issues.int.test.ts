import { afterAll, beforeAll, expect, test } from 'vitest';
import { startMlflowWorld, type Json, type MlflowWorld } from './testing/mlflow-fixture.ts';

let world: MlflowWorld;
beforeAll(async () => {
  world = await startMlflowWorld();
});
afterAll(async () => await world?.stop());

const v3 = async (method: string, path: string, body?: unknown) =>
  await world.send(method, `/api/3.0/mlflow/${path}`, body);
const create = async (experiment: string, more: object = {}): Promise<Json> =>
  await v3('POST', 'issues', { experiment_id: experiment, name: 'slow', description: 'too slow', ...more });

test('an issue is created, read and changed', async () => {
  const experiment = await world.experiment();
  const made = await create(experiment, { severity: 'high', root_causes: ['db'], metadata: { a: '1' } });
  const { issue } = made.json;
  expect([made.status, issue]).toEqual([
    200,
    {
      issue_id: expect.stringMatching(/^iss-/),
      experiment_id: experiment,
      name: 'slow',
      description: 'too slow',
      status: 'pending',
      severity: 'high',
      root_causes: ['db'],
      created_timestamp: expect.any(Number),
      last_updated_timestamp: expect.any(Number),
      last_seen_timestamp: expect.any(Number),
      metadata: { a: '1' },
    },
  ]);
  expect((await v3('GET', `issues/${issue.issue_id}`)).json).toEqual({ issue });
  const changed = await v3('PATCH', `issues/${issue.issue_id}`, {
    name: 'fast',
    status: 'resolved',
    categories: ['speed'],
    delete_metadata_keys: ['a'],
  });
  expect(changed.json.issue).toMatchObject({ name: 'fast', status: 'resolved', categories: ['speed'] });
  expect(changed.json.issue).not.toHaveProperty('metadata');
});

test('issues are searched', async () => {
  const experiment = await world.experiment();
  for (const severity of ['low', 'high', 'medium']) await create(experiment, { name: severity, severity });
  const search = async (more: object = {}) =>
    (await v3('POST', 'issues/search', { experiment_id: experiment, ...more })).json;
  const first = await search({ max_results: 2, include_total_count: true, include_trace_count: true, view: 'basic' });
  expect(first).toMatchObject({
    issues: [
      { name: 'high', description: '', trace_count: 0 },
      { name: 'medium', trace_count: 0 },
    ],
    total_count: 3,
  });
  const paged = { max_results: 2, include_trace_count: true, page_token: first.next_page_token };
  expect((await search(paged)).issues).toMatchObject([{ name: 'low', description: 'too slow' }]);
  expect((await search({ filter_string: "status = 'pending'", order_by: ['name DESC'] })).issues).toMatchObject([
    { name: 'medium' },
    { name: 'low' },
    { name: 'high' },
  ]);
  // These responses always have a token, unlike older ones.
  expect(await search({ statuses: ['resolved'] })).toEqual({ next_page_token: '' });
});

test.each<[string, string, string, unknown, number, string]>([
  ['a missing issue', 'GET', 'issues/nonexistent', undefined, 404, 'RESOURCE_DOES_NOT_EXIST'],
  ['a change of none', 'PATCH', 'issues/iss-none', { name: 'x' }, 404, 'RESOURCE_DOES_NOT_EXIST'],
  ['no name', 'POST', 'issues', { experiment_id: '0' }, 400, 'INVALID_PARAMETER_VALUE'],
  [
    'no experiment',
    'POST',
    'issues',
    { experiment_id: '99999', name: 'a', description: 'b' },
    404,
    'RESOURCE_DOES_NOT_EXIST',
  ],
  [
    'an unknown status',
    'POST',
    'issues',
    { experiment_id: '0', name: 'a', description: 'b', status: 'open' },
    400,
    'INVALID_PARAMETER_VALUE',
  ],
  ['an unknown filter', 'POST', 'issues/search', { filter_string: "color = 'x'" }, 400, 'INVALID_PARAMETER_VALUE'],
  ['an unknown view', 'POST', 'issues/search', { view: 'x' }, 400, 'INVALID_PARAMETER_VALUE'],
])('rejects %s', async (_what, method, path, body, status, code) => {
  const answer = await v3(method, path, body);
  expect([answer.status, answer.json.error_code]).toEqual([status, code]);
});
