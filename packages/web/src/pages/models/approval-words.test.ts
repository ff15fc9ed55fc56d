import type { Approval } from '@dais/api/registry';
import { expect, test } from 'vitest';
import { approverNames, inOrder, missingWords, moveWords, waitsFor } from './approval-words.ts';

const approval = (number: number, missing: Approval['missing'], requestedAt = number): Approval => ({
  number,
  model: 'm',
  version: 1,
  alias: 'champion',
  state: 'pending',
  moveWhenApproved: true,
  reason: '',
  requestedBy: { type: 'user', id: 'ada' },
  requestedAt,
  decisions: [],
  missing,
});

test('missing approvers are shown by name and number', () => {
  const missing = [
    { team: 'risk', approvals: 1 },
    { team: 'desk', approvals: 2 },
    { user: 'ada', approvals: 1 },
  ];
  expect(missingWords(missing)).toBe('a member of team risk, 2 members of team desk and ada');
  expect(approverNames({ teams: [{ team: 'risk' }], users: ['ada'] })).toBe('a member of team risk and ada');
  expect(moveWords({ alias: 'champion' })).toBe('alias champion');
  expect(moveWords({ stage: 'Production' })).toBe('stage Production');
});

test('approvals for the viewer come first, then the oldest', () => {
  const me = { principal: 'user:ida', teams: ['risk'] };
  const mine = approval(3, [{ team: 'risk', approvals: 1 }]);
  const older = approval(1, [{ user: 'ada', approvals: 1 }]);
  const old = approval(2, [{ user: 'ada', approvals: 1 }]);
  expect(inOrder([old, mine, older], me)).toEqual([mine, older, old]);
  expect(waitsFor(older, me)).toBe(false);
  expect(waitsFor(older, { principal: 'user:owner', teams: [] })).toBe(true);
});
