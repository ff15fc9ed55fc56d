import { RUNS_COUNTED, type Run } from '@dais/api/tracking';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeOf } from '#kernel/testing/test-kernel.ts';
import { findTenant } from '#kernel/tenants.ts';
import { startTrackingWorld, type TrackingWorld } from '../testing/tracking-world.ts';

let world: TrackingWorld;

beforeAll(async () => {
  world = await startTrackingWorld();
});
afterAll(async () => await world?.stop());

const call = async <Output>(...args: Parameters<TrackingWorld['dais']['call']>) =>
  await world.dais.call<Output>(...args);

async function makeRun(experimentId: string, name: string, parent?: string): Promise<string> {
  const tags = parent === undefined ? {} : { 'client.parent': parent };
  const { id } = await call<Run>('run.create', { experimentId, name, startedAt: 1, tags });
  return id;
}

test('a run has the number of its child runs on request', async () => {
  const experiment = await world.experiment();
  const parent = await makeRun(experiment, 'sweep');
  const trial = await makeRun(experiment, 'trial 1', parent);
  const gone = await makeRun(experiment, 'trial 2', parent);
  await makeRun(experiment, 'fold', trial);
  await makeRun(await world.experiment(), 'elsewhere', parent);
  await call('run.delete', { id: gone });
  const search = async (input: object) =>
    (await call<{ items: Run[] }>('run.search', { experimentIds: [experiment], ...input })).items;
  const counted = await search({ countChildren: true });
  expect(Object.fromEntries(counted.map(({ name, children }) => [name, children]))).toEqual({
    sweep: 1,
    'trial 1': 1,
    fold: 0,
  });
  expect((await search({})).every((run) => !('children' in run))).toBe(true);
  const top = await search({ filter: 'tags.`client.parent` IS NULL', countChildren: true });
  expect(top.map(({ name, children }) => [name, children])).toEqual([['sweep', 1]]);
  const all = await search({ view: 'all', countChildren: true, filter: `run_id = '${parent}'` });
  expect(all.map(({ children }) => children)).toEqual([2]);
});

test('runs are counted by filter and view, up to a limit', async () => {
  const experiment = await world.experiment();
  for (const name of ['a', 'b', 'c']) await makeRun(experiment, name);
  const gone = await makeRun(experiment, 'd');
  await call('run.delete', { id: gone });
  const count = async (input: object = {}) => await call('run.count', { experimentIds: [experiment], ...input });
  expect(await count()).toEqual({ runs: 3, more: false });
  expect(await count({ filter: "run_name = 'a'" })).toEqual({ runs: 1, more: false });
  expect(await count({ view: 'deleted' })).toEqual({ runs: 1, more: false });
  expect(await count({ experimentIds: [] })).toEqual({ runs: 0, more: false });
  expect(await count({ experimentIds: ['987654321'] })).toEqual({ runs: 0, more: false });
  expect(await codeOf(count({ filter: 'metrics.' }))).toBe('invalid_request');

  await world.dais.write(async (tx) => {
    const { id: projectId } = (await findTenant(tx.sql, 'default'))!;
    await tx.enter(projectId);
    await tx.sql.query(
      `insert into tracking.run (project_id, id, experiment, name, user_name, status, started_at)
       select $1, 'many-' || n, $2, 'many', 'ada', 'FINISHED', n from generate_series(1, $3::int) n`,
      [projectId, experiment, RUNS_COUNTED],
    );
  });
  expect(await count()).toEqual({ runs: RUNS_COUNTED, more: true });
  expect(await count({ filter: "run_name = 'many'" })).toEqual({ runs: RUNS_COUNTED, more: false });
});
