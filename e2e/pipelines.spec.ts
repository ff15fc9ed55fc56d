/** A pipeline: its plan, runs with parameters, and comparison of versions. */
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Journey } from './journey.ts';
import { describeStates, type PageState } from './page-states.ts';

let journey: Journey;

const manifest = (epochs: number) => `apiVersion: dais.dev/v1
kind: Pipeline
metadata:
  name: delays
spec:
  description: Trains the model of delays
  parameters:
    rate:
      type: number
      default: 0.1
      description: Learning rate
    gate:
      type: string
  steps:
    prepare:
      run: printf '[1, 2]' > folds
      isolation: none
      outputs:
        folds:
          path: folds
          as: json
    train:
      run: echo "fold $DAIS_INPUT_FOLD at $DAIS_INPUT_RATE, ${epochs} epochs"
      isolation: none
      forEach:
        step: prepare
        output: folds
        as: fold
      inputs:
        rate:
          parameter: rate
    tell:
      run: echo "gate $DAIS_INPUT_GATE"
      isolation: none
      needs: [train]
      always: true
      inputs:
        gate:
          parameter: gate
`;

const DAY_MS = 86_400_000;

const schedule = (name: string, start: number) => `apiVersion: dais.dev/v1
kind: Schedule
metadata:
  name: ${name}
spec:
  pipeline: delays
  parameters: { gate: A1 }
  startAt: '${new Date(start).toISOString()}'
  when: { type: interval, seconds: 86400 }
  catchUp: true
`;

beforeAll(async () => {
  journey = await Journey.shared('project-i');
  await journey.apply(manifest(3));
  await journey.apply(manifest(5));
  await journey.apply(schedule('daily', Date.now() - DAY_MS - 1000));
  await journey.apply(schedule('later', Date.now() + 10 * DAY_MS));
});
afterAll(async () => await journey.stop());
afterEach(async ({ task }) => {
  await journey.closePages();
  if (task.result?.state === 'fail') journey.discardProblems();
  else journey.expectQuiet();
});

const region = (page: Page, name: string | RegExp) => page.getByRole('region', { name, exact: true });
const address = '/projects/project-i/pipelines/delays';

test('it shows its plan, and is run with parameters', async () => {
  const page = await journey.open(address);
  const graph = page.getByRole('group', { name: 'Graph of the pipeline' });
  await graph.getByRole('button', { name: /^train for each item/ }).waitFor();
  await region(page, 'Graph of version 2').getByRole('button', { name: 'Run pipeline', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Start run', exact: true }).click();
  await dialog.getByText('A value is required: the parameter has no default.').waitFor();
  await dialog.getByRole('textbox', { name: 'gate' }).fill('B4');
  await dialog.getByRole('textbox', { name: 'rate' }).fill('0.2');
  await dialog.getByRole('button', { name: 'Start run', exact: true }).click();
  await page.getByRole('heading', { name: 'Pipeline run delays', level: 1 }).waitFor();
  await page.getByRole('tab', { name: 'Steps' }).click();
  await page.getByRole('button', { name: 'train/1', exact: true }).click();
  const step = region(page, 'Step train/1');
  await step.getByText('fold 2 at 0.2, 5 epochs').waitFor();
  expect(new URL(page.url()).searchParams.get('step')).toBe('train/1');
});

test('versions are compared line by line', async () => {
  const page = await journey.open(address);
  await page.getByRole('button', { name: 'Compare with version 1' }).click();
  await region(page, 'From version 1 to 2').getByText('5 epochs').first().waitFor();
  expect(new URL(page.url()).searchParams.get('from')).toBe('1');
});

test('a schedule shows its next starts, and the runs that it started', async () => {
  const page = await journey.open('/projects/project-i/schedules/daily');
  await region(page, 'Next start times').getByRole('listitem').nth(4).waitFor();
  const latest = region(page, 'Recent starts').first();
  await latest
    .getByRole('link', { name: /^Job of / })
    .first()
    .click();
  await page.getByRole('heading', { name: 'Pipeline run daily', level: 1 }).waitFor();
});

const PAGES: readonly PageState[] = [
  [
    'a schedule',
    '/projects/project-i/schedules/later',
    async (page) => await page.getByText('No starts yet.').waitFor(),
  ],
  [
    'a pipeline',
    `${address}?from=1`,
    async (page) => await region(page, 'From version 1 to 2').getByText('5 epochs').first().waitFor(),
  ],
  [
    'parameters of a pipeline',
    address,
    async (page) => {
      await region(page, 'Graph of version 2').getByRole('button', { name: 'Run pipeline', exact: true }).click();
      await page.getByRole('dialog').getByRole('textbox', { name: 'gate' }).waitFor();
    },
  ],
];

describeStates(PAGES, () => journey);
