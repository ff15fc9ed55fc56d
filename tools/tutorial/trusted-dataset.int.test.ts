import { expect, test } from 'vitest';
import { followPage } from './follow.ts';

test(
  'the page of a trusted dataset works as it is written',
  async () => {
    const page = 'tutorial/from-csv-to-a-trusted-dataset.md';
    for (const { shown, printed } of await followPage(page)) expect(printed).toBe(shown);
  },
  // One start of Dais and about ten commands from source; several times as long on a busy machine.
  600_000,
);
