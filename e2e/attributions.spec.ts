/** Feature importance that changed, in the console; and the latency panel. */
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { linear } from '../packages/server/src/engines/inference/onnx/onnx-files.testing.ts';
import { isServing, servingClient } from '../packages/server/src/testing/serving-client.ts';
import { expectAccessible, Journey } from './journey.ts';
import { judged } from './judged.ts';

let journey: Journey;

const ROWS = 60;
const MONITOR = '/projects/project-a/monitors/why';
const MANIFEST = `apiVersion: dais.dev/v1
kind: Monitor
metadata:
  name: why
spec:
  endpoint: weighed
  baseline: { type: first }
  windows: { type: count, rows: ${ROWS} }
  graceSeconds: 0
  minSamples: 40
  checks:
    - type: attributionDrift
      change: 0.3
    - type: resources
      memoryMb: 100000
`;
type Row = readonly [number, number, number];
const usual = Array.from({ length: ROWS }, (_, at): Row => [at % 7, (at * 5) % 11, (at * 3) % 13]);
/** Two columns are stable, and the least important one moves far. */
const moved = Array.from({ length: ROWS }, (_, at): Row => [1, 1, 40 + (at % 9)]);

beforeAll(async () => {
  journey = await Journey.shared('project-a');
  const client = servingClient(journey.projectUrl);
  const bytes = linear(Float32Array.from([3, -2, 0.5]));
  await client.register('weighed', 0, { bytes, columns: 3, example: { inputs: [[1, 1, 1]] } });
  await client.call('POST', '/api/v1/serving/endpoints/weighed/deploy', { model: 'models:/weighed/1' });
  await client.settled('weighed', isServing);
  await journey.apply(MANIFEST);
  for (const [at, inputs] of [usual, usual, moved].entries()) {
    // oxlint-disable-next-line no-await-in-loop -- each window is after the one before
    const answer = await fetch(`${journey.projectUrl}/endpoints/weighed/invocations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ inputs }),
    });
    // oxlint-disable-next-line no-await-in-loop -- as above
    if (!answer.ok) throw new Error(await answer.text());
    // oxlint-disable-next-line no-await-in-loop -- as above
    await judged(client, 'why', at + 1);
  }
});
afterAll(async () => await journey.stop());
afterEach(async ({ task }) => {
  await journey.closePages();
  if (task.result?.state === 'fail') journey.discardProblems();
  else journey.expectQuiet();
});

const panel = (page: Page, name: string) => page.getByRole('region', { name, exact: true }).last();

test('the window shows the feature importance of the version now and in the baseline', async () => {
  const page = await journey.open(MONITOR);
  const sides = panel(page, 'Feature attribution of weighed/1');
  await sides.getByText(/Shapley values \(exact, all coalitions\) of 60 rows/).waitFor();
  await sides.getByLabel('Share of each column in all attributions: this window versus the baseline').waitFor();
  const first = sides.getByRole('region', { name: 'Attributions by column' }).getByRole('row').nth(1);
  await first.getByText('x[2]', { exact: true }).waitFor();
  await first.getByText('100.0 %', { exact: true }).waitFor();
  await page
    .getByText(/Feature attributions of weighed\/1 differ from/)
    .first()
    .waitFor();
  await expectAccessible(page);
});

test('the same on a narrow and dark page', async () => {
  const page = await journey.open(MONITOR, { scheme: 'dark', width: 400 });
  await panel(page, 'Feature attribution of weighed/1').waitFor();
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  expect(wide).toBe(false);
});
