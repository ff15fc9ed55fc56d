import type { ApprovalRule } from '@dais/api/registry';
import { describe, expect, test } from 'vitest';
import {
  missingApprovals,
  missingText,
  rulesFor,
  eligibilityOf,
  type GivenApproval,
  type ApprovalEligibility,
} from './approval-rule.ts';

const by = (id: string, teams: readonly string[] = [], own = false): GivenApproval => ({
  by: { type: 'user', id },
  teams,
  own,
});

describe('which approvals are missing', () => {
  const risk: ApprovalRule = { aliases: ['champion'], teams: [{ team: 'risk' }] };
  const two: ApprovalRule = { aliases: ['champion'], teams: [{ team: 'risk', members: 2 }] };
  const ada: ApprovalRule = { aliases: ['champion'], users: ['ada'] };
  const own: ApprovalRule = { ...risk, ownApproval: true };
  test.each<[string, readonly ApprovalRule[], readonly GivenApproval[], string]>([
    ['no rule applies', [], [], ''],
    ['no approval', [risk], [], 'a member of Team "risk"'],
    ['a member of the team approved', [risk], [by('bob', ['risk'])], ''],
    ['a member of another team approved', [risk], [by('bob', ['other'])], 'a member of Team "risk"'],
    ['one of two approved', [two], [by('bob', ['risk'])], 'a member of Team "risk"'],
    ['the same user approved twice', [two], [by('bob', ['risk']), by('bob', ['risk'])], 'a member of Team "risk"'],
    ['two approved', [two], [by('bob', ['risk']), by('eve', ['risk'])], ''],
    ['the user approved', [ada], [by('ada')], ''],
    [
      'a service account of the same name approved',
      [ada],
      [{ by: { type: 'service', id: 'ada' }, teams: [], own: false }],
      'User "ada"',
    ],
    ['one team in two rules', [risk, two, ada], [], '2 members of Team "risk" and User "ada"'],
    ['one approval counts for both', [risk, ada], [by('ada', ['risk'])], ''],
    ['an own approval', [risk], [by('bob', ['risk'], true)], 'a member of Team "risk"'],
    ['an own approval that counts', [own], [by('bob', ['risk'], true)], ''],
    [
      'an own approval that counts for one rule only',
      [own, two],
      [by('bob', ['risk'], true)],
      '2 members of Team "risk"',
    ],
    ['the owner approved', [two, ada], [by('owner')], ''],
    ['an own approval of the owner', [risk], [by('owner', [], true)], 'a member of Team "risk"'],
  ])('%s', (_, rules, given, text) => {
    expect(missingText(missingApprovals(rules, given))).toBe(text);
  });
});

describe('whose approval counts', () => {
  const rules: readonly ApprovalRule[] = [
    { aliases: ['champion'], teams: [{ team: 'risk' }], users: ['ada'] },
    { aliases: ['champion'], teams: [{ team: 'science' }], ownApproval: true },
  ];
  test.each<[GivenApproval, ApprovalEligibility]>([
    [by('bob'), 'not-approver'],
    [by('bob', ['risk']), 'may'],
    [by('ada'), 'may'],
    [by('ada', [], true), 'own'],
    [by('bob', ['risk'], true), 'own'],
    [by('bob', ['science'], true), 'may'],
    [by('owner'), 'may'],
    [by('owner', [], true), 'may'],
  ])('%j', (one, standing) => {
    expect(eligibilityOf(rules, one)).toBe(standing);
  });
});

test('a rule applies to the named targets', () => {
  const rules: readonly ApprovalRule[] = [
    { aliases: ['champion'], users: ['a'] },
    { aliases: ['challenger', 'champion'], stages: ['Production'], users: ['b'] },
  ];
  const users = (move: Parameters<typeof rulesFor>[1]) => rulesFor(rules, move).map((rule) => rule.users?.[0]);
  expect(users({ alias: 'champion' })).toEqual(['a', 'b']);
  expect(users({ alias: 'challenger' })).toEqual(['b']);
  expect(users({ alias: 'Champion' })).toEqual([]);
  expect(users({ stage: 'Production' })).toEqual(['b']);
  expect(users({ stage: 'Staging' })).toEqual([]);
});
