import { expect, test } from 'vitest';
import { passwordFault } from './new-password.ts';

test.each([
  ['', '', 'At least 12 characters; none so far'],
  ['elf', '', 'At least 12 characters; 3 so far'],
  // What one sees as one character counts as one.
  ['👩‍🔬'.repeat(11), '', 'At least 12 characters; 11 so far'],
  ['gravel-orbit-mango', '', 'Write it once more'],
  ['gravel-orbit-mango', 'gravel', 'The two are not the same'],
  ['gravel-orbit-mango', 'gravel-orbit-mango', undefined],
])('%j and %j: %s', (password, again, fault) => {
  expect(passwordFault(password, again)).toBe(fault);
});
