import type { Approval, ApprovalRule, ApprovalState, MissingApproval } from '@dais/api/registry';
import type { State } from '#ui/state-badge.tsx';

/** The requested change: `alias champion`, `stage Production`. */
export function moveWords({ alias, stage }: Pick<Approval, 'alias' | 'stage'>): string {
  return alias === undefined ? `stage ${stage ?? ''}` : `alias ${alias}`;
}

/** `a member of team risk and ada`. */
export function missingWords(missing: readonly MissingApproval[]): string {
  return listed(
    missing.map(({ team, user, approvals }) =>
      team === undefined ? (user ?? '') : `${approvals === 1 ? 'a member' : `${approvals} members`} of team ${team}`,
    ),
  );
}

/** The approvers of a rule as text. */
export function approverNames({ teams = [], users = [] }: ApprovalRule): string {
  return missingWords([
    ...teams.map(({ team, members = 1 }) => ({ team, approvals: members })),
    ...users.map((user) => ({ user, approvals: 1 })),
  ]);
}

export function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`;
}

export const APPROVAL_STATES: Readonly<Record<ApprovalState, { readonly state: State; readonly word: string }>> = {
  pending: { state: 'waiting', word: 'Waiting for approval' },
  approved: { state: 'ok', word: 'Approved' },
  rejected: { state: 'failed', word: 'Rejected' },
  withdrawn: { state: 'off', word: 'Withdrawn' },
};

/** The identities of the viewer as approver: the viewer and their teams. */
export interface Onlooker {
  /** `user:ada@example.com`. */
  readonly principal: string;
  readonly teams: readonly string[];
}

/** Whether a principal is among the missing approvers. The owner counts for all. */
export function waitsFor({ missing }: Pick<Approval, 'missing'>, { principal, teams }: Onlooker): boolean {
  if (principal === 'user:owner') return missing.length > 0;
  return missing.some(({ team, user }) =>
    team === undefined ? principal === `user:${user ?? ''}` : teams.includes(team),
  );
}

/** Approvals for the viewer come first, then the oldest. */
export function inOrder(approvals: readonly Approval[], who: Onlooker | undefined): readonly Approval[] {
  const own = (one: Approval) => (who !== undefined && waitsFor(one, who) ? 0 : 1);
  return approvals.toSorted((a, b) => own(a) - own(b) || a.requestedAt - b.requestedAt);
}
