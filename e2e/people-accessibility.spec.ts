/** Accessibility of the pages about people, permissions and audit, also on a narrow screen. */
import { afterAll, afterEach, beforeAll } from 'vitest';
import type { Journey } from './journey.ts';
import { describeStates, type PageState } from './page-states.ts';
import { ada, bo, eve, grace, startWithPeople } from './people.ts';

let journey: Journey;

beforeAll(async () => {
  journey = await startWithPeople();
  await journey.call('/api/v1/serviceaccounts/ci/tokens', { title: 'deploy', scopes: ['secret:read'], days: 3 });
  await journey.call('/api/v1/invitations', { email: 'late@example.com' });
});
afterAll(async () => await journey.stop());
afterEach(async () => await journey.closePages());

const PAGES: readonly PageState[] = [
  ['sign-in', '/', async (page) => await page.getByRole('button', { name: 'Sign in' }).waitFor()],
  [
    'verbs that are refused',
    '/projects/default/secrets/dev-db',
    async (page) => {
      const edit = page.getByRole('button', { name: 'Edit' });
      await edit.and(page.locator('[aria-disabled="true"]')).focus();
      await page.getByRole('tooltip').getByText('secret:write').waitFor();
    },
    bo,
  ],
  ['account', '/account', async (page) => await page.getByText('with a password').waitFor(), bo],
  [
    'the form of a token',
    '/account/tokens?create=yes',
    async (page) => {
      await page.getByRole('combobox', { name: 'Permissions' }).click();
      await page.getByRole('option', { name: 'Selected permissions' }).click();
      await page.getByRole('checkbox', { name: 'secret:read' }).check();
    },
    grace,
  ],
  ['sessions', '/account/sessions', async (page) => await page.getByText('Current session').waitFor(), bo],
  ['a device', '/device', async (page) => await page.getByRole('textbox', { name: 'Code' }).fill('bcdf'), bo],
  [
    'access',
    '/projects/default/access?action=secret:write&resource=Secret',
    async (page) => await page.getByText('Production secrets are changed by').waitFor(),
    grace,
  ],
  [
    'access of another',
    '/projects/default/access?who=user:bo@example.com&action=secret:write&resource=Secret',
    async (page) => await page.getByText('You can grant a role yourself').waitFor(),
    ada,
  ],
  ['no rights', '/', async (page) => await page.getByText('You have no role in default yet').waitFor(), eve],
  [
    'no audit for readers',
    '/projects/default/audit',
    async (page) => await page.getByText('Roles that grant it').waitFor(),
    bo,
  ],
  [
    'audit',
    '/organization/audit?entry=3',
    async (page) => {
      await page.getByRole('button', { name: 'Create proof' }).click();
      await page.getByText('hashes link this entry').waitFor();
      await page.getByRole('region', { name: 'Audit log integrity' }).getByText('entries', { exact: true }).waitFor();
    },
    ada,
  ],
  [
    'users and invitations',
    '/organization/users',
    async (page) => {
      await page.getByRole('button', { name: 'Invite user' }).click();
      await page.getByText('late@example.com').waitFor();
    },
    ada,
  ],
  [
    'a user',
    '/organization/users/bo@example.com',
    async (page) => await page.getByRole('region', { name: 'Roles' }).getByText('viewer').waitFor(),
    ada,
  ],
  [
    'a service account',
    '/organization/serviceaccounts/ci',
    async (page) => await page.getByRole('button', { name: 'Revoke deploy' }).waitFor(),
    ada,
  ],
  [
    'a policy in the editor',
    '/organization/change/organizationpolicies/production',
    async (page) => {
      await page.getByRole('button', { name: 'Simulate' }).click();
      await page.getByText(/would change|No change in|No past decisions/).waitFor();
    },
    ada,
  ],
];

describeStates(PAGES, () => journey, 'status of 401');
