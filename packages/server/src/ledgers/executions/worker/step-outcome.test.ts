import { expect, test } from 'vitest';
import { internalReason } from './step-outcome.ts';

test('the reason of an internal error names what the system reported, and no path', () => {
  const full = Object.assign(new Error("ENOSPC: no space left on device, write '/var/lib/dais/x'"), { errno: -28 });
  expect(internalReason('a1', full)).toBe(
    'internal error while running the step (no space left on device): see the log of the server, attempt a1',
  );
  for (const error of [undefined, null, new Error('secret'), 'text', { errno: 'x' }]) {
    expect(internalReason('a1', error)).toBe(
      'internal error while running the step: see the log of the server, attempt a1',
    );
  }
});
