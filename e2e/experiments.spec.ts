/** From an empty project to active experiments. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Journey } from './journey.ts';
import { describeStates } from './page-states.ts';
import { makeExperiment, train } from './training.ts';

let journey: Journey;

beforeAll(async () => {
  journey = await Journey.shared('project-e');
});
afterAll(async () => await journey.stop());
afterEach(async ({ task }) => {
  await journey.closePages();
  if (task.result?.state === 'fail') journey.discardProblems();
  else journey.expectQuiet();
});

test('an empty list shows the lines to paste', async () => {
  const page = await journey.open('/projects/project-e/experiments');
  await page.getByText('No runs in project-e yet.').waitFor();
  await page.getByText(`export MLFLOW_TRACKING_URI=${journey.projectUrl}`).waitFor();
});

test('an experiment is created, found, and shows its activity', async () => {
  const page = await journey.open('/projects/project-e/experiments');
  await page.keyboard.press('c');
  await page.getByLabel('Name', { exact: true }).fill('Default');
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await page.getByRole('dialog').getByRole('alert').waitFor();
  await page.getByLabel('Name', { exact: true }).fill('flight delays');
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await page.waitForURL(/\/projects\/project-e\/experiments\/\d+$/);
  const id = page.url().split('/').at(-1) ?? '';
  await train(journey, id, { name: 'first', status: 'FINISHED' });
  await train(journey, id, { name: 'second' });
  await makeExperiment(journey, 'gate changes', { team: 'ground' });
  await page.goto(`${journey.url}/projects/project-e/experiments`);
  const row = page.getByRole('row', { name: 'flight delays' });
  await row.getByText('1 running').waitFor();
  expect(await row.getByRole('gridcell').nth(1).textContent()).toBe('2');
  await page.getByLabel('Name contains').fill('gate');
  await page.getByText('1 experiment', { exact: true }).waitFor();
  await page.waitForURL('**/experiments?name=gate');
  await page.getByRole('row', { name: 'gate changes' }).getByText('team=ground').waitFor();
  journey.expectQuiet('status of 409');
});

test('an experiment is renamed, deleted with its runs, and restored with them', async () => {
  const id = await makeExperiment(journey, 'first thoughts');
  await train(journey, id, { name: 'kept', status: 'FINISHED' });
  const page = await journey.open(`/projects/project-e/experiments/${id}`);
  await page.getByRole('button', { name: 'Rename experiment' }).click();
  const dialog = page.getByRole('dialog');
  // A name in use is rejected with an error at the field.
  await dialog.getByLabel('Name').fill('Default');
  await dialog.getByRole('button', { name: 'Rename experiment' }).click();
  await dialog.getByRole('alert').waitFor();
  await dialog.getByLabel('Name').fill('second thoughts');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Runs of second thoughts', level: 1 }).waitFor();
  await page.getByRole('button', { name: 'Delete experiment' }).click();
  await dialog.getByText('This deletes its runs and logged models too.').waitFor();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Delete experiment' }).click();
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await page.getByText('The experiment and its runs are deleted.').waitFor();
  await page.goto(`${journey.url}/projects/project-e/experiments?view=deleted`);
  await page.getByRole('link', { name: 'second thoughts' }).click();
  await page.getByText('deleted', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Restore experiment' }).click();
  await page.getByRole('row', { name: 'kept' }).waitFor();
  await page.getByRole('button', { name: 'Rename experiment' }).waitFor();
  journey.expectQuiet('status of 409');
});

describeStates(
  [
    [
      'experiments',
      '/projects/project-e/experiments',
      async (page) => await page.getByRole('row', { name: 'flight delays' }).getByText('1 running').waitFor(),
    ],
  ],
  () => journey,
);
