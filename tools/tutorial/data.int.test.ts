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
