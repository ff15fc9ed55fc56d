/** Users: invitation, account settings, and administration. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import type { Journey, Person } from './journey.ts';
import { ada, bo, eve, grace, startWithPeople } from './people.ts';

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

async function signIn(page: Page, { name, password }: Person): Promise<void> {
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** The status of a request with a token. */
async function statusWith(token: string, path: string, method = 'GET'): Promise<number> {
  const response = await fetch(`${journey.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(method === 'POST' && { body: '{}' }),
  });
  return response.status;
}

test('an anonymous viewer is redirected to the sign-in page, and afterwards to the original page', async () => {
  const page = await journey.open('/projects/default/secrets?labels=team=vision');
  await page.getByRole('heading', { name: 'Sign in to Dais', level: 1 }).waitFor();
  await signIn(page, { ...grace, password: 'not the one at all' });
  await page.getByRole('alert').waitFor();
  journey.expectQuiet('status of 401');
  await signIn(page, grace);
  await page.getByRole('row', { name: 'dev-db' }).waitFor();
  expect(page.url()).toBe(`${journey.url}/projects/default/secrets?labels=team=vision`);
  await page.getByRole('button', { name: 'grace@example.com: account and permissions' }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await page.getByText('You have signed out').waitFor();
});

test('an administrator invites a user, who sets a password, changes it, and sees that they have no role yet', async () => {
  const admin = await journey.open('/organization/users', { as: ada });
  await admin.getByRole('button', { name: 'Invite user' }).click();
  await admin.getByLabel('Email').fill('zoe@example.com');
  await admin.getByRole('button', { name: 'Create link' }).click();
  const link = await admin.getByText(`${journey.url}/invitation#`).textContent();
  await admin.getByRole('region', { name: 'Open invitations' }).getByText('zoe@example.com').waitFor();

  const page = await journey.open(new URL(link ?? '').pathname + new URL(link ?? '').hash);
  await page.getByLabel('New password').fill('tram, otter, lamp 9');
  await page.getByLabel('Confirm password').fill('tram, otter, lamp 9');
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.getByText('You have no role in default yet').waitFor();

  await page.getByRole('button', { name: 'zoe@example.com: account and permissions' }).click();
  await page.getByRole('menuitem', { name: 'Account' }).click();
  await page.getByRole('heading', { name: 'Account', level: 1 }).waitFor();
  await page.getByLabel('Current password').fill('wrong, wrong, wrong');
  await page.getByLabel('New password').fill('tram, otter, lamp 10');
  await page.getByLabel('Confirm password').fill('tram, otter, lamp 10');
  await page.getByRole('button', { name: 'Change password and end other sessions' }).click();
  await page.getByText(/^The new password /).waitFor();
  journey.expectQuiet('status of 4');
  await page.getByLabel('Current password').fill('tram, otter, lamp 9');
  await page.getByRole('button', { name: 'Change password and end other sessions' }).click();
  await page.getByText('Password changed').waitFor();
  await journey.open('/', { as: { name: 'zoe@example.com', password: 'tram, otter, lamp 10' } });

  await admin.reload();
  await admin.getByRole('row', { name: 'zoe@example.com' }).waitFor();
  await admin.getByText('No open invitations.').waitFor();
});

test('a token is created with scopes, shown once, works within them, and is invalid after its revocation', async () => {
  const page = await journey.open('/account/tokens', { as: grace });
  await page.getByText('No API tokens yet.').waitFor();
  await page.getByRole('button', { name: 'Create token' }).click();
  await page.getByLabel('Name', { exact: true }).fill('notebook');
  await page.getByRole('combobox', { name: 'Permissions' }).click();
  await page.getByRole('option', { name: 'Selected permissions' }).click();
  await page.getByRole('checkbox', { name: 'secret:read' }).check();
  await page.getByText('Permissions: secret:read').waitFor();
  await page.getByRole('button', { name: 'Create token' }).click();
  await page.getByText('The token is shown once.').waitFor();
  const token = (await page.getByText(/^dais_pat_\w+$/).textContent()) ?? '';
  expect(await statusWith(token, '/api/v1/secrets')).toBe(200);
  expect(await statusWith(token, '/api/v1/alertchannels')).toBe(403);
  await page.getByRole('button', { name: 'Done' }).click();
  expect(await page.getByText(token).count()).toBe(0);
  const row = page.getByRole('row', { name: /notebook/ });
  await row.getByText('secret:read').waitFor();
  await row.getByRole('button', { name: 'Revoke notebook' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke token' }).click();
  await page.getByText('notebook revoked').waitFor();
  await row.waitFor({ state: 'detached' });
  expect(await statusWith(token, '/api/v1/secrets')).toBe(401);
});

test('a user ends a session elsewhere; the user there signs in again, and unsaved text is kept', async () => {
  const there = await journey.open('/projects/default/create/secrets', { as: grace });
  await there.locator('.cm-content').click();
  await there.keyboard.press('Control+End');
  await there.keyboard.insertText('# half of a thought');
  const here = await journey.open('/account/sessions', { as: grace });
  await here.getByText('Current session').waitFor();
  const others = here.getByRole('button', { name: 'End session', exact: true });
  while ((await others.count()) > 0) {
    const before = await others.count();
    await others.first().click();
    await expect.poll(async () => await others.count()).toBeLessThan(before);
  }
  await there.getByRole('button', { name: 'Show the plan' }).click();
  const dialog = there.getByRole('dialog', { name: 'Your session has ended' });
  await dialog.getByLabel('Password', { exact: true }).fill(grace.password);
  await dialog.getByRole('button', { name: 'Sign in' }).click();
  await dialog.waitFor({ state: 'detached' });
  await there.getByText('# half of a thought').waitFor();
  journey.expectQuiet('status of 401');
});

test('a command line without a browser is authorized by its code, or denied', async () => {
  const ask = async () =>
    (await journey.call('/auth/device', { machine: 'build-7', program: 'dais 0.1.0' })) as {
      readonly user_code: string;
      readonly device_code: string;
    };
  const first = await ask();
  const page = await journey.open('/device', { as: bo });
  await page.getByRole('textbox', { name: 'Code' }).fill(first.user_code.toLowerCase().replace('-', ' '));
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByText('build-7').waitFor();
  await page.getByRole('button', { name: 'Authorize' }).click();
  await page.getByText('The command line continues within seconds').waitFor();
  const { access_token: token } = (await journey.call('/auth/device/poll', { device_code: first.device_code })) as {
    readonly access_token: string;
  };
  expect(await statusWith(token, '/api/v1/secrets')).toBe(200);
  const second = await ask();
  await page.goto(`${journey.url}/device?code=${second.user_code}`);
  await page.getByRole('button', { name: 'Deny' }).click();
  await page.getByRole('heading', { name: 'Denied' }).waitFor();
  await page.goto(`${journey.url}/device?code=BCDF-GHJK`);
  await page.getByRole('alert').waitFor();
  await page.getByRole('link', { name: 'Enter another code' }).waitFor();
  journey.expectQuiet('status of 404');
});

test('a service account gets a token on its page', async () => {
  const page = await journey.open('/organization/serviceaccounts/ci', { as: ada });
  await page.getByText('No API tokens for ci.').waitFor();
  await page.getByRole('button', { name: 'Create token' }).click();
  await page.getByLabel('Name', { exact: true }).fill('deploy');
  await page.getByRole('button', { name: 'Create token' }).click();
  const token = (await page.getByText(/^dais_sat_\w+$/).textContent()) ?? '';
  expect(await statusWith(token, '/api/v1/access/mine')).toBe(200);
  await page.getByRole('button', { name: 'Done' }).click();
  await page.getByRole('button', { name: 'Revoke deploy' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke token' }).click();
  await page.getByText('deploy revoked').waitFor();
  expect(await statusWith(token, '/api/v1/access/mine')).toBe(401);
});

test('a suspended user is signed out immediately, and can sign in again after reactivation', async () => {
  const theirs = await journey.open('/projects/default/secrets', { as: eve });
  await theirs.getByText('Permission denied').waitFor();
  journey.expectQuiet('status of 403');
  const page = await journey.open('/organization/users/eve@example.com', { as: ada });
  await page.getByRole('region', { name: 'Active sessions' }).waitFor();
  await page.getByRole('button', { name: 'Suspend user' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Suspend user' }).click();
  await page.getByText('eve@example.com is suspended').waitFor();
  await page.getByText('No active sessions.').waitFor();
  await theirs.reload();
  await theirs.getByRole('heading', { name: 'Sign in to Dais', level: 1 }).waitFor();
  await page.getByRole('button', { name: 'Reactivate user' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Reactivate user' }).click();
  await page.getByText('eve@example.com reactivated').waitFor();
  await signIn(theirs, eve);
  await theirs.getByText('Permission denied').waitFor();
  journey.expectQuiet('status of 403');
});

test('a user who forgot the password gets a link for a new one', async () => {
  const page = await journey.open('/organization/users/bo@example.com', { as: ada });
  await page.getByRole('button', { name: 'Create reset link' }).click();
  await page.getByText(`${journey.url}/invitation#`).waitFor();
  await page.getByRole('region', { name: 'Roles' }).getByRole('link', { name: 'readers' }).waitFor();
  await page.getByRole('link', { name: 'Show permissions' }).click();
  await page.getByRole('heading', { name: 'Permissions of bo@example.com in default', level: 1 }).waitFor();
});
