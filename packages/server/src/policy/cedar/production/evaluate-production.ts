/** Evaluates policies that use facts against resources in production, without a request. */
import type { Facts, FactSubject, PolicyMode } from '@dais/api/access';
import { presentResource, readResource } from '#kernel/store.ts';
import { tenantNames } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { PolicyEngine } from '#policy/policy-engine.ts';
import type { CompiledPolicy } from '#policy/cedar/language/compile-policy.ts';
import { auditSetsOf, authorize, setsOf, type Inquiry } from '#policy/cedar/authorize.ts';
import { factNames, type ActionModel, type Model } from '#policy/cedar/model.ts';
import { PolicySet } from '#policy/cedar/language/policy-set.ts';
import type { FactCause, LineageNames, ProductionResource, ProductionSource } from './contract.ts';
import { unknownSentence } from '#policy/cedar/denial-message.ts';
import { resourceEntity, resourceUid } from '#policy/cedar/resource-entity.ts';
import type { Rules } from '#policy/cedar/rules.ts';
import { usedFacts, versionContext } from '#policy/cedar/target-view.ts';
import { NO_ATTRIBUTES } from '#policy/cedar/language/values.ts';
import type { FoundViolation } from './violation-store.ts';

export interface ProductionDependencies {
  readonly engine: PolicyEngine;
  readonly sources: readonly ProductionSource[];
  readonly lineage: LineageNames;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
}

/** A policy that can be evaluated without a request. */
export interface StatePolicy {
  readonly policy: CompiledPolicy;
  readonly mode: PolicyMode;
  readonly set: PolicySet;
}

/** Returns the policies that use facts and decide by the state of a resource alone. */
export function statePolicies(rules: Rules, project: string): readonly StatePolicy[] {
  return factPolicies(rules, project).flatMap(({ policy, mode }) =>
    requestReason(policy) === undefined
      ? [{ policy, mode, set: new PolicySet([policy], [], rules.model.actionEntities) }]
      : [],
  );
}

/** Returns the policies that use facts and need a request, with the reason. */
export function requestPolicies(rules: Rules, project: string) {
  return factPolicies(rules, project).flatMap(({ policy }) => {
    const reason = requestReason(policy);
    return reason === undefined ? [] : [{ policy: policy.id, reason }];
  });
}

function factPolicies(rules: Rules, project: string) {
  const modes = [
    ['enforce', setsOf({ rules, project })],
    ['audit', auditSetsOf({ rules, project })],
  ] as const;
  return modes.flatMap(([mode, sets]) =>
    sets.flatMap((set) => set.policies.filter(({ readsFacts }) => readsFacts).map((policy) => ({ policy, mode }))),
  );
}

/** Why a policy cannot be evaluated without a request; undefined when it can. */
function requestReason({ effect, exact, isAboutState }: CompiledPolicy): string | undefined {
  if (effect === 'permit') return 'It is a permit policy; only forbid policies can be violated.';
  if (!exact) return 'It uses an expression that only the reference implementation of Cedar can evaluate.';
  return isAboutState ? undefined : 'It depends on the principal or the context of a request.';
}

/** Forbid policies for these principals do not constrain production. */
const VERBS_NOT_EVALUATED: ReadonlySet<string | undefined> = new Set(['read', 'delete']);

/** The action for the evaluation of a policy: a write that it applies to, else another action. */
function actionFor(model: Model, set: PolicySet, kind: string): ActionModel | undefined {
  const type = model.kinds.get(kind)?.type ?? '';
  const found = [...model.actions.values()].filter(
    ({ action, uid, kinds }) =>
      kinds.includes(kind) && !VERBS_NOT_EVALUATED.has(action.split(':')[1]) && set.candidates(uid, type).length > 0,
  );
  return found.find(({ writes }) => writes) ?? found[0];
}

export interface EvaluationScope {
  readonly project: string;
  readonly projectId: string;
  readonly rules: Rules;
  readonly policies: readonly StatePolicy[];
}

interface Evaluated {
  readonly found: readonly Found[];
  readonly facts: Facts;
  readonly names: ReadonlySet<string>;
}

/** Evaluates policies on the current state of a resource, or on its `desired` state. */
async function evaluateState(
  engine: PolicyEngine,
  tx: Transaction,
  { project, projectId, rules, policies }: EvaluationScope,
  { alias, ...subject }: FactSubject & { readonly alias?: string | undefined },
): Promise<Evaluated | undefined> {
  const { kind, name, version, desired } = subject;
  const model = rules.model.kinds.get(kind);
  const row = await readResource(tx.sql, projectId, kind, name);
  if (model === undefined || row === undefined) return undefined;
  const candidates = policies.flatMap((one) => {
    const action = actionFor(rules.model, one.set, kind);
    return action === undefined ? [] : [{ ...one, action }];
  });
  const names = usedFacts(
    candidates.map(({ policy }) => policy),
    factNames(rules.model, kind),
  );
  if (names === undefined) return undefined;
  const facts = await engine.factsIn(tx, projectId)(subject, names);
  const present = presentResource(row, project);
  const resource = desired === undefined ? present : { ...present, spec: { ...desired.spec } };
  const entity = resourceEntity(model, resource, project, facts);
  const context = versionContext(NO_ATTRIBUTES, { version: version ?? undefined, alias });
  const found: Found[] = [];
  for (const { policy, mode, set, action } of candidates) {
    const inquiry: Inquiry = { rules, ...MISSING_USER_UID, action, context, project };
    const { reasons, errors } = authorize(inquiry, resourceUid(kind, project, name), entity, [set]);
    if (errors.length > 0) found.push({ policy, mode, result: 'unknown', unknown: facts.unknown });
    else if (reasons.length > 0) found.push({ policy, mode, result: 'violated', unknown: facts.unknown });
  }
  return { found, facts, names };
}

/** Policies about state do not use the principal. */
const MISSING_USER_UID = {
  principal: resourceUid('User', '', ''),
  principalEntity: { attributes: NO_ATTRIBUTES, tags: NO_ATTRIBUTES, ancestors: new Set<string>() },
} as const;

/** Returns the violations of one resource. */
export async function evaluateResource(
  { engine, sources, lineage }: ProductionDependencies,
  tx: Transaction,
  scope: EvaluationScope,
  resource: ProductionResource,
): Promise<readonly FoundViolation[]> {
  const { kind, name, uid, alias, version } = resource;
  const subject = { kind, name, uid, ...(version !== undefined && { version }) };
  const evaluated = await evaluateState(engine, tx, scope, { ...subject, alias });
  if (evaluated === undefined || evaluated.found.length === 0) return [];
  const { found, facts, names } = evaluated;
  const causes = (await sources.find((one) => one.kind === kind)?.explain(tx, subject, names)) ?? [];
  const paths = new Map(found.map((one) => [one, causeOf(one, causes)] as const));
  const known = await lineage.names(tx, [...new Set([...paths.values()].flatMap((cause) => cause?.path ?? []))]);
  return found.map((one): FoundViolation => ({
    policy: one.policy.id,
    mode: one.mode,
    kind,
    name,
    ...(alias !== undefined && { alias }),
    ...(version !== undefined && { version }),
    result: one.result,
    reason: reasonOf(one),
    facts: Object.fromEntries(
      Object.entries(facts.values).filter(([fact]) => uses(one.policy, fact)),
    ) as FoundViolation['facts'],
    path: pathOf(resource, paths.get(one), known),
  }));
}

/** An endpoint, and its spec with the model that it would serve. */
export interface PlannedServing {
  readonly uid: string;
  readonly name: string;
  readonly spec: Readonly<Record<string, unknown>>;
}

/**
 * Returns why a policy in enforce mode refuses that an endpoint serves a model; undefined when none does. For what starts
 * without a request: a rollout after an alias moved. In a transaction in the endpoint's project.
 */
export async function servingRefusal(
  engine: PolicyEngine,
  tx: Transaction,
  { uid, name, spec }: PlannedServing,
): Promise<string | undefined> {
  const { projectId } = tx;
  const project = (await tenantNames(tx.sql, [projectId])).get(projectId) ?? '';
  const rules = await engine.rules.current(tx.sql);
  const policies = statePolicies(rules, project).filter(({ mode }) => mode === 'enforce');
  if (policies.length === 0) return undefined;
  const scope = { project, projectId, rules, policies };
  const evaluated = await evaluateState(engine, tx, scope, {
    kind: 'Endpoint',
    name,
    uid,
    desired: { labels: {}, spec },
  });
  const [first] = evaluated?.found ?? [];
  if (first === undefined) return undefined;
  const reason = reasonOf(first);
  return `Policy "${first.policy.id}": ${first.result === 'unknown' ? `The evaluation failed: ${reason}` : reason}`;
}

interface Found {
  readonly policy: CompiledPolicy;
  readonly mode: PolicyMode;
  readonly result: FoundViolation['result'];
  readonly unknown: Readonly<Record<string, string>>;
}

function uses({ facts }: CompiledPolicy, fact: string): boolean {
  return facts === 'all' || facts.has(fact);
}

function causeOf({ policy, result, unknown }: Found, causes: readonly FactCause[]): FactCause | undefined {
  const own = causes.filter(({ fact }) => uses(policy, fact));
  return (result === 'unknown' ? own.find(({ fact }) => fact in unknown) : undefined) ?? own[0];
}

function reasonOf({ policy, result, unknown }: Found): string {
  if (result === 'unknown')
    return unknownSentence(policy, unknown) ?? 'The policy cannot be evaluated for this resource.';
  const message = policy.annotations['message'];
  return typeof message === 'string' && message !== '' ? message.replace(/\.?$/, '.') : 'The policy forbids it.';
}

function pathOf(
  { kind, name, uid, alias }: ProductionResource,
  cause: FactCause | undefined,
  names: ReadonlyMap<string, string>,
): FoundViolation['path'] {
  const start =
    kind === 'Endpoint'
      ? { type: 'endpoint' as const, name, node: `endpoint:${uid}` }
      : { type: 'alias' as const, name: `${name}@${alias ?? ''}` };
  if (cause === undefined) return [start];
  const nodes = cause.path.map((key) => ({
    type: key.slice(0, key.indexOf(':')) as FoundViolation['path'][number]['type'],
    name: names.get(key) ?? key.slice(key.indexOf(':') + 1),
    node: key,
  }));
  const { variants = [] } = cause;
  const variant = variants.length === 0 ? [] : [{ type: 'variant' as const, name: variants.join(', ') }];
  return [start, ...variant, ...nodes, { type: 'cause', name: cause.cause }];
}
