import type { GatewayFigures } from '@dais/api/gateway';
import { expect, test } from 'vitest';
import { NOTHING_RECENT, type GatewayView } from './gateway-view.ts';
import { TestGateways } from './test-gateways.ts';

const KEY = 'model';

function gateway(
  node: string,
  more: Partial<GatewayView> & { readonly state?: 'ready' | 'loading' } = {},
): GatewayView {
  const { state = 'ready', ...rest } = more;
  const models = [{ key: KEY, state, workers: 1, inFlight: 0, memoryBytes: 0 }];
  const at = '2026-12-01T00:00:00Z';
  const figures: GatewayFigures = { startedAt: at, at, revision: 1, models, variants: [] };
  return {
    node,
    host: node,
    isOwn: false,
    figures,
    files: { [KEY]: { state: 'here' } },
    recent: NOTHING_RECENT,
    ...rest,
  };
}
const address = { node: 'b', host: '10.0.0.2', port: 7443 };

test('a version is tested at the own gateway, else at one that has it ready and can be reached', () => {
  const own = gateway('own', { isOwn: true });
  const choose = (...gateways: readonly GatewayView[]) => new TestGateways(() => 0).choose(gateways, KEY)?.node;
  expect(choose(gateway('a', { address }), own)).toBe('own');
  expect(choose(gateway('own', { isOwn: true, state: 'loading' }), gateway('a'), gateway('b', { address }))).toBe('b');
  expect(choose(gateway('a', { address, state: 'loading' }), gateway('b'))).toBeUndefined();
  expect(choose()).toBeUndefined();
});

test('a gateway that did not respond is the last choice for a minute', () => {
  let now = 1000;
  const gateways = new TestGateways(() => now);
  const views = [gateway('a', { address }), gateway('b', { address })];
  const choice = () => gateways.choose(views, KEY)?.node;
  expect(choice()).toBe('a');
  gateways.avoid('a');
  expect(choice()).toBe('b');
  gateways.avoid('b');
  expect(choice()).toBe('a');
  now += 60_000;
  expect(choice()).toBe('a');
});
