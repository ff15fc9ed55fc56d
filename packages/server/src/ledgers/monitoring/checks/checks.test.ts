import { expect, test } from 'vitest';
import { evaluateDrift } from './drift.ts';
import { evaluateQuality } from './quality.ts';

const spec = { severity: 'warning', correction: 'none', minSamples: 50 } as const;
const facts = {
  spec,
  fields: [],
  against: 'window 1',
  unknown: undefined,
  lost: [],
  known: [],
  outside: new Map<string, number>(),
};
const evaluations = {
  drift: (rows: number) => evaluateDrift({ type: 'drift', method: 'auto', share: 0 }, { ...facts, rows }),
  quality: (rows: number) =>
    evaluateQuality({ type: 'quality', nulls: 0, newCategories: 0, outOfRange: 0 }, { ...facts, rows }),
};

test.each(Object.entries(evaluations))(
  '%s evaluates a window with exactly the minimum number of rows',
  (_, evaluate) => {
    expect(evaluate(49)).toMatchObject({ status: 'unknown', reason: 'The window has 49 rows, fewer than 50.' });
    // The window is evaluated: it only has no columns.
    expect(evaluate(50)).toMatchObject({ status: 'unknown', reason: 'No column of the window is in window 1.' });
  },
);
