import { expect, test } from 'vitest';
import { missingPredictions } from './missing-predictions.ts';

const gone = (host: string, at: number) => ({ id: host, host, isLive: false, lastContactAt: new Date(at) });

test('a window names live nodes that did not collect it, and nodes that stopped after it had started', () => {
  expect(missingPredictions({ late: [], gone: [] }, 1000)).toEqual([]);
  expect(missingPredictions({ late: [], gone: [gone('before', 999)] }, 1000)).toEqual([]);
  expect(missingPredictions({ late: ['busy'], gone: [gone('during', 1000), gone('after', 2000)] }, 1000)).toEqual([
    {
      metric: 'missing_predictions',
      reason: 'busy: not collected within a minute. Predictions of the window can be missing.',
    },
    {
      metric: 'missing_predictions',
      reason: 'during, after: not running. Predictions of the window that are only on disk there are missing.',
    },
  ]);
});
