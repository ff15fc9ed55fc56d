import { eventTypes } from '@dais/api';
import { expect, test } from 'vitest';
import { eventWords } from './event-words.ts';

test('each type of event has words', () => {
  const types = Object.values(eventTypes).map(({ type }) => type);
  // A denial names the denied action.
  const bare = types.filter((type) => type !== 'access.denied' && eventWords({ type }) === type);
  expect(bare).toEqual([]);
});
