import type { OperationTarget, Resource } from '@dais/api';
import type { Evidence, Question } from '#kernel/principal.ts';
import { presentResource, readResource } from '#kernel/store.ts';
import type { CompiledPolicy } from './compile-policy.ts';
import type { KindModel } from './model.ts';
import { bareEntity, desiredRecord, projectEntity, resourceEntity, resourceUid } from './resource-entity.ts';
import type { CedarRecord, Entity, EntityUid } from './values.ts';

/** The target of a question, loaded only as far as somebody asks. */
export class TargetView {
  readonly uid: EntityUid;
  readonly #question: Pick<Question, 'projectId' | 'project' | 'target'>;
  readonly #evidence: Evidence;
  readonly #kind: KindModel | undefined;
  #loaded: Promise<Resource | undefined> | undefined;

  /** @param kind absent for targets that are no resources */
  constructor(
    question: Pick<Question, 'projectId' | 'project' | 'target'>,
    evidence: Evidence,
    kind: KindModel | undefined,
  ) {
    const { target, project } = question;
    this.#question = question;
    this.#evidence = evidence;
    this.#kind = kind;
    // What is no resource is the one of its type in its project.
    this.uid = resourceUid(target.kind, project, target.name ?? projectEntity(project).id);
  }

  get target(): OperationTarget {
    return this.#question.target;
  }

  /** As it is kept; undefined when there is none. */
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
   * What these policies need to see: the target as it is and, for a write, as it would be. Empty when there is none.
   */
  async entities(policies: readonly CompiledPolicy[]): Promise<readonly Entity[]> {
    const { project } = this.#question;
    const kind = this.#kind;
    if (kind === undefined || !policies.some((policy) => policy.readsResource)) return [bareEntity(project)];
    const [present, desired] = [await this.resource(), await this.desired()];
    const readsFacts = policies.some((policy) => policy.readsFacts);
    const facts =
      readsFacts && present !== undefined
        ? await this.#evidence.facts(kind.spec.kind, present.metadata.uid)
        : readsFacts
          ? {}
          : undefined;
    return [present, desired].flatMap((one) => (one === undefined ? [] : [resourceEntity(kind, one, project, facts)]));
  }

  async desiredContext(context: CedarRecord): Promise<CedarRecord> {
    const desired = this.#kind === undefined ? undefined : await this.desired();
    if (desired === undefined || this.#kind === undefined) return context;
    return new Map([...context, ['desired', desiredRecord(this.#kind, desired)]]);
  }
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
