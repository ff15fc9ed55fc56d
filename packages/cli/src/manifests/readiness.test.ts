import type { Condition, Resource } from '@dais/api';
import { expect, test } from 'vitest';
import { readinessOf } from '#manifests/readiness.ts';

function resource(generation: number, ready?: Pick<Condition, 'status' | 'observedGeneration'>): Resource {
  const conditions = ready && [
    { type: 'Ready', reason: 'Because', message: 'So it is.', lastTransitionTime: '', ...ready },
  ];
  return { metadata: { generation }, status: { conditions } } as unknown as Resource;
}

test.each([
  [
    'an older revision is not it',
    resource(1, { status: 'True', observedGeneration: 1 }),
    2,
    'the change is not processed yet',
  ],
  ['no condition yet', resource(2), 2, 'not processed yet'],
  [
    'a condition of the revision before',
    resource(2, { status: 'True', observedGeneration: 1 }),
    2,
    'not processed yet',
  ],
  ['false', resource(2, { status: 'False', observedGeneration: 2 }), 2, 'Because: So it is.'],
])('not ready: %s', (_, seen, generation, reason) => {
  expect(readinessOf(seen, generation, true)).toEqual({ state: 'waiting', reason });
});

test('ready: true for this revision, or for a later one', () => {
  expect(readinessOf(resource(2, { status: 'True', observedGeneration: 2 }), 2, true).state).toBe('ready');
  expect(readinessOf(resource(3, { status: 'True', observedGeneration: 3 }), 2, true).state).toBe('ready');
});

test('ready: a kind without a controller, once it is stored', () => {
  expect(readinessOf(resource(2), 2, false).state).toBe('ready');
});
