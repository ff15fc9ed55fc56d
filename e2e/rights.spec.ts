/** Permissions and audit: allowed actions with reasons, the audit log, and effects of a policy, for each user. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import type { Journey } from './journey.ts';
import { ada, bo, eve, grace, pat, startWithPeople } from './people.ts';

let journey: Journey;

beforeAll(async () => {
  journey = await startWithPeople();
});
afterAll(async () => await journey.stop());
afterEach(async ({ task }) => {
  await journey.closePages();
  if (task.result?.state === 'fail') journey.discardProblems();
  else journey.expectQuiet();
});

const why = (page: Page) => page.getByRole('region', { name: /^secret:write/ });

async function write(page: Page, text: string): Promise<void> {
  await page.locator('.cm-content').click();
  await page.keyboard.press('Control+a');
  // Chromium's own editing tries an inline style when it replaces several lines at the same time, and reports a
  // violation of our policy.
  await page.keyboard.press('Delete');
  await page.keyboard.insertText(text);
}

test('an editor sees their permissions, and the message of a denying policy', async () => {
  const page = await journey.open('/', { as: grace });
  await page.getByRole('link', { name: 'Access', exact: true }).click();
  await page.getByRole('heading', { name: 'Your permissions in default', level: 1 }).waitFor();
  await page.getByRole('region', { name: 'Your account' }).getByRole('link', { name: 'vision-editors' }).waitFor();
  await page.getByRole('link', { name: 'secret:write: conditional' }).click();
  await page.waitForURL('**/projects/default/access?action=secret%3Awrite&resource=Secret');
  await why(page).getByText('Depends on the resource').waitFor();
  await why(page).getByLabel('Check one secret').fill('prod-db');
  await why(page).getByRole('button', { name: 'Check' }).click();
  await why(page).getByText('You may not secret:write prod-db.').waitFor();
  await why(page).getByText('Production secrets are changed by team operations').waitFor();
  await why(page).getByText('SOC2-CC6.1').waitFor();
  // The URL stores the whole view: other users see the same.
  const link = page.url().slice(journey.url.length);
  const other = await journey.open(link, { as: grace });
  await why(other).getByText('Production secrets are changed by team operations').waitFor();
  await page.getByRole('link', { name: 'alertChannel:write: yes', exact: true }).click();
  await page.getByText('You may alertChannel:write any alert channel of default.').waitFor();
});

test('an administrator queries the permissions of another user, and follows the deciding rules', async () => {
  const page = await journey.open('/projects/default/access', { as: ada });
  await page.getByRole('combobox', { name: 'User or service account' }).fill('bo@example.com');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Permissions of bo@example.com in default', level: 1 }).waitFor();
  await page.getByRole('link', { name: 'secret:write: no' }).click();
  await why(page).getByText('Roles that grant it: editor, admin in project "default"').waitFor();
  await why(page).getByText('You can grant a role yourself').waitFor();
  await page.goto(
    `${journey.url}/projects/default/access?who=user:grace@example.com&action=secret:write&resource=Secret/prod-db`,
  );
  await why(page).getByRole('link', { name: 'production-by-operations' }).click();
  await page.getByRole('heading', { name: 'Organization policy production', level: 1 }).waitFor();
  await page.goto(`${journey.url}/projects/default/access?who=user:nobody@example.com`);
  await page.getByText('There is no User "nobody@example.com".').waitFor();
  journey.expectQuiet('status of 404');
});

test('a user without a role sees a contact on every page, and no page fails', async () => {
  const page = await journey.open('/', { as: eve });
  await page.getByText('You have no role in default yet').waitFor();
  await page.getByRole('link', { name: 'Show your permissions and how to get more' }).click();
  await page.getByText('You can see your own permissions.').waitFor();
  await page.getByRole('link', { name: 'secret:write: no' }).click();
  await why(page).getByText('Ask an administrator of default.').waitFor();
  await page.getByRole('link', { name: 'Audit', exact: true }).click();
  await page.getByText('Only administrators of default can read the audit log.').waitFor();
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox').fill('prod');
  await page.getByText('No results.').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: /switch project/ }).click();
  await page.getByText('You have access to no project yet.').waitFor();
  journey.expectQuiet();
  await page.goto(`${journey.url}/projects/default/secrets`);
  await page.getByText('Roles with this permission').waitFor();
  await page.getByRole('link', { name: 'Show why and what would allow it' }).waitFor();
  journey.expectQuiet('status of 403');
});

test('a project administrator sees its users and its log, grants roles there, and nothing beyond', async () => {
  const page = await journey.open('/projects/default/audit?kind=RoleBinding', { as: pat });
  await page.getByText('created RoleBinding readers').waitFor();
  expect(await page.getByRole('region', { name: 'Audit log integrity' }).count()).toBe(0);
  await page.getByRole('link', { name: 'Search the log of the organization' }).click();
  await page.getByText('Only administrators of the organization can read the audit log.').waitFor();
  await page.goto(`${journey.url}/projects/default/access?who=user:bo@example.com&action=secret:write&resource=Secret`);
  await why(page).getByRole('link', { name: 'pat@example.com' }).waitFor();
  await why(page).getByRole('link', { name: 'grant a role in default' }).click();
  const binding = (user: string) => `apiVersion: dais.dev/v1
kind: RoleBinding
metadata:
  name: bo-edits
spec:
  role: editor
  users:
    - ${user}
`;
  await page.locator('.cm-content').waitFor();
  await write(page, binding('boo@example.com'));
  await page.getByRole('button', { name: 'Show the plan' }).click();
  await page.getByText('there is no User "boo@example.com"').first().waitFor();
  await page.locator('.cm-lintRange-error', { hasText: 'boo@example.com' }).waitFor();
  journey.expectQuiet('status of 422');
  await write(page, binding('bo@example.com'));
  await page.getByRole('button', { name: 'Show the plan' }).click();
  await page.getByText('Allowed: would be created').waitFor();
  await page.getByRole('button', { name: 'Apply' }).click();
  await page.getByRole('heading', { name: 'Role binding bo-edits', level: 1 }).waitFor();
  const theirs = await journey.open('/projects/default/access?action=secret:write&resource=Secret', { as: bo });
  await why(theirs).getByRole('link', { name: 'bo-edits' }).waitFor();
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('textbox').fill('bo-edits');
  await page.keyboard.press('Enter');
  await page.getByText('bo-edits deleted').waitFor();
});

test('the audit log is filtered by its URL; a denial shows actor, action, reason and remedy', async () => {
  const theirs = await journey.open('/projects/default/secrets', { as: eve });
  await theirs.getByText('Permission denied').waitFor();
  journey.expectQuiet('status of 403');
  const page = await journey.open('/organization/audit', { as: ada });
  await page.getByRole('combobox', { name: 'Outcome' }).click();
  await page.getByRole('option', { name: 'denied' }).click();
  await page.getByLabel('Actor').fill('eve@example.com');
  await page.waitForURL('**/organization/audit?outcome=denied&actor=eve%40example.com');
  const row = page.getByRole('row', { name: /was denied secret:read/ }).first();
  await row.getByRole('link', { name: /^Open entry/ }).click();
  const entry = page.getByRole('region', { name: /^Entry \d/ });
  await entry.getByText('password', { exact: true }).waitFor();
  await entry.getByText('No role or policy allowed it.').waitFor();
  await entry.getByRole('link', { name: 'Show what would allow it now' }).waitFor();
  const copy = await journey.open(page.url().slice(journey.url.length), { as: ada, width: 390 });
  await copy
    .getByRole('region', { name: /^Entry \d/ })
    .getByText('access.denied')
    .waitFor();
  await entry.getByRole('link', { name: 'all actions in this session' }).click();
  await page.waitForURL('**/organization/audit?requestId=*');
  await page.getByText('1 entry shown, all loaded.').waitFor();
  await page.getByRole('button', { name: 'Clear filters' }).click();
  await page.getByLabel('from, in your time zone').fill('2030-01-01T00:00');
  await page.getByText('No matching entries.').waitFor();
  await page.goto(`${journey.url}/projects/default/audit?outcome=wrong`);
  await page.getByText('The request is not valid').waitFor();
  journey.expectQuiet('status of 400');
});

test('the log shows its integrity, and exports the proof of an entry for an outsider', async () => {
  const page = await journey.open('/organization/audit', { as: ada });
  const state = page.getByRole('region', { name: 'Audit log integrity' });
  await state.getByText(/^[0-9a-f]{8}$/).waitFor();
  await state.getByRole('link', { name: 'Audit log guide' }).waitFor();
  await page
    .getByRole('link', { name: /^Open entry/ })
    .last()
    .click();
  await page.getByRole('button', { name: 'Create proof' }).click();
  await page.getByText(/hashes link this entry to the root hash of/).waitFor();
  // An entry that no checkpoint covered is proved again: the auditor needs a signature.
  const signed = page.getByText('Covered by a signed checkpoint');
  const again = async () => {
    if ((await signed.count()) > 0) return true;
    await page.reload();
    await page.getByRole('button', { name: 'Create proof' }).click();
    await page.getByText(/hashes link this entry to the root hash of/).waitFor();
    return await signed.isVisible();
  };
  await expect.poll(again, { timeout: 90_000, interval: 2000 }).toBe(true);
  const downloading = page.waitForEvent('download');
  await page.getByRole('link', { name: /^Download proof-/ }).click();
  const file = await (await downloading).path();
  const key = (await journey.call('/api/v1/organization/audit/key')) as { readonly verifierKey: string };
  expect(await journey.dais(['audit', 'proof', '--check', file, '--public-key', key.verifierKey])).toContain(
    'The signed log contains the entry.',
  );
});

test('older entries follow on request, and newer ones wait for a refresh', async () => {
  for (let round = 0; round < 60; round++) await journey.call('/auth/device', { machine: `m${round}`, program: 'p' });
  const many = Array.from(
    { length: 130 },
    (_, at) => `apiVersion: dais.dev/v1
kind: Secret
metadata: { name: many-${at} }
spec: { data: { value: x } }
`,
  );
  await journey.apply(many.join('---\n'));
  const page = await journey.open('/projects/default/audit?kind=Secret', { as: ada });
  await page.getByText('100 entries shown, more available.').waitFor();
  await page.getByRole('button', { name: 'Load older entries' }).click();
  await page.getByText(/1\d\d entries shown, all loaded\./).waitFor();
  await journey.apply(many[0]?.replace('value: x', 'value: y') ?? '');
  await page.getByRole('button', { name: 'Show newer entries' }).click();
  await page.getByRole('row', { name: /updated Secret many-0/ }).waitFor();
});

const POLICY = `apiVersion: dais.dev/v1
kind: Policy
metadata:
  name: frost
spec:
  cedar: |
    @id("frost") @message("Nobody changes alert channels this week")
    forbid(principal, action == Dais::Action::"alertChannel:write", resource);
  tests:
    - name: an editor is refused
      principal: user:grace
      action: alertChannel:write
      resource: AlertChannel/desk
      expect: refused
`;

test('a policy is checked while it is edited, simulated on past decisions, and in effect when it is applied', async () => {
  const maker = await journey.open('/projects/default/create/alertchannels', { as: grace });
  await write(
    maker,
    'apiVersion: dais.dev/v1\nkind: AlertChannel\nmetadata:\n  name: desk\nspec:\n  send:\n    type: slack\n    url: { secret: dev-db, key: value }\n',
  );
  await maker.getByRole('button', { name: 'Show the plan' }).click();
  await maker.getByText('Allowed: would be created').waitFor();
  await maker.getByRole('button', { name: 'Apply' }).click();
  await maker.getByRole('heading', { name: 'Alert channel desk', level: 1 }).waitFor();

  const page = await journey.open('/projects/default/create/policies', { as: ada });
  await write(page, POLICY.replace('alertChannel:write"', 'alertChanel:write"'));
  await page.locator('.cm-lintRange-error', { hasText: 'alertChanel' }).waitFor();
  await page.getByText('did you mean Dais::Action::"alertChannel:write"?').waitFor();
  journey.expectQuiet('status of 422');
  await write(page, POLICY.replace('expect: refused', 'expect: allow'));
  await page.getByText('1 of 1 test cases fails').waitFor();
  journey.expectQuiet('status of 422');
  await write(page, POLICY);
  await page.getByText('The test case passes').waitFor();
  await page.getByRole('button', { name: 'Simulate' }).click();
  await page.getByRole('region', { name: 'Changed decisions' }).getByText('AlertChannel/desk').waitFor();
  await page.getByRole('button', { name: 'Show the plan' }).click();
  await page.getByText('Allowed: would be created').waitFor();
  await page.getByRole('button', { name: 'Apply' }).click();
  await page.getByRole('heading', { name: 'Policy frost', level: 1 }).waitFor();

  await maker.goto(`${journey.url}/projects/default/access?action=alertChannel:write&resource=AlertChannel`);
  await maker.getByText('Nobody changes alert channels this week').waitFor();
  await maker.getByRole('link', { name: 'default/frost' }).waitFor();
});

test('a user without write access to policies sees why, and can still simulate one', async () => {
  const page = await journey.open('/projects/default/create/policies', { as: bo });
  await page.getByText('Valid', { exact: true }).waitFor();
  await page.getByText('Administrators of default can simulate the policy').waitFor();
  await page.getByRole('button', { name: 'Show the plan' }).click();
  await page.getByText('permission policy:write', { exact: false }).first().waitFor();
  journey.expectQuiet('status of 403');
});

test('the palette and shortcuts open all of it', async () => {
  const page = await journey.open('/', { as: ada });
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox').fill('audit log of the org');
  await page.getByRole('option', { name: 'Audit log of the organization' }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Audit log of the organization', level: 1 }).waitFor();
  await page.keyboard.press('g');
  await page.keyboard.press('a');
  await page.getByRole('heading', { name: 'Your permissions in default', level: 1 }).waitFor();
  await page.goto(`${journey.url}/audit`);
  await page.getByRole('heading', { name: 'Audit log of the organization', level: 1 }).waitFor();
  await page.goto(`${journey.url}/access`);
  await page.getByRole('heading', { name: 'Your permissions in default', level: 1 }).waitFor();
});
