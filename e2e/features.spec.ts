/** Features and labels in the console: freshness, online values and agreement. */
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { pushFile } from './flights.ts';
import { Journey } from './journey.ts';
import { describeStates, type PageState } from './page-states.ts';

let journey: Journey;

const FEATURES = `apiVersion: dais.dev/v1
kind: Entity
metadata:
  name: airport
spec:
  joinKey: airport_code
---
apiVersion: dais.dev/v1
kind: FeatureView
metadata:
  name: airport_weather
spec:
  description: The weather at an airport, hour by hour
  entities: [airport]
  source:
    type: dataset
    dataset: weather
  eventTime: observed_at
  ttl: 0s
  features:
    - name: wind_knots
      type: float64
      description: Mean of ten minutes
---
apiVersion: dais.dev/v1
kind: FeatureService
metadata:
  name: delay_v1
spec:
  description: What the model of delays takes
  features:
    - view: airport_weather
`;

const WEATHER = `airport_code,observed_at,wind_knots
FRA,2026-10-01T00:00:00Z,12.5
OSL,2026-10-01T00:00:00Z,7.25
FRA,2026-10-01T01:00:00Z,14.75
`;

beforeAll(async () => {
  journey = await Journey.shared('project-f');
  await pushFile(journey, 'weather', WEATHER);
  await journey.apply(FEATURES);
  await journey.call('/api/v1/labels/sets', { name: 'delay-causes', dataset: 'weather' });
  const annotation = (id: number, by: string, choice: string) => ({
    id,
    completed_by: by,
    result: [{ from_name: 'cause', to_name: 'text', type: 'choices', value: { choices: [choice] } }],
  });
  const tasks = [
    { id: 1, data: { text: 'Fog' }, annotations: [annotation(1, 'ann', 'weather'), annotation(2, 'ben', 'weather')] },
    { id: 2, data: { text: 'Strike' }, annotations: [annotation(3, 'ann', 'crew'), annotation(4, 'ben', 'weather')] },
  ];
  await journey.call('/api/v1/labels/sets/delay-causes/import', { tasks });
});
afterAll(async () => await journey.stop());
afterEach(async ({ task }) => {
  await journey.closePages();
  if (task.result?.state === 'fail') journey.discardProblems();
  else journey.expectQuiet();
});

const VIEW = '/projects/project-f/featureviews/airport_weather';
const table = (page: Page, name: string) => page.getByRole('region', { name, exact: true }).last();

test('new rows are materialized, and a key returns the values for a model', async () => {
  const page = await journey.open('/projects/project-f/featureviews');
  const views = page.getByRole('grid', { name: 'Feature views' });
  const row = views.getByRole('row', { name: 'airport_weather' });
  await row.getByText('never materialized').waitFor();
  await row.getByRole('link', { name: 'airport_weather' }).click();
  await page.getByRole('heading', { name: 'Feature view airport_weather', level: 1 }).waitFor();
  await page.getByRole('tab', { name: 'Online' }).click();
  await page.getByRole('button', { name: 'Materialize all' }).click();
  await table(page, 'Materializations').getByText('succeeded').waitFor();
  await page.getByRole('textbox', { name: 'airport_code' }).fill('FRA');
  await page.getByRole('button', { name: 'Read features', exact: true }).click();
  const values = table(page, 'Online values');
  await values.getByRole('cell', { name: '14.75' }).waitFor();
  await values.getByText('present', { exact: true }).waitFor();
  await page.getByRole('textbox', { name: 'airport_code' }).fill('XXX');
  await page.getByRole('button', { name: 'Read features', exact: true }).click();
  await values.getByText('not found').waitFor();
});

test('a service shows its features, and links to its views', async () => {
  const page = await journey.open('/projects/project-f/featureservices/delay_v1');
  const parts = table(page, 'Views');
  await parts.getByText('wind_knots').waitFor();
  await parts.getByText('airport_code').waitFor();
  await parts.getByRole('link', { name: 'airport_weather' }).click();
  await table(page, 'Features').getByText('Mean of ten minutes').waitFor();
});

test('labels show the agreement, and a task with different labels is settled with a reason', async () => {
  const page = await journey.open('/projects/project-f/labels');
  await page.getByRole('link', { name: 'delay-causes' }).click();
  await page.getByText('Krippendorff’s α').waitFor();
  const task = table(page, 'Tasks and labels').getByRole('row', { name: /Strike/ });
  await task.getByRole('button', { name: 'Choose' }).first().click();
  await page.getByRole('dialog').getByRole('textbox', { name: 'Reason' }).fill('A strike is no weather');
  await page.getByRole('dialog').getByRole('button', { name: 'Choose label' }).click();
  await task.waitFor({ state: 'detached' });
  expect(page.url()).toBe(`${journey.url}/projects/project-f/labels/delay-causes`);
});

const PAGES: readonly PageState[] = [
  ['features', '/projects/project-f/featureviews', async (page) => await page.getByText('delay_v1').first().waitFor()],
  ['a feature view', VIEW, async (page) => await table(page, 'Features').waitFor()],
  ['features online', `${VIEW}?tab=online`, async (page) => await table(page, 'Materializations').waitFor()],
  [
    'a feature service',
    '/projects/project-f/featureservices/delay_v1',
    async (page) => await table(page, 'Views').waitFor(),
  ],
  ['labels', '/projects/project-f/labels', async (page) => await page.getByText('delay-causes').waitFor()],
  [
    'a set of labels',
    '/projects/project-f/labels/delay-causes',
    async (page) => await table(page, 'Tasks and labels').waitFor(),
  ],
];

describeStates(PAGES, () => journey);
