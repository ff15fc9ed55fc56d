/** Policies at rollouts without a request: a complete Dais in accounts mode with its gateway. */
import { beforeAll, expect, test } from 'vitest';
import { servingClient, type SeenStatus, type ServingClient } from '#testing/serving-client.ts';
import { sharedDais, WITH_ACCOUNTS } from '#testing/shared-dais.ts';

const PROJECT = 'policy-rollouts';
let client: ServingClient;

beforeAll(async () => {
  const { url, token } = await sharedDais(PROJECT, WITH_ACCOUNTS);
  client = servingClient(url, { authorization: `Bearer ${token}` });
});

/** Returns the models of the variants and shadows of an endpoint in its status. */
const servedBy = (status: SeenStatus) =>
  Object.fromEntries((status.variants ?? []).map(({ name, model }) => [name, model]));

const serves = (status: SeenStatus, model: string) =>
  status.rollout === undefined && status.variants?.some((one) => one.name === 'stable' && one.model === model) === true;

const policy = (mode: 'audit' | 'enforce') => ({
  apiVersion: 'dais.dev/v1',
  kind: 'Policy',
  metadata: { name: 'approved-only' },
  spec: {
    mode,
    cedar: `@id("approved-only") @message("Nobody has approved this version")
      forbid(principal, action == Dais::Action::"endpoint:write", resource)
      when { resource.facts.upstreamUnapprovedVersions > 0 };`,
  },
});

test('an alias that moves to a refused version starts no rollout; the served models are listed', async () => {
  const alias = async (version: number) =>
    await client.call('PUT', '/api/v1/registry/models/m/aliases/champion', { version: String(version) });
  const first = await client.register('m', 2, { example: { inputs: [[1]] } });
  await alias(first);
  // No policy applies to the owner's token.
  await client.call('POST', '/api/v1/serving/endpoints/guarded/deploy', { model: 'models:/m@champion' });
  await client.settled('guarded', (status) => serves(status, 'models:/m/1'));

  expect(await client.call('POST', '/api/v1/policies', policy('audit'))).toMatchObject({ status: 201 });
  await alias(await client.register('m', 3, { example: { inputs: [[1]] } }));
  await client.settled(
    'guarded',
    (now) => now.variants?.some((one) => one.name === 'canary' && one.weight > 0) === true,
  );
  await client.call('POST', '/api/v1/serving/endpoints/guarded/rollout/promote', {});
  await client.settled('guarded', (status) => serves(status, 'models:/m/2'));
  expect((await client.call('POST', '/api/v1/policy/violations/evaluate', {})).body).toMatchObject({ violations: 1 });
  const listed = await client.call('GET', '/api/v1/policy/violations');
  expect(listed.body['items']).toMatchObject([
    {
      kind: 'Endpoint',
      name: 'guarded',
      mode: 'audit',
      path: [
        { type: 'endpoint', name: 'guarded' },
        { type: 'model-version', name: 'm/2' },
        { type: 'cause', name: 'this version has no approval' },
      ],
    },
  ]);

  expect(await client.call('PUT', '/api/v1/policies/approved-only', policy('enforce'))).toMatchObject({ status: 200 });
  await alias(await client.register('m', 5, { example: { inputs: [[1]] } }));
  await client.settled('guarded', (now) => now.conditions?.some((one) => one.reason === 'HeldBack') === true);
  const rollout = await client.lastRollout('guarded');
  expect(rollout).toMatchObject({ state: 'rolledBack', to: 'models:/m/3', cause: 'alias' });
  expect(rollout.reason).toBe(`Policy "${PROJECT}/approved-only": Nobody has approved this version.`);
  const status = await client.settled('guarded', () => true);
  expect(serves(status, 'models:/m/2')).toBe(true);
});

/** Registers a version of model `v` whose run read data that Dais does not store. */
async function registerFromExternalData(factor: number): Promise<number> {
  const version = await client.register('v', factor, { example: { inputs: [[1]] } });
  const { body } = await client.call('GET', `/api/v1/registry/models/v/versions/${version}`);
  const dataset = { name: 'taxis', digest: 'd', source_type: 'http', source: '{"url": "https://data.example/taxis"}' };
  const inputs = { run_id: body['runId'], datasets: [{ dataset, tags: [] }] };
  expect(await client.call('POST', '/api/2.0/mlflow/runs/log-inputs', inputs)).toMatchObject({ status: 200 });
  return version;
}

test('a variant and a shadow that follow an alias are evaluated when it moves, and held back by an enforced policy', async () => {
  await client.call('DELETE', '/api/v1/policies/approved-only');
  const upstream = (mode: 'audit' | 'enforce') => ({
    ...policy(mode),
    metadata: { name: 'stored-data-only' },
    spec: {
      mode,
      cedar: `@id("stored-data-only") @message("It was trained on data that Dais does not store")
        forbid(principal, action == Dais::Action::"endpoint:write", resource)
        when { resource.facts.upstreamExternalDatasets > 0 };`,
    },
  });
  const alias = async (version: number) =>
    await client.call('PUT', '/api/v1/registry/models/v/aliases/next', { version: String(version) });
  await alias(await client.register('v', 2, { example: { inputs: [[1]] } }));
  const manifest = {
    apiVersion: 'dais.dev/v1',
    kind: 'Endpoint',
    metadata: { name: 'followers' },
    spec: {
      model: 'models:/v/1',
      variants: [{ name: 'challenger', model: 'models:/v@next', weight: 10 }],
      shadow: [{ name: 'copy', model: 'models:/v@next' }],
    },
  };
  expect(await client.call('POST', '/api/v1/endpoints', manifest)).toMatchObject({ status: 201 });
  const all = (model: string) => ({ stable: 'models:/v/1', challenger: model, copy: model });
  const settled = async (model: string, reason = 'AsNamed') => {
    const status = await client.settled('followers', (now) => {
      const current = now.conditions?.find(({ type }) => type === 'Current');
      return JSON.stringify(servedBy(now)) === JSON.stringify(all(model)) && current?.reason === reason;
    });
    return status;
  };
  await settled('models:/v/1');

  // Without an evaluation request: the move itself causes one.
  expect(await client.call('POST', '/api/v1/policies', upstream('audit'))).toMatchObject({ status: 201 });
  await alias(await registerFromExternalData(3));
  await settled('models:/v/2');
  const listed = async () => {
    const { body } = await client.call('GET', `/api/v1/policy/violations?policy=${PROJECT}/stored-data-only`);
    return body['items'];
  };
  await expect.poll(listed).toMatchObject([
    {
      kind: 'Endpoint',
      name: 'followers',
      result: 'violated',
      path: [
        { type: 'endpoint', name: 'followers' },
        { type: 'variant', name: 'challenger, copy' },
        { type: 'model-version', name: 'v/2' },
        { type: 'run' },
        { type: 'dataset', name: 'taxis' },
        { type: 'cause', name: 'dataset that Dais does not store' },
      ],
    },
  ]);

  // A passing version replaces a failing one, although the policy is enforced now.
  expect(await client.call('PUT', '/api/v1/policies/stored-data-only', upstream('enforce'))).toMatchObject({
    status: 200,
  });
  await alias(await client.register('v', 4, { example: { inputs: [[1]] } }));
  await settled('models:/v/3');
  expect((await client.call('POST', '/api/v1/policy/violations/evaluate', {})).body).toMatchObject({ complete: true });
  expect(await listed()).toEqual([]);

  await alias(await registerFromExternalData(5));
  const held = await settled('models:/v/3', 'VariantHeldBack');
  const reason = `Policy "${PROJECT}/stored-data-only": It was trained on data that Dais does not store.`;
  expect(held.conditions).toContainEqual(
    expect.objectContaining({ type: 'Current', message: `Variant challenger does not serve models:/v/4. ${reason}` }),
  );
  const refused = async () => {
    const { body } = await client.call('GET', '/api/v1/events?type=endpoint.variant.refused');
    return (body['items'] as { data: object }[]).map(({ data }) => data);
  };
  await expect
    .poll(refused)
    .toEqual(['copy', 'challenger'].map((variant) => ({ variant, from: 'models:/v/3', to: 'models:/v/4', reason })));
  // The next version is evaluated separately.
  await alias(await client.register('v', 6, { example: { inputs: [[1]] } }));
  await settled('models:/v/5');
});
