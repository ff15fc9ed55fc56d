/** A user finds the best of many runs, while others are running. */
import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import { Journey } from './journey.ts';
import { describeStates } from './page-states.ts';
import { makeExperiment, train } from './training.ts';

let journey: Journey;
let experiment: string;
let running: string;

beforeAll(async () => {
  journey = await Journey.shared('project-m');
  experiment = await makeExperiment(journey, 'flight delays', { 'mlflow.note.content': 'Minutes late on arrival' });
  const trainings = Array.from({ length: 240 }, (_, at) => ({
    name: `trial-${String(at).padStart(3, '0')}`,
    params: { depth: String(at % 4), seed: '7' },
    metrics: { loss: [1, 1 / (at + 1)], 'val accuracy': [at / 240] },
    tags: at % 2 === 0 ? { team: 'vision' } : {},
    startedAt: Date.UTC(2026, 0, 1) + at * 60_000,
    status: 'FINISHED' as const,
  }));
  for (const training of trainings) await train(journey, experiment, training);
  running = await train(journey, experiment, { name: 'goes-on', params: { depth: '9' }, metrics: { loss: [0.75] } });
  const other = await makeExperiment(journey, 'gate changes');
  await train(journey, other, { name: 'elsewhere', status: 'FAILED' });
});
afterAll(async () => await journey.stop());
afterEach(async ({ task }) => {
  await journey.closePages();
  if (task.result?.state === 'fail') journey.discardProblems();
  else journey.expectQuiet();
});

const rows = (page: Page) => page.getByRole('grid').getByRole('row');
const address = () => `/projects/project-m/experiments/${experiment}`;

test('filters runs in the syntax of clients, with completion and errors at their word', async () => {
  const page = await journey.open(address());
  await rows(page).nth(1).getByText('goes-on').waitFor();
  const filter = page.getByRole('combobox', { name: 'Filter' });
  await filter.pressSequentially('metrics.lo');
  await page.getByRole('option', { name: 'metrics.loss' }).waitFor();
  for (const key of ['ArrowDown', 'Enter']) await page.keyboard.press(key);
  await filter.pressSequentially('< 0.1 and params.depht');
  await filter.pressSequentially(" = '3'");
  await page.getByText('No matches.').waitFor();
  await filter.fill("metrics.loss < 0.1 and metrix.x = '3'");
  const problem = page.getByText(/Invalid entity type 'metrix'.*did you mean metric\?/);
  await problem.waitFor();
  expect(await problem.locator('..').locator('span').first().textContent()).toMatch(/^ {23}~{8}$/);
  await filter.fill("metrics.loss < 0.1 and params.depth = '3'");
  await page.getByText('58 runs', { exact: true }).waitFor();
  await page.waitForURL('**filter=metrics.loss*');
  await page.reload();
  await page.getByText('58 runs', { exact: true }).waitFor();
});

test('runs are sorted by a metric, and grouped by a parameter; the URL stores both', async () => {
  const page = await journey.open(address());
  await page.getByRole('button', { name: 'val accuracy' }).click();
  await page.getByRole('button', { name: 'val accuracy' }).click();
  await rows(page).nth(1).getByText('trial-239').waitFor();
  await page.getByRole('combobox', { name: 'Group by' }).click();
  await page.getByRole('option', { name: 'depth' }).click();
  await page.waitForURL('**sort=-metrics*group=params.depth*');
  await rows(page).nth(1).getByRole('button', { name: 'depth 0 60 runs' }).waitFor();
  await rows(page).nth(2).getByText('trial-236').waitFor();
  await rows(page).nth(1).getByRole('button').click();
  await rows(page).nth(2).getByRole('button', { name: 'depth 1 60 runs' }).waitFor();
});

test('columns are selected, and a link restores them', async () => {
  const page = await journey.open(address());
  await page.getByRole('button', { name: 'Columns' }).click();
  await page.getByLabel('Find a column by name').fill('team');
  await page.getByLabel('team', { exact: true }).click();
  await page.waitForURL('**columns=*tags.team*');
  await page.reload();
  await page.getByRole('columnheader', { name: 'team' }).waitFor();
});

test('running runs are updated live, and new ones appear', async () => {
  const page = await journey.open(address());
  const row = page.getByRole('row', { name: 'goes-on' });
  await row.getByText('running').waitFor();
  const log = async (value: number, step: number) =>
    await journey.call(`/api/v1/tracking/runs/${running}/log`, {
      metrics: [{ key: 'loss', value, step, timestamp: Date.now() }],
    });
  await log(0.625, 1);
  await row.getByText('0.625').waitFor();
  await train(journey, experiment, { name: 'began-since', startedAt: Date.now() + 1000 });
  await rows(page).nth(1).getByText('began-since').waitFor();
  await page.mouse.move(640, 400);
  await page.mouse.wheel(0, 200);
  await log(0.5, 2);
});

test('runs are selected with the keyboard, and compared, deleted and restored', async () => {
  const page = await journey.open(`${address()}?filter=metrics.loss < 0.005`);
  await page.getByText('40 runs', { exact: true }).waitFor();
  for (const key of ['j', 'x', 'j', 'x']) await page.keyboard.press(key);
  await page.getByText('2 selected').waitFor();
  expect(await page.getByRole('link', { name: 'Compare 2' }).getAttribute('href')).toMatch(/compare\?runs=\w+,\w+$/);
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByText('38 runs', { exact: true }).waitFor();
  await page.getByLabel('Show deleted runs').click();
  await page.getByText('2 runs', { exact: true }).waitFor();
  await page.getByLabel('Select trial-239').click();
  await page.getByLabel('Select trial-238').click();
  await page.getByRole('button', { name: 'Restore' }).click();
  await page.getByText('No deleted runs.').waitFor();
});

test('all runs of a filter are exported as CSV, also those that were not loaded', async () => {
  const page = await journey.open(`${address()}?filter=params.depth = '2'&sort=metrics.loss`);
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Export CSV' }).click();
  const text = await readFile(await (await download).path(), 'utf8');
  const lines = text.trimEnd().split('\r\n');
  expect(lines).toHaveLength(61);
  expect(lines[0]).toMatch(/^run_id,run_name,.*metrics\.loss,.*params\.depth/);
  expect(lines[1]).toContain('trial-238');
});

test('runs of all experiments are listed together', async () => {
  const page = await journey.open('/projects/project-m/experiments/all?group=experiment');
  await page.getByRole('row', { name: 'Experiment gate changes 1 run' }).waitFor();
  await page.getByRole('row', { name: 'elsewhere' }).getByText('failed').waitFor();
});

describeStates(
  [
    ['runs', () => address(), async (page) => await rows(page).nth(4).waitFor()],
    [
      'runs put together',
      () => `${address()}?group=params.depth&sort=-metrics.loss`,
      async (page) => await rows(page).nth(4).waitFor(),
    ],
    [
      'an error in a filter',
      () => address(),
      async (page) => {
        await page.getByRole('combobox', { name: 'Filter' }).fill('metrics.loss ~ 3');
        await page.getByText('Invalid').waitFor();
      },
    ],
  ],
  () => journey,
);
