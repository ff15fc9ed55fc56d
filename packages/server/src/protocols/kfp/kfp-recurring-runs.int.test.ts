import { afterAll, beforeAll, expect, test } from 'vitest';
import { startKfpWorld, type KfpWorld } from './testing/kfp-fixture.ts';
import { smallPipeline, WRITES } from './testing/small-pipeline.ts';

let world: KfpWorld;
beforeAll(async () => {
  world = await startKfpWorld();
});
afterAll(async () => await world?.stop());

const expected = {
  display_name: 'often',
  mode: 'ENABLE',
  pipeline_spec: smallPipeline(WRITES),
  trigger: { cron_schedule: { cron: '0 0 9 ? * 2-6', start_time: '2030-01-01T00:00:00Z' } },
};
const make = async (more: object = {}) => await world.post('/recurringruns', { ...expected, ...more });

test('a recurring run is created, read, disabled, enabled and deleted', async () => {
  const made = await make({
    description: 'why',
    max_concurrency: '99',
    no_catchup: true,
    runtime_config: { parameters: { word: 'x' } },
  });
  expect(made).toMatchObject({
    status: 200,
    json: {
      recurring_run_id: expect.any(String),
      display_name: 'often',
      description: 'why',
      experiment_id: '0',
      max_concurrency: '10',
      no_catchup: true,
      mode: 'ENABLE',
      status: 'ENABLED',
      trigger: expected.trigger,
      pipeline_spec: expected.pipeline_spec,
      runtime_config: { parameters: { word: 'x' } },
    },
  });
  const at = `/recurringruns/${made.json.recurring_run_id}`;
  expect((await world.get(at)).json).toEqual(made.json);
  expect((await world.post(`${at}:disable`)).json).toEqual({});
  expect((await world.get(at)).json).toMatchObject({ mode: 'DISABLE', status: 'DISABLED' });
  expect((await world.post(`${at}:enable`)).json).toEqual({});
  expect((await world.get(at)).json).toMatchObject({ status: 'ENABLED' });
  expect((await world.delete(`${at}?propagation_policy=ORPHAN`)).json).toEqual({});
  expect(await world.get(at)).toMatchObject({ status: 404, json: { code: 5 } });
  expect((await world.post(`${at}:enable`)).status).toBe(404);
});

test('recurring runs are listed by experiment, in the requested order', async () => {
  const experiment = (await world.post('/experiments', { display_name: 'recurring' })).json.experiment_id as string;
  for (const name of ['b', 'a', 'c']) await make({ display_name: name, experiment_id: experiment, mode: 'DISABLE' });
  const first = await world.get('/recurringruns', {
    experiment_id: experiment,
    sort_by: 'display_name',
    page_size: '2',
  });
  expect(first.json).toMatchObject({ total_size: 3, recurringRuns: [{ display_name: 'a' }, { display_name: 'b' }] });
  const second = await world.get('/recurringruns', {
    experiment_id: experiment,
    page_token: first.json.next_page_token,
  });
  expect(second.json.recurringRuns).toMatchObject([{ display_name: 'c' }]);
  const filter = JSON.stringify({ predicates: [{ operation: 'EQUALS', key: 'display_name', stringValue: 'b' }] });
  expect((await world.get('/recurringruns', { experiment_id: experiment, filter })).json.total_size).toBe(1);
});

test('an interval starts a run of a stored version', async () => {
  const pipeline = await world.post('/pipelines/create', {
    pipeline: { display_name: 'kept' },
    pipeline_version: { pipeline_spec: expected.pipeline_spec },
  });
  const { pipeline_id: id } = pipeline.json as { pipeline_id: string };
  const trigger = { periodic_schedule: { interval_second: '1' } };
  const made = await make({ pipeline_spec: undefined, pipeline_version_reference: { pipeline_id: id }, trigger });
  expect(made.json).toMatchObject({ trigger, pipeline_version_reference: { pipeline_id: id } });
  const of = made.json.recurring_run_id as string;
  const filter = JSON.stringify({ predicates: [{ operation: 'EQUALS', key: 'recurring_run_id', stringValue: of }] });
  await expect
    .poll(async () => (await world.get('/runs', { filter })).json.runs, { timeout: 60_000, interval: 100 })
    .toMatchObject([{ recurring_run_id: of, pipeline_version_reference: { pipeline_id: id } }]);
  await world.delete(`/recurringruns/${of}`);
});

test.each([
  ['no name', { display_name: '' }, 400, 'display_name'],
  ['no mode', { mode: undefined }, 400, 'mode'],
  ['no trigger', { trigger: undefined }, 400, 'trigger'],
  ['two triggers', { trigger: { ...expected.trigger, periodic_schedule: { interval_second: 1 } } }, 400, 'trigger'],
  ['no time', { trigger: { cron_schedule: {} } }, 400, 'cron'],
  ['a time that is none', { trigger: { cron_schedule: { cron: 'soon' } } }, 400, 'five, or six'],
  ['no interval', { trigger: { periodic_schedule: { interval_second: 0 } } }, 400, 'interval_second'],
  [
    'an end before its start',
    {
      trigger: {
        periodic_schedule: { interval_second: 9, start_time: '2030-01-01T00:00:00Z', end_time: '2029-01-01T00:00:00Z' },
      },
    },
    400,
    'end_time',
  ],
  ['no pipeline', { pipeline_spec: undefined }, 400, 'Specify pipeline_spec'],
  ['an unknown experiment', { experiment_id: '424242' }, 404, '424242'],
  ['an unknown field', { no_catch_up: true }, 400, 'no_catchup'],
])('a recurring run with %s is rejected', async (_, more, status, message) => {
  expect(await make(more)).toMatchObject({ status, json: { message: expect.stringContaining(message) } });
});
