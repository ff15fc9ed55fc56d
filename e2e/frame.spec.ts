/** Common features of all pages: URLs with the whole state, copy formats, and reasons of unavailable actions. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import { Journey, secretManifest } from './journey.ts';

let journey: Journey;

beforeAll(async () => {
  journey = await Journey.start();
  await journey.apply(secretManifest('one', 'first'));
  await journey.apply(`${secretManifest('one', 'second')}---\n${secretManifest('two', 'other', 'ads')}`);
});
afterAll(async () => await journey.stop());
afterEach(async ({ task }) => {
  await journey.closePages();
  if (task.result?.state === 'fail') journey.discardProblems();
  else journey.expectQuiet();
});

/** A chat channel whose URL is under `key` of the Secret `one`. */
function channelManifest(key: string): string {
  return `apiVersion: dais.dev/v1
kind: AlertChannel
metadata:
  name: desk
spec:
  send:
    type: slack
    url: { secret: one, key: ${key} }
`;
}

/** The clipboard after a copy action of the page's menu. */
async function copied(page: Page, title: string | RegExp): Promise<string> {
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.getByRole('button', { name: 'Copy as' }).click();
  await page.getByRole('menuitem', { name: title }).click();
  await page.getByText('Copied', { exact: true }).last().waitFor();
  return await page.evaluate(async () => await navigator.clipboard.readText());
}

test('the columns of a list are selected, stored in its URL, and restored from the link', async () => {
  const page = await journey.open('/projects/default/secrets');
  const grid = page.getByRole('grid');
  await grid.getByRole('columnheader', { name: 'Keys' }).waitFor();
  expect(await grid.getByRole('columnheader', { name: 'Description' }).count()).toBe(0);
  await page.getByRole('button', { name: 'Columns' }).click();
  await page.getByRole('menuitemcheckbox', { name: 'Description' }).click();
  await page.waitForURL('**?columns=all');
  await page.getByRole('menuitemcheckbox', { name: 'Created' }).click();
  await page.getByRole('menuitemcheckbox', { name: 'Keys' }).click();
  await page.waitForURL('**?columns=spec.description,labels,changed');
  await page.reload();
  await grid.getByRole('columnheader', { name: 'Description' }).waitFor();
  expect(await grid.getByRole('columnheader').allInnerTexts()).toEqual(['Name', 'Description', 'Labels', 'Updated']);
  await page.getByRole('row', { name: 'one' }).getByText('second').waitFor();
  await page.getByRole('button', { name: 'Columns' }).click();
  await page.getByRole('menuitem', { name: 'Reset to default' }).click();
  await page.waitForURL('**/projects/default/secrets');
});

test.each([
  ['home', '/', 'two'],
  ['a list', '/projects/default/secrets?labels=team=ads', 'two'],
  ['a resource', '/projects/default/secrets/one', 'second'],
  ['a history', '/projects/default/secrets/one?tab=history', 'apply'],
  ['the events of one', '/projects/default/secrets/one?tab=events', 'one'],
  ['events', '/projects/default/events', 'two'],
  ['events of the organization', '/organization/events', ''],
  ['a list of the organization', '/organization/projects', 'default'],
])('%s can be copied as a valid command, a valid request and a link', async (_what, path, reported) => {
  const page = await journey.open(path);
  const command = await copied(page, 'CLI command');
  expect(command).toMatch(/^dais /);
  expect(await journey.dais(command.split(' ').slice(1))).toContain(reported);
  const call = await copied(page, 'curl command');
  expect(call).toMatch(/^curl /);
  const response = await fetch(/http:[^ ']+/.exec(call)?.[0] ?? '');
  expect(response.status).toBe(200);
  expect(await response.text()).toContain(reported);
  expect(await copied(page, 'Link to this page')).toBe(page.url());
});

test('manifests are copied in input form: applying them changes nothing', async () => {
  const page = await journey.open('/projects/default/secrets/one');
  await page.getByRole('heading', { name: 'Spec', exact: true }).waitFor();
  expect(await journey.dais(['plan', '-f', '-'], await copied(page, 'Manifest'))).toContain('unchanged');
  await page.goto(`${journey.url}/projects/default/secrets`);
  await page.getByRole('row', { name: 'two' }).waitFor();
  const both = await copied(page, 'Manifests of all 2 rows');
  expect(both.match(/^kind: Secret$/gm)).toHaveLength(2);
  expect(await journey.dais(['plan', '-f', '-'], both)).toContain('unchanged');
  await page.goto(`${journey.url}/projects/default/change/secrets/two`);
  await page.locator('.cm-content').waitFor();
  expect(await copied(page, 'Manifest as edited')).toContain('description: other');
});

test('the home page counts resources that others create', async () => {
  const page = await journey.open('/');
  await page.getByRole('main').getByRole('link', { name: '2 Secrets' }).waitFor();
  await journey.apply(secretManifest('meanwhile', 'from elsewhere'));
  await page.getByText('owner created Secret meanwhile').waitFor();
  await page.getByRole('main').getByRole('link', { name: '3 Secrets' }).waitFor();
  await journey.dais(['delete', 'secret', 'meanwhile', '--yes']);
  await page.getByRole('main').getByRole('link', { name: '2 Secrets' }).waitFor();
});

test('events are filtered by the URL, and new ones come first without a reload', async () => {
  const page = await journey.open('/projects/default/events');
  await page.getByText('owner created Secret one').waitFor();
  await page.getByRole('combobox', { name: 'Kind' }).click();
  await page.getByRole('option', { name: 'AlertChannel' }).click();
  await page.waitForURL('**/projects/default/events?kind=AlertChannel');
  await page.getByText('No events yet.').waitFor();
  await journey.apply(channelManifest('absent'));
  await page.getByText('owner created AlertChannel desk').waitFor();
});

test('a condition changes live on the page', async () => {
  await journey.apply(channelManifest('absent'));
  const page = await journey.open('/projects/default/alertchannels/desk');
  await page.getByText('Secret "one" has no key "absent".').waitFor();
  await page.getByRole('main').getByText('Secret key missing').first().waitFor();
  await journey.apply(channelManifest('value'));
  await page.getByText('The address is not a valid URL.').waitFor();
  await journey.apply(secretManifest('one', 'second').replace('not-for-reading', 'https://9.9.9.9/hooks/x'));
  // Nothing is sent, and no name has to be resolved: the host is an IP address.
  await page.getByText('No alert was sent yet.').waitFor();
  await page.getByText('The address is not a valid URL.').waitFor({ state: 'detached' });
});

test('an unknown kind shows the error of the catalog, and the frame stays', async () => {
  const page = await journey.open('/projects/default/gizmos');
  await page.getByRole('alert').getByText('There is no kind "gizmos".').waitFor();
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Secrets' }).click();
  await page.getByRole('heading', { name: 'Secrets', level: 1 }).waitFor();
  await page.goto(`${journey.url}/account/nothing/here`);
  await page.getByRole('heading', { name: 'Page not found', level: 1 }).waitFor();
});
