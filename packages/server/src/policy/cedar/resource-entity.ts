/** Resources as policies see them. */
import type { Attribute, Resource } from '@dais/api';
import type { Facts } from '@dais/api/access';
import { ORGANIZATION_ENTITY, typeOf, type KindModel } from './model.ts';
import { attributeValue } from './rows/row-condition.ts';
import type { Collection } from './rows/row-compile.ts';
import {
  CedarSet,
  EntityUid,
  NO_ATTRIBUTES,
  type CedarRecord,
  type CedarValue,
  type Entity,
} from './language/values.ts';

/** The scope of a question: the name of a project, or the organization (empty). */
export function projectEntity(project: string): EntityUid {
  return project === '' ? ORGANIZATION_ENTITY : new EntityUid(typeOf('Project'), project);
}

/** Names of resources are unique in their project only. */
export function resourceUid(kind: string, project: string, name: string): EntityUid {
  return new EntityUid(typeOf(kind), project === '' ? name : `${project}/${name}`);
}

/** Keys of what everything in a project is in. */
export function ancestorsIn(project: string): ReadonlySet<string> {
  return new Set([ORGANIZATION_ENTITY.key, projectEntity(project).key]);
}

/** A target of which nothing is known, or nothing needs to be known, but where it is. */
export function bareEntity(project: string): Entity {
  return { attributes: NO_ATTRIBUTES, tags: NO_ATTRIBUTES, ancestors: ancestorsIn(project) };
}

export function resourceEntity(kind: KindModel, resource: Resource, project: string, facts: Facts | undefined): Entity {
  const attributes = new Map(kind.attributes.map((one) => [one.name, attributeOf(resource, one)]));
  if (facts !== undefined) attributes.set('facts', factsOf(facts));
  return {
    attributes,
    tags: new Map(Object.entries(resource.metadata.labels)),
    ancestors: ancestorsIn(project),
  };
}

/** What a write would make of a resource, as the record `context.desired`. */
export function desiredRecord(kind: KindModel, resource: Resource): CedarRecord {
  return new Map(kind.attributes.map((one) => [one.name, attributeOf(resource, one)]));
}

function attributeOf(resource: Resource, attribute: Attribute): CedarValue {
  const value = attributeValue(resource, attribute);
  // An older version admitted values without the declared type. Policies then see the fallback value.
  return plainValue(fits(value, attribute.type) ? value : attribute.fallback);
}

function fits(value: unknown, type: Attribute['type']): boolean {
  if (type === 'strings') return Array.isArray(value) && value.every((item) => typeof item === 'string');
  if (type === 'long') return Number.isSafeInteger(value);
  return typeof value === (type === 'bool' ? 'boolean' : 'string');
}

/** Texts, whole numbers, truth values and lists of them. */
export function plainValue(value: unknown): CedarValue {
  if (typeof value === 'number') return BigInt(value);
  if (Array.isArray(value)) return new CedarSet(value.map(plainValue));
  return value as string | boolean;
}

function factsOf(facts: Facts): CedarRecord {
  return new Map(Object.entries(facts.values).map(([name, value]) => [name, plainValue(value)]));
}

/** All resources of a kind in a project. */
export function collectionOf(kind: KindModel, project: string): Collection {
  const prefix = project === '' ? '' : `${project}/`;
  return {
    kind,
    ancestors: ancestorsIn(project),
    nameOf: ({ type, id }) => (type === kind.type && id.startsWith(prefix) ? id.slice(prefix.length) : undefined),
  };
}
