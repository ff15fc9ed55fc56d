/** Datasets in the console: content, changes, violations, personal data and lineage. */
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { flightsCsv, makeFlights } from './flights.ts';
import type { Journey } from './journey.ts';
import { describeStates, type PageState } from './page-states.ts';
import { bo, grace, startWithPeople } from './people.ts';

let journey: Journey;

beforeAll(async () => {
  journey = await startWithPeople();
  await makeFlights(journey);
});
afterAll(async () => await journey.stop());
afterEach(async ({ task }) => {
  await journey.closePages();
  if (task.result?.state === 'fail') journey.discardProblems();
  else journey.expectQuiet();
});

const FLIGHTS = '/projects/default/datasets/flights';
const table = (page: Page, name: string) => page.getByRole('region', { name, exact: true }).last();

const dialog = (page: Page) => page.getByRole('dialog');
const versionRow = (page: Page, number: number) =>
  table(page, 'Versions')
    .getByRole('row')
    .filter({ hasText: `version ${number}` });

test('a dataset is found by a column, and the list shows which versions can be used', async () => {
  const page = await journey.open('/projects/default/data', { as: bo });
  await page.getByRole('textbox', { name: 'Name, column, owner, tag' }).fill('delay');
  const row = page.getByRole('row', { name: 'flights' });
  await row.getByText('delay_minutes').waitFor();
  await row.getByText('quarantined').waitFor();
  // The previous version is in use: `latest` is never a quarantined one.
  await row.getByRole('link', { name: '2', exact: true }).waitFor();
  await page.getByRole('textbox', { name: 'Name, column, owner, tag' }).fill('delay nowhere');
  await page.getByText('No matches').waitFor();
});

test('violations come first, with the violating rows, masked', async () => {
  const page = await journey.open(`${FLIGHTS}/versions/3`, { as: bo });
  await page.getByRole('heading', { name: /expectations failed/ }).waitFor();
  const broken = table(page, 'Rows that fail delays can be true');
  await broken.getByRole('cell', { name: '10080' }).first().waitFor();
  await broken.getByRole('columnheader', { name: /pilot_email masked/ }).waitFor();
  // The viewer's own address is in the frame.
  expect(await page.getByRole('main').getByText('@example.com').count()).toBe(0);
  // Not in a tooltip either.
  expect(await page.content()).not.toMatch(/pilot\d+@|desk\d+@/);
  // A viewer sees why they cannot release it.
  await page.getByRole('button', { name: 'Release' }).and(page.locator('[aria-disabled="true"]')).waitFor();
});

test('a column is compared with the previous version; the URL selects it', async () => {
  const page = await journey.open(`${FLIGHTS}/versions/2`, { as: grace });
  const row = page.getByRole('row', { name: 'delay_minutes' });
  await row.getByRole('img', { name: 'Distribution of delay_minutes' }).waitFor();
  await row.getByText('delay_minutes').click();
  const figures = table(page, 'Statistics of delay_minutes');
  await figures.getByRole('columnheader', { name: 'version 1' }).waitFor();
  await figures.getByRole('row', { name: /^median/ }).waitFor();
  expect(new URL(page.url()).search).toBe('?column=delay_minutes');
});

test('findings are masked or waived with a reason; a viewer sees why they may not', async () => {
  const reading = await journey.open(`${FLIGHTS}?tab=findings`, { as: bo });
  const found = table(reading, 'Findings')
    .getByRole('row', { name: /contact/ })
    .first();
  await found.getByRole('button', { name: 'Waive' }).and(reading.locator('[aria-disabled="true"]')).waitFor();
  const page = await journey.open(`${FLIGHTS}?tab=findings`, { as: grace });
  const row = table(page, 'Findings')
    .getByRole('row', { name: /contact/ })
    .first();
  await row.getByRole('button', { name: 'Waive' }).click();
  await dialog(page)
    .getByRole('button', { name: 'Waive finding' })
    .and(page.locator('[aria-disabled="true"]'))
    .waitFor();
  await dialog(page).getByRole('textbox', { name: 'Reason' }).fill('Desks, not people');
  await dialog(page).getByRole('button', { name: 'Waive finding' }).click();
  await row.getByText('waived').waitFor();
  await row.getByText('Desks, not people').waitFor();
  // All viewers see it immediately.
  await found.getByText('waived').waitFor();
});

test('two versions are compared: columns, rows by their keys, statistics', async () => {
  const page = await journey.open(FLIGHTS, { as: grace });
  for (const version of [2, 1]) await page.getByRole('checkbox', { name: `Compare version ${version}` }).check();
  await page.getByRole('link', { name: 'Compare 1 and 2' }).click();
  await page.getByRole('heading', { name: 'Compare versions 1 and 2 of flights', level: 1 }).waitFor();
  await page.getByText('400 rows added').waitFor();
  await table(page, 'Distributions')
    .getByRole('row', { name: /^delay_minutes 2,000 of 2,000/ })
    .waitFor();
  await table(page, 'Changed rows: sample').getByRole('row').nth(1).waitFor();
});

test('a version gets a tag, an older one is restored, and a quarantined one released with a reason', async () => {
  const watching = await journey.open(FLIGHTS, { as: bo });
  const page = await journey.open(FLIGHTS, { as: grace });
  await versionRow(page, 1).getByRole('button', { name: 'Actions on version 1' }).click();
  await page.getByRole('menuitem', { name: 'Set tag' }).click();
  await dialog(page).getByRole('textbox', { name: 'Tag' }).fill('baseline');
  await dialog(page).getByRole('button', { name: 'Set tag' }).click();
  await versionRow(watching, 1).getByText('baseline').waitFor();
  await versionRow(page, 1).getByRole('button', { name: 'Actions on version 1' }).click();
  // A tagged version is not deleted, and the menu entry explains it.
  await page.getByRole('menuitem', { name: /Delete files The version has the tag baseline/ }).waitFor();
  await page.getByRole('menuitem', { name: 'Restore as latest version' }).click();
  await dialog(page).getByRole('textbox', { name: 'Reason' }).fill('October again');
  await dialog(page).getByRole('button', { name: 'Restore' }).click();
  await page.getByRole('heading', { name: 'flights version 4', level: 1 }).waitFor();
  await page.goto(`${journey.url}${FLIGHTS}/versions/3`);
  await page.getByRole('button', { name: 'Release' }).click();
  await dialog(page).getByRole('textbox', { name: 'Reason' }).fill('Seven rows do not matter here');
  await dialog(page).getByRole('button', { name: 'Release' }).click();
  await versionRow(watching, 3).getByText('ready').waitFor();
});

test('a file is uploaded from the browser and becomes a version', async () => {
  const page = await journey.open('/projects/default/data', { as: grace });
  await page.getByRole('button', { name: 'Upload files' }).click();
  await dialog(page)
    .locator('input[type=file]')
    .setInputFiles({
      name: 'weather.csv',
      mimeType: 'text/csv',
      buffer: Buffer.from('airport,observed_at,wind_knots\nFRA,2026-10-01T00:00:00Z,12\nOSL,2026-10-01T00:00:00Z,7\n'),
    });
  await dialog(page).getByRole('textbox', { name: 'Description of the change' }).fill('First day');
  await dialog(page).getByRole('button', { name: 'Create version' }).click();
  await page.getByRole('heading', { name: 'weather version 1', level: 1 }).waitFor();
  await page.getByRole('tab', { name: 'Rows', exact: true }).click();
  await table(page, 'Rows')
    .getByRole('row', { name: /OSL .* 7/ })
    .waitFor();
});

test('an unreadable file creates no version, and the line of its error is shown', async () => {
  const page = await journey.open('/projects/default/datasets/flights', { as: grace });
  await page.getByRole('button', { name: 'Upload version' }).click();
  await dialog(page)
    .locator('input[type=file]')
    .setInputFiles({
      name: 'flights.csv',
      mimeType: 'text/csv',
      buffer: Buffer.from(`${flightsCsv({ rows: 3 })}F9,2026-10-01,AA\n`),
    });
  await dialog(page).getByRole('button', { name: 'Create version' }).click();
  await dialog(page).getByText('No version was created').waitFor();
  await dialog(page)
    .getByRole('list', { name: 'Errors' })
    .getByText(/flights\.csv:5/)
    .waitFor();
});

const PAGES: readonly PageState[] = [
  [
    'datasets',
    '/projects/default/data',
    async (page) =>
      await page
        .getByRole('row', { name: 'flights' })
        .getByText(/^(ready|quarantined)$/)
        .waitFor(),
    grace,
  ],
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
    async (page) => await page.getByText('Failing rows').first().waitFor(),
    grace,
  ],
  [
    'a column',
    `${FLIGHTS}/versions/2?column=delay_minutes`,
    async (page) => await table(page, 'Statistics of delay_minutes').waitFor(),
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

describeStates(PAGES, () => journey);
