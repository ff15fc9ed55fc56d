import type { Run } from '@dais/api/tracking';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeOf, manifest } from '#kernel/testing/test-kernel.ts';
import { startTrackingWorld, type TrackingWorld } from '../testing/tracking-world.ts';

let world: TrackingWorld;
const call = async <Output>(...args: Parameters<TrackingWorld['dais']['call']>) =>
  await world.dais.call<Output>(...args);
const read = async (id: string) => await call<Run>('run.get', { id });
const dataset = (name: string, digest = 'd1') => ({ name, digest, sourceType: 'local', source: `/data/${name}` });

beforeAll(async () => {
  world = await startTrackingWorld();
  await world.dais.apply([manifest('Project', 'other')]);
});
afterAll(async () => await world?.stop());

test('datasets are linked once, with their use', async () => {
  const { id } = await world.run();
  const flights = { ...dataset('flights'), schema: '{"columns":[]}', profile: '{"rows":3}' };
  const inputs = [
    { dataset: flights, tags: { 'client.context': 'training' } },
    { dataset: dataset('weather'), tags: {} },
    { dataset: flights, tags: { 'client.context': 'validation' } },
  ];
  for (const _ of [1, 2]) expect(await call('run.logInputs', { id, datasets: inputs })).toEqual({});
  expect((await read(id)).datasets).toEqual([
    { dataset: flights, tags: { 'client.context': 'training' } },
    { dataset: dataset('weather'), tags: {} },
  ]);
  const again = [{ dataset: dataset('weather'), tags: { note: 'late' } }];
  await call('run.logInputs', { id, datasets: again });
  expect((await read(id)).datasets[1]).toEqual({ dataset: dataset('weather'), tags: {} });
  const [row] = await world.test.asAdmin(
    `select string_agg(i.context, ',') as contexts from tracking.dataset_input i join tracking.run r on r.num = i.run where r.id = '${id}'`,
  );
  expect(row).toEqual({ contexts: 'training' });
});

test('runs of one experiment share a dataset, and another digest is another dataset', async () => {
  const experimentId = await world.experiment();
  const runs = [await world.run(experimentId), await world.run(experimentId)];
  await Promise.all(
    runs.map(({ id }) =>
      call('run.logInputs', {
        id,
        datasets: [dataset('a'), dataset('b'), dataset('a', 'd2')].map((one) => ({ dataset: one, tags: {} })),
      }),
    ),
  );
  const [row] = await world.test.asAdmin(
    `select count(*)::int as n from tracking.dataset where experiment = ${experimentId}`,
  );
  expect(row).toEqual({ n: 3 });
});

test('input and output models of a run are linked', async () => {
  const { id } = await world.run();
  for (const _ of [1, 2]) {
    await call('run.logInputs', { id, models: ['m-b', 'm-a', 'm-b'] });
    await call('run.logOutputs', {
      id,
      models: [
        { modelId: 'm-c', step: 7 },
        { modelId: 'm-d', step: 3 },
      ],
    });
  }
  expect(await read(id)).toMatchObject({
    modelInputs: ['m-a', 'm-b'],
    modelOutputs: [
      { modelId: 'm-d', step: 3 },
      { modelId: 'm-c', step: 7 },
    ],
  });
});

test('links to a deleted run or a run of another project are rejected', async () => {
  const { id } = await world.run();
  const inputs = { id, datasets: [{ dataset: dataset('x'), tags: {} }] };
  const outputs = { id, models: [{ modelId: 'm-c', step: 7 }] };
  const elsewhere = { projects: ['other'] };
  expect(await codeOf(call('run.logInputs', inputs, elsewhere))).toBe('not_found');
  expect(await codeOf(call('run.logOutputs', outputs, elsewhere))).toBe('not_found');
  await call('run.delete', { id });
  expect(await codeOf(call('run.logInputs', inputs))).toBe('invalid_state');
  expect(await codeOf(call('run.logOutputs', outputs))).toBe('invalid_state');
});
