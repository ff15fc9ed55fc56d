/** Policies at rollouts that no request starts: a whole Dais in accounts mode with its gateway. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDaisProcess, type DaisProcess } from './testing/dais-process.ts';
import { servingClient, type SeenStatus, type ServingClient } from './testing/serving-client.ts';

let folder: string;
let dais: DaisProcess;
let client: ServingClient;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-policy-rollouts-'));
  const data = join(folder, 'data');
  dais = startDaisProcess({ data, 'keys.folder': join(folder, 'keys'), 'authentication.mode': 'accounts' });
  const url = await dais.ready;
  const token = (await readFile(join(data, 'owner-token'), 'utf8')).trim();
  client = servingClient(url, { authorization: `Bearer ${token}` });
});
afterAll(async () => {
  dais.process.kill('SIGTERM');
  await dais.ended;
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

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

test('an alias that moves to a version which a policy refuses starts no rollout; what serves is listed', async () => {
  const alias = async (version: number) =>
    await client.call('PUT', '/api/v1/registry/models/m/aliases/champion', { version: String(version) });
  const first = await client.register('m', 2, { example: { inputs: [[1]] } });
  await alias(first);
  // The owner's token is decided by no policy.
  await client.call('POST', '/api/v1/serving/endpoints/scaled/deploy', { model: 'models:/m@champion' });
  await client.settled('scaled', (status) => serves(status, 'models:/m/1'));

  expect(await client.call('POST', '/api/v1/policies', policy('audit'))).toMatchObject({ status: 201 });
  await alias(await client.register('m', 3, { example: { inputs: [[1]] } }));
  await client.settled(
    'scaled',
    (now) => now.variants?.some((one) => one.name === 'canary' && one.weight > 0) === true,
  );
  await client.call('POST', '/api/v1/serving/endpoints/scaled/rollout/promote', {});
  await client.settled('scaled', (status) => serves(status, 'models:/m/2'));
  expect((await client.call('POST', '/api/v1/policy/violations/evaluate', {})).body).toMatchObject({ violations: 1 });
  const listed = await client.call('GET', '/api/v1/policy/violations');
  expect(listed.body['items']).toMatchObject([
    {
      kind: 'Endpoint',
      name: 'scaled',
      mode: 'audit',
      path: [
        { type: 'endpoint', name: 'scaled' },
        { type: 'model-version', name: 'm/2' },
        { type: 'cause', name: 'nobody has approved this version' },
      ],
    },
  ]);

  expect(await client.call('PUT', '/api/v1/policies/approved-only', policy('enforce'))).toMatchObject({ status: 200 });
  await alias(await client.register('m', 5, { example: { inputs: [[1]] } }));
  await client.settled('scaled', (now) => now.conditions?.some((one) => one.reason === 'HeldBack') === true);
  const rollout = await client.lastRollout('scaled');
  expect(rollout).toMatchObject({ state: 'rolledBack', to: 'models:/m/3', cause: 'alias' });
  expect(rollout.reason).toBe('Policy "default/approved-only": Nobody has approved this version.');
  const status = await client.settled('scaled', () => true);
  expect(serves(status, 'models:/m/2')).toBe(true);
});
