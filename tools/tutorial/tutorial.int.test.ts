import { expect, test } from 'vitest';
import { followPage } from './follow.ts';

test(
  'the tutorial works as it is written',
  async () => {
    // Both texts whole: what the page shows and what was printed.
    for (const { shown, printed } of await followPage('tutorial/ten-minutes.md')) expect(printed).toBe(shown);
  },
  // One start of Dais and about twenty commands from source, at 1 s of CPU each; several times that on a busy machine.
  600_000,
);
