import type { Principal } from '#kernel/principal.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { PolicyEngine } from '#policy/policy-engine.ts';
import { findPrincipal } from './cedar/inquiries.ts';
import { typeOf } from './cedar/model.ts';
import { principalAncestors } from './cedar/rules.ts';
import { EntityUid } from './cedar/language/values.ts';

/**
 * Returns those of `teams` that contain a subject: as a member, through a group of the identity provider, or through a
 * child team.
 */
export async function memberOf(
  engine: PolicyEngine,
  tx: Transaction,
  { type, id }: Principal,
  teams: readonly string[],
): Promise<readonly string[]> {
  if (type === 'system') return [];
  const rules = await engine.rules.current(tx.sql);
  const facts = await findPrincipal(rules, engine.principals, type, id, tx.sql);
  if (facts === undefined || facts.suspended) return [];
  const above = principalAncestors(rules.teams, facts.teams);
  return teams.filter((team) => above.has(new EntityUid(typeOf('Team'), team).key));
}
