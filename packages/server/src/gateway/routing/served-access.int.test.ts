import { createHash } from 'node:crypto';
import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { endpoint, model, snapshot, startWorld, type GatewayWorld } from '../testing/gateway-world.ts';

let world: GatewayWorld;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(async () => await world.stop());

const digest = (token: string) => createHash('sha256').update(token).digest('hex');
const access = (names: readonly string[], offlineMs = 60_000) => ({
  mode: 'tokens' as const,
  offlineMs,
  tokens: [
    { hash: digest('good'), principal: 'user/ada', endpoints: [...names] },
    { hash: digest('old'), principal: 'user/bob', endpoints: [...names], expiresAt: '2020-01-01T00:00:00Z' },
    { hash: digest('control'), principal: 'system/dais', endpoints: [...names] },
  ],
});
const served = (revision: number, names: readonly string[], offlineMs?: number) =>
  snapshot(
    revision,
    [model('sum')],
    [
      endpoint('sum', [['stable', 'sum', 10_000]], {
        capture: { policy: 'ack', share: 1, overflow: 'drop', omit: [] },
      }),
    ],
    access(names, offlineMs),
  );
const as = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

test('requires a known, unexpired token for the endpoint', async () => {
  await world.gateway.swap(served(1, ['default/sum']));
  expect((await world.sums('sum', [[1, 2]])).status).toBe(401);
  expect((await world.sums('sum', [[1, 2]], as('bad'))).status).toBe(401);
  expect((await world.sums('sum', [[1, 2]], as('old'))).status).toBe(401);
  expect((await world.sums('sum', [[1, 2]], as('good'))).status).toBe(200);
  expect((await world.ask('/v2/health/ready')).status).toBe(200);
  expect((await world.ask('/v2/models/sum')).status).toBe(401);
  expect((await world.ask('/v2/models', as('good'))).json).toEqual({ models: ['sum'] });
  await world.gateway.swap(served(2, []));
  expect((await world.sums('sum', [[1, 2]], as('good'))).status).toBe(404);
  expect((await world.ask('/v2/models', as('good'))).json).toEqual({ models: [] });
});

test('the control plane calls on behalf of others', async () => {
  await world.gateway.swap(served(1, ['default/sum']));
  const onBehalf = { 'dais-on-behalf-of': 'user/eve' };
  await world.sums('sum', [[1, 2]], { headers: { ...as('control').headers, ...onBehalf } });
  await world.sums('sum', [[1, 2]], { headers: { ...as('good').headers, ...onBehalf } });
  expect(world.capture.records.map(({ principal }) => principal)).toEqual(['user/eve', 'user/ada']);
});

test('rejects a revoked token immediately, while models still load', async () => {
  await world.gateway.swap(served(1, ['default/sum']));
  let loaded = () => {};
  world.engine.loading.set('slow', new Promise<void>((resolve) => (loaded = resolve)));
  const next = served(2, []);
  const slow = endpoint('slow', [['stable', 'slow', 10_000]]);
  const swapping = world.gateway.swap({
    ...next,
    models: [...next.models, model('slow')],
    endpoints: [...next.endpoints, slow],
  });
  expect((await world.sums('sum', [[1, 2]], as('good'))).status).toBe(404);
  loaded();
  await swapping;
});

test('rejects all tokens after the offline limit, also across a restart, until the next contact', async () => {
  await world.gateway.swap(served(1, ['default/sum'], 60_000));
  const hourAgo = Date.now() / 1000 - 3600;
  await utimes(join(world.folder, 'snapshot.json'), hourAgo, hourAgo);
  await world.restart();
  expect((await world.sums('sum', [[1, 2]], as('good'))).status).toBe(503);
  world.gateway.recordContact();
  expect((await world.sums('sum', [[1, 2]], as('good'))).status).toBe(200);
});

test('rejects all calls without a snapshot', async () => {
  expect((await world.sums('sum', [[1, 2]])).status).toBe(503);
  expect((await world.ask('/readyz')).status).toBe(503);
  expect((await world.ask('/livez')).status).toBe(200);
});

test('solo: only local host names, and no other origins', async () => {
  await world.gateway.swap(snapshot(1, [model('sum')], [endpoint('sum', [['stable', 'sum', 10_000]])]));
  expect((await world.sums('sum', [[1, 2]], { headers: { host: 'evil.example' } })).status).toBe(403);
  expect((await world.sums('sum', [[1, 2]], { headers: { origin: 'http://evil.example' } })).status).toBe(403);
  expect((await world.sums('sum', [[1, 2]], { headers: { host: 'localhost:1' } })).status).toBe(200);
});
