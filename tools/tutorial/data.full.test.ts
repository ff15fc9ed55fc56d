import { expect, test } from 'vitest';
import { followPage } from './follow.ts';

test.each(['from-csv-to-a-trusted-dataset', 'features-without-leakage'])(
  'the page %s works as it is written',
  async (page) => {
    for (const { shown, printed } of await followPage(`tutorial/${page}.md`)) expect(printed).toBe(shown);
  },
  // One start of Dais and about ten commands from source; several times as long on a busy machine.
  600_000,
);

test('the page of a year of flights works as written, with the days in its folder', async () => {
  const reader = { files: 'examples/flights/data' };
  for (const { shown, printed } of await followPage('tutorial/a-year-of-flights.md', reader))
    expect(printed).toBe(shown);
}, 600_000);
