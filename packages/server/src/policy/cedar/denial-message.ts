/** Messages for denied requests: the policy with its message, and the administrators to ask. */
import { DaisError } from '@dais/api';
import type { Question } from '#kernel/principal.ts';
import type { CompiledPolicy } from './language/compile-policy.ts';
import { setsOf, type Inquiry } from './authorize.ts';
import { actionUid, ORGANIZATION_ADMIN } from './model.ts';
import { projectEntity } from './resource-entity.ts';
import { isIn } from './language/values.ts';

/** Policies without a decision, and why. */
export interface Undecided {
  readonly errors: readonly string[];
  /** Facts that could not be computed, with the reason. */
  readonly unknown: Readonly<Record<string, string>>;
}

/** The part of a decision that the caller may see. */
export interface Refused extends Undecided {
  /** Ids of policies that forbid or are in error; empty when nothing permits it. */
  readonly reasons: readonly string[];
  /** Whether the caller may read role bindings. */
  readonly readsBindings: boolean;
}

export function forbidden(inquiry: Inquiry, question: Question, refused: Refused): DaisError {
  const why = refused.reasons.length > 0 ? policySentences(inquiry, refused) : [roleSentence(inquiry)];
  return new DaisError(
    'forbidden',
    [`${describeQuestion(question)}.`, ...why, administratorSentence(inquiry, refused)].join(' '),
  );
}

/** Example: `user "bo" does not have the permission secret:delete on Secret "x" in project "flights"`. */
function describeQuestion({ principal, operation, target, project }: Question): string {
  const name = target.name === undefined ? '' : ` "${target.name.slice(0, 80)}"`;
  const where = project === '' ? '' : ` in project "${project}"`;
  const who = `${principal.type === 'user' ? 'user' : 'service account'} "${principal.id}"`;
  return `${who} does not have the permission ${operation.action} on ${target.kind}${name}${where}`;
}

function policySentences(inquiry: Inquiry, { reasons, errors, unknown }: Refused): readonly string[] {
  const policies = setsOf(inquiry).flatMap((set) => set.policies);
  return reasons.slice(0, 5).map((id) => {
    const policy = policies.find((one) => one.id === id);
    const message = policy?.annotations['message'];
    const output = typeof message === 'string' && message !== '' ? `: ${message.replace(/\.?$/, '.')}` : ' forbids it.';
    const why = errors.includes(id) && policy !== undefined ? unknownSentence(policy, unknown) : undefined;
    return why === undefined ? `Policy "${id}"${output}` : `Policy "${id}"${output} The evaluation failed: ${why}`;
  });
}

/** Why a policy cannot decide; undefined when no unknown fact is the reason. */
export function unknownSentence({ facts }: CompiledPolicy, unknown: Undecided['unknown']): string | undefined {
  const used = Object.entries(unknown).filter(([name]) => facts === 'all' || facts.has(name));
  if (used.length === 0) return undefined;
  return used.map(([name, reason]) => `The fact ${name} is unknown: ${reason}`).join(' ');
}

/** The roles that hold an action, as people write them. */
export function rolesFor(inquiry: Inquiry): readonly string[] {
  const { groups } = inquiry.action;
  return groups.map((group) => (group === ORGANIZATION_ADMIN ? 'admin of the organization' : group));
}

function roleSentence(inquiry: Inquiry): string {
  const roles = rolesFor(inquiry);
  return roles.length === 0 ? 'No role grants this permission.' : `Roles with this permission: ${roles.join(', ')}.`;
}

/** Admins by name where the caller may know them. */
function administratorSentence(inquiry: Inquiry, { readsBindings }: Refused): string {
  const { rules, project } = inquiry;
  const scope = project === '' ? 'the organization' : `project "${project}"`;
  const here = projectEntity(project);
  const admins = readsBindings
    ? rules.organization.links.filter(
        ({ role, resource }) =>
          resource.key === here.key && isIn(rules.model.actionEntities, role, actionUid(ORGANIZATION_ADMIN)),
      )
    : [];
  if (admins.length === 0) return `Ask an administrator of ${scope}.`;
  const names = admins.slice(0, 5).map(({ principal }) => {
    const kind = principal.type.split('::')[1] ?? '';
    return kind === 'User' ? principal.id : `${kind === 'Team' ? 'team' : 'service account'} ${principal.id}`;
  });
  return `Ask an administrator of ${scope}: ${names.join(' or ')}.`;
}
