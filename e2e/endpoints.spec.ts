/** An endpoint in the console: serving version, rollouts, and a test request. */
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { isServing, servingClient, type ServingClient } from '../packages/server/src/testing/serving-client.ts';
import { Journey } from './journey.ts';
import { describeStates, type PageState } from './page-states.ts';

let journey: Journey;
let client: ServingClient;

const ENDPOINT = '/projects/project-d/endpoints/delays';
const deploy = async (body: object) => await client.call('POST', '/api/v1/serving/endpoints/delays/deploy', body);

beforeAll(async () => {
  journey = await Journey.shared('project-d');
  client = servingClient(journey.projectUrl);
  await client.register('flights', 2, { example: { inputs: [[1]] } });
  await client.register('flights', 3, { example: { inputs: [[1]] } });
  await deploy({ model: 'models:/flights/1' });
  await client.settled('delays', isServing);
});
afterAll(async () => await journey.stop());
afterEach(async ({ task }) => {
  await journey.closePages();
  if (task.result?.state === 'fail') journey.discardProblems();
  else journey.expectQuiet();
});

const panel = (page: Page, name: string) => page.getByRole('region', { name, exact: true }).last();

test('a request is sent with the example of the model', async () => {
  const page = await journey.open(`${ENDPOINT}?tab=try`);
  const body = page.getByRole('textbox', { name: 'Body' });
  const field = page.getByRole('textbox', { name: 'x', exact: true });
  await expect.poll(async () => await field.inputValue()).toBe('1');
  await field.fill('21');
  expect(JSON.parse(await body.inputValue())).toEqual({ inputs: { x: [[21]] } });
  const { body: contract } = await client.call('GET', '/api/v1/serving/endpoints/delays/contract');
  await page.getByText(`:${contract.port}/p/project-d/endpoints/delays/invocations`).waitFor();
  await page.getByRole('button', { name: 'Send request' }).click();
  const answer = panel(page, 'Response');
  await answer.locator('pre', { hasText: /\b42\b/ }).waitFor();
  await answer.getByText('from stable').waitFor();
  await body.fill('{"inputs": [["no number"]]}');
  await page.getByRole('button', { name: 'Send request' }).click();
  await answer.getByText('400', { exact: true }).waitFor();
  journey.expectQuiet('400');
});

test('a canary gets its share live, and is promoted on request', async () => {
  const page = await journey.open(ENDPOINT);
  const variants = page.getByRole('region', { name: 'Active variants', exact: true }).last();
  await variants.getByText('100 %').waitFor();
  expect(await deploy({ model: 'models:/flights/2', canary: 10 })).toMatchObject({ status: 202 });
  await variants
    .getByRole('row', { name: /canary/ })
    .getByText('10 %')
    .waitFor();
  const ramp = page.getByRole('region', { name: 'Traffic ramp' });
  await ramp.getByText('10 %').waitFor();
  await page.getByRole('button', { name: 'Promote' }).click();
  const dialog = page.getByRole('dialog', { name: 'Promote: delays' });
  await dialog.getByRole('textbox', { name: 'Reason' }).fill('Good enough');
  await dialog.getByRole('button', { name: 'Promote now' }).click();
  await variants.getByRole('row', { name: /canary/ }).waitFor({ state: 'detached' });
  await variants.getByRole('link', { name: 'flights/2' }).waitFor();
});

test('endpoints are listed with their current metrics', async () => {
  const page = await journey.open('/projects/project-d/endpoints');
  const row = page.getByRole('row', { name: /delays/ });
  await row.getByText('/s').waitFor();
  await row.getByRole('link', { name: /flights\/\d/ }).waitFor();
  // Metrics cover the last ten seconds, and a busy page can be slow: requests repeat until it shows them.
  const latency = row.getByText('ms').first();
  await expect
    .poll(async () => {
      await client.call('POST', '/endpoints/delays/invocations', { inputs: [[1]] });
      return await latency.isVisible();
    })
    .toBe(true);
  await row.getByRole('link', { name: 'delays' }).click();
  await page.getByRole('heading', { name: 'Endpoint delays', level: 1 }).waitFor();
});

test('an earlier rollout is selected by the URL', async () => {
  const page = await journey.open(ENDPOINT);
  await page.getByRole('region', { name: 'Earlier rollouts' }).getByRole('link', { name: 'models:/flights/1' }).click();
  await page.getByRole('region', { name: 'Rollout of models:/flights/1' }).waitFor();
  expect(page.url()).toContain('rollout=');
});

const STATES: readonly PageState[] = [
  [
    'endpoints',
    '/projects/project-d/endpoints',
    async (page) =>
      await page
        .getByRole('row', { name: /delays/ })
        .getByText('/s')
        .waitFor(),
  ],
  ['an endpoint', ENDPOINT, async (page) => await page.getByRole('region', { name: 'Traffic ramp' }).waitFor()],
  [
    'a request to try',
    `${ENDPOINT}?tab=try`,
    async (page) => await page.getByRole('textbox', { name: 'Body' }).waitFor(),
  ],
];

describeStates(STATES, () => journey);
