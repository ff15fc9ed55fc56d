/** The pages of a Dais with one owner: accessibility rules and a narrow screen. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { consoleRoots } from '@dais/api';
import { Journey, secretManifest } from './journey.ts';
import { describeStates, type PageState } from './page-states.ts';

let journey: Journey;

beforeAll(async () => {
  journey = await Journey.start();
  await journey.apply(secretManifest('one', 'first'));
  await journey.apply(`${secretManifest('one', 'second')}---\n${secretManifest('two', 'other', 'ads')}`);
});
afterAll(async () => await journey.stop());
afterEach(async () => await journey.closePages());

const PAGES: readonly PageState[] = [
  ['home', '/', async (page) => await page.getByText('owner created Secret two').waitFor()],
  ['a list', '/projects/default/secrets', async (page) => await page.getByRole('row', { name: 'two' }).waitFor()],
  [
    'a wrong filter',
    '/projects/default/secrets',
    async (page) => {
      await page.getByLabel('Labels', { exact: true }).fill('a=b, =wrong');
      await page.getByText('is not a term').waitFor();
    },
  ],
  [
    'nothing that fits',
    '/projects/default/secrets?name=nothing',
    async (page) => await page.getByText('No matches').waitFor(),
  ],
  [
    'the choice of columns',
    '/projects/default/secrets',
    async (page) => {
      await page.getByRole('button', { name: 'Columns' }).click();
      await page.getByRole('menuitemcheckbox', { name: 'Description' }).waitFor();
    },
  ],
  [
    'copies for other places',
    '/projects/default/secrets/one',
    async (page) => {
      await page.getByRole('button', { name: 'Copy as' }).click();
      await page.getByRole('menuitem', { name: 'curl command' }).waitFor();
    },
  ],
  [
    'a plan',
    '/projects/default/change/secrets/one',
    async (page) => {
      await page.locator('.cm-content').click();
      await page.keyboard.press('Control+End');
      await page.keyboard.insertText('# a remark\n');
      await page.keyboard.press('Control+Enter');
      await page.getByRole('region', { name: 'Plan' }).getByText('No changes').waitFor();
    },
  ],
  ['no page at all', '/account/nothing', async (page) => await page.getByText('Page not found').waitFor()],
  [
    'an empty list',
    '/projects/default/policies',
    async (page) => await page.getByText('No policies in default yet').waitFor(),
  ],
  [
    'a resource',
    '/projects/default/secrets/one',
    async (page) => await page.getByRole('heading', { name: 'Spec', exact: true }).waitFor(),
  ],
  [
    'its manifest',
    '/projects/default/secrets/one?tab=manifest',
    async (page) => await page.getByText('Manifest (user fields)').waitFor(),
  ],
  [
    'its history',
    '/projects/default/secrets/one?tab=history',
    async (page) => await page.getByText('description: second').waitFor(),
  ],
  [
    'its events',
    '/projects/default/secrets/one?tab=events',
    async (page) => await page.getByText('owner created').waitFor(),
  ],
  ['events', '/projects/default/events', async (page) => await page.getByText('owner created Secret two').waitFor()],
  [
    'the organization',
    '/organization/projects/default',
    async (page) => await page.getByRole('heading', { name: 'Metadata', exact: true }).waitFor(),
  ],
  [
    'access of the owner',
    '/projects/default/access?action=secret:write&resource=Secret',
    async (page) => await page.getByText('The owner of this server may do everything').first().waitFor(),
  ],
  [
    'audit of the owner',
    '/projects/default/audit',
    async (page) => await page.getByText('created Secret two').waitFor(),
  ],
  ['tokens without accounts', '/account/tokens', async (page) => await page.getByText('dais up --accounts').waitFor()],
  [
    'the editor',
    '/projects/default/change/secrets/one',
    async (page) => await page.getByText('description').first().waitFor(),
  ],
  [
    'a problem in the editor',
    '/projects/default/create/secrets',
    async (page) => {
      await page.locator('.cm-content').click();
      await page.keyboard.press('Control+End');
      await page.keyboard.insertText('  wrong: 1');
      await page.getByText('1 error').waitFor();
    },
  ],
  [
    'a dialog',
    '/projects/default/secrets/two',
    async (page) => {
      await page.getByRole('button', { name: 'Delete' }).click();
      await page.getByRole('dialog').getByRole('textbox').waitFor();
    },
  ],
  [
    'the palette',
    '/',
    async (page) => {
      await page.keyboard.press('Control+k');
      await page.getByRole('combobox').fill('o');
      await page.getByRole('option').first().waitFor();
    },
  ],
  [
    'what is not there',
    '/projects/default/secrets/nothing',
    async (page) => await page.getByText('Not found', { exact: true }).waitFor(),
  ],
];

describeStates(PAGES, () => journey, 'status of 404');

test.each(consoleRoots)('the server returns the console for /%s and the paths below it', async (root) => {
  for (const path of [`/${root}`, `/${root}/a/b%2Fc?d=e`]) {
    const response = await fetch(`${journey.url}${path}`);
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  }
});
