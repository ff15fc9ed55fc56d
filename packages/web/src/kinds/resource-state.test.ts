import type { Condition, Resource } from '@dais/api';
import { expect, test } from 'vitest';
import { resourceState } from './resource-state.ts';

function resource(generation: number, conditions: readonly Partial<Condition>[], deleting = false): Resource {
  return {
    apiVersion: 'dais.dev/v1',
    kind: 'AlertChannel',
    metadata: {
      uid: '1',
      name: 'x',
      labels: {},
      annotations: {},
      origin: 'manifest',
      generation,
      resourceVersion: '1',
      createdAt: '',
      updatedAt: '',
      ...(deleting && { deletionRequestedAt: '2026-11-25T00:00:00Z', finalizers: ['kinds/x'] }),
    },
    spec: {},
    status: {
      conditions: conditions.map((one) => ({
        type: 'Ready',
        status: 'True',
        reason: 'Refused',
        message: 'The server rejected it.',
        observedGeneration: 1,
        lastTransitionTime: '',
        ...one,
      })),
    },
  };
}

test.each([
  ['ready', resource(1, [{}]), 'ok', 'Ready'],
  ['not yet reconciled', resource(2, [{}]), 'waiting', 'Pending'],
  ['failed', resource(1, [{ status: 'False' }]), 'failed', 'Refused'],
  ['unknown', resource(1, [{ status: 'Unknown' }]), 'waiting', 'Refused'],
  ['on its way out', resource(1, [{}], true), 'waiting', 'Deleting'],
])('%s', (_what, one, state, word) => {
  expect(resourceState(one)).toMatchObject({ state, word });
});

test('a kind without a controller has no state', () => {
  expect(resourceState(resource(1, []))).toBeUndefined();
});
