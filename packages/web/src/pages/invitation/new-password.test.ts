import { expect, test } from 'vitest';
import { passwordProblem } from './new-password.ts';

test.each([
  ['', '', 'At least 12 characters; none entered'],
  ['elf', '', 'At least 12 characters; 3 entered'],
  // A user-perceived character counts once.
  ['👩‍🔬'.repeat(11), '', 'At least 12 characters; 11 entered'],
  ['gravel-orbit-mango', '', 'Confirm the password'],
  ['gravel-orbit-mango', 'gravel', 'The passwords do not match'],
  ['gravel-orbit-mango', 'gravel-orbit-mango', undefined],
])('%j and %j: %s', (password, again, problem) => {
  expect(passwordProblem(password, again)).toBe(problem);
});
