/** Decisions with their policies, the messages of the policies, and possible remedies. */
import type { PolicyReason } from '@dais/api/access';
import type { CompiledPolicy } from './language/compile-policy.ts';
import { setsOf, type CollectionDecision, type Inquiry } from './authorize.ts';
import type { PolicyDecision } from './language/policy-set.ts';
import { rolesFor, unknownSentence } from './denial-message.ts';

export type Answer = 'allow' | 'deny' | 'conditional';

export interface Explained {
  readonly decision: Answer;
  readonly reasons: readonly PolicyReason[];
}

/** The explanation for the owner, to whom no policies apply. */
export const OWNER_EXPLANATION: Explained = {
  decision: 'allow',
  reasons: [{ id: 'break-glass', effect: 'permit', message: 'The owner has all permissions.' }],
};

/** `unknown`: facts that could not be computed, with the reason. */
export function explainDecision(
  inquiry: Inquiry,
  decision: PolicyDecision,
  unknown: Readonly<Record<string, string>> = {},
): Explained {
  const reasons = reasonsOf(inquiry, decision.reasons, decision.allowed ? 'permit' : 'forbid');
  const policies = setsOf(inquiry).flatMap((set) => set.policies);
  return {
    decision: decision.allowed ? 'allow' : 'deny',
    reasons: reasons.map((reason) => {
      const policy = decision.errors.includes(reason.id) ? policies.find(({ id }) => id === reason.id) : undefined;
      const why = policy === undefined ? undefined : unknownSentence(policy, unknown);
      if (why === undefined) return reason;
      const { message } = reason;
      return { ...reason, message: message === undefined ? why : `${message.replace(/\.?$/, '.')} ${why}` };
    }),
  };
}

export function explainCollection(inquiry: Inquiry, decision: CollectionDecision): Explained {
  const { condition, permits, forbids, forbidAll } = decision;
  // Where nothing permits it, a policy about some of them is not the reason.
  if (condition?.op === 'never') return { decision: 'deny', reasons: reasonsOf(inquiry, forbidAll, 'forbid') };
  if (condition?.op === 'always') return { decision: 'allow', reasons: reasonsOf(inquiry, permits, 'permit') };
  const reasons = [...reasonsOf(inquiry, permits, 'permit'), ...reasonsOf(inquiry, forbids, 'forbid')];
  return { decision: 'conditional', reasons };
}

function reasonsOf(
  inquiry: Pick<Inquiry, 'rules' | 'project'>,
  ids: readonly string[],
  otherwise: 'permit' | 'forbid',
): PolicyReason[] {
  const policies = setsOf(inquiry).flatMap((set) => set.policies);
  return ids.map((id) =>
    reasonOf(
      policies.find((policy) => policy.id === id),
      id,
      otherwise,
    ),
  );
}

/** Roles have an id and only permit. */
function reasonOf(policy: CompiledPolicy | undefined, id: string, otherwise: 'permit' | 'forbid'): PolicyReason {
  const output = (name: string) => {
    const text = policy?.annotations[name];
    return typeof text === 'string' && text !== '' ? { [name]: text } : {};
  };
  return { id, effect: policy?.effect ?? otherwise, ...output('message'), ...output('severity'), ...output('control') };
}

/** What would allow something that is denied. */
export function suggestionsFor(inquiry: Inquiry, { decision, reasons }: Explained): string[] {
  if (decision === 'allow') return [];
  const forbidding = reasons.filter(({ effect }) => effect === 'forbid');
  if (forbidding.length > 0) {
    return forbidding.map(({ id, message }) =>
      message === undefined ? `Policy "${id}" must no longer apply.` : `Policy "${id}": ${message}`,
    );
  }
  if (decision === 'conditional') return ['It depends on the resource: name a resource in the request.'];
  const roles = rolesFor(inquiry);
  if (roles.length === 0) return ['No role grants it; add a policy that permits it.'];
  const scope = inquiry.project === '' ? 'the organization' : `project "${inquiry.project}"`;
  return [
    `Roles that grant it: ${roles.join(', ')} in ${scope} (RoleBinding, or OrganizationRoleBinding for all projects).`,
  ];
}

/** Returns the names of all teams of a subject. */
export function teamNames(inquiry: Pick<Inquiry, 'principalEntity'>): string[] {
  const prefix = 'Dais::Team::"';
  return [...inquiry.principalEntity.ancestors]
    .filter((key) => key.startsWith(prefix))
    .map((key) => key.slice(prefix.length))
    .toSorted();
}
