/** The home page: pending items, running work and next steps, by permissions. */
import type { Page } from 'playwright-core';
import type { Run } from '../packages/api/src/tracking/index.ts';
import type { ModelScan } from '../packages/api/src/serving/index.ts';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { makeFlights } from './flights.ts';
import type { Journey } from './journey.ts';
import { describeStates, type PageState } from './page-states.ts';
import { ada, bo, eve, grace, pat, startWithPeople } from './people.ts';
import { makeFlightDelay, registerModel, registerVersion } from './registry.ts';

let journey: Journey;

const step = (script: string) => ({ main: { command: ['sh', '-c', script], isolation: 'none' } });

async function run(name: string, script: string): Promise<string> {
  const { id } = (await journey.call('/api/v1/executions', { name, steps: step(script) })) as { readonly id: string };
  return id;
}

async function ended(id: string): Promise<void> {
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- polled
    const { endedAt } = (await journey.call(`/api/v1/executions/${id}`)) as { readonly endedAt?: number };
    if (endedAt !== undefined) return;
    // oxlint-disable-next-line no-await-in-loop -- as above
    await new Promise((resolve) => void setTimeout(resolve, 200));
  }
}

beforeAll(async () => {
  journey = await startWithPeople();
  await journey.apply('apiVersion: dais.dev/v1\nkind: Project\nmetadata:\n  name: empty\nspec:\n  description: New\n');
  await makeFlightDelay(journey);
  await journey.call('/api/v1/registry/models/flight-delay/approvals', {
    version: '2',
    alias: 'champion',
    reason: 'Better on every slice',
  });
  await makeFlights(journey);
  await ended(await run('nightly', 'echo no space left >&2; exit 3'));
  await ended(await run('weekly', 'exit 4'));
  await run('long', 'sleep 600');
});
afterAll(async () => await journey.stop());
afterEach(async ({ task }) => {
  await journey.closePages();
  if (task.result?.state === 'fail') journey.discardProblems();
  else journey.expectQuiet();
});

const needs = (page: Page) => page.getByRole('region', { name: 'Needs attention' });
const goesOn = (page: Page) => page.getByRole('region', { name: 'Running now' });

test('pending items show the reason and the next action', async () => {
  const page = await journey.open('/', { as: pat });
  await needs(page)
    .getByRole('row', { name: /Waiting for your approval version flight-delay\/2 .* Better on every slice/ })
    .waitFor();
  await needs(page)
    .getByRole('row', { name: /Quarantined data flights@3/ })
    .waitFor();
  await needs(page)
    .getByRole('row', { name: /findings? of personal data In flights/ })
    .waitFor();
  await goesOn(page)
    .getByRole('row', { name: /run long/ })
    .waitFor();
  const failed = needs(page).getByRole('row', { name: /Failed run nightly/ });
  await failed.getByRole('link', { name: 'Show error' }).click();
  await page.getByRole('heading', { name: 'Job nightly', level: 1 }).waitFor();
  await page.getByText('no space left').first().waitFor();
});

test('an approval is decided here, and a succeeded run needs no attention any more', async () => {
  const page = await journey.open('/', { as: pat });
  await needs(page)
    .getByRole('row', { name: /Failed run weekly/ })
    .waitFor();
  await run('weekly', 'true');
  await needs(page)
    .getByRole('row', { name: /Failed run weekly/ })
    .waitFor({ state: 'detached' });
  const row = needs(page).getByRole('row', { name: /flight-delay\/2/ });
  await row.getByRole('button', { name: 'Review' }).click();
  await page.getByRole('dialog').getByRole('textbox', { name: 'Reason' }).fill('Measured again');
  await page.getByRole('dialog').getByRole('button', { name: 'Approve' }).click();
  await row.waitFor({ state: 'detached' });
});

test('a version that its scan blocks is listed with the finding, until the finding is waived', async () => {
  await registerModel(journey, { name: 'imported' });
  const { artifactUri, id } = (await journey.call('/api/v1/tracking/runs', {
    experimentId: '0',
    id: 'import',
    name: 'import',
    startedAt: 1,
  })) as Run;
  const home = artifactUri.replace(/^mlflow-artifacts:\/+/, '');
  await journey.keepArtifact(`${home}/model/model.pkl`, 'cos\nsystem\n(S"id"\ntR.');
  await registerVersion(journey, 'imported', { source: `runs:/${id}/model`, runId: id });
  const page = await journey.open('/', { as: pat });
  const row = needs(page).getByRole('row', {
    name: /Blocked by scan version imported\/1 model\.pkl: It imports os\.system.* cannot be deployed/,
  });
  await row.getByRole('link', { name: 'Review findings' }).click();
  await page.getByText('It imports os.system').first().waitFor();
  const { findings } = (await journey.call('/api/v1/registry/models/imported/versions/1/scan')) as ModelScan;
  await journey.call(`/api/v1/registry/models/imported/versions/1/scan/findings/${findings[0]?.id}/waive`, {
    reason: 'Read by Pat',
  });
  await page.goto(`${journey.url}/`);
  await needs(page)
    .getByRole('row', { name: /Failed run nightly/ })
    .waitFor();
  await row.waitFor({ state: 'detached' });
});

test('an expiring token is listed for its owner only', async () => {
  const page = await journey.open('/account/tokens?create=yes', { as: grace });
  await page.evaluate(async () => {
    await fetch('/api/v1/tokens', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ title: 'notebook', days: 2 }),
    });
  });
  await page.goto(`${journey.url}/`);
  await needs(page)
    .getByRole('row', { name: /Expires soon token notebook Clients that use this token are refused in/ })
    .waitFor();
  const other = await journey.open('/', { as: bo });
  await needs(other)
    .getByRole('row', { name: /Failed run nightly/ })
    .waitFor();
  expect(await needs(other).getByText('notebook').count()).toBe(0);
});

test('a user without permissions sees nothing, and a new project shows the first steps', async () => {
  const page = await journey.open('/', { as: eve });
  await page.getByText('You have no role in default yet').waitFor();
  expect(await needs(page).count()).toBe(0);
  expect(await goesOn(page).count()).toBe(0);
  const fresh = await journey.open('/projects/empty/datasets', { as: ada });
  await fresh.getByRole('link', { name: 'Home', exact: true }).click();
  await fresh.getByText('Nothing needs attention').waitFor();
  await fresh.getByText('dais data push flights flights.csv').waitFor();
});

const STATES: readonly PageState[] = [
  ['home that needs somebody', '/', async (page) => await needs(page).getByText('nightly').waitFor(), grace],
];

describeStates(STATES, () => journey);
