/** Test cases of a policy: synthetic requests, decided by the policies of the text alone. */
import type { Model } from '#policy/cedar/model.ts';
import { actionUid, NAMESPACE, ORGANIZATION_ADMIN, ORGANIZATION_ENTITY, typeOf } from '#policy/cedar/model.ts';
import { recordOf, uidOf, type AnyUidJson } from '#policy/cedar/language/cedar-json.ts';
import type { RequestScope } from '#policy/cedar/language/compile-expression.ts';
import type { CompiledPolicy } from '#policy/cedar/language/compile-policy.ts';
import { decide, PolicySet, type RoleLink } from '#policy/cedar/language/policy-set.ts';
import { ancestorsIn, plainValue, projectEntity, resourceUid } from '#policy/cedar/resource-entity.ts';
import { closure } from '#policy/cedar/language/entities.ts';
import { Datetime, EntityUid, NO_ATTRIBUTES, type CedarValue, type Entity } from '#policy/cedar/language/values.ts';

/** The format of `spec.tests`. */
export interface PolicyCase {
  readonly name: string;
  readonly principal: string;
  readonly action: string;
  readonly resource: string;
  readonly entities?: readonly Readonly<Record<string, unknown>>[] | undefined;
  readonly context?: Readonly<Record<string, unknown>> | undefined;
  readonly expect: 'allow' | 'deny' | 'refused' | 'silent';
}

export interface CaseResult {
  readonly name: string;
  readonly passed: boolean;
  readonly expected: string;
  readonly actual: string;
  readonly reasons: readonly string[];
}

/** A test case is not a valid request; the message contains the reason. */
export class UnreadableCase extends Error {}

/** A fixed time, so that a test case has the same result every day; `context.now` sets another. */
const CASE_TIME = Date.UTC(2026, 0, 1, 12);

/**
 * @param project of the policy; empty for the organization. @throws UnreadableCase, EvaluationError, UnknownConstruct
 */
export function runCase(
  model: Model,
  policies: readonly CompiledPolicy[],
  one: PolicyCase,
  project: string,
): CaseResult {
  const { request, roles } = readCase(model, one, project);
  const alone = decide([new PolicySet(policies, [], model.actionEntities)], request);
  const whole = decide([new PolicySet(policies, roles, model.actionEntities)], request);
  const refused = alone.errors.length > 0 || (!alone.allowed && alone.reasons.length > 0);
  const decision = whole.allowed && whole.errors.length === 0 ? 'allow' : 'deny';
  const own = refused ? 'refused' : alone.allowed ? 'allow' : 'silent';
  const actual = one.expect === 'allow' || one.expect === 'deny' ? decision : own;
  const reasons = one.expect === 'allow' || one.expect === 'deny' ? whole.reasons : alone.reasons;
  return { name: one.name, passed: actual === one.expect, expected: one.expect, actual, reasons };
}

interface CaseEntity {
  readonly attrs: Readonly<Record<string, unknown>>;
  readonly parents: readonly EntityUid[];
  readonly tags: Readonly<Record<string, unknown>>;
}

function readCase(model: Model, one: PolicyCase, project: string) {
  const given = new Map((one.entities ?? []).map(readEntity));
  const action = model.actions.get(one.action);
  if (action === undefined) throw new UnreadableCase(`there is no action "${one.action}"`);
  const principal = readPrincipal(one.principal);
  const resource = readResource(model, one.resource, project);
  const [, kind = ''] = resource.uid.type.split('::');
  if (!action.kinds.includes(kind)) {
    throw new UnreadableCase(`${one.action} applies to ${action.kinds.join(' or ')}, not to ${kind}`);
  }
  const parents = new Map([...given].map(([key, entity]) => [key, entity.parents.map((parent) => parent.key)]));
  const made = new Map<string, Entity>(model.actionEntities);
  for (const [key, entity] of given) made.set(key, completed(model, key, entity, closure(key, parents)));
  const add = (uid: EntityUid, name: string, above: ReadonlySet<string>) => {
    const known = given.get(uid.key) ?? { attrs: {}, parents: [], tags: {} };
    const ancestors = new Set([...above, ...closure(uid.key, parents)]);
    made.set(uid.key, completed(model, uid.key, { ...known, attrs: { name, ...known.attrs } }, ancestors));
  };
  add(principal, principal.id, new Set([ORGANIZATION_ENTITY.key]));
  add(resource.uid, resource.name, ancestorsIn(resource.project));
  const context = new Map<string, CedarValue>([
    ['authMethod', 'password'],
    ['mfa', false],
    ['now', new Datetime(BigInt(CASE_TIME))],
    ...recordOf(one.context ?? {}),
  ]);
  const request: RequestScope = { principal, action: action.uid, resource: resource.uid, context, entities: made };
  return { request, roles: rolesOf(principal, given.get(principal.key), resource.project) };
}

/** A role is a group of actions: a principal of a case has it as a parent. */
function rolesOf(principal: EntityUid, given: CaseEntity | undefined, project: string): readonly RoleLink[] {
  const groups = (given?.parents ?? []).filter(({ type }) => type === `${NAMESPACE}::Action`);
  return groups.map((group) => ({
    id: `role ${group.id}`,
    principal,
    role: project === '' && group.id === 'admin' ? actionUid(ORGANIZATION_ADMIN) : group,
    resource: projectEntity(project),
  }));
}

function readEntity(json: Readonly<Record<string, unknown>>): [string, CaseEntity] {
  const {
    uid,
    attrs = {},
    parents = [],
    tags = {},
  } = json as Partial<{
    uid: AnyUidJson;
    attrs: Record<string, unknown>;
    parents: readonly AnyUidJson[];
    tags: Record<string, unknown>;
  }>;
  if (typeof uid !== 'object' || !Array.isArray(parents)) {
    throw new UnreadableCase('an entity requires `uid: {type, id}`; `attrs`, `parents` and `tags` are optional');
  }
  return [namespaced(uid).key, { attrs, parents: (parents as readonly AnyUidJson[]).map(namespaced), tags }];
}

/** The namespace may be left out. */
function namespaced(json: AnyUidJson): EntityUid {
  const { type, id } = uidOf(json);
  if (typeof type !== 'string' || typeof id !== 'string')
    throw new UnreadableCase('a uid requires the strings `type` and `id`');
  return new EntityUid(type.includes('::') ? type : typeOf(type), id);
}

/** Attributes that a test case omits have the defaults of a resource. */
function completed(model: Model, key: string, given: CaseEntity, ancestors: ReadonlySet<string>): Entity {
  const [, kind = ''] = key.slice(0, key.indexOf('::"')).split('::');
  const attributes = new Map<string, CedarValue>(
    (model.kinds.get(kind)?.attributes ?? []).map(({ name, fallback }) => [name, plainValue(fallback)]),
  );
  for (const [name, value] of recordOf(given.attrs)) attributes.set(name, value);
  const tags = Object.keys(given.tags).length === 0 ? NO_ATTRIBUTES : recordOf(given.tags);
  return { attributes, tags, ancestors };
}

function readPrincipal(text: string): EntityUid {
  const match = /^(user|service):(.+)$/.exec(text);
  if (match === null) throw new UnreadableCase(`"${text}" is not a principal; use user:NAME or service:NAME`);
  return resourceUid(match[1] === 'user' ? 'User' : 'ServiceAccount', '', match[2] ?? '');
}

export interface NamedResource {
  readonly uid: EntityUid;
  readonly kind: string;
  readonly name: string;
  readonly project: string;
}

/** `Secret/name`, `Secret/project/name`, `Event`. @throws UnreadableCase */
export function readResource(model: Model, text: string, project: string): NamedResource {
  const [kind = '', first, ...rest] = text.split('/');
  const spec = model.kinds.get(kind)?.spec;
  const known = spec !== undefined || [...model.actions.values()].some(({ kinds }) => kinds.includes(kind));
  if (!known) throw new UnreadableCase(`there is no kind "${kind}"`);
  if (spec?.scope === 'org') {
    const name = [first ?? '', ...rest].join('/');
    return { uid: resourceUid(kind, '', name), kind, name, project: '' };
  }
  const named = rest.length > 0 ? (first ?? '') : project === '' ? 'default' : project;
  const name = rest.length > 0 ? rest.join('/') : (first ?? '');
  const id = spec === undefined ? projectEntity(named).id : name;
  return { uid: resourceUid(kind, named, id), kind, name, project: named };
}
