import type { RequestScope } from './compile-expression.ts';
import type { CompiledPolicy } from './compile-policy.ts';
import { EvaluationError, isIn, type EntityStore, type EntityUid } from './values.ts';

/** A role binding: `permit(principal in WHO, action in ROLE, resource in WHERE)`. */
export interface RoleLink {
  readonly id: string;
  readonly principal: EntityUid;
  /** The action group. */
  readonly role: EntityUid;
  readonly resource: EntityUid;
}

/** Cedar's decision: forbid policies override permit policies, and the default is to deny. */
export interface PolicyDecision {
  readonly allowed: boolean;
  /** Sorted ids of the decisive policies: the forbidding ones, else the permitting ones. */
  readonly reasons: readonly string[];
  /** Ids of policies that have no value for this request; sorted. */
  readonly errors: readonly string[];
}

/**
 * Indexed policies and role links. A policy is found by action and resource type, a link by its principal. The cost of
 * a decision therefore does not depend on policies for other resources or on roles of other principals.
 */
export class PolicySet {
  readonly policies: readonly CompiledPolicy[];
  readonly links: readonly RoleLink[];
  readonly #actions: EntityStore;
  readonly #byQuestion = new Map<string, readonly CompiledPolicy[]>();
  readonly #byPrincipal = new Map<string, RoleLink[]>();

  /** `actions` contains every action with its groups. */
  constructor(policies: readonly CompiledPolicy[], links: readonly RoleLink[], actions: EntityStore) {
    this.policies = policies;
    this.links = links;
    this.#actions = actions;
    for (const link of links) {
      const { key } = link.principal;
      const before = this.#byPrincipal.get(key);
      if (before === undefined) this.#byPrincipal.set(key, [link]);
      else before.push(link);
    }
  }

  /** The policies that can apply to an action on a type of resource. */
  candidates(action: EntityUid, resourceType: string): readonly CompiledPolicy[] {
    // Actions and types of the schema: there are few.
    const question = `${action.key} ${resourceType}`;
    let found = this.#byQuestion.get(question);
    if (found === undefined) {
      found = this.policies.filter(
        (policy) =>
          (policy.resourceType === undefined || policy.resourceType === resourceType) &&
          policy.appliesToAction(action, this.#actions),
      );
      this.#byQuestion.set(question, found);
    }
    return found;
  }

  /** The links that permit an action to a principal, for resources at any location. */
  roles({ principal, action, entities }: Pick<RequestScope, 'principal' | 'action' | 'entities'>): readonly RoleLink[] {
    if (this.#byPrincipal.size === 0) return [];
    const found: RoleLink[] = [];
    const collect = (key: string) => {
      for (const link of this.#byPrincipal.get(key) ?? []) if (isIn(this.#actions, action, link.role)) found.push(link);
    };
    collect(principal.key);
    for (const ancestor of entities.get(principal.key)?.ancestors ?? []) collect(ancestor);
    return found;
  }
}

/** Decides over several sets together, as one set of all their policies would. */
export function decide(sets: readonly PolicySet[], request: RequestScope): PolicyDecision {
  const permits: string[] = [];
  const forbids: string[] = [];
  const errors: string[] = [];
  for (const set of sets) {
    for (const policy of set.candidates(request.action, request.resource.type)) {
      try {
        if (policy.applies(request)) (policy.effect === 'permit' ? permits : forbids).push(policy.id);
      } catch (error) {
        if (!(error instanceof EvaluationError)) throw error;
        errors.push(policy.id);
      }
    }
    for (const link of set.roles(request)) {
      if (isIn(request.entities, request.resource, link.resource)) permits.push(link.id);
    }
  }
  const allowed = forbids.length === 0 && permits.length > 0;
  return { allowed, reasons: [...new Set(allowed ? permits : forbids)].toSorted(), errors: errors.toSorted() };
}
