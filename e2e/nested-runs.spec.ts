/** Nested runs: a sweep with its trials, expanded and collapsed in the table. */
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Journey } from './journey.ts';
import { describeStates } from './page-states.ts';
import { makeExperiment, train } from './training.ts';

/** More than the table shows under one run. */
const MANY = 203;

let journey: Journey;
let experiment: string;
let sweep: string;
let trial: string;

beforeAll(async () => {
  journey = await Journey.shared('project-h');
  experiment = await makeExperiment(journey, 'sweeps');
  const at = Date.UTC(2026, 0, 1);
  const below = (parent: string) => ({ 'mlflow.parentRunId': parent });
  sweep = await train(journey, experiment, { name: 'sweep', startedAt: at, status: 'FINISHED' });
  for (const depth of [3, 1, 2]) {
    const id = await train(journey, experiment, {
      name: `trial-${depth}`,
      params: { depth: String(depth) },
      metrics: { loss: [1 / depth] },
      tags: below(sweep),
      startedAt: at + depth * 1000,
      status: 'FINISHED',
    });
    if (depth === 2) trial = id;
  }
  await train(journey, experiment, { name: 'fold', tags: below(trial), startedAt: at + 5000, status: 'FINISHED' });
  await train(journey, experiment, { name: 'alone', metrics: { loss: [0.1] }, startedAt: at + 1, status: 'FINISHED' });
  const wide = await train(journey, experiment, { name: 'wide', startedAt: at + 2, status: 'FINISHED' });
  for (let n = 0; n < MANY; n++) {
    const run = { experimentId: experiment, name: `many-${n}`, startedAt: at + n, tags: below(wide) };
    await journey.call('/api/v1/tracking/runs', run);
  }
});
afterAll(async () => await journey.stop());
afterEach(async ({ task }) => {
  await journey.closePages();
  if (task.result?.state === 'fail') journey.discardProblems();
  else journey.expectQuiet();
});

const address = (query = '') => `/projects/project-h/experiments/${experiment}${query}`;
const table = (page: Page) => page.getByRole('treegrid', { name: 'Runs' });
/** Names and levels of the rows. */
const shown = async (page: Page) =>
  await table(page)
    .locator('[aria-level]')
    .evaluateAll((rows) =>
      rows.map((row) => `${row.getAttribute('aria-level')} ${row.querySelector('a')?.textContent}`),
    );

test('a run expands to its child runs, and the URL stores the expanded ones', async () => {
  const page = await journey.open(address());
  await page.getByText('210 runs', { exact: true }).waitFor();
  await page.getByLabel('Group nested runs').check();
  await page.getByText('3 runs, nested runs not counted', { exact: true }).waitFor();
  await page.waitForURL('**nested=yes*');
  expect(await shown(page)).toEqual(['1 wide', '1 alone', '1 sweep']);
  await table(page).getByRole('button', { name: 'Nested runs of sweep' }).click();
  await table(page).getByRole('button', { name: 'Nested runs of trial-2' }).click();
  await page.waitForURL(`**open=${sweep},${trial}*`);
  const all = ['1 wide', '1 alone', '1 sweep', '2 trial-3', '2 trial-2', '3 fold', '2 trial-1'];
  await expect.poll(async () => await shown(page)).toEqual(all);
  // The order of the table applies to each level.
  await page.getByRole('button', { name: 'loss' }).click();
  await expect
    .poll(async () => await shown(page))
    .toEqual(['1 alone', '1 wide', '1 sweep', '2 trial-3', '2 trial-2', '3 fold', '2 trial-1']);
  await page.reload();
  await table(page).getByText('fold').waitFor();
  await table(page).getByRole('button', { name: 'Nested runs of sweep' }).click();
  await expect.poll(async () => await shown(page)).toEqual(['1 alone', '1 wide', '1 sweep']);
});

test('the keyboard expands, moves down and back, and collapses', async () => {
  const page = await journey.open(address('?nested=yes'));
  const row = (name: string) => table(page).getByRole('row', { name, selected: true });
  await table(page).getByText('sweep').waitFor();
  await table(page).focus();
  for (const key of ['ArrowDown', 'ArrowDown', 'ArrowDown']) await page.keyboard.press(key);
  await row('sweep').waitFor();
  await page.keyboard.press('ArrowRight');
  await table(page).getByText('trial-3').waitFor();
  await page.keyboard.press('ArrowDown');
  await row('trial-3').waitFor();
  await page.keyboard.press('ArrowLeft');
  await row('sweep').waitFor();
  await page.keyboard.press('ArrowLeft');
  await table(page).getByText('trial-3').waitFor({ state: 'detached' });
});

test('of very many children the first are shown, and all with a filter, which applies to each run', async () => {
  const page = await journey.open(address('?nested=yes'));
  await table(page).getByRole('button', { name: 'Nested runs of wide' }).click();
  await table(page).getByText('many-202').waitFor();
  await table(page).focus();
  await page.keyboard.press('End');
  await page.getByRole('link', { name: 'Show all nested runs' }).click();
  await page.getByText(`${MANY} runs`, { exact: true }).waitFor();
  await page.getByRole('grid', { name: 'Runs' }).getByText('many-202').waitFor();
  await page.goBack();
  await table(page).waitFor();
  await page.getByRole('combobox', { name: 'Filter' }).fill('metrics.loss < 0.6');
  await page.getByText('Not nested while').waitFor();
  await page.getByRole('grid', { name: 'Runs' }).getByText('trial-2').waitFor();
});

describeStates(
  [
    [
      'runs below others',
      () => address(`?nested=yes&open=${sweep},${trial}`),
      async (page) => await table(page).getByText('fold').waitFor(),
    ],
  ],
  () => journey,
);
