import { expect, test } from 'vitest';
import { followPage } from './follow.ts';

test(
  'the first pipeline works as it is written',
  async () => {
    for (const { shown, printed } of await followPage('tutorial/your-first-pipeline.md')) expect(printed).toBe(shown);
  },
  // One start of Dais and about ten commands from source; several times as long on a busy machine.
  600_000,
);
