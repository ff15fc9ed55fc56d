import type { Event } from '@dais/api';
import { expect, test } from 'vitest';
import { recentEvents } from './recent-events.ts';

const event = (id: string, type: string, name?: string) =>
  ({ id, type, ...(name !== undefined && { subject: { kind: 'Endpoint', name } }) }) as Event;

test('a condition is shown once, until it changes', () => {
  const events = [
    event('6', 'resource.status', 'a'),
    event('5', 'resource.status', 'b'),
    event('4', 'resource.status', 'a'),
    event('3', 'resource.updated', 'a'),
    event('2', 'resource.updated', 'a'),
    event('1', 'server.started'),
  ];
  expect(recentEvents(events, 15).map(({ id }) => id)).toEqual(['6', '5', '3', '2', '1']);
  expect(recentEvents(events, 3).map(({ id }) => id)).toEqual(['6', '5', '3']);
});
