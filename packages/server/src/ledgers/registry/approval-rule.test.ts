import type { ApprovalRule } from '@dais/api';
import { describe, expect, test } from 'vitest';
import {
  missingApprovals,
  missingText,
  rulesFor,
  standingOf,
  type GivenApproval,
  type Standing,
} from './approval-rule.ts';

const by = (id: string, teams: readonly string[] = [], own = false): GivenApproval => ({
  by: { type: 'user', id },
  teams,
  own,
});

describe('whose approval is missing', () => {
  const risk: ApprovalRule = { aliases: ['champion'], teams: [{ team: 'risk' }] };
  const two: ApprovalRule = { aliases: ['champion'], teams: [{ team: 'risk', members: 2 }] };
  const ada: ApprovalRule = { aliases: ['champion'], users: ['ada'] };
  const own: ApprovalRule = { ...risk, ownApproval: true };
  test.each<[string, readonly ApprovalRule[], readonly GivenApproval[], string]>([
    ['nobody is asked', [], [], ''],
    ['nobody answered', [risk], [], 'a member of Team "risk"'],
    ['somebody of the team did', [risk], [by('bob', ['risk'])], ''],
    ['somebody of another team did', [risk], [by('bob', ['other'])], 'a member of Team "risk"'],
    ['one of two did', [two], [by('bob', ['risk'])], 'a member of Team "risk"'],
    ['the same person did twice', [two], [by('bob', ['risk']), by('bob', ['risk'])], 'a member of Team "risk"'],
    ['two did', [two], [by('bob', ['risk']), by('eve', ['risk'])], ''],
    ['the user did', [ada], [by('ada')], ''],
    ['a program of the name did', [ada], [{ by: { type: 'service', id: 'ada' }, teams: [], own: false }], 'User "ada"'],
    ['one is asked twice', [risk, two, ada], [], '2 members of Team "risk" and User "ada"'],
    ['one answers for both', [risk, ada], [by('ada', ['risk'])], ''],
    ['it was their own', [risk], [by('bob', ['risk'], true)], 'a member of Team "risk"'],
    ['it was their own, and that counts', [own], [by('bob', ['risk'], true)], ''],
    ['it counts for one rule only', [own, two], [by('bob', ['risk'], true)], '2 members of Team "risk"'],
    ['the owner did', [two, ada], [by('owner')], ''],
    ['it was the owner’s own', [risk], [by('owner', [], true)], 'a member of Team "risk"'],
  ])('%s', (_, rules, given, text) => {
    expect(missingText(missingApprovals(rules, given))).toBe(text);
  });
});

describe('whose word counts', () => {
  const rules: readonly ApprovalRule[] = [
    { aliases: ['champion'], teams: [{ team: 'risk' }], users: ['ada'] },
    { aliases: ['champion'], teams: [{ team: 'science' }], ownApproval: true },
  ];
  test.each<[GivenApproval, Standing]>([
    [by('bob'), 'not-asked'],
    [by('bob', ['risk']), 'may'],
    [by('ada'), 'may'],
    [by('ada', [], true), 'own'],
    [by('bob', ['risk'], true), 'own'],
    [by('bob', ['science'], true), 'may'],
    [by('owner'), 'may'],
    [by('owner', [], true), 'may'],
  ])('%j', (one, standing) => {
    expect(standingOf(rules, one)).toBe(standing);
  });
});

test('a rule is about what it names', () => {
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
