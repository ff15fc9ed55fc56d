/** A day in the console, from the home page to a rollback. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import { expectAccessible, Journey, secretManifest } from './journey.ts';

let journey: Journey;

beforeAll(async () => {
  journey = await Journey.start();
  const many = Array.from({ length: 1200 }, (_, at) =>
    secretManifest(`many-${String(at).padStart(4, '0')}`, `number ${at}`, at % 2 === 0 ? 'vision' : 'ads'),
  );
  await journey.apply(many.join('---\n'));
  await journey.apply(`apiVersion: dais.dev/v1
kind: AlertChannel
metadata:
  name: desk
spec:
  send:
    type: slack
    url: { secret: many-0000, key: absent }
`);
});
afterAll(async () => await journey.stop());
afterEach(async ({ task }) => {
  await journey.closePages();
  // On failure, the first error is reported first.
  if (task.result?.state === 'fail') journey.discardProblems();
  else journey.expectQuiet();
});

const rows = (page: Page) => page.getByRole('grid').getByRole('row');
const editor = (page: Page) => page.locator('.cm-content');

/** Replaces the whole text of the editor. */
async function write(page: Page, text: string): Promise<void> {
  await editor(page).click();
  await page.keyboard.press('Control+a');
  // Chromium's own editing tries an inline style when it replaces several lines at once, and complains of our policy.
  await page.keyboard.press('Delete');
  await page.keyboard.insertText(text);
}

test('the home page shows what needs attention, counts and events, with links', async () => {
  const page = await journey.open('/');
  const needing = page.getByRole('region', { name: '1 item needs attention' });
  await needing.getByText('has no key "absent"').waitFor();
  await page.getByRole('main').getByRole('link', { name: '1,000+ Secrets' }).waitFor();
  await page.getByText('owner created AlertChannel desk').waitFor();
  await needing.getByRole('link', { name: 'desk' }).click();
  await page.getByRole('heading', { name: 'Alert channel desk', level: 1 }).waitFor();
  await page.getByRole('main').getByRole('link', { name: 'many-0000' }).first().click();
  await page.getByRole('heading', { name: 'Secret many-0000', level: 1 }).waitFor();
});

test('the page of nodes shows this node with its load, and the only ready node is neither removed nor drained', async () => {
  const page = await journey.open('/');
  await page.getByRole('link', { name: 'Nodes' }).click();
  await page.getByRole('heading', { name: 'Nodes', level: 1 }).waitFor();
  const table = page.getByRole('region', { name: 'Nodes' });
  const row = table.getByRole('row', { name: 'ready' });
  await row.getByText('all', { exact: true }).waitFor();
  await row.getByText(/^\d+\.\d of \d+ cores$/).waitFor();
  expect(await table.getByRole('button', { name: 'Remove' }).count()).toBe(0);
  await expectAccessible(page);
  await row.getByRole('button', { name: 'Drain' }).click();
  await page.getByRole('button', { name: 'Drain node' }).click();
  await page
    .getByText(/no other ready node runs background work, runs steps, serves the API, or serves predictions/)
    .waitFor();
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Cancel' }).click();
  journey.expectQuiet('status of 409');
});

test('a long list is filtered and sorted by its URL, and renders only visible rows', async () => {
  const page = await journey.open('/projects/default/secrets');
  await page.getByText('1,200', { exact: true }).waitFor();
  expect(await rows(page).count()).toBeLessThan(100);
  await page.getByLabel('Labels', { exact: true }).fill('team=ads, =wrong');
  await page.getByText('"=wrong" is not a term: key=value, key!=value, key or !key').waitFor();
  await page.getByLabel('Labels', { exact: true }).fill('team=ads');
  await page.getByText('600', { exact: true }).waitFor();
  await page.getByLabel('Name contains').fill('11');
  await page.getByText('65 of 600').waitFor();
  await page.getByRole('button', { name: 'Name' }).click();
  await page.getByRole('button', { name: 'Name' }).click();
  await page.waitForURL('**/projects/default/secrets?labels=team=ads&name=11&sort=-name');
  await rows(page).nth(1).getByText('many-1199').waitFor();
  await page.reload();
  await rows(page).nth(1).getByText('many-1199').waitFor();
  expect(await page.getByLabel('Name contains').inputValue()).toBe('11');
});

test('the keyboard moves through a list, opens a row and returns to it', async () => {
  const page = await journey.open('/projects/default/secrets');
  await page.getByText('1,200', { exact: true }).waitFor();
  for (const key of ['j', 'j', 'j', 'k', 'End']) await page.keyboard.press(key);
  await page.waitForURL('**selected=many-1199');
  await page.getByRole('row', { name: 'many-1199' }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Secret many-1199', level: 1 }).waitFor();
  await page.goBack();
  await page.getByRole('row', { name: 'many-1199', selected: true }).waitFor();
});

test('changes of others appear without a reload; under the pointer nothing moves', async () => {
  const page = await journey.open('/projects/default/secrets?labels=team=live&columns=all');
  await page.getByText('No matches').waitFor();
  await journey.dais(['apply', '-f', '-'], secretManifest('live-b', 'from a command', 'live'));
  await page.getByRole('row', { name: 'live-b' }).getByText('from a command').waitFor();
  await page.getByRole('row', { name: 'live-b' }).hover();
  await journey.apply(
    `${secretManifest('live-a', 'created later', 'live')}---\n${secretManifest('live-b', 'updated later', 'live')}`,
  );
  await page.getByRole('row', { name: 'live-b' }).getByText('updated later').waitFor();
  await page.getByRole('button', { name: 'Updates paused: 1 new' }).waitFor();
  expect(await page.getByText('live-a').count()).toBe(0);
  await page.getByRole('heading', { level: 1 }).hover();
  await page.getByText('live-a').waitFor();
  await journey.dais(['delete', 'secret', 'live-a', '--yes']);
  await page.getByText('live-a').waitFor({ state: 'detached' });
});

test('a user writes a new secret, sees the problem at its position, reviews the plan and applies it', async () => {
  const page = await journey.open('/projects/default/create/secrets');
  await write(page, secretManifest('written', 'here').replace('description', 'descripton'));
  await page.getByText('did you mean description?').waitFor();
  await page.locator('.cm-lintRange-error', { hasText: 'descripton' }).waitFor();
  expect(await page.getByRole('button', { name: 'Show the plan' }).isDisabled()).toBe(true);
  await write(page, secretManifest('written', 'here'));
  await page.getByRole('button', { name: 'Show the plan' }).click();
  await page.getByText('Allowed: would be created').waitFor();
  await page.getByRole('button', { name: 'Apply' }).click();
  await page.getByRole('heading', { name: 'Secret written', level: 1 }).waitFor();
  await page.getByText('written created').waitFor();
});

test('the editor completes fields, choices and names', async () => {
  const page = await journey.open('/projects/default/create/alertchannels');
  await write(page, 'apiVersion: dais.dev/v1\nkind: AlertChannel\nmetadata:\n  name: x\nspec:\n  send:\n    type: ');
  await page.keyboard.press('Control+Space');
  await page.getByRole('option', { name: 'slack' }).click();
  await page.keyboard.press('Enter');
  await page.keyboard.type('url');
  await page.getByRole('option', { name: 'url' }).first().waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.insertText(':\n      secret: many-00');
  await page.keyboard.press('Control+Space');
  await page.getByRole('option', { name: /many-0042/ }).waitFor();
});

test('a change is shown as a difference, rejected on a conflict, and applied to the current version', async () => {
  await journey.apply(secretManifest('changed', 'first'));
  const page = await journey.open('/projects/default/change/secrets/changed');
  const text = (description: string) => secretManifest('changed', description).replace(/ {2}data:[^]*$/, '');
  await editor(page).waitFor();
  await journey.apply(secretManifest('changed', 'by somebody else'));
  await write(page, text('mine'));
  const diff = page.getByRole('region', { name: 'Your changes' }).last();
  await diff.getByText('description: first').waitFor();
  await diff.getByText('description: mine').waitFor();
  await page.keyboard.press('Control+Enter');
  await page.getByText('Allowed: would be updated').waitFor();
  await page.getByText('spec.description').waitFor();
  await page.keyboard.press('Control+Enter');
  await page.getByText('Version mismatch').waitFor();
  await page.getByRole('button', { name: 'Load the current version' }).click();
  await editor(page).getByText('by somebody else').waitFor();
  await write(page, text('mine'));
  await page.keyboard.press('Control+Enter');
  await page.getByText('Allowed: would be updated').waitFor();
  await page.keyboard.press('Control+Enter');
  await page.getByRole('heading', { name: 'Secret changed', level: 1 }).waitFor();
  await page.getByRole('definition').getByText('mine').waitFor();
  journey.expectQuiet('status of 412');
});

test('history compares any two revisions, and rolls back to one', async () => {
  for (const description of ['one', 'two', 'three']) await journey.apply(secretManifest('rolled', description));
  const page = await journey.open('/projects/default/secrets/rolled?tab=history');
  await page.getByRole('button', { name: 'Compare revision 1 with current revision' }).click();
  await page.waitForURL('**tab=history&from=1&to=3');
  const diff = page.getByRole('region', { name: 'From revision 1 to 3' });
  await diff.getByText('description: one').waitFor();
  await diff.getByText('description: three').waitFor();
  await page.getByRole('button', { name: 'Roll back to revision 1' }).click();
  await page.getByRole('dialog').getByText('dais rollback secret rolled --to 1').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Roll back' }).click();
  await page.getByRole('cell', { name: '4 current' }).waitFor();
  await page.getByRole('tab', { name: 'Overview' }).click();
  await page.getByRole('definition').getByText('one', { exact: true }).waitFor();
});

test('a referenced resource is not deleted, and its referrers are named; another one is deleted after its name is typed', async () => {
  const page = await journey.open('/projects/default/secrets/many-0000');
  const dialog = page.getByRole('dialog');
  await page.getByRole('button', { name: 'Delete' }).click();
  expect(await dialog.getByRole('button', { name: 'Delete' }).isDisabled()).toBe(true);
  await dialog.getByRole('textbox').fill('many-0000');
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await dialog.getByText('Still referenced').waitFor();
  await dialog.getByRole('link', { name: 'desk' }).click();
  await page.getByRole('heading', { name: 'Alert channel desk', level: 1 }).waitFor();
  journey.expectQuiet('status of 409');
  await page.getByRole('button', { name: 'Delete' }).click();
  await dialog.getByRole('textbox').fill('desk');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Alert channels', level: 1 }).waitFor();
  await page.getByText('desk deleted').waitFor();
});

test('an action of a kind asks for its input and shows its result', async () => {
  const page = await journey.open('/projects/default/secrets/many-0001');
  await page.getByRole('button', { name: 'Actions' }).click();
  await page.getByRole('menuitem', { name: 'rotate' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'rotate' }).click();
  await page.getByRole('dialog').getByText('rewrapped').waitFor();
});

test('the palette finds resources and runs actions, without the mouse', async () => {
  const page = await journey.open('/');
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox').fill('many-0777');
  await page.getByRole('option', { name: 'many-0777' }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Secret many-0777', level: 1 }).waitFor();
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox').fill('create alert');
  await page.getByRole('option', { name: 'Create alert channel' }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Create alert channel', level: 1 }).waitFor();
});

test('shortcuts open pages, and a list of them is one key away', async () => {
  const page = await journey.open('/');
  await page.keyboard.press('g');
  await page.keyboard.press('s');
  await page.getByRole('heading', { name: 'Secrets', level: 1 }).waitFor();
  await page.keyboard.press('?');
  await page
    .getByRole('dialog', { name: 'Keyboard shortcuts' })
    .getByText('Collapse or expand the navigation')
    .waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.keyboard.press('c');
  await page.getByRole('heading', { name: 'Create secret', level: 1 }).waitFor();
});

test('the theme follows the system until the user selects one, and then stays', async () => {
  const page = await journey.open('/', { scheme: 'dark' });
  const scheme = () => page.locator('html').getAttribute('data-mantine-color-scheme');
  expect(await scheme()).toBe('dark');
  await page.getByRole('button', { name: 'Use light theme' }).click();
  await page.reload();
  await page.getByRole('button', { name: 'Use dark theme' }).waitFor();
  expect(await scheme()).toBe('light');
});

test('unsaved text is not lost by a wrong click', async () => {
  const page = await journey.open('/projects/default/create/secrets');
  await write(page, secretManifest('half', 'done'));
  page.once('dialog', (dialog) => void dialog.dismiss());
  await page.getByRole('link', { name: 'Home', exact: true }).click();
  await page.getByRole('heading', { name: 'Create secret', level: 1 }).waitFor();
  page.once('dialog', (dialog) => void dialog.accept());
  await page.getByRole('link', { name: 'Home', exact: true }).click();
  await page.getByRole('heading', { name: 'Home', level: 1 }).waitFor();
});

test('a missing page shows the remedy and the request id', async () => {
  const page = await journey.open('/projects/default/secrets/nothing');
  const note = page.getByRole('alert');
  await note.getByText('Not found', { exact: true }).waitFor();
  await note.getByText(/Request ID [0-9a-f-]{36}/).waitFor();
  journey.expectQuiet('status of 404');
});

test('without a server the console reports it, and continues when the server returns', async () => {
  const page = await journey.open('/projects/default/secrets?labels=team=away');
  await page.getByText('No matches').waitFor();
  await journey.down();
  await page.getByText('Reconnecting…').waitFor();
  await journey.up();
  await page.getByText('Reconnecting…').waitFor({ state: 'detached' });
  await journey.apply(secretManifest('back', 'again', 'away'));
  await page.getByRole('row', { name: 'back' }).waitFor();
  journey.expectQuiet('ERR_CONNECTION_REFUSED', 'ERR_INCOMPLETE_CHUNKED_ENCODING', 'status of 503');
});
