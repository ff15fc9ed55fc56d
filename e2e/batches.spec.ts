/** Jobs on models in the console: progress, output, rejected rows and result. */
import type { ModelJob } from '@dais/api/serving';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { onnxFile } from '../packages/server/src/engines/inference/onnx/onnx-files.testing.ts';
import { batchClient, type BatchCall } from '../packages/server/src/testing/batch-client.ts';
import { servingClient } from '../packages/server/src/testing/serving-client.ts';
import { Journey } from './journey.ts';
import { describeStates, type PageState } from './page-states.ts';

const BATCHES = '/projects/project-b/batches';
/** Rows without a number, which an integer model rejects: more than one page of them. */
const GAPS = 150;

let journey: Journey;
let call: BatchCall;
let withRejects: ModelJob;
let failed: ModelJob;

beforeAll(async () => {
  journey = await Journey.shared('project-b');
  const models = servingClient(journey.projectUrl);
  call = async <Output>(method: string, path: string, body?: object | Buffer) => {
    const { status, body: reported } = await models.call(method, `/api/v1${path}`, body);
    if (status >= 300) throw new Error(`${status} ${String(reported['detail'])}`);
    return reported as Output;
  };
  const batch = batchClient(call);
  const whole = onnxFile({
    nodes: [{ op: 'Add', inputs: ['x', 'x'], outputs: ['y'] }],
    inputs: [{ name: 'x', datatype: 'INT64', shape: ['rows', 1] }],
    outputs: [{ name: 'y', datatype: 'INT64', shape: ['rows', 1] }],
  });
  await models.register('whole', 0, { bytes: whole });
  const rows = Array.from({ length: 2 * GAPS }, (_, id) => `${id},${id % 2 === 0 ? id : ''}\n`);
  await batch.push('gaps', `id,x\n${rows.join('')}`);
  const request = { model: 'models:/whole/1', data: 'gaps@1', out: 'filled', columns: ['id'] };
  failed = await batch.ended((await batch.start(request)).id);
  withRejects = await batch.ended((await batch.start({ ...request, onError: 'reject' })).id);
});
afterAll(async () => await journey.stop());
afterEach(async ({ task }) => {
  await journey.closePages();
  if (task.result?.state === 'fail') journey.discardProblems();
  else journey.expectQuiet();
});

const table = (page: Page) => page.getByRole('region', { name: 'Batch jobs' });
const leftOut = (page: Page) => page.getByRole('region', { name: 'Rejected rows' }).last();

test("a job is found from its model's page, and links to its output", async () => {
  const page = await journey.open('/projects/project-b/models/whole');
  await page.getByRole('main').getByRole('link', { name: 'Batch jobs' }).click();
  await page.getByRole('heading', { name: 'Batch jobs of whole', level: 1 }).waitFor();
  await expect.poll(async () => await table(page).getByRole('row').count()).toBe(3);
  await page.getByRole('combobox', { name: 'State' }).click();
  await page.getByRole('option', { name: 'succeeded' }).click();
  await expect.poll(async () => await table(page).getByRole('row').count()).toBe(2);
  expect(page.url()).toContain('model=whole&state=succeeded');
  await table(page).getByRole('link', { name: 'filled@1' }).click();
  await page.waitForURL('**/datasets/filled/versions/1');
});

test('rejected rows are read one page at a time', async () => {
  const page = await journey.open(`/projects/project-b/datasets/gaps`);
  await page.getByRole('main').getByRole('link', { name: 'Batch jobs' }).click();
  await table(page).getByRole('row').nth(1).getByRole('link', { name: 'batch prediction' }).click();
  await page.waitForURL(`**${BATCHES}/${withRejects.id}`);
  await page.getByText('300 of 300 rows').waitFor();
  await expect.poll(async () => await leftOut(page).getByRole('row').count()).toBe(101);
  await page.getByRole('button', { name: 'Show more rows' }).click();
  await expect.poll(async () => await leftOut(page).getByRole('row').count()).toBe(GAPS + 1);
  expect(await page.getByRole('button', { name: 'Show more rows' }).count()).toBe(0);
});

test('errors are on the page of the job, with row and column', async () => {
  const page = await journey.open(`${BATCHES}/${failed.id}`);
  await page.getByText('Row 2, column "x": is missing; expected INT64.').waitFor();
  await page
    .getByRole('region', { name: 'Rejected rows' })
    .getByRole('cell', { name: 'x', exact: true })
    .first()
    .waitFor();
});

test('a permitted user cancels a job, which then creates nothing', async () => {
  // Jobs run one after another: one waits behind a long one.
  const batch = batchClient(call);
  const rows = Array.from({ length: 150_000 }, (_, id) => `${id},${id}\n`);
  await batch.push('long', `id,x\n${rows.join('')}`);
  const request = { model: 'models:/whole/1', data: 'long@1', columns: ['id'] };
  const first = await batch.start({ ...request, out: 'long-1' });
  const second = await batch.start({ ...request, out: 'long-2' });
  const page = await journey.open(`${BATCHES}/${second.id}`);
  await page.getByRole('button', { name: 'Cancel job', exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel job' }).click();
  expect((await batch.ended(first.id)).state).toBe('succeeded');
  expect(await batch.ended(second.id)).toMatchObject({ state: 'canceled' });
  await page.getByText('canceled', { exact: true }).waitFor();
  await page.getByText('no version of long-2').waitFor();
});

const STATES: readonly PageState[] = [
  ['batches', BATCHES, async (page) => await table(page).getByRole('row').nth(1).waitFor()],
  [
    'a batch with rejects',
    () => `${BATCHES}/${withRejects.id}`,
    async (page) => await leftOut(page).getByRole('row').nth(1).waitFor(),
  ],
  [
    'a failed batch',
    () => `${BATCHES}/${failed.id}`,
    async (page) => await page.getByText('is missing').first().waitFor(),
  ],
];

describeStates(STATES, () => journey);
