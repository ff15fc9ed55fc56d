/** Thousands of runs of one experiment, fifty thousand in the long variant: scrolled, sorted, filtered and exported. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { Page } from 'playwright-core';
import { fillRuns } from '../packages/server/src/testing/many-runs.ts';
import { Journey } from './journey.ts';
import { tasksOf } from './main-thread.ts';
import { makeExperiment } from './training.ts';

/** More than the table counts ahead (10,000). */
const RUNS = inject('propertyRuns') > 100 ? 50_000 : 12_000;
/** Longer than a full journey: everything is read page by page. */
const LONG_MS = 600_000;

let journey: Journey;
let experiment: string;

beforeAll(async () => {
  journey = await Journey.start();
  experiment = await makeExperiment(journey, 'a large sweep');
  await fillRuns(journey.data, experiment, RUNS);
}, LONG_MS);
afterAll(async () => await journey.stop());

const rows = (page: Page) => page.getByRole('grid').getByRole('row');

/** The summary of the table. */
const loaded = async (page: Page) => await page.getByText(/^[\d,]+( of [\d,+]+)? runs\b/).textContent();

/** Not asserted, because the machine may be busy: printed for information. */
function report(what: string, tasks: readonly number[]): void {
  const over = tasks.filter((ms) => ms > 50).length;
  const longest = tasks.slice(0, 3).map((ms) => ms.toFixed(1));
  process.stdout.write(
    `${what.padEnd(28)} ${tasks.length} tasks, longest ${longest.join(', ')} ms of CPU, ${over} over 50\n`,
  );
}

test('all of them are reached by scrolling, and few are rendered', { timeout: LONG_MS }, async () => {
  const page = await journey.open(`/projects/default/experiments/${experiment}`);
  await rows(page).nth(1).getByText(`run-${RUNS}`).waitFor();
  // The count has a limit.
  await page.getByText('500 of 10,000+ runs loaded, more load as you scroll').waitFor();
  await page.mouse.move(700, 500);
  report(
    'scrolling while pages come',
    await tasksOf(page, async () => {
      for (let turn = 0; turn < 100; turn++) await page.mouse.wheel(0, turn < 80 ? 900 : -1800);
    }),
  );
  const output = page.getByText(`${RUNS.toLocaleString('en')} runs`, { exact: true });
  await page.getByRole('grid').focus();
  while (!(await output.isVisible())) {
    const before = await loaded(page);
    await page.keyboard.press('End');
    // The last page can arrive before the count.
    const goesOn = async () => (await loaded(page)) !== before || (await output.isVisible());
    await expect.poll(goesOn, { timeout: LONG_MS }).toBe(true);
  }
  await page.keyboard.press('End');
  await page.getByRole('row', { name: 'run-00001' }).waitFor();
  expect(await rows(page).count()).toBeLessThan(120);
  // With all of them loaded.
  const all = await tasksOf(page, async () => {
    for (let turn = 0; turn < 150; turn++) await page.mouse.wheel(0, turn < 75 ? -4000 : 4000);
    await page.getByLabel('Select run-00001').click();
    await page.getByText('1 selected').waitFor();
  });
  report('with all of them loaded', all);
  // Row elements are reused after a jump; a key must not apply to a row out of view.
  const choice = page.getByLabel('Select run-00001');
  await choice.focus();
  await page.mouse.wheel(0, -400_000);
  await choice.waitFor({ state: 'detached' });
  await expect.poll(async () => await page.evaluate(() => document.activeElement?.getAttribute('role'))).toBe('grid');
  journey.expectQuiet();
});

test('the server sorts, filters and groups them', { timeout: LONG_MS }, async () => {
  const page = await journey.open(`/projects/default/experiments/${experiment}`);
  await rows(page).nth(1).getByText(`run-${RUNS}`).waitFor();
  const tasks = await tasksOf(page, async () => {
    await page.getByRole('button', { name: 'metric_3' }).click();
    await page.waitForURL('**sort=metrics.metric_3');
    await page
      .getByRole('columnheader', { name: 'metric_3', exact: false })
      .and(page.locator('[aria-sort="ascending"]'))
      .waitFor();
    await page.getByRole('combobox', { name: 'Filter' }).fill("params.param_4 = '5' and metrics.metric_3 < 0.5");
    await page.waitForURL('**filter=*');
    await rows(page).nth(1).waitFor();
    await page.goto(`${journey.url}/projects/default/experiments/${experiment}?group=params.param_1`);
    await rows(page)
      .nth(1)
      .getByRole('button', { name: /^param_1 0/ })
      .waitFor();
  });
  report('order, filter, group', tasks);
  journey.expectQuiet();
});

test('all of them are exported as CSV', { timeout: LONG_MS }, async () => {
  const page = await journey.open(`/projects/default/experiments/${experiment}`);
  await rows(page).nth(1).getByText(`run-${RUNS}`).waitFor();
  const download = page.waitForEvent('download', { timeout: LONG_MS });
  await page.getByRole('button', { name: 'Export CSV' }).click();
  const lines = (await readFile(await (await download).path(), 'utf8')).trimEnd().split('\r\n');
  expect(lines).toHaveLength(RUNS + 1);
  expect(new Set(lines).size).toBe(RUNS + 1);
  journey.expectQuiet();
});
