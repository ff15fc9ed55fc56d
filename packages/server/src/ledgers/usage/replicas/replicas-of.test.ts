import type { GatewayFigures } from '@dais/api/gateway';
import { expect, test } from 'vitest';
import { replicaKey, replicasOf } from './replicas-of.ts';

type Variant = readonly [endpoint: string, variant: string, model: string, shadow?: boolean];

const report = (models: Readonly<Record<string, number | 'idle'>>, variants: readonly Variant[]) =>
  replicasOf({
    models: Object.entries(models).map(([key, workers]): GatewayFigures['models'][number] => ({
      key,
      state: workers === 'idle' ? 'idle' : 'ready',
      workers: workers === 'idle' ? 0 : workers,
      inFlight: 0,
      memoryBytes: 0,
    })),
    variants: variants.map(([endpoint, variant, model, shadow = false]) => ({
      project: 'p',
      endpoint,
      variant,
      model,
      requests: 0,
      failed: 0,
      refused: 0,
      latency: [],
      shadow,
    })),
  });

test('a loaded model counts once for each of its processes; a model that waits for requests does not count', () => {
  const found = report({ m: 3, n: 'idle' }, [
    ['a', 'stable', 'm'],
    ['b', 'stable', 'n'],
  ]);
  expect(found).toEqual([{ project: 'p', endpoint: 'a', variant: 'stable', slot: 'm', replicas: 3 }]);
});

test('variants that share a model share its processes', () => {
  const found = report({ m: 1 }, [
    ['a', 'stable', 'm'],
    ['b', 'stable', 'm'],
  ]);
  expect(found.map(({ endpoint, replicas }) => [endpoint, replicas])).toEqual([
    ['a', 0.5],
    ['b', 0.5],
  ]);
});

test('a shadow counts with its own copy of the model, if it has one', () => {
  const variants: readonly Variant[] = [
    ['a', 'stable', 'm'],
    ['a', 'copy', 'm', true],
  ];
  expect(report({ m: 1, 'shadow:m': 2 }, variants).map(({ slot, replicas }) => [slot, replicas])).toEqual([
    ['m', 1],
    ['shadow:m', 2],
  ]);
  // Its copy is not loaded: the model of the stable variant does not count for it.
  expect(report({ m: 1, 'shadow:m': 'idle' }, variants).map(({ variant }) => variant)).toEqual(['stable']);
});

test('another number of processes is another interval', () => {
  const [one] = report({ m: 1 }, [['a', 'stable', 'm']]);
  const [two] = report({ m: 2 }, [['a', 'stable', 'm']]);
  expect(one && two && replicaKey(one) === replicaKey(two)).toBe(false);
});
