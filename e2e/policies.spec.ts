/** Policies over what is in production: violations, and quarantined models. */
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { endlessLoop } from '../packages/server/src/engines/inference/onnx/onnx-bombs.testing.ts';
import { servingClient, type ServingClient } from '../packages/server/src/testing/serving-client.ts';
import { Journey } from './journey.ts';
import { describeStates, type PageState } from './page-states.ts';

let journey: Journey;
let client: ServingClient;

const POLICY = '/projects/project-j/policies/stored-data-only';

beforeAll(async () => {
  journey = await Journey.shared('project-j');
  client = servingClient(journey.projectUrl);
  const example = { inputs: [[1]] };
  const first = await client.register('delay', 2, { example });
  const second = await client.register('delay', 3, { example });
  await readExternalData(second);
  await client.call('PUT', '/api/v1/registry/models/delay/aliases/next', { version: String(second) });
  await client.call('PUT', '/api/v1/registry/models/delay/aliases/champion', { version: String(first) });
  await journey.apply(`apiVersion: dais.dev/v1
kind: Endpoint
metadata:
  name: delays
spec:
  model: models:/delay@champion
  variants:
    - name: challenger
      model: models:/delay@next
      weight: 10
  shadow:
    - name: shadow
      model: models:/delay@next
---
apiVersion: dais.dev/v1
kind: Policy
metadata:
  name: stored-data-only
spec:
  description: Production serves models whose training data Dais stores
  cedar: |
    @id("stored-data-only")
    @message("Training data is not stored in Dais")
    forbid (principal, action == Dais::Action::"endpoint:write", resource)
    when { resource.facts.upstreamExternalDatasets > 0 };
    @id("stored-data-only-aliases")
    @message("Training data is not stored in Dais")
    forbid (principal, action == Dais::Action::"model:promote", resource)
    when { resource.facts.upstreamExternalDatasets > 0 };
`);
  await client.settled('delays', ({ variants }) => variants?.length === 3);
});
afterAll(async () => await journey.stop());
afterEach(async ({ task }) => {
  await journey.closePages();
  if (task.result?.state === 'fail') journey.discardProblems();
  else journey.expectQuiet();
});

/** Records that the run of a version read a dataset that Dais does not store. */
async function readExternalData(version: number): Promise<void> {
  const { body } = await client.call('GET', `/api/v1/registry/models/delay/versions/${version}`);
  const dataset = { name: 'taxis', digest: 'd', source_type: 'http', source: '{"url": "https://data.example/taxis"}' };
  const inputs = { run_id: body['runId'], datasets: [{ dataset, tags: [] }] };
  expect(await client.call('POST', '/api/2.0/mlflow/runs/log-inputs', inputs)).toMatchObject({ status: 200 });
}

const panel = (page: Page) => page.getByRole('region', { name: 'Violations in project-j', exact: true }).last();

test('violations are evaluated on request and listed with their lineage paths', async () => {
  const page = await journey.open(POLICY);
  await panel(page).getByRole('button', { name: 'Evaluate now' }).click();
  const endpoint = panel(page).getByRole('row', { name: /Endpoint delays/ });
  await endpoint.waitFor();
  expect(await endpoint.innerText()).toMatch(/violated\s+audit\s+Training data is not stored in Dais\./);
  expect(await endpoint.innerText()).toMatch(
    /endpoint delays → variant challenger, shadow → model version delay\/2 → run .* → dataset taxis → dataset that Dais does not store/,
  );
  const alias = panel(page).getByRole('row', { name: /Model delay@next/ });
  expect(await alias.innerText()).toContain('alias delay@next → model version delay/2');
  const heads = await panel(page).getByRole('columnheader').allInnerTexts();
  expect(heads).toEqual(['Resource', 'Result', 'Mode', 'Reason', 'Lineage path', 'First found']);
  await endpoint.getByRole('link', { name: 'delays', exact: true }).first().click();
  await page.waitForURL(/endpoints\/delays/);
});

test('a violation ends with its cause', async () => {
  await client.call('PUT', '/api/v1/registry/models/delay/aliases/next', { version: '1' });
  await client.settled(
    'delays',
    ({ variants }) => variants?.every(({ model }) => model === 'models:/delay/1') === true,
  );
  const page = await journey.open(POLICY);
  await panel(page).getByRole('button', { name: 'Evaluate now' }).click();
  await panel(page).getByText('Nothing in production violates the policy.').waitFor();
  await client.call('PUT', '/api/v1/registry/models/delay/aliases/next', { version: '2' });
  await client.settled('delays', ({ variants }) => variants?.some(({ model }) => model === 'models:/delay/2') === true);
  await client.call('POST', '/api/v1/policy/violations/evaluate', {});
});

test('a quarantined model is listed with its reason and loaded again on request', async () => {
  const hostile = await client.register('hangs', 0, {
    bytes: endlessLoop(),
    columns: 4,
    example: { inputs: [[1, 1, 1, 1]] },
  });
  await journey.apply(`apiVersion: dais.dev/v1
kind: Endpoint
metadata:
  name: hangs
spec:
  model: models:/hangs/${hostile}
  timeoutSeconds: 1
`);
  await client.settled('hangs', ({ quarantined }) => quarantined !== undefined);
  const page = await journey.open('/projects/project-j/endpoints/hangs');
  const row = page.getByRole('region', { name: 'Quarantined models' }).getByRole('row', { name: /models:\/hangs\/1/ });
  expect(await row.innerText()).toMatch(/time limit of 1 s/);
  await page.getByRole('button', { name: 'Reload model' }).click();
  await row.waitFor({ state: 'detached' });
  // Its process ends abnormally twice again.
  await row.waitFor();
  await page
    .getByRole('region', { name: 'Rollout of models:/hangs/1' })
    .getByText(/^Deployed by owner/)
    .waitFor();
});

const STATES: readonly PageState[] = [
  [
    'violations of a policy',
    POLICY,
    async (page) =>
      await panel(page)
        .getByRole('row', { name: /Endpoint delays/ })
        .waitFor(),
  ],
  [
    'a quarantined model',
    '/projects/project-j/endpoints/hangs',
    async (page) => await page.getByRole('region', { name: 'Quarantined models' }).waitFor(),
  ],
];

describeStates(STATES, () => journey);
