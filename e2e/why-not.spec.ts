/** What somebody may not do is no riddle: the button is there, does nothing, and says which right or policy it wants. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Locator, Page } from 'playwright-core';
import type { Journey } from './journey.ts';
import { bo, grace, startWithPeople } from './people.ts';

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

/** The button does nothing, and says why: to a screen reader, and to whoever reaches it with the keyboard. */
async function expectReason(page: Page, button: Locator, reason: RegExp): Promise<void> {
  const said = async () => {
    const id =
      (await button.getAttribute('aria-disabled')) === 'true' && (await button.getAttribute('aria-describedby'));
    return id === false || id === null ? '' : await page.locator(`[id="${id}"]`).textContent();
  };
  await expect.poll(said).toMatch(reason);
  await button.focus();
  await page.getByRole('tooltip').getByText(reason).waitFor();
}

test('a reader sees what a list has, and why nothing can be made in it', async () => {
  const page = await journey.open('/projects/default/secrets', { as: bo });
  await page.getByRole('row', { name: 'dev-db' }).waitFor();
  const create = page.getByRole('button', { name: 'Create secret' });
  await expectReason(page, create, /^You need secret:write\. Roles that grant it: .*editor/);
  await create.click({ force: true });
  await page.getByRole('heading', { level: 1 }).click();
  await page.keyboard.press('c');
  await page.getByText('The action is not possible', { exact: true }).waitFor();
  expect(page.url()).toBe(`${journey.url}/projects/default/secrets`);
});

test('a reader looks at a resource whole: its verbs say what they want', async () => {
  const page = await journey.open('/projects/default/secrets/dev-db', { as: bo });
  await page.getByText('for development').waitFor();
  await expectReason(page, page.getByRole('button', { name: 'Edit' }), /secret:write/);
  await expectReason(page, page.getByRole('button', { name: 'Delete' }), /secret:delete/);
  await page.getByRole('button', { name: 'Actions' }).click();
  await page
    .getByRole('menuitem', { name: /^rotate/ })
    .getByText('You need secret:rotate.')
    .waitFor();
  await page.goto(`${journey.url}/projects/default/change/secrets/dev-db`);
  await expectReason(page, page.getByRole('button', { name: 'Apply' }), /secret:write/);
});

test('an editor edits, but for what a policy keeps: its message says whom to ask', async () => {
  const page = await journey.open('/projects/default/secrets/dev-db', { as: grace });
  await page.getByText('for development').waitFor();
  await page.getByRole('link', { name: 'Edit' }).waitFor();
  await page.goto(`${journey.url}/projects/default/secrets/prod-db`);
  const edit = page.getByRole('button', { name: 'Edit' });
  await expectReason(page, edit, /Production secrets are changed by team operations; ask at the operations desk/);
  await page.keyboard.press('e');
  await page.getByText('The action is not possible', { exact: true }).waitFor();
  expect(page.url()).toBe(`${journey.url}/projects/default/secrets/prod-db`);
});
