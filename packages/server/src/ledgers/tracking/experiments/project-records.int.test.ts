import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeOf, manifest, startTestKernel } from '#kernel/testing/test-kernel.ts';
import { startTrackingWorld, type TrackingWorld } from '../testing/tracking-world.ts';

let world: TrackingWorld;
const call = async <Output>(...args: Parameters<TrackingWorld['dais']['call']>) =>
  await world.dais.call<Output>(...args);

beforeAll(async () => {
  world = await startTrackingWorld();
});
afterAll(async () => await world?.stop());

test('a project has its default experiment from its creation', async () => {
  await world.dais.apply([manifest('Project', 'begun')]);
  expect(await call('experiment.get', { id: '0' }, { projects: ['begun'] })).toMatchObject({
    id: '0',
    name: 'Default',
    lifecycle: 'active',
  });
  // The first project of all too.
  expect(await codeOf(call('experiment.get', { id: '0' }))).toBe('ok');
});

test('a project can be deleted after its contents, and leaves no rows', async () => {
  await world.dais.apply([manifest('Project', 'ended')]);
  const inside = { projects: ['ended'] };
  const run = await call<{ id: string }>('run.create', { experimentId: '0', tags: { a: 'b' } }, inside);
  const { id: model } = await call<{ id: string }>(
    'loggedModel.create',
    { experimentId: '0', tags: [{ key: 'a', value: 'b' }] },
    inside,
  );
  const points = Array.from({ length: 300 }, (_, step) => ({ key: 'loss', value: step, timestamp: step, step }));
  const more = [{ key: 'acc', value: 1, timestamp: 1, step: 1, modelId: model }];
  const log = { id: run.id, params: [{ key: 'p', value: '1' }], metrics: [...points, ...more] };
  await call('run.log', log, inside);
  const dataset = { name: 'd', digest: 'd', sourceType: 'local', source: '/d' };
  await call('run.logInputs', { id: run.id, datasets: [{ dataset, tags: {} }], models: [model] }, inside);
  await call('run.logOutputs', { id: run.id, models: [{ modelId: model, step: 0 }] }, inside);
  const traced = { experimentId: '0', requestedAt: 1, durationMs: 1, state: 'OK' };
  await call('trace.put', traced, inside);
  const remove = () => call('project.delete', { name: 'ended' });
  await expect(remove()).rejects.toMatchObject({
    code: 'still_referenced',
    message: 'Project "ended" still contains 1 run, 1 logged model, 1 trace. Delete them first.',
  });
  await call('run.delete', { id: run.id }, inside);
  await call('loggedModel.delete', { id: model }, inside);
  await call('trace.delete', { experimentId: '0', before: 1 }, inside);
  const [row] = await world.test.asAdmin(`select id from kernel.tenant where name = 'ended'`);
  await remove();
  const tables = await world.test.asAdmin(
    `select table_name as name from information_schema.tables where table_schema = 'tracking'`,
  );
  for (const { name } of tables) {
    const [left] = await world.test.asAdmin(
      `select count(*)::int as n from tracking.${String(name)} where project_id = '${String(row!['id'])}'`,
    );
    expect([name, left]).toEqual([name, { n: 0 }]);
  }
});

test('a write with a cached id of a deleted project fails', async () => {
  await world.dais.apply([manifest('Project', 'gone')]);
  const inside = { projects: ['gone'] };
  // Remembers the project for a second.
  const late = await startTestKernel(world.test, { ...world.kernelOptions, start: 'none' });
  await late.call('experiment.get', { id: '0' }, inside);
  await call('project.delete', { name: 'gone' });
  const writes = [
    ['run.create', { experimentId: '0' }],
    ['experiment.create', { name: 'x' }],
    ['loggedModel.create', { experimentId: '0' }],
  ] as const;
  for (const [name, input] of writes) {
    expect([name, await codeOf(late.call(name, input, inside))]).toEqual([name, 'not_found']);
  }
  await late.stop();
});

test('a run that starts during the deletion of its project conflicts with it', async () => {
  for (let n = 0; n < 10; n++) {
    const name = `race-${n}`;
    await world.dais.apply([manifest('Project', name)]);
    const inside = { projects: [name] };
    const outcomes = await Promise.all([
      codeOf(call('run.create', { experimentId: '0' }, inside)),
      codeOf(call('project.delete', { name })),
    ]);
    expect([
      ['ok', 'still_referenced'],
      ['not_found', 'ok'],
    ]).toContainEqual(outcomes);
  }
});
