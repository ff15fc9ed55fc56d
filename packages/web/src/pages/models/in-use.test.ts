import type { Resource } from '@dais/api';
import type { MonitorSummary } from '@dais/api/monitoring';
import { expect, test } from 'vitest';
import { deploymentsOf, watchersOf } from './in-use.ts';

const endpoint = (name: string, variants: readonly object[]) =>
  ({ metadata: { name }, spec: { environment: 'prod' }, status: { variants } }) as unknown as Resource;
const variant = (name: string, model: string, version: string, weight: number) => ({
  name,
  role: 'stable',
  model,
  version,
  weight,
  state: 'ready',
});

test('selects the endpoints that serve a version of the model, with its traffic share', () => {
  const deployments = deploymentsOf('flights', [
    endpoint('a', [variant('stable', 'models:/flights/1', '1', 90), variant('canary', 'models:/flights/2', '2', 10)]),
    endpoint('b', [
      variant('stable', 'models:/flights@champion', '2', 100),
      variant('x', 'models:/flights-2/1', '1', 5),
    ]),
    endpoint('c', []),
  ]);
  expect(deployments.map(({ endpoint: at, variant: as, version, weight }) => [at, as, version, weight])).toEqual([
    ['b', 'stable', '2', 100],
    ['a', 'stable', '1', 90],
    ['a', 'canary', '2', 10],
  ]);
  const monitor = (name: string, watched: string, state: string) =>
    ({ monitor: name, endpoint: watched, state }) as MonitorSummary;
  const found = watchersOf(deployments, [
    monitor('fine', 'a', 'passing'),
    monitor('other', 'z', 'failing'),
    monitor('moved', 'b', 'failing'),
  ]);
  expect(found.map(({ monitor: name }) => name)).toEqual(['moved', 'fine']);
});
