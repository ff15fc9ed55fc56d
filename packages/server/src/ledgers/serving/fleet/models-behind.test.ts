import type { GatewayFigures } from '@dais/api/gateway';
import { expect, test } from 'vitest';
import { NOTHING_RECENT, type GatewayView } from './gateway-view.ts';
import { modelsBehind } from './models-behind.ts';

type State = 'loading' | 'ready' | 'idle' | 'failed' | 'quarantined';

const gateway = (models: Readonly<Record<string, State>>): GatewayView => ({
  node: 'n',
  host: 'h',
  isOwn: false,
  figures: {
    models: Object.entries(models).map(([key, state]) => ({ key, state })),
    variants: [],
  } as unknown as GatewayFigures,
  files: Object.fromEntries(Object.keys(models).map((key) => [key, { state: 'here' }])),
  recent: NOTHING_RECENT,
});
const models = new Map([
  ['a', 'models:/a/1'],
  ['b', 'models:/b/1'],
]);

test('a node is behind while it does not have a model ready that another node serves', () => {
  const other = gateway({ a: 'ready', b: 'idle' });
  expect(modelsBehind([gateway({}), other], models)).toEqual(['models:/a/1', 'models:/b/1']);
  expect(modelsBehind([gateway({ a: 'idle', b: 'loading' }), other], models)).toEqual(['models:/b/1']);
  expect(modelsBehind([gateway({ a: 'failed', b: 'ready' }), other], models)).toEqual(['models:/a/1']);
  expect(modelsBehind([gateway({ a: 'ready', b: 'ready' }), other], models)).toEqual([]);
});

test('a model that no gateway has ready, that should have no traffic, or that is quarantined makes no node leave readiness', () => {
  expect(modelsBehind([gateway({}), gateway({ a: 'failed', b: 'loading' })], models)).toEqual([]);
  expect(modelsBehind([gateway({}), gateway({ c: 'ready' })], models)).toEqual([]);
  expect(modelsBehind([gateway({ a: 'quarantined' }), gateway({ a: 'ready' })], models)).toEqual([]);
  // Alone.
  expect(modelsBehind([gateway({})], models)).toEqual([]);
});
