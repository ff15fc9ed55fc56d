import type { GatewayFigures } from '@dais/api/gateway';
import { expect, test } from 'vitest';
import { loadedModelOf } from './gateway-counters.ts';

test('a model that is loaded as a shadow is not loaded for its own requests, and the reverse', () => {
  const reporting = (...keys: readonly string[]) =>
    ({ models: keys.map((key) => ({ key, state: 'ready' })) }) as unknown as GatewayFigures;
  expect(loadedModelOf(reporting('shadow:m'), 'm', { shadow: true })).toMatchObject({ state: 'ready' });
  expect(loadedModelOf(reporting('shadow:m'), 'm', { shadow: false })).toBeUndefined();
  expect(loadedModelOf(reporting('m'), 'm', { shadow: true })).toBeUndefined();
  expect(loadedModelOf(undefined, 'm', { shadow: false })).toBeUndefined();
});
