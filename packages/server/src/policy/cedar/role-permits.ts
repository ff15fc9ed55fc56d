/**
 * Permits that depend on roles only: no policy, enforced or audited, can apply to the action on this type of resource.
 * Such a permit is the same for every resource of the type in a project, and independent of time, address and token,
 * so it is decided once for each version of the rules.
 */
import type { Permit, Question } from '#kernel/principal.ts';
import { auditSetsOf, candidatesOf, type Inquiry } from './authorize.ts';
import { ORGANIZATION_ENTITY, typeOf } from './model.ts';
import type { Rules } from './rules.ts';

/** Names come from requests: limited, because their number is not. */
const CACHED = 50_000;
/** Roles are bound to resources of these types, so that decisions about them depend on the name. */
const SCOPES: ReadonlySet<string> = new Set([typeOf('Project'), ORGANIZATION_ENTITY.type]);

export class RolePermits {
  readonly #permits = new WeakMap<Rules, Map<string, Permit>>();

  /** Undefined: the decision must be made. */
  find(rules: Rules, question: Question): Permit | undefined {
    return isCacheable(question) ? this.#permits.get(rules)?.get(keyOf(question)) : undefined;
  }

  /** Keeps the permit of a decision if it depends on roles only. */
  keep(question: Question, inquiry: Inquiry, permit: Permit): void {
    if (!isCacheable(question)) return;
    const type = typeOf(question.target.kind);
    if (SCOPES.has(type) || candidatesOf(inquiry, type).length > 0) return;
    if (candidatesOf(inquiry, type, auditSetsOf(inquiry)).length > 0) return;
    const permits = this.#permits.get(inquiry.rules) ?? new Map<string, Permit>();
    if (permits.size >= CACHED) permits.clear();
    this.#permits.set(inquiry.rules, permits.set(keyOf(question), permit));
  }
}

/** Reads of one resource. A list and a page of events also have a filter of rows, and a write depends on more. */
function isCacheable({ operation: { action, mode }, target }: Question): boolean {
  return (
    mode !== 'write' &&
    target.name !== undefined &&
    target.desired === undefined &&
    action.endsWith(':read') &&
    action !== 'event:read'
  );
}

/** None of the parts contains a line break. */
function keyOf({ principal, operation, project, target }: Question): string {
  return `${principal.type}\n${principal.id}\n${operation.action}\n${project}\n${target.kind}`;
}
