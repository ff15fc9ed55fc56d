import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Experiment, Run } from '@dais/api/tracking';
import { startTrackingWorld, type TrackingWorld } from '../testing/tracking-world.ts';

const SOURCE = 'http://elsewhere';
const CREATED = 1_600_000_000_000;

let world: TrackingWorld;
beforeAll(async () => {
  world = await startTrackingWorld();
});
afterAll(async () => await world.stop());

const call = async <T>(name: string, input: unknown) => await world.dais.call<T>(name, input);
let made = 0;
const experimentInput = (more: object = {}) => {
  made += 1;
  const times = { createdAt: CREATED, updatedAt: CREATED + 5 };
  return { source: SOURCE, sourceId: `of test ${made}`, name: `imported ${made}`, ...times, ...more };
};
const importExperiment = async (more: object = {}) =>
  await call<{ id: string; artifactUri: string }>('import.experiment', experimentInput(more));
const runInput = (experimentId: string, id: string, more: object = {}) => ({
  source: SOURCE,
  experimentId,
  id,
  name: 'a run',
  status: 'FINISHED',
  startedAt: CREATED,
  endedAt: CREATED + 1000,
  ...more,
});

test('an imported experiment keeps its name and times, and a repeated import updates it', async () => {
  const input = experimentInput({ tags: { a: '1' } });
  const { id } = await call<{ id: string }>('import.experiment', input);
  const again = await call<{ id: string }>('import.experiment', { ...input, name: 'renamed there', deleted: true });
  expect(again.id).toBe(id);
  expect(await call<Experiment>('experiment.get', { id })).toMatchObject({
    name: 'renamed there',
    createdAt: CREATED,
    updatedAt: CREATED + 5,
    lifecycle: 'deleted',
    tags: { a: '1' },
  });
});

test('an existing experiment with the name is used, and so is the default one', async () => {
  const here = await world.experiment('both have it');
  expect((await importExperiment({ name: 'both have it' })).id).toBe(here);
  expect(await importExperiment({ name: 'Default', isDefault: true })).toEqual({
    id: '0',
    artifactUri: 'artifacts:/0',
  });
});

test('a name of another experiment is rejected', async () => {
  await world.experiment('taken');
  const input = experimentInput();
  await call('import.experiment', input);
  await expect(call('import.experiment', { ...input, name: 'taken' })).rejects.toMatchObject({
    code: 'already_exists',
  });
});

test('a run keeps its id, times, parameters, inputs and histories, and a repeated import changes nothing', async () => {
  const { id: experimentId } = await importExperiment();
  const dataset = { name: 'd', digest: '1', sourceType: 'local', source: '/x' };
  const input = runInput(experimentId, 'f'.repeat(32), {
    user: 'ada',
    params: { depth: '3' },
    tags: { team: 'air' },
    datasets: [{ dataset, tags: { 'client.context': 'training' } }],
    modelOutputs: [{ modelId: 'm-1', step: 2 }],
  });
  const steps = Array.from({ length: 3000 }, (_, step) => step);
  const metrics = {
    runId: input.id,
    series: [
      {
        key: 'loss',
        steps,
        timestamps: steps.map((step) => CREATED + step),
        values: steps.map((step) => 1 / (step + 1)),
      },
      { key: 'odd', steps: [0, 0, -2], timestamps: [5, 5, 4], values: ['NaN', 'NaN', '-Infinity'] },
    ],
  };
  const reported: unknown[] = [];
  for (const _time of [1, 2]) {
    await call('import.run', input);
    reported.push(await call('import.metrics', metrics));
  }
  const points = expect.arrayContaining([
    { key: 'loss', points: 3000 },
    { key: 'odd', points: 2 },
  ]);
  expect(reported).toEqual([{ series: points }, { series: points }]);
  const run = await call<Run>('run.get', { id: input.id });
  expect(run).toMatchObject({
    name: 'a run',
    user: 'ada',
    status: 'FINISHED',
    startedAt: CREATED,
    endedAt: CREATED + 1000,
    params: { depth: '3' },
    tags: { team: 'air' },
    datasets: [{ dataset }],
    modelOutputs: [{ modelId: 'm-1', step: 2 }],
    lifecycle: 'active',
  });
  expect(run.metrics).toContainEqual({ key: 'odd', value: 'NaN', step: 0, timestamp: 5 });
});

test('a deleted run accepts its metrics, and is restored when its source is restored', async () => {
  const { id: experimentId } = await importExperiment();
  const input = runInput(experimentId, 'd'.repeat(32), { deleted: true });
  await call('import.run', input);
  await call('import.metrics', {
    runId: input.id,
    series: [{ key: 'm', steps: [1], timestamps: [1], values: [1] }],
  });
  expect(await call<Run>('run.get', { id: input.id })).toMatchObject({ lifecycle: 'deleted', metrics: [{ key: 'm' }] });
  await call('import.run', { ...input, deleted: false, params: { changed: 'there' } });
  expect(await call<Run>('run.get', { id: input.id })).toMatchObject({
    lifecycle: 'active',
    params: { changed: 'there' },
  });
});

test('a logged model keeps its id and metrics', async () => {
  const { id: experimentId } = await importExperiment();
  const runId = 'e'.repeat(32);
  await call('import.run', runInput(experimentId, runId));
  const model = {
    source: SOURCE,
    experimentId,
    id: `m-${'a'.repeat(32)}`,
    name: 'net',
    sourceRunId: runId,
    status: 'READY',
    createdAt: CREATED,
    updatedAt: CREATED + 1,
    params: { p: '1' },
    metrics: [{ runId, key: 'acc', value: 0.5, timestamp: 7, step: 1, datasetName: 'd' }],
  };
  await call('import.loggedModel', model);
  await call('import.loggedModel', model);
  expect(await call('loggedModel.get', { id: model.id })).toMatchObject({
    createdAt: CREATED,
    updatedAt: CREATED + 1,
    status: 'READY',
    params: { p: '1' },
    metrics: [{ runId, key: 'acc', value: 0.5, step: 1, datasetName: 'd' }],
  });
});

test('imports are listed by source and kind, in pages, with their state', async () => {
  const source = 'http://listed';
  for (const sourceId of ['1', '2', '3']) {
    const id = `${sourceId}00`;
    await call('import.note', { source, kind: 'model', sourceId, id, state: `s${sourceId}` });
  }
  const first = await call<{ items: object[]; nextCursor: string }>('import.list', { source, kind: 'model', limit: 2 });
  expect(first.items).toEqual([
    { sourceId: '1', id: '100', state: 's1' },
    { sourceId: '2', id: '200', state: 's2' },
  ]);
  const rest = { source, kind: 'model', limit: 2, cursor: first.nextCursor };
  expect(await call('import.list', rest)).toEqual({ items: [{ sourceId: '3', id: '300', state: 's3' }] });
  await expect(call('import.list', { ...rest, kind: 'run' })).rejects.toMatchObject({ code: 'invalid_cursor' });
});

test('columns of different lengths, unknown runs and runs of another experiment are rejected', async () => {
  const { id: experimentId } = await importExperiment();
  const id = 'c'.repeat(32);
  await call('import.run', runInput(experimentId, id));
  const series = [{ key: 'm', steps: [1, 2], timestamps: [1], values: [1, 2] }];
  await expect(call('import.metrics', { runId: id, series })).rejects.toMatchObject({ code: 'invalid_request' });
  const one = [{ key: 'm', steps: [1], timestamps: [1], values: [1] }];
  await expect(call('import.metrics', { runId: 'nobody', series: one })).rejects.toMatchObject({ code: 'not_found' });
  const other = await importExperiment();
  await expect(call('import.run', runInput(other.id, id))).rejects.toMatchObject({ code: 'already_exists' });
});
