/** A comment on a run or a version mentions a user, who finds it. */
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Journey } from './journey.ts';
import { describeStates } from './page-states.ts';
import { bo, grace, shareWithPeople } from './people.ts';
import { registerModel, registerVersion } from './registry.ts';

let journey: Journey;

beforeAll(async () => {
  journey = await shareWithPeople('project-t');
  await journey.call('/api/v1/tracking/runs', { experimentId: '0', id: 'night', name: 'night-shift', startedAt: 1 });
  await registerModel(journey, { name: 'flight-delay' });
  await registerVersion(journey, 'flight-delay', { source: 's3://elsewhere/model' });
  await journey.call('/api/v1/comments/runs/night', { text: 'Why is it **slow**, @bo@example.com?' });
  await journey.call('/api/v1/comments/models/flight-delay/versions/1', { text: 'Ready, @bo@example.com?' });
});
afterAll(async () => await journey.stop());
afterEach(async ({ task }) => {
  await journey.closePages();
  if (task.result?.state === 'fail') journey.discardProblems();
  else journey.expectQuiet();
});

const inbox = (page: Page) => page.getByRole('banner').getByRole('link', { name: /^Mentions:/ });

test('the frame shows the number of unread comments, and links to them and to their subjects', async () => {
  const page = await journey.open('/', { as: bo });
  await expect.poll(async () => await inbox(page).textContent()).toBe('2');
  await inbox(page).click();
  await page.getByRole('heading', { name: 'Mentions', level: 1 }).waitFor();
  const list = page.getByRole('region', { name: 'Newest first' });
  await list.getByRole('listitem').first().waitFor();
  expect(await list.getByRole('listitem').allTextContents()).toEqual([
    expect.stringContaining('flight-delay/1'),
    expect.stringContaining('run night-shift'),
  ]);
  await list.getByRole('link', { name: 'run night-shift' }).click();
  await page.getByRole('region', { name: 'Comments' }).getByText('slow').waitFor();
});

test('read comments are marked, and only new ones are unread', async () => {
  const page = await journey.open('/projects/project-t/mentions', { as: bo });
  await page.getByText('2 unread', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Mark all as read' }).click();
  await page.getByText('No unread mentions', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Mark all as read' }).and(page.locator('[aria-disabled="true"]')).waitFor();
  await expect.poll(async () => await inbox(page).textContent()).toBe('');
  await journey.call('/api/v1/comments/runs/night', { text: 'Once more, @bo@example.com' });
  await page.goto(`${journey.url}/projects/project-t/mentions?unread=yes`);
  await page.getByText('Once more').waitFor();
  expect(await page.getByRole('region', { name: 'Newest first' }).getByRole('listitem').count()).toBe(1);
});

test('a user without mentions sees a note, and a viewer sees why they cannot rename an experiment', async () => {
  const page = await journey.open('/', { as: grace });
  await inbox(page).waitFor();
  await page.keyboard.press('g');
  await page.keyboard.press('n');
  await page.getByText('No mentions yet.').waitFor();
  const reader = await journey.open('/projects/project-t/experiments/0', { as: bo });
  for (const name of ['Rename experiment', 'Delete experiment']) {
    const button = reader.getByRole('button', { name, exact: true }).and(reader.locator('[aria-disabled="true"]'));
    await button.waitFor();
    await expect
      .poll(async () => await reader.locator(`[id="${await button.getAttribute('aria-describedby')}"]`).textContent())
      .toContain('You need experiment:');
  }
});

describeStates(
  [
    [
      'mentions',
      '/projects/project-t/mentions',
      async (page) => await page.getByRole('link', { name: 'run night-shift' }).first().waitFor(),
      bo,
    ],
  ],
  () => journey,
);
