import { expect, test } from 'vitest';
import { verification } from './verification.ts';

test.each([
  [{ size: 0, findings: [] }, 'waiting', 'Not verified yet'],
  [{ size: 1200, findings: [] }, 'waiting', 'First verification: 1,200 of 5,000 entries'],
  [
    { size: 7, findings: [], completeAt: '2026-11-26T00:00:00Z', completeSize: 4000 },
    'ok',
    'Verified: the first 4,000 of 5,000 entries',
  ],
  [
    { size: 7, findings: [], completeAt: '2026-11-26T00:00:00Z', completeSize: 5000 },
    'ok',
    'Verified: all 5,000 entries',
  ],
  [
    { size: 7, findings: [{ type: 'edited', message: 'Entry 3 was edited' }], completeAt: '2026-11-26T00:00:00Z' },
    'failed',
    '1 entry fails verification',
  ],
] as const)('%j', (check, state, word) => {
  expect(verification({ size: 5000, check: { ...check, findings: [...check.findings] } })).toEqual({ state, word });
});
