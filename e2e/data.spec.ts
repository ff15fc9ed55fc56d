/** Data as people look at them: what there is, what changed, what is broken, what is personal, and where it goes. */
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { makeFlights } from './flights.ts';
import type { Journey } from './journey.ts';
import { describeLooks, type Look } from './looks.ts';
import { bo, grace, startWithPeople } from './people.ts';

let journey: Journey;

beforeAll(async () => {
  journey = await startWithPeople();
  await makeFlights(journey);
});
afterAll(async () => await journey.stop());
afterEach(async ({ task }) => {
  await journey.closePages();
  if (task.result?.state !== 'fail') journey.expectQuiet();
});

const FLIGHTS = '/projects/default/datasets/flights';
const table = (page: Page, name: string) => page.getByRole('region', { name, exact: true }).last();

const PAGES: readonly Look[] = [
  ['datasets', '/projects/default/data', async (page) => await page.getByText('quarantined').first().waitFor(), grace],
  ['a dataset', FLIGHTS, async (page) => await table(page, 'Versions').getByText('version 3').first().waitFor(), grace],
  [
    'findings of a dataset',
    `${FLIGHTS}?tab=findings`,
    async (page) => await table(page, 'Findings').getByText('EMAIL').first().waitFor(),
    grace,
  ],
  [
    'how versions were made',
    `${FLIGHTS}?tab=made`,
    async (page) => await page.getByText('version 3').first().waitFor(),
    grace,
  ],
  [
    'a quarantined version',
    `${FLIGHTS}/versions/3`,
    async (page) => await page.getByText('Rows that break it').first().waitFor(),
    grace,
  ],
  [
    'a column',
    `${FLIGHTS}/versions/2?column=delay_minutes`,
    async (page) => await table(page, 'Figures of delay_minutes').waitFor(),
    grace,
  ],
  [
    'expectations',
    `${FLIGHTS}/versions/2?tab=expectations`,
    async (page) => await table(page, 'Expectations').waitFor(),
    grace,
  ],
  [
    'rows of a version',
    `${FLIGHTS}/versions/2?tab=rows`,
    async (page) => await table(page, 'Rows').getByText('F19').first().waitFor(),
    bo,
  ],
  [
    'the lineage of a version',
    `${FLIGHTS}/versions/2?tab=lineage`,
    async (page) => await page.getByText('Dataset').first().waitFor(),
    grace,
  ],
  [
    'how to read a version',
    `${FLIGHTS}/versions/2?tab=read`,
    async (page) => await table(page, 'Files').waitFor(),
    grace,
  ],
  [
    'versions of data compared',
    `${FLIGHTS}/compare?from=1&to=2`,
    async (page) => await table(page, 'Distributions').waitFor(),
    grace,
  ],
  ['findings', '/projects/default/findings', async (page) => await table(page, 'Findings').waitFor(), grace],
];

describeLooks(PAGES, () => journey);

test('placeholder', () => expect(true).toBe(true));
