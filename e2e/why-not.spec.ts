/** Unavailable actions: the button stays visible, is disabled, and shows the required permission or policy. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Locator, Page } from 'playwright-core';
import type { Journey } from './journey.ts';
import { bo, grace, shareWithPeople } from './people.ts';

let journey: Journey;

beforeAll(async () => {
  journey = await shareWithPeople('project-s');
});
afterAll(async () => await journey.stop());
afterEach(async ({ task }) => {
  await journey.closePages();
  if (task.result?.state === 'fail') journey.discardProblems();
  else journey.expectQuiet();
});

/** The button is disabled and explains why: to a screen reader, and on keyboard focus. */
async function expectReason(page: Page, button: Locator, reason: RegExp): Promise<void> {
  const output = async () => {
    const id =
      (await button.getAttribute('aria-disabled')) === 'true' && (await button.getAttribute('aria-describedby'));
    return id === false || id === null ? '' : await page.locator(`[id="${id}"]`).textContent();
  };
  await expect.poll(output).toMatch(reason);
  await button.focus();
  await page.getByRole('tooltip').getByText(reason).waitFor();
}

test('a viewer sees the rows of a list, and why they cannot create one', async () => {
  const page = await journey.open('/projects/project-s/secrets', { as: bo });
  await page.getByRole('row', { name: 'dev-db' }).waitFor();
  const create = page.getByRole('button', { name: 'Create secret' });
  await expectReason(page, create, /^You need secret:write\. Roles that grant it: .*editor/);
  await create.click({ force: true });
  await page.getByRole('heading', { level: 1 }).click();
  await page.keyboard.press('c');
  await page.getByText('The action is not possible', { exact: true }).waitFor();
  expect(page.url()).toBe(`${journey.url}/projects/project-s/secrets`);
});

test('a viewer sees a resource completely: its actions show the required permissions', async () => {
  const page = await journey.open('/projects/project-s/secrets/dev-db', { as: bo });
  await page.getByText('for development').waitFor();
  await expectReason(page, page.getByRole('button', { name: 'Edit' }), /secret:write/);
  await expectReason(page, page.getByRole('button', { name: 'Delete' }), /secret:delete/);
  await page.getByRole('button', { name: 'Actions' }).click();
  await page
    .getByRole('menuitem', { name: /^rotate/ })
    .getByText('You need secret:rotate.')
    .waitFor();
  await page.goto(`${journey.url}/projects/project-s/change/secrets/dev-db`);
  await expectReason(page, page.getByRole('button', { name: 'Apply' }), /secret:write/);
});

test('an editor edits, except for what a policy denies: its message names the contact', async () => {
  const page = await journey.open('/projects/project-s/secrets/dev-db', { as: grace });
  await page.getByText('for development').waitFor();
  await page.getByRole('link', { name: 'Edit' }).waitFor();
  await page.goto(`${journey.url}/projects/project-s/secrets/prod-db`);
  const edit = page.getByRole('button', { name: 'Edit' });
  await expectReason(page, edit, /Production secrets are changed by team operations; ask at the operations desk/);
  await page.keyboard.press('e');
  await page.getByText('The action is not possible', { exact: true }).waitFor();
  expect(page.url()).toBe(`${journey.url}/projects/project-s/secrets/prod-db`);
});
