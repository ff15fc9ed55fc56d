/** Predictions in the console: found, explained, labeled, and compared with a shadow. */
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { isServing, servingClient, type ServingClient } from '../packages/server/src/testing/serving-client.ts';
import { Journey } from './journey.ts';
import { describeStates, type PageState } from './page-states.ts';

let journey: Journey;
let client: ServingClient;
let prediction: string;

const PREDICTIONS = '/projects/project-k/predictions';
const EXAMPLE = { inputs: [[1], [2]] };
const REQUESTS = 12;

const ask = async (value: unknown) => await client.call('POST', '/endpoints/delays/invocations', { inputs: [[value]] });
const rowsOf = async (sql: string) =>
  ((await client.call('POST', '/api/v1/predictions/endpoints/delays/query', { sql })).body['rows'] ??
    []) as unknown[][];

const copies = async () =>
  Number((await rowsOf('select count(*) from predictions where shadow_of is not null'))[0]?.[0]);

async function until(so: () => Promise<boolean>): Promise<void> {
  // oxlint-disable-next-line no-await-in-loop -- polled
  while (!(await so())) await new Promise((resolve) => void setTimeout(resolve, 300));
}

beforeAll(async () => {
  journey = await Journey.shared('project-k');
  client = servingClient(journey.projectUrl);
  await client.register('flights', 2, { example: EXAMPLE });
  await client.register('flights', 3, { example: EXAMPLE });
  const deploy = async (body: object) => await client.call('POST', '/api/v1/serving/endpoints/delays/deploy', body);
  await deploy({ model: 'models:/flights/1' });
  await client.settled('delays', isServing);
  await deploy({ model: 'models:/flights/2', shadow: true });
  await until(async () => {
    await ask(1);
    return (await copies()) > 0;
  });
  for (let value = 2; value < REQUESTS; value++) {
    // oxlint-disable-next-line no-await-in-loop -- in this order
    await ask(value);
  }
  await ask('no number');
  await until(async () => (await copies()) > REQUESTS - 3);
  const [row] = await rowsOf('select prediction_id from predictions where in_x = 7 and shadow_of is null');
  prediction = String(row?.[0]);
});
afterAll(async () => await journey.stop());
afterEach(async ({ task }) => {
  await journey.closePages();
  if (task.result?.state === 'fail') journey.discardProblems();
  else journey.expectQuiet();
});

const panel = (page: Page, name: string) => page.getByRole('region', { name, exact: true }).last();
const onePage = () => `${PREDICTIONS}/delays/${prediction}`;

test('a prediction is found by its inputs, and links to its page', async () => {
  const page = await journey.open(PREDICTIONS);
  const table = page.getByRole('grid', { name: 'Predictions' });
  await table.getByText('400', { exact: true }).first().waitFor();
  await panel(page, 'By version').getByRole('link', { name: 'flights/1' }).first().waitFor();
  await page.getByRole('combobox', { name: 'Column' }).click();
  await page.getByRole('option', { name: 'in_x', exact: true }).click();
  await page.getByRole('textbox', { name: 'in_x is' }).fill('7');
  await expect.poll(async () => await table.getByRole('row').count()).toBe(2);
  expect(page.url()).toContain('column=in_x&value=7');
  await table.getByRole('row').nth(1).getByRole('link').first().click();
  await page.getByRole('heading', { name: 'Prediction of delays', level: 1 }).waitFor();
  await panel(page, 'Outputs').getByText('14').waitFor();
});

test('failed requests are found by result, with the reason', async () => {
  const page = await journey.open(`${PREDICTIONS}?state=failed`);
  const table = page.getByRole('grid', { name: 'Predictions' });
  await table.getByText('400', { exact: true }).waitFor();
  expect(await table.getByRole('row').count()).toBe(2);
});

test('a prediction is explained on request, by its version', async () => {
  const page = await journey.open(onePage());
  await page.getByRole('list', { name: 'Lineage' }).getByRole('link', { name: 'flights/1' }).waitFor();
  await page.getByRole('button', { name: 'Explain' }).click();
  const why = panel(page, 'Explanation');
  // Twice 7, less twice the mean of the example.
  await why.getByText('+11').waitFor();
  await why.getByText('exact').last().waitFor();
});

test('ground truth is recorded and corrected, and both values stay', async () => {
  const page = await journey.open(onePage());
  const truth = panel(page, 'Ground truth');
  await page.getByRole('textbox', { name: 'Ground truth' }).fill('13');
  await page.getByRole('button', { name: 'Record ground truth' }).click();
  await page.getByRole('cell', { name: '13', exact: true }).waitFor();
  await page.getByRole('textbox', { name: 'Ground truth' }).fill('15');
  await page.getByRole('button', { name: 'Correct ground truth' }).click();
  await page.getByRole('cell', { name: '15', exact: true }).waitFor();
  expect(await truth.getByRole('row').count()).toBe(3);
  const list = await journey.open(PREDICTIONS);
  await list.getByRole('grid', { name: 'Predictions' }).getByText('15', { exact: true }).waitFor();
});

test('a shadow is compared with the serving version, the largest difference first', async () => {
  const page = await journey.open('/projects/project-k/endpoints/delays?tab=shadow');
  const agreement = panel(page, 'Agreement');
  await agreement.getByText('version 2').waitFor();
  await agreement.getByText('0.0 %').waitFor();
  await page.getByRole('img', { name: 'Outputs of primary and shadow' }).waitFor();
  const worst = panel(page, 'Largest differences').getByRole('row');
  await worst.nth(1).getByText('22', { exact: true }).waitFor();
  await worst.nth(1).getByText('33', { exact: true }).waitFor();
});

test('a harmful model file is waived with a reason, and reopened', async () => {
  const version = await client.register('harm', 1, { bytes: Buffer.from('cos\nsystem\n(S"id"\ntR.') });
  const page = await journey.open(`/projects/project-k/models/harm/versions/${version}`);
  const safe = panel(page, 'Security scan');
  await safe.getByText('blocked', { exact: true }).waitFor();
  await safe.getByText('It cannot be read as an ONNX model').waitFor();
  await safe.getByRole('button', { name: 'Waive' }).first().click();
  const dialog = page.getByRole('dialog', { name: /Waive the finding/ });
  await dialog.getByRole('textbox', { name: 'Reason' }).fill('A fixture of a test');
  await dialog.getByRole('button', { name: 'Waive finding' }).click();
  await safe.getByText('A fixture of a test').waitFor();
  await safe.getByRole('button', { name: 'Reopen' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Reopen finding' }).click();
  await safe.getByText('blocked', { exact: true }).waitFor();
});

const STATES: readonly PageState[] = [
  [
    'predictions',
    PREDICTIONS,
    async (page) => await page.getByRole('region', { name: 'By version' }).first().waitFor(),
  ],
  [
    'a prediction',
    onePage,
    async (page) => {
      await page.getByRole('button', { name: 'Explain' }).click();
      await page.getByText('+11').waitFor();
    },
  ],
  [
    'a shadow',
    '/projects/project-k/endpoints/delays?tab=shadow',
    async (page) => await panel(page, 'Largest differences').getByRole('row').nth(1).waitFor(),
  ],
  [
    'the safety of a model',
    '/projects/project-k/models/harm/versions/1',
    async (page) => await page.getByText('It cannot be read as an ONNX model').waitFor(),
  ],
];

describeStates(STATES, () => journey);
