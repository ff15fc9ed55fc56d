/** Usage in the console: empty, of a job and a query, by person and for each day. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Journey } from './journey.ts';
import { describeStates, type PageState } from './page-states.ts';

interface Run {
  readonly id: string;
  readonly endedAt?: number;
}

const PROJECT = 'project-usage';
const USAGE = `/projects/${PROJECT}/usage`;

let journey: Journey;
beforeAll(async () => {
  journey = await Journey.shared(PROJECT);
});
afterAll(async () => await journey.stop());
afterEach(async ({ task }) => {
  await journey.closePages();
  if (task.result?.state === 'fail') journey.discardProblems();
  else journey.expectQuiet();
});

const path = (rest: string) => `/api/v1${rest}`;

async function run(name: string, seconds: number): Promise<void> {
  const steps = { main: { command: ['sleep', String(seconds)], isolation: 'none', resources: { cpu: 0.5 } } };
  const { id } = (await journey.call(path('/executions'), { name, steps })) as Run;
  const get = async () => (await journey.call(path(`/executions/${id}`))) as Run;
  await expect.poll(async () => (await get()).endedAt !== undefined, { timeout: 60_000 }).toBe(true);
}

test('an empty page says how to create usage; then it shows the jobs, by resource and by person', async () => {
  const page = await journey.open(USAGE);
  await page.getByRole('heading', { name: 'Usage', level: 1 }).waitFor();
  await page.getByText('No usage in this period.').waitFor();
  await page.getByText('dais run -- echo hello').waitFor();
  await run('nightly', 1.5);
  await run('hourly', 0.5);
  await journey.call(path('/data/query'), { sql: 'select 1 as n' });
  await page.reload();
  const table = page.getByRole('region', { name: 'Sums by resource' });
  await table.getByRole('row', { name: /^Job\/nightly/ }).waitFor();
  const rows = await table.getByRole('row').allTextContents();
  expect(rows.map((row) => /Job\/[a-z]+|no resource|Total/.exec(row)?.[0])).toEqual([
    undefined,
    'Job/nightly',
    'Job/hourly',
    'no resource',
    'Total',
  ]);
  await page.getByText('Step time (s) per day (UTC)').waitFor();
  await page.getByRole('combobox', { name: 'Group' }).click();
  await page.getByRole('option', { name: 'by person' }).click();
  const people = page.getByRole('region', { name: 'Sums by person' });
  await people.getByRole('link').first().click();
  await page.getByRole('region', { name: 'Sums by resource' }).waitFor();
  expect(new URL(page.url()).searchParams.get('person')).not.toBeNull();
  await page.getByRole('textbox', { name: 'Resource' }).fill('Job/nothing');
  await page.getByText('No matching usage in this period.').waitFor();
});

test('the records can be downloaded', async () => {
  const page = await journey.open(USAGE);
  const waiting = page.waitForEvent('download');
  await page.getByRole('link', { name: 'CSV' }).click();
  expect((await waiting).suggestedFilename()).toBe('usage.csv');
});

test('usage of all projects is grouped by project', async () => {
  const page = await journey.open(USAGE);
  await page.getByRole('link', { name: 'Usage of all projects' }).click();
  await page.getByRole('heading', { name: 'Usage of all projects', level: 1 }).waitFor();
  const table = page.getByRole('region', { name: 'Sums by project' });
  await table.getByRole('link', { name: PROJECT, exact: true }).click();
  await page.getByRole('heading', { name: 'Usage', level: 1 }).waitFor();
});

const states: PageState[] = [
  [
    'usage',
    USAGE,
    async (page) => {
      await page.getByRole('region', { name: 'Sums by resource' }).waitFor();
      await page.locator('.line-plot canvas').waitFor();
    },
  ],
  [
    'usage of all projects',
    '/organization/usage?by=person',
    async (page) => await page.getByRole('region', { name: 'Sums by person' }).waitFor(),
  ],
];
describeStates(states, () => journey);
