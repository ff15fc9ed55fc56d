/** The policy schema: entity types, actions and their groups, derived from the kinds and operations. */
import type { SchemaJson, Type, TypeOfAttribute } from '@cedar-policy/cedar-wasm/nodejs';
import type { Attribute, KindSpec, Operation } from '@dais/api';
import { factsOfKind, type FurtherAction, type Role } from '@dais/api/access';
import type { FactProvider } from '#kernel/principal.ts';
import { closure } from './language/entities.ts';
import { EntityUid, NO_ATTRIBUTES, type Entity } from './language/values.ts';

export const NAMESPACE = 'Dais';
/** The one entity of type Org: everything is in it. */
export const ORGANIZATION_ENTITY = new EntityUid(`${NAMESPACE}::Org`, 'organization');
/** Authenticated principals. */
export const SELF_GROUP = 'self';
/** `admin` and actions of the whole organization: an admin of one project cannot change projects. */
export const ORGANIZATION_ADMIN = 'organizationAdmin';

/** Kinds of a project whose resources grant permissions: only admins write them. */
const GOVERNING_KINDS: ReadonlySet<string> = new Set(['Policy', 'RoleBinding']);
const PRINCIPAL_KINDS = ['User', 'ServiceAccount'] as const;

export interface ModelDefinitions {
  readonly kinds: readonly { readonly spec: KindSpec; readonly facts?: FactProvider }[];
  readonly operations: readonly Operation[];
  readonly further: readonly FurtherAction[];
  readonly roles: readonly Role[];
}

export interface KindModel {
  readonly spec: KindSpec;
  readonly type: string;
  /** What every resource has and what the kind declares. */
  readonly attributes: readonly Attribute[];
}

export interface ActionModel {
  readonly action: string;
  readonly uid: EntityUid;
  /** Kinds of its targets. */
  readonly kinds: readonly string[];
  /** Roles that permit it; `organizationAdmin` among them. */
  readonly groups: readonly string[];
  readonly writes: boolean;
  /** The action exists in projects; otherwise only in the organization. */
  readonly inProjects: boolean;
}

export interface Model {
  readonly schema: SchemaJson<string>;
  readonly kinds: ReadonlyMap<string, KindModel>;
  readonly actions: ReadonlyMap<string, ActionModel>;
  /** Names of the facts about a kind, by the kind. */
  readonly facts: ReadonlyMap<string, readonly string[]>;
  /** Actions and groups with what they are in. */
  readonly actionEntities: ReadonlyMap<string, Entity>;
}

/** Names of the facts that policies may use about a kind. */
export function factNames(model: Pick<Model, 'facts'>, kind: string): readonly string[] {
  return model.facts.get(kind) ?? [];
}

/** Attributes that every resource has. */
const COMMON: readonly Attribute[] = [
  { name: 'name', path: 'metadata.name', type: 'string', fallback: '', description: 'Name of the resource.' },
  {
    name: 'origin',
    path: 'metadata.origin',
    type: 'string',
    fallback: '',
    description: 'Origin of the resource, for example `apply`.',
  },
  {
    name: 'owner',
    path: 'metadata.owner',
    type: 'string',
    fallback: '',
    description: 'Set of manifests that contains the resource.',
  },
];

export function actionUid(action: string): EntityUid {
  return new EntityUid(`${NAMESPACE}::Action`, action);
}

export function typeOf(kind: string): string {
  return `${NAMESPACE}::${kind}`;
}

export function buildModel(definitions: ModelDefinitions): Model {
  const kinds = new Map(
    definitions.kinds.map(({ spec }): [string, KindModel] => [
      spec.kind,
      { spec, type: typeOf(spec.kind), attributes: [...COMMON, ...(spec.attributes ?? [])] },
    ]),
  );
  const actions = buildActions(definitions, kinds);
  return {
    schema: buildSchema(definitions, kinds, actions),
    kinds,
    actions,
    facts: new Map(
      definitions.kinds.flatMap(({ spec, facts }) => (facts === undefined ? [] : [[spec.kind, facts.names]])),
    ),
    actionEntities: buildActionEntities(definitions, actions),
  };
}

function buildActions({ operations, further }: ModelDefinitions, kinds: ReadonlyMap<string, KindModel>) {
  const actions = new Map<string, ActionModel>();
  const add = (
    action: string,
    kind: string | undefined,
    groups: readonly string[],
    writes: boolean,
    inProjects: boolean,
  ) => {
    const known = actions.get(action);
    actions.set(action, {
      action,
      uid: actionUid(action),
      kinds: [...new Set([...(known?.kinds ?? []), ...(kind === undefined ? [] : [kind])])],
      groups: [...new Set([...(known?.groups ?? []), ...groups])],
      writes: writes || known?.writes === true,
      inProjects: inProjects || known?.inProjects === true,
    });
  };
  for (const operation of operations) {
    if (operation.public === true) continue;
    const kind = targetKind(operation);
    add(
      operation.action,
      kind,
      groupsOf(operation, kind === undefined ? undefined : kinds.get(kind)?.spec),
      operation.mode === 'write',
      operation.scope === 'project',
    );
  }
  for (const { action, kind, roles } of further)
    add(action, kind, [...roles, 'admin'], false, kinds.get(kind)?.spec.scope !== 'org');
  return actions;
}

/** The kind that an operation always applies to; undefined if only the handler can determine it. */
function targetKind({ target }: Operation): string | undefined {
  return target?.({ name: 'name', principal: 'user:x', manifest: { metadata: { name: 'name' }, spec: {} } }).kind;
}

/** Action groups that hold an operation's action; see `Operation.roles`. */
function groupsOf({ action, mode, scope, self, roles }: Operation, kind: KindSpec | undefined): readonly string[] {
  if (self === true) return [SELF_GROUP];
  if (roles !== undefined) return [...roles, scope === 'org' && mode === 'write' ? ORGANIZATION_ADMIN : 'admin'];
  if (mode !== 'write') return ['viewer', 'operator', 'editor', 'approver', 'admin'];
  if (scope === 'org') return [ORGANIZATION_ADMIN];
  if (kind === undefined || GOVERNING_KINDS.has(kind.kind)) return ['admin'];
  const verb = action.split(':')[1];
  if (verb === 'approve') return ['approver', 'admin'];
  return verb === 'write' || verb === 'delete' ? ['editor', 'admin'] : ['operator', 'editor', 'admin'];
}

function buildActionEntities({ roles }: ModelDefinitions, actions: ReadonlyMap<string, ActionModel>) {
  const parents = new Map<string, readonly string[]>([[actionUid('admin').key, [actionUid(ORGANIZATION_ADMIN).key]]]);
  for (const { uid, groups } of actions.values())
    parents.set(
      uid.key,
      groups.map((group) => actionUid(group).key),
    );
  const all = [...[...roles, SELF_GROUP, ORGANIZATION_ADMIN].map((name) => actionUid(name).key), ...parents.keys()];
  return new Map(
    all.map((key): [string, Entity] => [
      key,
      { attributes: NO_ATTRIBUTES, tags: NO_ATTRIBUTES, ancestors: closure(key, parents) },
    ]),
  );
}

const TYPES: Readonly<Record<Attribute['type'], Type<string>>> = {
  string: { type: 'String' },
  long: { type: 'Long' },
  bool: { type: 'Boolean' },
  strings: { type: 'Set', element: { type: 'String' } },
};

type Attributes = Record<string, TypeOfAttribute<string>>;

const record = (attributes: Attributes): Type<string> => ({ type: 'Record', attributes });

function buildSchema(
  definitions: ModelDefinitions,
  kinds: ReadonlyMap<string, KindModel>,
  actions: ReadonlyMap<string, ActionModel>,
): SchemaJson<string> {
  const attributesOf = (kind: KindModel): Attributes =>
    Object.fromEntries(kind.attributes.map(({ name, type }) => [name, TYPES[type]]));
  const entityTypes: SchemaJson<string>[string]['entityTypes'] = { Org: {} };
  for (const { spec, facts } of definitions.kinds) {
    const kind = kinds.get(spec.kind) as KindModel;
    entityTypes[spec.kind] = {
      memberOfTypes: [spec.scope === 'org' ? 'Org' : 'Project', ...membership(spec.kind)],
      shape: record({ ...attributesOf(kind), ...(facts !== undefined && { facts: factsType(spec.kind, facts) }) }),
      tags: TYPES.string,
    };
  }
  for (const { kinds: targets } of actions.values()) {
    for (const target of targets) entityTypes[target] ??= { memberOfTypes: ['Project', 'Org'] };
  }
  const groups = [...definitions.roles, SELF_GROUP, ORGANIZATION_ADMIN].map((name) => [
    name,
    name === 'admin' ? { memberOf: [{ id: ORGANIZATION_ADMIN }] } : {},
  ]);
  const known = [...actions.values()].map(({ action, kinds: targets, groups: of, writes }) => {
    const only = targets.length === 1 ? kinds.get(targets[0] ?? '') : undefined;
    const desired = writes && only !== undefined ? { desired: { ...record(attributesOf(only)), required: false } } : {};
    const appliesTo = {
      principalTypes: [...PRINCIPAL_KINDS],
      resourceTypes: targets.length === 0 ? Object.keys(entityTypes) : [...targets],
      context: record({ ...CONTEXT, ...desired }),
    };
    return [action, { memberOf: of.map((id) => ({ id })), appliesTo }];
  });
  return { [NAMESPACE]: { entityTypes, actions: Object.fromEntries([...groups, ...known]) } };
}

/** Possible parents of a principal or team, in addition to the organization. */
function membership(kind: string): readonly string[] {
  return kind === 'Team' || PRINCIPAL_KINDS.some((one) => one === kind) ? ['Team'] : [];
}

/**
 * Facts are required attributes, so a policy uses them without `has`. An unknown fact is still missing from the entity:
 * a policy that uses it has an error, and an error denies.
 */
function factsType(kind: string, { names }: FactProvider): TypeOfAttribute<string> {
  const declared = new Map(factsOfKind(kind).map(({ name, type }) => [name, type]));
  const missing = [...declared.keys()].filter((name) => !names.includes(name));
  if (missing.length > 0) throw new Error(`no provider computes ${missing.join(', ')} of ${kind}`);
  return record(
    Object.fromEntries(
      names.map((name) => {
        const type = declared.get(name);
        if (type === undefined) throw new Error(`the table of facts does not declare ${name} of ${kind}`);
        return [name, TYPES[type]];
      }),
    ),
  );
}

/** What is known of every request. */
const CONTEXT: Attributes = {
  authMethod: TYPES.string,
  mfa: TYPES.bool,
  now: { type: 'Extension', name: 'datetime' },
  ip: { type: 'Extension', name: 'ipaddr', required: false },
  /** What a version of a model is put forward as. */
  version: { ...TYPES.string, required: false },
  alias: { ...TYPES.string, required: false },
  stage: { ...TYPES.string, required: false },
  /** What the token is limited to; absent without a limit. */
  tokenScopes: { ...TYPES.strings, required: false },
};

/** The word of a kind in its actions: `alertChannel` of `alertChannel:read`. */
export function actionWord(kind: string): string {
  return kind.charAt(0).toLowerCase() + kind.slice(1);
}
