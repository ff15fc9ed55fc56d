import type { Resource } from '@dais/api';
import { expect, test } from 'vitest';
import { planChannel, type ChannelFacts } from './alert-plan.ts';

const at = new Date('2026-11-25T10:00:00Z');
const failure = {
  deliveryId: 'd',
  at,
  attempts: 3,
  reason: 'the receiver responds with status 500',
  givenUp: false,
  generation: 2,
};
const resource = { metadata: { generation: 2 } } as Resource;

test.each<[string, ChannelFacts, string, string, string]>([
  ['new', { pending: 0 }, 'True', 'Configured', 'No alert was sent yet.'],
  ['works', { pending: 0, lastDeliveredAt: at }, 'True', 'Delivered', 'The latest alert was delivered.'],
  [
    'fails',
    { pending: 1, failure },
    'False',
    'Retrying',
    'The delivery of an alert failed after 3 attempts and will be retried: the receiver responds with status 500.',
  ],
  [
    'gave up',
    { pending: 0, lastDeliveredAt: at, failure: { ...failure, attempts: 1, givenUp: true } },
    'False',
    'DeliveryFailed',
    'The delivery of an alert failed permanently after 1 attempt: the receiver responds with status 500.',
  ],
  [
    'was changed since',
    { pending: 0, failure: { ...failure, generation: 1 } },
    'True',
    'Configured',
    'No alert was sent yet.',
  ],
  [
    'lacks a secret',
    { pending: 1, failure, problem: { reason: 'SecretKeyMissing', message: 'm' } },
    'False',
    'SecretKeyMissing',
    'm',
  ],
  [
    'cannot be resolved',
    { pending: 0, problem: { reason: 'AddressUnknown', message: 'm', unknown: true } },
    'Unknown',
    'AddressUnknown',
    'm',
  ],
])('a channel that %s', (_name, facts, status, reason, message) => {
  expect(planChannel(resource, facts).conditions).toEqual([{ type: 'Ready', status, reason, message }]);
});

test('the status contains the number of waiting alerts and the last error', () => {
  expect(planChannel(resource, { pending: 2, lastDeliveredAt: at, failure }).status).toEqual({
    pending: 2,
    lastDeliveredAt: '2026-11-25T10:00:00.000Z',
    lastFailure: {
      at: '2026-11-25T10:00:00.000Z',
      deliveryId: 'd',
      attempts: 3,
      reason: 'the receiver responds with status 500',
      givenUp: false,
    },
  });
  expect(planChannel(resource, { pending: 0 }).status).toEqual({ pending: 0 });
});
