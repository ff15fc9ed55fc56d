/** Decisions about one principal and one action: on a resource, or on all the rows of a collection. */
import { recordToJson, UnknownConstruct, type EntityJson, type UidJson } from './language/cedar-json.ts';
import type { RequestScope } from './language/compile-expression.ts';
import type { CompiledPolicy } from './language/compile-policy.ts';
import { typeOf, type ActionModel, type KindModel } from './model.ts';
import { decideByWasm } from './language/oracle.ts';
import { decide, type PolicySet, type PolicyDecision } from './language/policy-set.ts';
import { all, ALWAYS, any, mayBeUnknown, NEVER, not, type RowCondition } from './rows/row-condition.ts';
import { compileRows, Inexpressible, rowIn, type Collection } from './rows/row-compile.ts';
import { bareEntity, collectionOf, resourceUid } from './resource-entity.ts';
import type { Rules } from './rules.ts';
import {
  EntityUid,
  EvaluationError,
  NO_ATTRIBUTES,
  type CedarRecord,
  type Entity,
  type EntityStore,
} from './language/values.ts';

export interface Inquiry {
  readonly rules: Rules;
  readonly principal: EntityUid;
  readonly principalEntity: Entity;
  readonly action: ActionModel;
  readonly context: CedarRecord;
  /** Name of the project; empty for the organization. */
  readonly project: string;
}

/** The policy sets that apply in a project. */
export function setsOf({ rules, project }: Pick<Inquiry, 'rules' | 'project'>): readonly PolicySet[] {
  const own = rules.projects.get(project);
  return own === undefined ? [rules.organization] : [rules.organization, own];
}

/** The sets in audit mode that apply to a project: they decide nothing. */
export function auditSetsOf({ rules, project }: Pick<Inquiry, 'rules' | 'project'>): readonly PolicySet[] {
  const own = rules.audited.projects.get(project);
  return own === undefined ? [rules.audited.organization] : [rules.audited.organization, own];
}

/** The policies that could apply to a type of resource. */
export function candidatesOf(
  inquiry: Inquiry,
  resourceType: string,
  sets: readonly PolicySet[] = setsOf(inquiry),
): readonly CompiledPolicy[] {
  return sets.flatMap((set) => set.candidates(inquiry.action.uid, resourceType));
}

/** Cedar's decision, with one difference: an error in any policy denies. */
export function authorize(
  inquiry: Inquiry,
  resource: EntityUid,
  entity: Entity,
  sets: readonly PolicySet[] = setsOf(inquiry),
): PolicyDecision {
  const request = requestOf(inquiry, resource, entity);
  const exact =
    inquiry.rules.cedar === undefined || candidatesOf(inquiry, resource.type, sets).every((policy) => policy.exact);
  const decision = exact ? decide(sets, request) : authorizeByWasm(inquiry, request, entity, sets);
  return decision.errors.length === 0 ? decision : { ...decision, allowed: false, reasons: decision.errors };
}

function requestOf(inquiry: Inquiry, resource: EntityUid, entity: Entity | undefined): RequestScope {
  const { principal, action, context } = inquiry;
  return { principal, action: action.uid, resource, context, entities: new RequestEntities(inquiry, resource, entity) };
}

/** The principal, the resource, and the common data of all requests: actions and teams. */
class RequestEntities implements EntityStore {
  readonly #inquiry: Inquiry;
  readonly #resource: EntityUid;
  readonly #entity: Entity | undefined;

  constructor(inquiry: Inquiry, resource: EntityUid, entity: Entity | undefined) {
    this.#inquiry = inquiry;
    this.#resource = resource;
    this.#entity = entity;
  }

  get(key: string): Entity | undefined {
    const { principal, principalEntity, rules } = this.#inquiry;
    if (key === this.#resource.key && this.#entity !== undefined) return this.#entity;
    if (key === principal.key) return principalEntity;
    const action = rules.model.actionEntities.get(key);
    if (action !== undefined) return action;
    const above = rules.teams.get(key);
    return above === undefined ? undefined : { attributes: NO_ATTRIBUTES, tags: NO_ATTRIBUTES, ancestors: above };
  }
}

function authorizeByWasm(
  inquiry: Inquiry,
  request: RequestScope,
  entity: Entity,
  sets: readonly PolicySet[],
): PolicyDecision {
  const { rules, principal, principalEntity } = inquiry;
  if (rules.cedar === undefined) throw new Error('a policy requires cedar-wasm, which is not loaded');
  const entities = new Map<string, Entity>([
    ...rules.model.actionEntities,
    [principal.key, principalEntity],
    [request.resource.key, entity],
  ]);
  const uid = ({ type, id }: EntityUid): UidJson => ({ type, id });
  return decideByWasm(
    rules.cedar,
    {
      policies: sets.flatMap((set) => set.policies),
      links: sets.flatMap((set) => set.links),
    },
    {
      principal: uid(principal),
      action: uid(request.action),
      resource: uid(request.resource),
      context: recordToJson(request.context),
      entities: [...entities].map(([key, one]) => entityJson(key, one)),
    },
  );
}

function entityJson(key: string, { attributes, tags, ancestors }: Entity): EntityJson {
  return {
    uid: uidOfKey(key),
    attrs: recordToJson(attributes),
    tags: recordToJson(tags),
    parents: [...ancestors].map(uidOfKey),
  };
}

function uidOfKey(key: string): UidJson {
  const at = key.indexOf('::"');
  return { type: key.slice(0, at), id: key.slice(at + 3) };
}

/**
 * Returns whether a policy can apply to the action of the inquiry on a resource of this kind, as far as this is known
 * for all resources together.
 */
export function mayApply(inquiry: Inquiry, policy: CompiledPolicy, kind: string): boolean {
  const { rules, project, action } = inquiry;
  if (!policy.appliesToAction(action.uid, rules.model.actionEntities)) return false;
  const known = rules.model.kinds.get(kind);
  const type = known?.type ?? typeOf(kind);
  if (policy.resourceType !== undefined && policy.resourceType !== type) return false;
  if (known !== undefined) {
    const rows = collectionOf(known, project);
    return rowsOf(policy, known)?.(requestOf(inquiry, new EntityUid(type, ''), undefined), rows)?.op !== 'never';
  }
  try {
    return policy.applies(requestOf(inquiry, resourceUid(kind, project, project), bareEntity(project)));
  } catch (error) {
    if (error instanceof EvaluationError) return false;
    throw error;
  }
}

export interface CollectionDecision {
  /** The rows for which the action is permitted; undefined if the decision requires each row. */
  readonly condition: RowCondition | undefined;
  /** Ids of policies that permit it for some row. */
  readonly permits: readonly string[];
  /** Ids of policies that forbid it for some row. */
  readonly forbids: readonly string[];
  /** The policies among them that forbid the action for every row. */
  readonly forbidAll: readonly string[];
}

/** Decides for all rows together. */
export function authorizeCollection(inquiry: Inquiry, rows: Collection): CollectionDecision {
  const request = requestOf(inquiry, new EntityUid(rows.kind.type, ''), undefined);
  const sides = { permit: [] as Side[], forbid: [] as Side[] };
  for (const policy of candidatesOf(inquiry, rows.kind.type)) {
    const condition = rowsOf(policy, rows.kind)?.(request, rows);
    if (condition?.op !== 'never') sides[policy.effect].push({ id: policy.id, condition });
  }
  for (const set of setsOf(inquiry)) {
    for (const link of set.roles(request)) {
      const condition = rowIn(rows, link.resource);
      if (condition.op !== 'never') sides.permit.push({ id: link.id, condition });
    }
  }
  const ids = (side: readonly Side[]) => [...new Set(side.map(({ id }) => id))].toSorted();
  return {
    condition: combined(sides.permit, sides.forbid),
    permits: ids(sides.permit),
    forbids: ids(sides.forbid),
    forbidAll: ids(sides.forbid.filter(({ condition }) => condition?.op === 'always')),
  };
}

interface Side {
  readonly id: string;
  readonly condition: RowCondition | undefined;
}

function combined(permits: readonly Side[], forbids: readonly Side[]): RowCondition | undefined {
  if (permits.length === 0 || forbids.some(({ condition }) => condition?.op === 'always')) return NEVER;
  const permitted = permits.flatMap(({ condition }) => condition ?? []);
  const forbidden = forbids.flatMap(({ condition }) => condition ?? []);
  if (forbidden.length < forbids.length) return undefined;
  // An undecidable condition is irrelevant if another condition permits all rows.
  const certain = permitted.some(({ op }) => op === 'always');
  if (permitted.length < permits.length && !certain) return undefined;
  const guards = [...permitted, ...forbidden].filter(mayBeUnknown).map((part): RowCondition => ({ op: 'known', part }));
  return all([certain ? ALWAYS : any(permitted), not(any(forbidden)), ...guards]);
}

type RowsOf = ReturnType<typeof compileRows> | undefined;

const compiledRows = new WeakMap<CompiledPolicy, Map<string, RowsOf>>();

/** Compiled on first use; undefined if the policy uses attributes that rows cannot be filtered by. */
function rowsOf(policy: CompiledPolicy, kind: KindModel): RowsOf {
  const known = compiledRows.get(policy) ?? new Map<string, RowsOf>();
  compiledRows.set(policy, known);
  if (!known.has(kind.type)) known.set(kind.type, tryRows(policy, kind));
  return known.get(kind.type);
}

function tryRows(policy: CompiledPolicy, kind: KindModel): RowsOf {
  try {
    return compileRows(policy.json, kind);
  } catch (error) {
    if (error instanceof Inexpressible || error instanceof UnknownConstruct) return undefined;
    throw error;
  }
}
