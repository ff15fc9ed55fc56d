/** What is in force: policies, roles and teams, compiled. Changes only with `policy.state.version`. */
import { createHash } from 'node:crypto';
import { policyFacts, type PolicyMode } from '@dais/api/access';
import { ORGANIZATION, tenantNames } from '#kernel/tenants.ts';
import { readKinds, type ResourceRow } from '#kernel/store.ts';
import type { Sql } from '#engines/database/contract.ts';
import type { PrincipalFacts } from '#policy/principal-source.ts';
import type { PolicyJson } from './language/cedar-json.ts';
import { UnknownConstruct } from './language/cedar-json.ts';
import type { CedarWasm } from './language/cedar-wasm.ts';
import { compilePolicy, type CompiledPolicy } from './language/compile-policy.ts';
import { closure } from './language/entities.ts';
import { actionUid, ORGANIZATION_ADMIN, ORGANIZATION_ENTITY, typeOf, type Model } from './model.ts';
import { PolicySet, type RoleLink } from './language/policy-set.ts';
import { parsePolicies } from './texts/policy-text.ts';
import { projectEntity, resourceUid } from './resource-entity.ts';
import { acrossTenants } from './row-scope.ts';
import { EntityUid, EvaluationError } from './language/values.ts';

/** Everything that decisions rest on at one version. */
export interface Rules {
  readonly version: bigint;
  /** SHA-256 over what is in force, hex. */
  readonly digest: string;
  readonly model: Model;
  /** Policies of the organization and all roles. */
  readonly organization: PolicySet;
  /** Policies of each project that has any, by the project's name. */
  readonly projects: ReadonlyMap<string, PolicySet>;
  /** Policies in audit mode: they are evaluated and decide nothing. */
  readonly audited: {
    readonly organization: PolicySet;
    readonly projects: ReadonlyMap<string, PolicySet>;
  };
  /** Keys of the teams above each team, by the team's key. */
  readonly teams: ReadonlyMap<string, ReadonlySet<string>>;
  /** Cached principals by type and name. */
  readonly principals: Map<string, PrincipalFacts | undefined>;
  /** Present when some policy is not known to the compiled evaluator. */
  readonly cedar?: CedarWasm;
}

const KINDS = ['Policy', 'OrganizationPolicy', 'RoleBinding', 'OrganizationRoleBinding', 'Team'];

/** A stored or proposed policy text. */
export interface PolicySource {
  readonly kind: string;
  readonly name: string;
  /** Empty for the organization. */
  readonly project: string;
  readonly cedar: string;
  /** From the manifest; absent: the default, see `modeOf`. */
  readonly mode?: PolicyMode | undefined;
}

/** A policy text with upstream facts starts in audit mode. */
export function modeOf(policies: readonly FactReader[]): PolicyMode {
  return policies.some(usesUpstream) ? 'audit' : 'enforce';
}

type FactReader = Pick<CompiledPolicy, 'facts' | 'json'>;

function usesUpstream({ facts, json }: FactReader): boolean {
  const names =
    facts === 'all' ? [...UPSTREAM_FACTS].filter((name) => JSON.stringify(json).includes(name)) : [...facts];
  return names.some((name) => UPSTREAM_FACTS.has(name));
}

const UPSTREAM_FACTS: ReadonlySet<string> = new Set(
  policyFacts.filter(({ reach }) => reach === 'upstream').map(({ name }) => name),
);

/** Reads the active policies and reuses compiled ones, so that a change costs only what changed. */
export class RulesReader {
  readonly #model: () => Model;
  readonly #cedar: () => Promise<CedarWasm>;
  #compiled: ReadonlyMap<string, readonly CompiledPolicy[]> = new Map();

  constructor(model: () => Model, cedar: () => Promise<CedarWasm>) {
    this.#model = model;
    this.#cedar = cedar;
  }

  async read(sql: Sql, version: bigint): Promise<Rules> {
    return await this.#read(sql, version, undefined);
  }

  /** The same with other policies in force. */
  async readWith(sql: Sql, candidates: Candidates): Promise<Rules> {
    return await this.#read(sql, 0n, candidates);
  }

  async #read(sql: Sql, version: bigint, candidates: Candidates | undefined): Promise<Rules> {
    const { rows, names } = await acrossTenants(sql, async () => {
      const found = await readKinds(sql, KINDS);
      const ids = [...new Set(found.map((row) => row.project_id))].filter((id) => id !== ORGANIZATION);
      return { rows: found, names: await tenantNames(sql, ids) };
    });
    const projectOf = (row: ResourceRow) => names.get(row.project_id) ?? '';
    const sources = rows
      .filter(({ kind }) => kind === 'Policy' || kind === 'OrganizationPolicy')
      .map((row): PolicySource => ({
        kind: row.kind,
        name: row.name,
        project: projectOf(row),
        cedar: String(row.spec['cedar']),
        mode: row.spec['mode'] as PolicyMode | undefined,
      }));
    return await this.#assemble(rows, projectOf, version, candidates?.(sources) ?? sources);
  }

  async #assemble(
    rows: readonly ResourceRow[],
    projectOf: (row: ResourceRow) => string,
    version: bigint,
    sources: readonly PolicySource[],
  ): Promise<Rules> {
    const model = this.#model();
    const compiled = new Map<string, readonly CompiledPolicy[]>();
    for (const source of sources) {
      const key = JSON.stringify([source.project, source.cedar]);
      compiled.set(key, this.#compiled.get(key) ?? (await this.#compile(source)));
    }
    this.#compiled = compiled;
    const policiesOf = (project: string, mode: PolicyMode) =>
      sources
        .filter((source) => source.project === project)
        .flatMap((source) => {
          const policies = compiled.get(JSON.stringify([project, source.cedar])) ?? [];
          return (source.mode ?? modeOf(policies)) === mode ? policies : [];
        });
    const links = rows.flatMap((row) => (row.kind.endsWith('RoleBinding') ? linksOf(row, projectOf(row)) : []));
    const projects = new Set(sources.map((source) => source.project).filter((project) => project !== ''));
    const setsIn = (mode: PolicyMode) =>
      new Map([...projects].map((name) => [name, new PolicySet(policiesOf(name, mode), [], model.actionEntities)]));
    const inexact = [...compiled.values()].some((policies) => policies.some((policy) => !policy.exact));
    return {
      ...(inexact && { cedar: await this.#cedar() }),
      version,
      digest: digestOf(rows, sources),
      model,
      organization: new PolicySet([SIGNED_IN, ...policiesOf('', 'enforce')], links, model.actionEntities),
      projects: setsIn('enforce'),
      audited: {
        organization: new PolicySet(policiesOf('', 'audit'), [], model.actionEntities),
        projects: setsIn('audit'),
      },
      teams: teamsOf(rows),
      principals: new Map(),
    };
  }

  /** What cannot be read any more forbids everything in its scope: a policy that is not understood is not passed over. */
  async #compile({ kind, name, project, cedar }: PolicySource): Promise<readonly CompiledPolicy[]> {
    const read = parsePolicies(await this.#cedar(), cedar);
    if (!read.ok) return [unreadable(`${kind}/${name}`)];
    return read.parts.map(({ id, json, text }) => compileOrDefer(project === '' ? id : `${project}/${id}`, json, text));
  }
}

/** Maps the active policies to candidates of a simulation. */
export type Candidates = (sources: readonly PolicySource[]) => readonly PolicySource[];

/** Constructs that the compiled evaluator does not support are deferred to cedar-wasm. */
export function compileOrDefer(id: string, json: PolicyJson, source: string): CompiledPolicy {
  try {
    return compilePolicy(id, json);
  } catch (error) {
    if (!(error instanceof UnknownConstruct)) throw error;
    const bare = compilePolicy(id, { ...json, conditions: [] });
    const depends = { readsResource: true, readsFacts: true, facts: 'all', readsDesired: true } as const;
    return { ...bare, ...depends, json, source, isAboutState: false, exact: false };
  }
}

function unreadable(id: string): CompiledPolicy {
  const all = { op: 'All' };
  const json: PolicyJson = { effect: 'forbid', principal: all, action: all, resource: all, conditions: [] };
  return {
    ...compilePolicy(id, json),
    applies: () => {
      throw new EvaluationError('cannot be read');
    },
  };
}

/** Permissions of every authenticated principal. */
export const SIGNED_IN_ID = 'signed-in';
const SIGNED_IN = compilePolicy(SIGNED_IN_ID, {
  effect: 'permit',
  principal: { op: 'All' },
  action: { op: 'in', entity: { type: actionUid('self').type, id: 'self' } },
  resource: { op: 'All' },
  conditions: [],
});

interface BindingSpec {
  readonly role: string;
  readonly users?: readonly string[];
  readonly serviceAccounts?: readonly string[];
  readonly teams?: readonly string[];
}

function linksOf(row: ResourceRow, project: string): readonly RoleLink[] {
  const { role, users = [], serviceAccounts = [], teams = [] } = row.spec as unknown as BindingSpec;
  const group = actionUid(role === 'admin' && project === '' ? ORGANIZATION_ADMIN : role);
  const id = project === '' ? `${row.kind}/${row.name}` : `${row.kind}/${project}/${row.name}`;
  const principals = [
    ...users.map((name) => resourceUid('User', '', name)),
    ...serviceAccounts.map((name) => resourceUid('ServiceAccount', '', name)),
    ...teams.map((name) => resourceUid('Team', '', name)),
  ];
  return principals.map((principal) => ({ id, principal, role: group, resource: projectEntity(project) }));
}

function teamsOf(rows: readonly ResourceRow[]): ReadonlyMap<string, ReadonlySet<string>> {
  const key = (name: string) => new EntityUid(typeOf('Team'), name).key;
  const parents = new Map(
    rows
      .filter((row) => row.kind === 'Team')
      .map((row) => {
        const parent = row.spec['parent'];
        return [key(row.name), typeof parent === 'string' ? [key(parent)] : []] as const;
      }),
  );
  return new Map([...parents.keys()].map((team) => [team, closure(team, parents)]));
}

function digestOf(rows: readonly ResourceRow[], sources: readonly PolicySource[]): string {
  const hash = createHash('sha256');
  for (const { uid, generation } of rows) hash.update(`${uid} ${generation}\n`);
  for (const { project, cedar, mode } of sources) hash.update(JSON.stringify([project, cedar, mode ?? '']));
  return hash.digest('hex');
}

/** Keys of everything that a principal is in. */
export function principalAncestors(teams: Rules['teams'], direct: readonly string[]): ReadonlySet<string> {
  const keys = direct.map((name) => new EntityUid(typeOf('Team'), name).key);
  return new Set([ORGANIZATION_ENTITY.key, ...keys, ...keys.flatMap((key) => [...(teams.get(key) ?? [])])]);
}
