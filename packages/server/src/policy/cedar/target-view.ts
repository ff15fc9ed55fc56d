import type { OperationTarget, Resource } from '@dais/api';
import type { Facts, FactSubject } from '@dais/api/access';
import type { Sql } from '#engines/database/contract.ts';
import type { Question } from '#kernel/principal.ts';
import { presentResource, readResource } from '#kernel/store.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { CompiledPolicy } from './language/compile-policy.ts';
import type { KindModel } from './model.ts';
import { bareEntity, desiredRecord, projectEntity, resourceEntity, resourceUid } from './resource-entity.ts';
import type { CedarRecord, Entity, EntityUid } from './language/values.ts';

/**
 * The data that a decision may use in addition to the question. All of it belongs to the transaction of the operation.
 */
export interface Evidence {
  readonly sql: Sql;
  readonly tx: Transaction;
  /** The facts of these names; see `FactProvider`. */
  facts(subject: FactSubject, names: ReadonlySet<string>): Promise<Facts>;
}

/** The target of a question, loaded on demand. */
export class TargetView {
  readonly uid: EntityUid;
  readonly #question: Pick<Question, 'projectId' | 'project' | 'target'>;
  readonly #evidence: Evidence;
  readonly #kind: KindModel | undefined;
  readonly #factNames: readonly string[];
  #unknown: Facts['unknown'] = {};
  #loaded: Promise<Resource | undefined> | undefined;

  /** @param kind absent for targets that are no resources; `factNames`: all facts of the kind */
  constructor(
    question: Pick<Question, 'projectId' | 'project' | 'target'>,
    evidence: Evidence,
    kind: KindModel | undefined,
    factNames: readonly string[],
  ) {
    const { target, project } = question;
    this.#factNames = factNames;
    this.#question = question;
    this.#evidence = evidence;
    this.#kind = kind;
    // What is no resource is the one of its type in its project.
    this.uid = resourceUid(target.kind, project, target.name ?? projectEntity(project).id);
  }

  get target(): OperationTarget {
    return this.#question.target;
  }

  /** The stored resource; undefined if there is none. */
  async resource(): Promise<Resource | undefined> {
    this.#loaded ??= this.#load();
    return await this.#loaded;
  }

  /** From now on it is as if there were none. */
  hide(): void {
    this.#loaded = Promise.resolve(undefined);
  }

  async #load(): Promise<Resource | undefined> {
    const { projectId, project, target } = this.#question;
    if (target.name === undefined || this.#kind === undefined) return undefined;
    const row = await readResource(this.#evidence.sql, projectId, target.kind, target.name);
    return row === undefined ? undefined : presentResource(row, project);
  }

  /** What a write would make of it. */
  async desired(): Promise<Resource | undefined> {
    const { target, project } = this.#question;
    if (target.desired === undefined || target.name === undefined) return undefined;
    const present = await this.resource();
    return desiredResource(target, target.name, project, present);
  }

  /**
   * Returns the states that these policies need: the current target and, for a write, the proposed one. Empty if there
   * is none.
   */
  async entities(policies: readonly CompiledPolicy[]): Promise<readonly Entity[]> {
    const { project } = this.#question;
    const kind = this.#kind;
    if (kind === undefined || !policies.some((policy) => policy.readsResource)) return [bareEntity(project)];
    const [present, desired] = [await this.resource(), await this.desired()];
    const facts = await this.#loadFacts(policies, kind, present);
    return [present, desired].flatMap((one) => (one === undefined ? [] : [resourceEntity(kind, one, project, facts)]));
  }

  /** Facts that could not be computed, with the reason. */
  get unknownFacts(): Facts['unknown'] {
    return this.#unknown;
  }

  /** The facts that the policies use; for the proposed state if the operation specifies one. */
  async #loadFacts(policies: readonly CompiledPolicy[], kind: KindModel, present: Resource | undefined) {
    const names = usedFacts(policies, this.#factNames);
    if (names === undefined) return undefined;
    const { target } = this.#question;
    const facts = await this.#evidence.facts(
      {
        kind: kind.spec.kind,
        name: target.name ?? '',
        uid: present?.metadata.uid,
        desired: target.desired,
        version: target.version,
      },
      names,
    );
    this.#unknown = facts.unknown;
    return facts;
  }

  async desiredContext(context: CedarRecord): Promise<CedarRecord> {
    const desired = this.#kind === undefined ? undefined : await this.desired();
    if (desired === undefined || this.#kind === undefined) return context;
    return new Map([...context, ['desired', desiredRecord(this.#kind, desired)]]);
  }

  /** With the version that is put forward, and what as. */
  versionContext(context: CedarRecord): CedarRecord {
    const { version, alias, stage } = this.#question.target;
    return versionContext(context, { version: version ?? undefined, alias, stage });
  }
}

export interface ProposedEntity {
  readonly version?: string | undefined;
  readonly alias?: string | undefined;
  readonly stage?: string | undefined;
}

export function versionContext(context: CedarRecord, given: ProposedEntity): CedarRecord {
  const known = (['version', 'alias', 'stage'] as const).flatMap((name) => {
    const value = given[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return known.length === 0 ? context : new Map([...context, ...known]);
}

/** Names of the facts that policies use; undefined when they use none. */
export function usedFacts(
  policies: readonly CompiledPolicy[],
  all: readonly string[],
): ReadonlySet<string> | undefined {
  const readers = policies.filter((policy) => policy.readsFacts);
  if (readers.length === 0) return undefined;
  return new Set(readers.flatMap(({ facts }) => (facts === 'all' ? all : [...facts])));
}

function desiredResource(
  { kind, desired }: OperationTarget,
  name: string,
  project: string,
  present: Resource | undefined,
): Resource {
  const metadata = present?.metadata ?? {
    uid: '',
    name,
    ...(project !== '' && { project }),
    origin: 'manifest',
    annotations: {},
    generation: 0,
    resourceVersion: '',
    createdAt: '',
    updatedAt: '',
  };
  return {
    apiVersion: '',
    kind,
    metadata: { ...metadata, labels: { ...desired?.labels } },
    spec: { ...desired?.spec },
    status: present?.status ?? {},
  };
}
