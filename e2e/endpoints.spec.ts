/** An endpoint as people look at it: what answers, how its version came there, and a request to try. */
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { servingClient, type ServingClient } from '../packages/server/src/testing/serving-client.ts';
import { Journey } from './journey.ts';
import { describeLooks, type Look } from './looks.ts';

let journey: Journey;
let client: ServingClient;

const ENDPOINT = '/projects/default/endpoints/delays';
const deploy = async (body: object) => await client.call('POST', '/api/v1/serving/endpoints/delays/deploy', body);

beforeAll(async () => {
  journey = await Journey.start();
  client = servingClient(journey.url);
  await client.register('flights', 2, { example: { inputs: [[1]] } });
  await client.register('flights', 3, { example: { inputs: [[1]] } });
  await deploy({ model: 'models:/flights/1' });
  await client.settled('delays', ({ variants }) => variants?.some(({ name }) => name === 'stable') === true);
});
afterAll(async () => await journey.stop());
afterEach(async ({ task }) => {
  await journey.closePages();
  if (task.result?.state === 'fail') journey.forgetFaults();
  else journey.expectQuiet();
});

const panel = (page: Page, name: string) => page.getByRole('region', { name, exact: true }).last();

test('a request is tried with the example of the model', async () => {
  const page = await journey.open(`${ENDPOINT}?tab=try`);
  const body = page.getByRole('textbox', { name: 'Body' });
  await body.fill('{"inputs": [[21]]}');
  await page.getByRole('button', { name: 'Send' }).click();
  const answer = panel(page, 'Answer');
  await answer.getByText('42').waitFor();
  await answer.getByText('from stable').waitFor();
  await body.fill('{"inputs": [["no number"]]}');
  await page.getByRole('button', { name: 'Send' }).click();
  await answer.getByText('400').waitFor();
  journey.expectQuiet('400');
});

test('a canary gets its share before one’s eyes, and takes over when somebody says so', async () => {
  const page = await journey.open(ENDPOINT);
  const variants = page.getByRole('region', { name: 'What answers now', exact: true }).last();
  await variants.getByText('100 %').waitFor();
  expect(await deploy({ model: 'models:/flights/2', canary: 10 })).toMatchObject({ status: 202 });
  await variants
    .getByRole('row', { name: /canary/ })
    .getByText('10 %')
    .waitFor();
  await page.getByRole('button', { name: 'Promote' }).click();
  await variants.getByRole('row', { name: /canary/ }).waitFor({ state: 'detached' });
  await variants.getByRole('link', { name: 'flights/2' }).waitFor();
});

const LOOKS: readonly Look[] = [
  ['an endpoint', ENDPOINT, async (page) => await page.getByText('What answers now').waitFor()],
  [
    'a request to try',
    `${ENDPOINT}?tab=try`,
    async (page) => await page.getByRole('textbox', { name: 'Body' }).waitFor(),
  ],
];

describeLooks(LOOKS, () => journey);
