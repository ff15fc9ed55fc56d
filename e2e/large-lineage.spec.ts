/** A lineage of five thousand nodes from OpenLineage events: drawn, navigated, searched, and shown as a table. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Journey } from './journey.ts';
import { describeStates, type PageState } from './page-states.ts';
import { tasksOf } from './main-thread.ts';

const CLEAN = 40;
const RUNS_OF_EACH = 61;
/** The raw file, then a run and a dataset for each of the others. */
const NODES = 1 + 2 * CLEAN + 2 * CLEAN * RUNS_OF_EACH;
const LINEAGE = `/projects/project-q/lineage?of=${encodeURIComponent('dataset:airline/raw/')}`;

let journey: Journey;

const uuid = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const data = (name: string) => [{ namespace: 'airline', name }];

function event(n: number, job: string, input: string, output: string): object {
  return {
    eventType: 'COMPLETE',
    eventTime: '2026-10-01T00:00:00Z',
    producer: 'https://example.com/airline',
    schemaURL: 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent',
    run: { runId: uuid(n) },
    job: { namespace: 'airline', name: job },
    inputs: data(input),
    outputs: data(output),
  };
}

beforeAll(async () => {
  journey = await Journey.shared('project-q');
  const number = (n: number) => String(n).padStart(4, '0');
  const events = Array.from({ length: CLEAN }, (_, area) => area).flatMap((area) => [
    event(area, `clean-${number(area)}`, 'raw', `clean-${number(area)}`),
    ...Array.from({ length: RUNS_OF_EACH }, (_, at) => {
      const n = CLEAN + area * RUNS_OF_EACH + at;
      return event(n, `train-${number(n)}`, `clean-${number(area)}`, `forecast-${number(n)}`);
    }),
  ]);
  for (let at = 0; at < events.length; at += 500) {
    // oxlint-disable-next-line no-await-in-loop -- one batch after the other
    const result = await journey.call('/api/v1/lineage/batch', events.slice(at, at + 500));
    if ((result as { readonly status: string }).status !== 'success') throw new Error(JSON.stringify(result));
  }
});
afterAll(async () => await journey.stop());
afterEach(async ({ task }) => {
  await journey.closePages();
  if (task.result?.state === 'fail') journey.discardProblems();
  else journey.expectQuiet();
});

/** Not asserted, because the machine may be busy: printed for information. */
function report(what: string, tasks: readonly number[]): void {
  const over = tasks.filter((ms) => ms > 50).length;
  const sum = tasks.reduce((all, ms) => all + ms, 0);
  const longest = tasks.slice(0, 3).map((ms) => ms.toFixed(1));
  process.stdout.write(
    `${what.padEnd(28)} ${sum.toFixed(0)} ms of CPU in ${tasks.length} tasks, longest ${longest.join(', ')} ms, ${over} over 50\n`,
  );
}

test('the neighborhood is drawn and the rest is folded; fans open by click, by key, and by search', async () => {
  const page = await journey.open('/projects/project-q/lineage');
  const graph = page.getByRole('group', { name: 'Lineage', exact: true });
  report(
    'opening five thousand nodes',
    await tasksOf(page, async () => {
      await page.goto(`${journey.url}${LINEAGE}`);
      await graph.getByRole('button', { name: /^raw/ }).waitFor();
    }),
  );
  await page.getByText(`${NODES.toLocaleString('en')} nodes`).waitFor();
  const fan = graph.getByRole('button', { name: /^\+34 job runs/ });
  await fan.waitFor();
  expect(await graph.locator('.graph-box').count()).toBeLessThan(350);
  await graph.hover();
  report(
    'scrolling',
    await tasksOf(page, async () => {
      for (let turn = 0; turn < 40; turn++) await page.mouse.wheel(turn % 20 < 10 ? 500 : -500, turn < 20 ? 300 : -300);
      await graph.getByRole('button').first().waitFor();
    }),
  );
  report(
    'from far away and back',
    await tasksOf(page, async () => {
      await page.getByRole('button', { name: 'Fit to view' }).click();
      await graph.getByRole('img', { name: /^Overview of/ }).waitFor();
      await graph.focus();
      for (let turn = 0; turn < 8; turn++) await page.keyboard.press('+');
      await graph.getByRole('button').first().waitFor();
    }),
  );
  report(
    'opening a fan',
    await tasksOf(page, async () => {
      await page.goto(`${journey.url}${LINEAGE}`);
      await graph.getByRole('button', { name: 'Expand +34 job runs' }).click();
      await graph.getByRole('button', { name: /^clean-0006 Job run/, pressed: true }).waitFor();
    }),
  );
  report(
    'finding one and going there',
    await tasksOf(page, async () => {
      await page.getByRole('textbox', { name: 'Name contains' }).fill('forecast-2400');
      await page.getByRole('button', { name: 'forecast-2400' }).first().click();
      await graph.getByRole('button', { name: /^forecast-2400/ }).waitFor();
    }),
  );
  // The run that created it is shown too, and arrow keys reach it.
  await graph.getByRole('button', { name: /^train-2400/ }).waitFor();
  await graph.focus();
  await page.keyboard.press('ArrowLeft');
  await page.waitForURL(/node=job-run/);
  await page.reload();
  await graph.getByRole('button', { name: /^train-2400/, pressed: true }).waitFor();
});

test('the same graph as a table is searched and sorted, and links back to the graph', async () => {
  const page = await journey.open(LINEAGE);
  await page.getByRole('button', { name: 'Show as table' }).click();
  const table = page.getByRole('grid', { name: 'Nodes of the lineage' });
  report(
    'the table',
    await tasksOf(page, async () => {
      await table.getByRole('row').nth(1).waitFor();
      await page.getByRole('textbox', { name: 'Name contains' }).fill('train-00');
      await page.getByText(`60 of ${NODES.toLocaleString('en')} nodes`).waitFor();
    }),
  );
  await page.getByRole('button', { name: 'Distance (hops)' }).click();
  const row = table.getByRole('row', { name: /train-0042/ });
  await row.getByText('downstream').waitFor();
  await row.getByRole('link', { name: 'Show' }).click();
  await page.waitForURL(/node=job-run/);
  await page
    .getByRole('group', { name: 'Lineage', exact: true })
    .getByRole('button', { name: /^train-0042/ })
    .waitFor();
});

const STATES: readonly PageState[] = [
  ['a large lineage', LINEAGE, async (page) => await page.getByRole('button', { name: /^raw/ }).waitFor()],
  ['a large lineage as a table', `${LINEAGE}&view=table`, async (page) => await page.getByRole('row').nth(3).waitFor()],
];

describeStates(STATES, () => journey);
