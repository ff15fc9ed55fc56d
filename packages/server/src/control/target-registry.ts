/** The compute targets of the installation: opened with the first step there, and again when their spec has changed. */
import { DaisError } from '@dais/api';
import type { TargetSpec } from '@dais/api/executions';
import {
  probeProject,
  type ComputeTarget,
  type TargetCompute,
  type TargetProject,
  type TargetReport,
} from '#engines/compute/model/target.ts';
import type { Database } from '#engines/database/contract.ts';
import { readResource } from '#kernel/store.ts';
import { ORGANIZATION, tenantNames } from '#kernel/tenants.ts';
import { transact } from '#kernel/transaction.ts';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';

/** A Target resource. */
export interface FoundTarget {
  readonly uid: string;
  readonly name: string;
  readonly generation: number;
  readonly spec: TargetSpec;
}

export interface TargetRegistryDependencies {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  /** Opens a target of any type but `process`. @throws DaisError `target_unavailable` */
  readonly openTarget: (target: FoundTarget) => Promise<ComputeTarget>;
}

interface Opened {
  readonly generation: number;
  readonly target: Promise<ComputeTarget>;
}

interface Known {
  readonly found: FoundTarget | undefined;
  readonly at: number;
}

/** A change of a spec applies after this time, so that not every call of an agent reads the database. */
const KNOWN_MS = 2000;
/** Beyond it, a project is read again for its quota. */
const PROJECT_MS = 30_000;

export class TargetRegistry {
  readonly #dependencies: TargetRegistryDependencies;
  readonly #opened = new Map<string, Opened>();
  readonly #known = new Map<string, Known>();
  readonly #projects = new Map<string, { readonly project: TargetProject | undefined; readonly at: number }>();
  #isClosed = false;

  constructor(dependencies: TargetRegistryDependencies) {
    this.#dependencies = dependencies;
  }

  /** See `ComputeTargets` of the executions ledger. */
  async open(uid: string, projectId: string): Promise<TargetCompute | undefined> {
    const target = await this.#target(uid);
    const project = projectId === uid ? probeProject(uid) : target && (await this.#project(projectId));
    return target && project && (await target.project(project));
  }

  async probe(
    uid: string,
    options: { readonly pods: boolean; readonly signal: AbortSignal },
  ): Promise<TargetReport | undefined> {
    this.#known.delete(uid);
    try {
      return await (await this.#target(uid))?.probe(options);
    } catch (error) {
      // A kubeconfig that cannot be read, for example: the reason belongs into the status of the target.
      if (!(error instanceof DaisError)) throw error;
      return { ...NOTHING, problems: [error.message] };
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#opened.keys()].map(async (uid) => await this.#closeTarget(uid)));
  }

  async #target(uid: string): Promise<ComputeTarget | undefined> {
    const found = await this.#find(uid);
    if (this.#isClosed) throw new DaisError('shutting_down', 'The server is shutting down.');
    const opened = this.#opened.get(uid);
    if (opened !== undefined && opened.generation === found?.generation) return await opened.target;
    if (opened !== undefined) void this.#closeTarget(uid);
    if (found === undefined || found.spec.type === 'process') return undefined;
    const target = this.#dependencies.openTarget(found);
    const entry = { generation: found.generation, target };
    this.#opened.set(uid, entry);
    try {
      return await target;
    } catch (error) {
      // The next call tries again.
      if (this.#opened.get(uid) === entry) this.#opened.delete(uid);
      throw error;
    }
  }

  async #closeTarget(uid: string): Promise<void> {
    const opened = this.#opened.get(uid);
    this.#opened.delete(uid);
    const target = await opened?.target.catch(() => undefined);
    await target?.close().catch((error: unknown) => {
      this.#dependencies.log.warn('a compute target could not be closed', { target: uid, error });
    });
  }

  async #find(uid: string): Promise<FoundTarget | undefined> {
    const { database, clock } = this.#dependencies;
    const known = this.#known.get(uid);
    if (known !== undefined && clock.now() - known.at < KNOWN_MS) return known.found;
    const [row] = await database.statement<Omit<FoundTarget, 'generation'> & { readonly generation: bigint }>(
      { mode: 'read', scope: { project: ORGANIZATION } },
      `select uid, name, generation, spec from kernel.resource where uid::text = $1 and kind = 'Target'`,
      [uid],
      'compute_target',
    );
    const found = row && { ...row, generation: Number(row.generation) };
    remember(this.#known, uid, { found, at: clock.now() });
    return found;
  }

  async #project(id: string): Promise<TargetProject | undefined> {
    const { database, clock } = this.#dependencies;
    const known = this.#projects.get(id);
    if (known !== undefined && clock.now() - known.at < PROJECT_MS) return known.project;
    const project = await transact(database, { mode: 'read', projectId: ORGANIZATION }, async ({ sql }) => {
      const name = (await tenantNames(sql, [id])).get(id);
      if (name === undefined) return undefined;
      const spec = (await readResource(sql, ORGANIZATION, 'Project', name))?.spec as ProjectSpec | undefined;
      return { id, name, quota: spec?.quotas?.compute?.resources ?? {} };
    });
    remember(this.#projects, id, { project, at: clock.now() });
    return project;
  }
}

/** Ids come from calls that are not authenticated yet. */
const MAX_REMEMBERED = 1000;

function remember<Value>(values: Map<string, Value>, key: string, value: Value): void {
  values.delete(key);
  const [oldest] = values.keys();
  if (oldest !== undefined && values.size >= MAX_REMEMBERED) values.delete(oldest);
  values.set(key, value);
}

interface ProjectSpec {
  readonly quotas?: { readonly compute?: { readonly resources?: Readonly<Record<string, number>> } };
}

const NOTHING: TargetReport = {
  version: undefined,
  problems: [],
  warnings: [],
  features: [],
  nodes: 0,
  resources: {},
  largestTask: {},
};
