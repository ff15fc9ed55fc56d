/** Creates inquiries: principal, authentication context and action. */
import type { Client, Via } from '#kernel/principal.ts';
import type { Sql } from '#engines/database/contract.ts';
import type { PrincipalFacts, PrincipalSource } from '#policy/principal-source.ts';
import type { Inquiry } from './authorize.ts';
import { actionUid, type ActionModel } from './model.ts';
import { constructors } from './language/extensions.ts';
import { resourceUid } from './resource-entity.ts';
import { principalAncestors, type Rules } from './rules.ts';
import {
  CedarSet,
  Datetime,
  EvaluationError,
  NO_ATTRIBUTES,
  type CedarRecord,
  type CedarValue,
  type Entity,
} from './language/values.ts';

export type PrincipalType = 'user' | 'service';

/** RequestContext of a question. */
export interface RequestContext {
  readonly via?: Via | undefined;
  readonly client?: Client | undefined;
  readonly scopes?: readonly string[] | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
}

/** Facts about a principal; cached with the rules. */
export async function findPrincipal(
  rules: Rules,
  source: PrincipalSource,
  type: PrincipalType,
  name: string,
  sql: Sql,
): Promise<PrincipalFacts | undefined> {
  const key = `${type}:${name}`;
  if (rules.principals.has(key)) return rules.principals.get(key);
  const facts = await source.read(type, name, sql);
  // Names come from credentials and from queries: limited, because invalid names are unlimited.
  if (rules.principals.size >= 50_000) rules.principals.clear();
  rules.principals.set(key, facts);
  return facts;
}

function principalUid(type: PrincipalType, name: string) {
  return resourceUid(type === 'user' ? 'User' : 'ServiceAccount', '', name);
}

const entities = new WeakMap<PrincipalFacts, Entity>();

function principalEntity(rules: Rules, facts: PrincipalFacts): Entity {
  let entity = entities.get(facts);
  if (entity === undefined) {
    const attributes = new Map<string, CedarValue>([
      ['name', facts.name],
      ['origin', ''],
      ['owner', ''],
      ['suspended', facts.suspended],
      ['clearance', BigInt(facts.clearance)],
      ['email', facts.email ?? ''],
    ]);
    entity = { attributes, tags: NO_ATTRIBUTES, ancestors: principalAncestors(rules.teams, facts.teams) };
    // The facts live as long as the rules they were read under.
    entities.set(facts, entity);
  }
  return entity;
}

export function makeInquiry(
  rules: Rules,
  type: PrincipalType,
  facts: PrincipalFacts,
  question: { readonly action: string; readonly project: string; readonly circumstances: RequestContext },
): Inquiry {
  return {
    rules,
    principal: principalUid(type, facts.name),
    principalEntity: principalEntity(rules, facts),
    action: rules.model.actions.get(question.action) ?? unknownAction(question.action),
    context: contextOf(question.circumstances),
    project: question.project,
  };
}

/** No policy and no role applies: it is denied. */
function unknownAction(action: string): ActionModel {
  return { action, uid: actionUid(action), kinds: [], groups: [], writes: false, inProjects: true };
}

function contextOf({ via, client, scopes, now }: RequestContext): CedarRecord {
  const context = new Map<string, CedarValue>([
    ['authMethod', via?.method ?? 'none'],
    ['mfa', via?.mfa === true],
    ['now', new Datetime(BigInt(now))],
  ]);
  const ip = client === undefined ? undefined : addressOf(client.address);
  if (ip !== undefined) context.set('ip', ip);
  if (scopes !== undefined) context.set('tokenScopes', new CedarSet(scopes));
  return context;
}

/** An IPv4 address over an IPv6 socket counts as IPv4. */
function addressOf(address: string): CedarValue | undefined {
  try {
    return constructors['ip']?.(address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, ''));
  } catch (error) {
    if (error instanceof EvaluationError) return undefined;
    throw error;
  }
}
