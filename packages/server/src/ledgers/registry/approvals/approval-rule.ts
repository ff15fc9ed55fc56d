import type { Actor } from '@dais/api';
import type { ApprovalRule, MissingApproval, Stage } from '@dais/api/registry';

/** The change: exactly one of the two. */
export type Move = { readonly alias: string } | { readonly stage: Stage };

/** A user's approval of a version for one change. */
export interface GivenApproval {
  readonly by: Actor;
  /** Teams of the rule that the user was a member of at that time. */
  readonly teams: readonly string[];
  /** Whether the user registered the version, or requested its approval. */
  readonly own: boolean;
}

/**
 * The owner of the installation is exempt from policies and marked so in the audit log: the approval counts for all
 * rules.
 */
function isOwner({ type, id }: Actor): boolean {
  return type === 'user' && id === 'owner';
}

export function actorKey({ type, id }: Actor): string {
  return `${type}:${id}`;
}

/** Returns the rules for a change. All of them must be met. */
export function rulesFor(rules: readonly ApprovalRule[], move: Move): readonly ApprovalRule[] {
  return rules.filter(({ aliases = [], stages = [] }) =>
    'alias' in move ? aliases.includes(move.alias) : stages.some((stage) => stage === move.stage),
  );
}

/** Returns the missing approvals. Empty: the rules are met. */
export function missingApprovals(
  rules: readonly ApprovalRule[],
  given: readonly GivenApproval[],
): readonly MissingApproval[] {
  const missing = new Map<string, MissingApproval>();
  for (const { teams = [], users = [], ownApproval = false } of rules) {
    const counting = given.filter((one) => ownApproval || !one.own);
    if (counting.some(({ by }) => isOwner(by))) continue;
    for (const { team, members = 1 } of teams) {
      const people = new Set(counting.filter((one) => one.teams.includes(team)).map(({ by }) => actorKey(by)));
      const approvals = members - people.size;
      const known = missing.get(`team ${team}`)?.approvals ?? 0;
      if (approvals > known) missing.set(`team ${team}`, { team, approvals });
    }
    for (const user of users) {
      if (counting.some(({ by }) => by.type === 'user' && by.id === user)) continue;
      missing.set(`user ${user}`, { user, approvals: 1 });
    }
  }
  return [...missing.values()];
}

export type ApprovalEligibility = 'may' | 'own' | 'not-approver';

/** Returns whether the approval of a user counts under the rules. */
export function eligibilityOf(rules: readonly ApprovalRule[], one: GivenApproval): ApprovalEligibility {
  const applicable = rules.filter(
    ({ teams = [], users = [] }) =>
      isOwner(one.by) ||
      teams.some(({ team }) => one.teams.includes(team)) ||
      (one.by.type === 'user' && users.includes(one.by.id)),
  );
  if (applicable.length === 0) return 'not-approver';
  return one.own && !applicable.some(({ ownApproval = false }) => ownApproval) ? 'own' : 'may';
}

/** Returns, for example, `a member of Team "risk" and User "ada"`. */
export function missingText(missing: readonly MissingApproval[]): string {
  const parts = missing.map(({ team, user, approvals }) =>
    team === undefined
      ? `User "${user ?? ''}"`
      : `${approvals === 1 ? 'a member' : `${approvals} members`} of Team "${team}"`,
  );
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1) ?? ''}`;
}

export function moveText(move: Move): string {
  return 'alias' in move ? `alias "${move.alias}"` : `stage ${move.stage}`;
}
