/** Comparison of runs: which is better, and how they differ. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Journey } from './journey.ts';
import { describeStates } from './page-states.ts';
import { makeExperiment, train } from './training.ts';

let journey: Journey;
const runs: string[] = [];

beforeAll(async () => {
  journey = await Journey.shared('project-c');
  const experiment = await makeExperiment(journey, 'flight delays');
  for (const [at, name] of ['otter', 'heron', 'newt', 'heron'].entries()) {
    const run = await train(journey, experiment, {
      name,
      params: { depth: String(3 + at), optimizer: at % 2 === 0 ? 'adam' : 'sgd', seed: '7' },
      metrics: {
        error: Array.from({ length: 120 }, (_, step) => 12 - at + 8 / (1 + step / 10)),
        recall: [0.5 + at / 10],
      },
      status: 'FINISHED',
    });
    runs.push(run);
  }
  await journey.apply(`apiVersion: dais.dev/v1
kind: Model
metadata:
  name: flight-delay
spec:
  objectives:
    - metric: error
      direction: minimize
      target: 11
      businessFigure: One minute less saves 40 gate changes a day
`);
  await journey.call('/api/v1/registry/models/flight-delay/versions', {
    source: `runs:/${runs[3]}/model`,
    runId: runs[3],
  });
});
afterAll(async () => await journey.stop());
afterEach(async ({ task }) => {
  await journey.closePages();
  if (task.result?.state === 'fail') journey.discardProblems();
  else journey.expectQuiet();
});

const address = (query = '') => `/projects/project-c/compare?runs=${runs.join(',')}${query}`;

test('metrics are charted together, and the objectives of the model come first', async () => {
  const page = await journey.open(address());
  await page.getByRole('heading', { name: 'Compare 4 runs', level: 1 }).waitFor();
  const objectives = page.getByRole('region', { name: 'Objectives' });
  await objectives.getByText('One minute less saves 40 gate changes a day').waitFor();
  await objectives.getByText('not met').first().waitFor();
  expect(await objectives.getByText('best', { exact: true }).count()).toBe(1);
  await page.locator('.line-chart', { hasText: 'error' }).locator('canvas').waitFor();
  await page.getByText(/^Chart of error, 480 points/).waitFor({ state: 'attached' });
  await page.getByRole('button', { name: 'Remove newt from the comparison' }).click();
  await page.getByRole('heading', { name: 'Compare 3 runs', level: 1 }).waitFor();
  await page.getByText(/^Chart of error, 360 points/).waitFor({ state: 'attached' });
});

test('differences come first; identical values need one click', async () => {
  const page = await journey.open(address('&tab=diff'));
  await page.getByRole('row', { name: /^optimizer adam sgd adam sgd$/ }).waitFor();
  expect(await page.getByRole('row', { name: /^seed/ }).count()).toBe(0);
  await page.getByLabel('Show identical values').click();
  await page.getByRole('row', { name: /^seed 7 7 7 7$/ }).waitFor();
});

test('dragging along an axis selects a range', async () => {
  const page = await journey.open(address('&tab=parallel'));
  await page.getByRole('img', { name: 'Parallel coordinates: 4 lines' }).waitFor();
  const axis = page.locator('.parallel-grip').first();
  const { width = 0, height = 0 } = (await axis.boundingBox()) ?? {};
  // Waits until the axis stops moving.
  await axis.dragTo(axis, {
    sourcePosition: { x: width / 2, y: height * 0.98 },
    targetPosition: { x: width / 2, y: height * 0.5 },
  });
  await page.getByText('2 of 4 selected.').waitFor();
});

test('a metric against a parameter', async () => {
  const page = await journey.open(address('&tab=scatter&across=params.depth&up=metrics.recall'));
  await page.getByRole('img', { name: 'recall versus depth: 4 points' }).waitFor();
  await page.getByRole('combobox', { name: 'Y axis' }).click();
  await page.getByRole('option', { name: 'error' }).click();
  await page.getByRole('img', { name: 'error versus depth: 4 points' }).waitFor();
  await page.waitForURL('**up=metrics.error*');
});

test('a missing run is named, in addition to the others', async () => {
  const page = await journey.open(`/projects/project-c/compare?runs=${runs[0]},nobody`);
  await page.getByRole('alert').getByText('nobody', { exact: true }).waitFor();
  await page.getByRole('list', { name: 'Runs' }).getByText('otter').waitFor();
  journey.expectQuiet('status of 404');
});

describeStates(
  [
    [
      'compare charts',
      () => address(),
      async (page) => await page.locator('.line-chart', { hasText: 'error' }).locator('canvas').waitFor(),
    ],
    ['compare differences', () => address('&tab=diff'), async (page) => await page.getByText('optimizer').waitFor()],
    [
      'compare parallel axes',
      () => address('&tab=parallel'),
      async (page) => await page.getByRole('img', { name: 'Parallel coordinates: 4 lines' }).waitFor(),
    ],
    [
      'compare points',
      () => address('&tab=scatter'),
      async (page) => await page.getByRole('img', { name: /4 points/ }).waitFor(),
    ],
  ],
  () => journey,
);
