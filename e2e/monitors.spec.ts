/**
 * Monitors in the console: drifted columns by window, comparison with the baseline, performance, and acknowledgements.
 */
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { isServing, servingClient, type ServingClient } from '../packages/server/src/testing/serving-client.ts';
import { Journey } from './journey.ts';
import { judged } from './judged.ts';
import { describeStates, type PageState } from './page-states.ts';

let journey: Journey;
let client: ServingClient;

const MONITORS = '/projects/project-g/monitors';
const WATCH = `${MONITORS}/watch`;
const ROWS = 50;
/** Start of the values of each window: the first window is the baseline. */
const WINDOWS = [0, 0, 0, 30, 0, 30];

const MANIFEST = `apiVersion: dais.dev/v1
kind: Project
metadata:
  name: quiet
spec:
  description: Where nothing is watched
---
apiVersion: dais.dev/v1
kind: Pipeline
metadata:
  name: retrain
spec:
  steps:
    main:
      command: ['true']
      resources: { cpu: 1000000 }
---
apiVersion: dais.dev/v1
kind: Monitor
metadata:
  name: watch
spec:
  endpoint: delays
  windows: { type: count, rows: ${ROWS} }
  graceSeconds: 0
  minSamples: 40
  severity: critical
  runbook: https://wiki.example.com/drift
  checks:
    - type: drift
    - type: predictionDrift
    - type: quality
    - type: performance
      metrics: [{ metric: mae, max: 5 }]
      minLabeled: 10
  onAlert:
    startPipeline: { pipeline: retrain, checks: [drift] }
---
apiVersion: dais.dev/v1
kind: Monitor
metadata:
  name: later
spec:
  endpoint: delays
  windows: { type: time, minutes: 60 }
`;

/** One window: a request, and the ground truth of each of its rows. */
async function oneWindow(from: number): Promise<void> {
  const values = Array.from({ length: ROWS }, (_, at) => from + (at % 25) / 10);
  const answer = await fetch(`${journey.projectUrl}/endpoints/delays/invocations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ inputs: values.map((value) => [value]) }),
  });
  if (!answer.ok) throw new Error(await answer.text());
  await answer.arrayBuffer();
  const prediction = answer.headers.get('dais-prediction-id');
  const labels = values.map((value, row) => ({ prediction, row, value: String(2 * value + (from > 0 ? 9 : row % 3)) }));
  const result = await client.call('POST', '/api/v1/predictions/endpoints/delays/labels', { labels });
  if (result.status >= 300) throw new Error(JSON.stringify(result.body));
}

beforeAll(async () => {
  journey = await Journey.shared('project-g');
  client = servingClient(journey.projectUrl);
  await client.register('flights', 2, { example: { inputs: [[1]] } });
  await client.call('POST', '/api/v1/serving/endpoints/delays/deploy', { model: 'models:/flights/1' });
  await client.settled('delays', isServing);
  await journey.apply(MANIFEST);
  for (const [at, from] of WINDOWS.entries()) {
    // oxlint-disable-next-line no-await-in-loop -- each window is after the one before
    await oneWindow(from);
    // oxlint-disable-next-line no-await-in-loop -- as above
    await judged(client, 'watch', at + 1);
  }
});
afterAll(async () => await journey.stop());
afterEach(async ({ task }) => {
  await journey.closePages();
  if (task.result?.state === 'fail') journey.discardProblems();
  else journey.expectQuiet();
});

const panel = (page: Page, name: string) => page.getByRole('region', { name, exact: true }).last();
const heatMap = (page: Page) => page.getByRole('grid', { name: 'Drift by column and window' });

test('an empty list explains monitors and how to create one', async () => {
  const page = await journey.open('/projects/quiet/monitors');
  await page.getByText('No monitors in quiet yet').waitFor();
  await page.getByText('dais apply -f monitor.yaml').waitFor();
  await page.getByRole('link', { name: 'Create one here' }).click();
  await page.getByRole('heading', { name: /monitor/i, level: 1 }).waitFor();
});

test('the list has failing monitors first, with their newest windows and the subject', async () => {
  const page = await journey.open(MONITORS);
  const rows = panel(page, 'Monitor status').getByRole('row');
  await rows.nth(1).getByRole('link', { name: 'watch', exact: true }).waitFor();
  await rows.nth(1).getByText('failing', { exact: true }).waitFor();
  await rows.nth(1).getByRole('img', { name: 'Windows of watch: 6, 2 failing and 1 unknown' }).waitFor();
  await rows.nth(2).getByText('no window yet').waitFor();
  await rows.nth(1).getByRole('link', { name: 'watch', exact: true }).click();
  await page.getByRole('heading', { name: 'Monitor watch', level: 1 }).waitFor();
});

test('a cell opens the comparison of its column in that window, by the pointer and by keys', async () => {
  const page = await journey.open(WATCH);
  await panel(page, 'Window 6').getByText('failing', { exact: true }).first().waitFor();
  const cell = (window: number) => heatMap(page).getByRole('gridcell', { name: `x in window ${window}: ks` });
  await cell(3).click();
  await panel(page, 'Window 3').getByText('All checks pass.').waitFor();
  const sides = panel(page, 'Distribution of x');
  await sides.getByRole('img', { name: 'x: this window versus the baseline' }).waitFor();
  await sides.getByRole('row', { name: 'mean' }).getByText('1.2', { exact: true }).first().waitFor();
  expect(page.url()).toContain('window=3&check=drift&column=x');
  await heatMap(page).press('ArrowRight');
  await sides.getByRole('row', { name: 'mean' }).getByText('31.2', { exact: true }).waitFor();
  expect(await cell(4).getAttribute('aria-selected')).toBe('true');
  await panel(page, 'Outlier rows in x').getByRole('link').first().click();
  await page.getByRole('heading', { name: 'Prediction of delays', level: 1 }).waitFor();
});

test('performance is shown by window, with the ground truth that arrived', async () => {
  const page = await journey.open(`${WATCH}?tab=performance`);
  await panel(page, 'Ground truth of this window').getByText('50 of 50 predictions have ground truth').waitFor();
  await page.getByRole('figure', { name: 'mae (performance)' }).waitFor();
});

test('a user acknowledges an alert, and others see who and why', async () => {
  const page = await journey.open(MONITORS);
  const open = panel(page, 'Open alerts');
  const row = open.getByRole('row', { name: /watch: drift of delays is failing/ });
  await row.getByRole('button', { name: 'Acknowledge' }).click();
  const dialog = page.getByRole('dialog', { name: 'Acknowledge alert' });
  await dialog.getByRole('textbox', { name: 'Comment' }).fill('Asked the airline');
  await dialog.getByRole('button', { name: 'Acknowledge alert' }).click();
  await row.getByText('Asked the airline').waitFor();
  const other = await journey.open(`${WATCH}?tab=alerts`);
  const alerts = panel(other, 'Alerts');
  await alerts.getByText('Asked the airline').waitFor();
  await alerts.getByText('resolved').first().waitFor();
});

test('an open alert needs attention on the home page, until it is acknowledged', async () => {
  const page = await journey.open('/');
  const needs = page.getByRole('region', { name: 'Needs attention' });
  const row = needs.getByRole('row', { name: /watch: performance of delays is failing/ });
  await row.getByRole('button', { name: 'Acknowledge' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Acknowledge alert' }).click();
  await row.waitFor({ state: 'detached' });
});

test('a triggered action links to its run, and a skipped one shows the reason', async () => {
  const page = await journey.open(`${WATCH}?tab=decisions`);
  const rows = panel(page, 'Decisions').getByRole('row');
  await rows.nth(1).getByText('not started').waitFor();
  await rows.nth(1).getByText('The cooldown ends').waitFor();
  await rows.nth(2).getByRole('link', { name: 'pipeline run' }).click();
  await page.getByRole('heading', { level: 1, name: /retrain/ }).waitFor();
});

test("the model's page combines deployments, monitors, scan results and decisions", async () => {
  const page = await journey.open('/projects/project-g/models/flights?tab=use');
  await panel(page, 'Endpoint variants')
    .getByRole('row', { name: /ready delays stable version 1 100 %/ })
    .waitFor();
  const watched = panel(page, 'Monitors of these endpoints').getByRole('row', { name: /watch delays/ });
  await watched.getByText('failing', { exact: true }).waitFor();
  await page.getByRole('region', { name: 'Security scan' }).getByText('clean').first().waitFor();
  await page.getByRole('tab', { name: 'Decisions' }).click();
  await panel(page, 'Decisions').getByText('The cooldown ends').first().waitFor();
  await panel(page, 'Decisions').getByRole('link', { name: 'watch' }).first().click();
  await page.getByRole('heading', { name: 'Monitor watch', level: 1 }).waitFor();
});

test('a completed window appears without a reload', async () => {
  const list = await journey.open(MONITORS);
  await list.getByRole('img', { name: 'Windows of watch: 6, 2 failing and 1 unknown' }).waitFor();
  const one = await journey.open(WATCH);
  await panel(one, 'Window 6').waitFor();
  await oneWindow(30);
  await list.getByRole('img', { name: 'Windows of watch: 7, 3 failing and 1 unknown' }).waitFor();
  await panel(one, 'Window 7').waitFor();
});

const STATES: readonly PageState[] = [
  ['monitors', MONITORS, async (page) => await page.getByRole('img', { name: /Windows of watch: 7/ }).waitFor()],
  [
    'a monitor',
    `${WATCH}?window=6&check=drift&column=x`,
    async (page) => await page.getByRole('img', { name: 'x: this window versus the baseline' }).waitFor(),
  ],
  [
    'the performance a monitor sees',
    `${WATCH}?tab=performance`,
    async (page) => await page.getByRole('figure', { name: 'mae (performance)' }).locator('canvas').waitFor(),
  ],
  ['alerts of a monitor', `${WATCH}?tab=alerts`, async (page) => await page.getByText('Asked the airline').waitFor()],
  [
    'decisions of a monitor',
    `${WATCH}?tab=decisions`,
    async (page) => await page.getByText('The cooldown ends').first().waitFor(),
  ],
  [
    'where a model is in use',
    '/projects/project-g/models/flights?tab=use',
    async (page) => await page.getByRole('heading', { name: 'Monitors', exact: true }).waitFor(),
  ],
  ['no monitors', '/projects/quiet/monitors', async (page) => await page.getByText('Create one here').waitFor()],
];

describeStates(STATES, () => journey);
