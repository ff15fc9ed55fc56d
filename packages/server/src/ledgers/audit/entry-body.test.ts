import { eventTypes } from '@dais/api';
import { expect, test } from 'vitest';
import type { SequencedEvent } from '#kernel/events.ts';
import { makeEntry } from './entry-body.ts';

test('an entry contains all fields of an event that is about no person', () => {
  const event: SequencedEvent = {
    seq: 7n,
    id: 9n,
    at: new Date('2026-01-02T03:04:05.678Z'),
    type: eventTypes.modelAliasSet.type,
    v: 1,
    projectId: 'p',
    subject: { kind: 'Model', name: 'delay', uid: 'u' },
    actor: { type: 'service', id: 'ci' },
    requestId: 'request-1',
    data: { alias: 'champion' },
    via: { method: 'token', mfa: false, credential: 'c-1', address: '192.0.2.1', userAgent: 'curl' },
    decision: { policies: ['release'], set: 'digest' },
  };
  const { body, actor, outcome, subject } = makeEntry(7, event, { id: 'p', name: 'default' }, new Map());
  expect(JSON.parse(body)).toEqual({
    v: 1,
    seq: 7,
    event: '9',
    at: '2026-01-02T03:04:05.678Z',
    type: event.type,
    typeVersion: 1,
    outcome: 'succeeded',
    project: { id: 'p', name: 'default' },
    actor: { type: 'service', id: 'ci' },
    via: event.via,
    decision: event.decision,
    requestId: 'request-1',
    subject: event.subject,
    data: event.data,
  });
  expect({ actor, outcome, subject }).toEqual({ actor: 'service:ci', outcome: 'succeeded', subject: 'delay' });
});
