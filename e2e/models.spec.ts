/** Models, versions, aliases and approvals, for users who deploy and users who approve. */
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Journey } from './journey.ts';
import { describeStates, type PageState } from './page-states.ts';
import { bo, grace, pat, shareWithPeople } from './people.ts';
import { makeFlightDelay, registerModel, registerVersion } from './registry.ts';

let journey: Journey;
let runs: readonly string[];

beforeAll(async () => {
  journey = await shareWithPeople('project-v');
  runs = await makeFlightDelay(journey);
  await registerModel(journey, { name: 'gate-change' });
  const text =
    'Try it **with** care, @grace@example.com:\n\n1. at night\n2. on Sundays\n\n> as in https://example.com/issues/1\n\n```\nhour >= 22\n```';
  await journey.call('/api/v1/comments/models/flight-delay/versions/1', { text });
});
afterAll(async () => await journey.stop());
afterEach(async ({ task }) => {
  await journey.closePages();
  if (task.result?.state === 'fail') journey.discardProblems();
  else journey.expectQuiet();
});

const MODEL = '/projects/project-v/models/flight-delay';
const table = (page: Page, name: string) => page.getByRole('region', { name, exact: true }).last();
const comments = (page: Page) => page.getByRole('region', { name: 'Comments' });
const dialog = (page: Page) => page.getByRole('dialog');

async function callIt(page: Page, version: number, alias: string): Promise<void> {
  const row = table(page, 'Versions')
    .getByRole('row')
    .filter({ hasText: `version ${version}` });
  await row.getByRole('button', { name: 'Set alias' }).click();
  await dialog(page).getByRole('combobox', { name: 'Alias' }).fill(alias);
  await page.keyboard.press('Tab');
}

test('an alias without a rule moves immediately, for all viewers', async () => {
  const watching = await journey.open('/projects/project-v/models', { as: bo });
  const page = await journey.open('/projects/project-v/models', { as: grace });
  await page.getByRole('link', { name: 'flight-delay', exact: true }).click();
  await page.getByRole('heading', { name: 'Model flight-delay', level: 1 }).waitFor();
  await callIt(page, 1, 'baseline');
  await dialog(page).getByRole('button', { name: 'Set alias' }).click();
  await table(page, 'Alias assignments').getByRole('row', { name: 'baseline version 1 not required' }).waitFor();
  await watching.getByRole('row', { name: 'flight-delay' }).getByText('baseline').waitFor();
});

test('an alias with a rule shows the missing approver, and an approval is requested', async () => {
  const page = await journey.open(MODEL, { as: grace });
  await callIt(page, 2, 'champion');
  await dialog(page).getByText('by pat@example.com (rule of the model)').waitFor();
  await dialog(page).getByRole('button', { name: 'Set alias' }).click();
  // The server decides, and returns the reason.
  await dialog(page).getByText('needs approval for the alias "champion" by User "pat@example.com"').waitFor();
  await dialog(page).getByRole('textbox', { name: 'Reason' }).fill('Better on every slice');
  await dialog(page).getByRole('button', { name: 'Request approval' }).click();
  const waiting = page.getByRole('row', { name: 'flight-delay 2 → alias champion' });
  await waiting.getByText('Better on every slice').waitFor();
  // Other users can view it, and see why they cannot decide.
  await waiting.getByRole('button', { name: 'Review' }).click();
  await dialog(page).getByRole('button', { name: 'Approve' }).and(page.locator('[aria-disabled="true"]')).waitFor();
  journey.expectQuiet('status of 403');
});

test('pending approvals come first for approvers; with the last approval the alias moves', async () => {
  const page = await journey.open('/projects/project-v/models', { as: pat });
  await page.getByRole('heading', { name: 'Pending approvals, 1 for you' }).waitFor();
  const waiting = page.getByRole('row', { name: 'flight-delay 2 → alias champion' });
  await waiting.getByText('You', { exact: true }).waitFor();
  await waiting.getByRole('button', { name: 'Review' }).click();
  await dialog(page).getByText('Better on every slice').waitFor();
  // A rejection needs a reason.
  await dialog(page).getByRole('button', { name: 'Reject' }).and(page.locator('[aria-disabled="true"]')).waitFor();
  await dialog(page).getByRole('textbox', { name: 'Reason' }).fill('Measured again on last week');
  await dialog(page).getByRole('button', { name: 'Approve' }).click();
  await page.getByRole('heading', { name: /Pending approvals/ }).waitFor({ state: 'detached' });
  await page.getByRole('row', { name: 'flight-delay' }).getByText('champion').waitFor();
  await page.goto(`${journey.url}${MODEL}?tab=approvals`);
  const story = table(page, 'Approvals').getByRole('row', { name: 'version 2 → alias champion' });
  await story.getByText('Measured again on last week').waitFor();
  await story.getByRole('link', { name: 'pat@example.com' }).waitFor();
});

test('a version shows its source, its metrics and its signature', async () => {
  const page = await journey.open(`${MODEL}/versions/2`, { as: bo });
  await page.getByRole('heading', { name: 'flight-delay version 2', level: 1 }).waitFor();
  await table(page, 'Objective results').getByRole('row', { name: 'mae lower is better ≤ 9 8.5 Yes' }).waitFor();
  await page.getByRole('row', { name: 'input hour long optional' }).waitFor();
  await page.getByRole('term').filter({ hasText: 'learning_rate' }).waitFor();
  const link = page.getByRole('link', { name: runs[1]?.slice(0, 8) ?? '' }).first();
  expect(await link.getAttribute('href')).toBe(`/projects/project-v/runs/${runs[1]}`);
  // A viewer sees why they cannot set an alias.
  await page.getByRole('button', { name: 'Set alias' }).and(page.locator('[aria-disabled="true"]')).waitFor();
});

test('the card shows the purpose and the notes of the training; without a deployment, it shows how to deploy', async () => {
  const page = await journey.open(`${MODEL}?tab=card`, { as: bo });
  await page.getByText('Planning of gates; not for compensation of passengers').last().waitFor();
  const card = page.getByRole('region', { name: 'Model card of version 2' });
  await card.getByText('snow days, of which there are 12 in the data').waitFor();
  await page.getByRole('tab', { name: 'Serving' }).click();
  await page.getByText('No endpoint serves flight-delay.').waitFor();
  await page.getByRole('region', { name: 'Security scan' }).waitFor();
  await page.getByRole('tab', { name: 'Decisions' }).click();
  await page.getByText('No decisions yet.').waitFor();
});

test('the table of versions has a column for each objective', async () => {
  const page = await journey.open(MODEL, { as: bo });
  const versions = table(page, 'Versions');
  const business = versions.getByRole('columnheader', { name: 'mae ≤ 9' });
  await business.waitFor();
  expect(await business.getAttribute('title')).toBe('One minute less saves 40 gate changes a day');
  await versions.getByRole('columnheader', { name: 'recall_night ≥ 0.8 where hour >= 22' }).waitFor();
  const row = (version: number) => versions.getByRole('row').filter({ hasText: `version ${version}` });
  await row(2).getByRole('cell', { name: '8.5 met' }).waitFor();
  await row(1).getByRole('cell', { name: '10.25 not met' }).waitFor();
  await row(3).getByRole('cell', { name: 'not measured' }).first().waitFor();
});

test('two versions are compared by their objectives; the URL stores the view', async () => {
  const page = await journey.open(MODEL, { as: bo });
  for (const version of [2, 1]) await page.getByRole('checkbox', { name: `Compare version ${version}` }).check();
  await page.getByRole('link', { name: 'Compare 1 and 2' }).click();
  await page.getByRole('heading', { name: 'Compare versions 1 and 2 of flight-delay', level: 1 }).waitFor();
  await table(page, 'Objective results')
    .getByRole('row', { name: /mae lower is better ≤ 9 10.25 8.5 Better by 1.75 Yes/ })
    .waitFor();
  await table(page, 'Parameters compared').getByRole('row', { name: 'depth 6 8' }).waitFor();
  await page.getByRole('row', { name: /input hour integer, optional long, optional/ }).waitFor();
  expect(await table(page, 'Parameters compared').getByText('learning_rate').count()).toBe(0);
  await page.getByRole('checkbox', { name: 'Show identical values' }).check();
  await table(page, 'Parameters compared').getByRole('row', { name: 'learning_rate 0.1 0.1' }).waitFor();
  expect(new URL(page.url()).search).toBe('?from=1&to=2&all=yes');
  await page.getByRole('button', { name: 'Swap versions' }).click();
  await page.getByRole('heading', { name: 'Compare versions 2 and 1 of flight-delay', level: 1 }).waitFor();
  await table(page, 'Objective results')
    .getByRole('row', { name: /Worse by 1.75 No/ })
    .waitFor();
});

test('users comment on a version: mentions need existing users, and issues become links', async () => {
  const watching = await journey.open(`${MODEL}/versions/2`, { as: bo });
  // A viewer sees why they cannot comment.
  await comments(watching).getByText('You need model:comment.').waitFor();
  const page = await journey.open(`${MODEL}/versions/2`, { as: grace });
  const box = comments(page).getByRole('textbox', { name: 'Add a comment' });
  await box.fill('Worse at night, @pt@example.com');
  await page.keyboard.press('Control+Enter');
  await comments(page).getByText('Unknown user: @pt@example.com').waitFor();
  await box.fill('**Worse** at night, @pat@example.com: see https://github.com/o/r/issues/7.\n\n- `hour >= 22`');
  await comments(page).getByRole('button', { name: 'Comment' }).click();
  const seen = comments(watching).getByRole('listitem').filter({ hasText: 'at night' }).first();
  const issue = seen.getByRole('link', { name: 'https://github.com/o/r/issues/7' });
  expect(await issue.getAttribute('href')).toBe('https://github.com/o/r/issues/7');
  const person = seen.getByRole('link', { name: 'pat@example.com' });
  expect(await person.getAttribute('href')).toBe('/organization/users/pat%40example.com');
  await comments(page).getByRole('button', { name: 'Edit' }).click();
  await comments(page).getByRole('textbox', { name: 'Edit comment' }).fill('Better at night');
  await comments(page).getByRole('button', { name: 'Save' }).click();
  await comments(watching).getByText('Better at night').waitFor();
  // An administrator deletes a comment.
  const administrator = await journey.open(`${MODEL}/versions/2`, { as: pat });
  await comments(administrator).getByRole('button', { name: 'Delete' }).click();
  await dialog(administrator).getByRole('button', { name: 'Delete' }).click();
  await comments(watching).getByText('No comments yet.').waitFor();
  journey.expectQuiet('status of 400');
});

test('a run has comments too, and links to its registered version', async () => {
  const path = `/projects/project-v/runs/${runs[1]}`;
  const watching = await journey.open(`${path}?tab=comments`, { as: bo });
  const page = await journey.open(path, { as: grace });
  await page.getByRole('tab', { name: 'Comments' }).click();
  await comments(page).getByRole('textbox', { name: 'Add a comment' }).fill('Twice as slow as before');
  await comments(page).getByRole('button', { name: 'Comment' }).click();
  await comments(watching).getByText('Twice as slow as before').waitFor();
  await page.getByRole('link', { name: 'flight-delay/2' }).click();
  await page.getByRole('heading', { name: 'flight-delay version 2', level: 1 }).waitFor();
});

test('an alias is removed; a new version appears automatically', async () => {
  const page = await journey.open(MODEL, { as: grace });
  await table(page, 'Alias assignments')
    .getByRole('row', { name: 'baseline' })
    .getByRole('button', { name: 'Remove alias' })
    .click();
  await dialog(page).getByText('models:/flight-delay@baseline').waitFor();
  await dialog(page).getByRole('button', { name: 'Remove alias' }).click();
  await table(page, 'Alias assignments').getByRole('row', { name: 'baseline' }).waitFor({ state: 'detached' });
  await registerVersion(journey, 'flight-delay', { source: 's3://elsewhere/newer' });
  await table(page, 'Versions').getByRole('link', { name: 'version 4' }).waitFor();
});

test('a model is deleted with all its versions, after its name is typed', async () => {
  await registerModel(journey, { name: 'passing' });
  await registerVersion(journey, 'passing', { source: 's3://elsewhere/model' });
  const page = await journey.open('/projects/project-v/models/passing', { as: grace });
  await page.getByRole('button', { name: 'Delete' }).click();
  await dialog(page).getByText('This deletes all its versions, aliases and approvals').waitFor();
  await dialog(page).getByRole('textbox').fill('passing');
  await dialog(page).getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('heading', { name: 'Models', level: 1 }).waitFor();
  await page.getByRole('link', { name: 'gate-change' }).waitFor();
  await page.getByRole('link', { name: 'passing' }).waitFor({ state: 'detached' });
});

const PAGES: readonly PageState[] = [
  ['models', '/projects/project-v/models', async (page) => await page.getByText('champion').first().waitFor(), pat],
  ['a model', MODEL, async (page) => await table(page, 'Versions').getByText('version 3').first().waitFor(), grace],
  [
    'approvals of a model',
    `${MODEL}?tab=approvals`,
    async (page) => await page.getByText('Measured again').waitFor(),
    bo,
  ],
  ['the card of a model', `${MODEL}?tab=card`, async (page) => await page.getByText('snow days').waitFor(), bo],
  [
    'about a model',
    `${MODEL}?tab=about`,
    async (page) => await page.getByRole('heading', { name: 'Metadata', exact: true }).waitFor(),
    bo,
  ],
  ['a version', `${MODEL}/versions/2`, async (page) => await table(page, 'Inputs and outputs').waitFor(), grace],
  [
    'comments',
    `${MODEL}/versions/1`,
    async (page) => await comments(page).getByText('with care').scrollIntoViewIfNeeded(),
    grace,
  ],
  [
    'versions compared',
    `${MODEL}/compare?from=1&to=2`,
    async (page) => await page.getByText('input hour').waitFor(),
    bo,
  ],
  [
    'the question about an alias',
    MODEL,
    async (page) => {
      await callIt(page, 3, 'champion');
      await dialog(page).getByText('Needs approval').waitFor();
    },
    grace,
  ],
  [
    'a version that is not there',
    `${MODEL}/versions/99`,
    async (page) => await page.getByText('has no version 99').waitFor(),
    bo,
  ],
];

describeStates(PAGES, () => journey, 'status of 404');
