/** A logged model: its source, its metrics and its versions. */
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { LoggedModel } from '../packages/api/src/tracking/index.ts';
import { Journey } from './journey.ts';
import { describeStates } from './page-states.ts';
import { registerModel, registerVersion } from './registry.ts';
import { makeExperiment, putArtifact, train } from './training.ts';

let journey: Journey;
let run: string;
let model: LoggedModel;
let bare: LoggedModel;

beforeAll(async () => {
  journey = await Journey.start();
  const experimentId = await makeExperiment(journey, 'flight delays');
  run = await train(journey, experimentId, { name: 'careful-otter', status: 'FINISHED' });
  const flights = { name: 'flights', digest: '8d1f00a2', sourceType: 'local', source: '/data/flights.parquet' };
  await journey.call(`/api/v1/tracking/runs/${run}/inputs`, {
    datasets: [{ dataset: flights, tags: { 'mlflow.data.context': 'training' } }],
  });
  const models = '/api/v1/tracking/logged-models';
  model = (await journey.call(models, {
    experimentId,
    name: 'delay-forest',
    type: 'sklearn',
    sourceRunId: run,
    params: [{ key: 'depth', value: '8' }],
    tags: [{ key: 'team', value: 'vision' }],
  })) as LoggedModel;
  await journey.call(`/api/v1/tracking/runs/${run}/log`, {
    metrics: [{ key: 'mae', value: 8.5, step: 1, timestamp: Date.UTC(2026, 0, 1), modelId: model.id }],
  });
  await putArtifact(
    journey,
    `${model.artifactUri.replace(/^[\w-]+:\/+/, '')}/MLmodel`,
    'flavors:\n  sklearn: {}\nmodel_size_bytes: 2048\n',
  );
  await journey.call(`${models}/${model.id}/status`, { status: 'READY' });
  await registerModel(journey, { name: 'flight-delay' });
  await registerVersion(journey, 'flight-delay', {
    source: `models:/${model.id}`,
    runId: run,
    loggedModelId: model.id,
  });
  bare = (await journey.call(models, { experimentId, name: 'unfinished' })) as LoggedModel;
});
afterAll(async () => await journey.stop());
afterEach(async ({ task }) => {
  await journey.closePages();
  if (task.result?.state === 'fail') journey.discardProblems();
  else journey.expectQuiet();
});

const address = (id: string) => `/projects/default/logged-models/${id}`;
const lineage = (page: Page) => page.getByRole('list', { name: 'Lineage' });

test('from its run to the model, and from there to its registered version', async () => {
  const page = await journey.open(`/projects/default/runs/${run}?tab=about`);
  await page.getByRole('region', { name: 'Logged models' }).getByRole('link', { name: 'delay-forest' }).click();
  await page.getByRole('heading', { name: 'Logged model delay-forest', level: 1 }).waitFor();
  const measured = page.getByRole('region', { name: 'Metrics' });
  await measured.getByRole('row', { name: 'mae 8.5' }).getByRole('link').waitFor();
  await page.getByLabel('Parameters').getByText('depth').first().waitFor();
  await page.getByLabel('Tags').getByText('vision').first().waitFor();
  await page.getByRole('button', { name: 'MLmodel' }).click();
  await page.waitForURL('**file=MLmodel');
  await page.getByText('model_size_bytes: 2048').waitFor();
  await page.getByRole('region', { name: 'Registered versions' }).getByRole('link', { name: 'flight-delay/1' }).click();
  await page.getByRole('heading', { name: 'flight-delay version 1', level: 1 }).waitFor();
  await page.getByRole('link', { name: model.id }).click();
  await page.waitForURL(`**${address(model.id)}`);
});

test('a version shows its lineage in one line, and each part is a link', async () => {
  const page = await journey.open('/projects/default/models/flight-delay/versions/1');
  await lineage(page).waitFor();
  await expect
    .poll(async () => await lineage(page).textContent())
    .toBe('flights@8d1f00a2→careful-otter→delay-forest→version 1');
  await lineage(page).getByRole('link', { name: 'flights@8d1f00a2' }).click();
  await page
    .getByRole('region', { name: 'Dataset inputs' })
    .getByRole('cell', { name: 'flights', exact: true })
    .waitFor();
  await page.goBack();
  await lineage(page).getByRole('link', { name: 'delay-forest' }).click();
  await page.getByRole('heading', { name: 'Logged model delay-forest', level: 1 }).waitFor();
  await lineage(page).getByRole('link', { name: 'careful-otter' }).click();
  await page.getByRole('heading', { name: 'Run careful-otter', level: 1 }).waitFor();
});

test('a model whose files are being uploaded shows it, and a missing one has an error', async () => {
  const page = await journey.open(address(bare.id));
  await page.getByText('uploading').waitFor();
  await page.getByText('Not registered yet.').waitFor();
  await journey.call(`/api/v1/tracking/logged-models/${bare.id}/status`, { status: 'READY' });
  await page.getByText('ready', { exact: true }).waitFor();
  await page.goto(`${journey.url}${address('m-nothing')}`);
  await page.getByRole('alert').waitFor();
  journey.expectQuiet('status of 404');
});

test('the link that clients print leads to it', async () => {
  const page = await journey.open(`/#/experiments/${model.experimentId}/models/${model.id}`);
  await page.getByRole('heading', { name: 'Logged model delay-forest', level: 1 }).waitFor();
});

describeStates(
  [
    [
      'a logged model',
      () => `${address(model.id)}?file=MLmodel`,
      async (page) => {
        await page.getByText('model_size_bytes').waitFor();
        await lineage(page).getByRole('link', { name: 'flight-delay/1' }).waitFor();
      },
    ],
    [
      'a version with its lineage',
      '/projects/default/models/flight-delay/versions/1',
      async (page) => await lineage(page).getByRole('link', { name: 'flights@8d1f00a2' }).waitFor(),
    ],
  ],
  () => journey,
);
