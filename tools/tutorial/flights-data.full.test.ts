/** The page of a year of flights with all of it, as the package index has it. */
import { expect, test } from 'vitest';
import { followPage } from './follow.ts';

test('twelve months become versions, and training data of a third of a million flights', async () => {
  const reader = {
    files: 'examples/flights/data',
    instead: { ' --from slice': '', '491 flights': '327,346 flights' },
  };
  for (const { shown, printed } of await followPage('tutorial/a-year-of-flights.md', reader))
    expect(printed).toBe(shown);
}, 1_800_000);
