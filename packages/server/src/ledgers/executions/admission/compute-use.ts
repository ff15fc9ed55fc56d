/** Compute usage of projects, for the queue of a project and the list of all projects. */
import {
  listComputeOperation,
  type ComputeLimits,
  type ComputeNode,
  type ComputeUse,
  type ProjectCompute,
} from '@dais/api/executions';
import type { Sql } from '#engines/database/contract.ts';
import { entry, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import { transact } from '#kernel/transaction.ts';
import type { ExecutionDependencies } from '../execution-dependencies.ts';
import { dominantShare, type Machines } from './admission.ts';
import { placeOfTarget } from '../targets/compute-targets.ts';
import { readTargets, type TargetRow } from '../targets/target-rows.ts';
import { readComputeNodes, totalOf, type ComputeNodeRow, type ComputePlace } from './compute-nodes.ts';
import { limitsOf } from './quota-rows.ts';
import { addAmounts, type Amounts, type ProjectLimits } from './requests.ts';

export interface RunningRow {
  readonly project_id: string;
  readonly compute_node: string;
  readonly requests: Amounts;
  readonly n: number;
}

/** Number and total requests of the running steps of some projects. */
export interface Load {
  readonly running: number;
  readonly used: ReadonlyMap<string, number>;
}

const NOTHING: Load = { running: 0, used: new Map() };

/** Returns a target as a place of steps, with the resources of its nodes together. */
export function targetPlace({ uid, name, resources, maxTasks }: TargetRow): ComputePlace {
  return { type: 'target', id: placeOfTarget(uid), name, resources, concurrency: maxTasks };
}

/** All running steps with their machines and targets. */
export class ComputeLoad {
  readonly nodes: readonly ComputeNodeRow[];
  readonly targets: readonly ComputePlace[];
  readonly #rows: readonly RunningRow[];

  constructor(rows: readonly RunningRow[], nodes: readonly ComputeNodeRow[], targets: readonly TargetRow[] = []) {
    this.#rows = rows;
    this.nodes = nodes;
    this.targets = targets.map(targetPlace);
  }

  ofProject(id: string): Load {
    return this.#sum((row) => row.project_id === id);
  }

  ofAll(): Load {
    return this.#sum(() => true);
  }

  ofOthers(id: string): Load {
    return this.#sum((row) => row.project_id !== id);
  }

  /** Returns the resources of a machine and the requests of its steps. */
  machines({ id, resources }: ComputeNodeRow): Machines {
    const others = this.nodes.filter((node) => node.id !== id);
    return {
      capacity: resources,
      used: Object.fromEntries(this.#sum((row) => row.compute_node === id).used),
      others: others.map((node) => node.resources),
      ...this.total,
    };
  }

  /**
   * Returns what the admission to a target depends on. Its capacity is unknown: nodes can be added while steps wait for them, and
   * the cluster decides which step gets a node.
   */
  target({ id, concurrency }: Pick<ComputePlace, 'id' | 'concurrency'>): Machines & { readonly free: number } {
    const { running, used } = this.#sum((row) => row.compute_node === id);
    const free = Math.max(0, concurrency - running);
    return { capacity: {}, used: Object.fromEntries(used), others: [], ...this.total, free };
  }

  get total(): Pick<Machines, 'total' | 'concurrency'> {
    const places = [...this.nodes, ...this.targets];
    const concurrency = places.reduce((sum, place) => sum + place.concurrency, 0);
    return { total: totalOf(places), concurrency };
  }

  /** Returns the share of the project of all machines, from 0 to 1. */
  shareOf(id: string): number {
    const { running, used } = this.ofProject(id);
    return Math.min(1, dominantShare(running, used, this.total));
  }

  presentNodes(): ComputeNode[] {
    const machines = this.nodes.map((node): ComputePlace => ({ ...node, type: 'machine' }));
    return [...machines, ...this.targets].map(({ type, id, name, resources, concurrency }) => {
      const { running, used } = this.#sum((row) => row.compute_node === id);
      return {
        type,
        name,
        resources: { ...resources },
        used: Object.fromEntries(used),
        concurrency,
        runningSteps: running,
      };
    });
  }

  #sum(counts: (row: RunningRow) => boolean): Load {
    const rows = this.#rows.filter(counts);
    if (rows.length === 0) return NOTHING;
    const used = new Map<string, number>();
    for (const { requests, n } of rows) addAmounts(used, requests, n);
    return { running: rows.reduce((sum, { n }) => sum + n, 0), used };
  }
}

/** Reads all running steps. The transaction must have access to all projects. */
export async function readComputeLoad(sql: Sql): Promise<ComputeLoad> {
  const rows = await sql.query<RunningRow>(
    `select project_id, compute_node, requests, count(*)::int as n from executions.attempt where state <> 'ended'
     group by project_id, compute_node, requests`,
    [],
    'compute_load',
  );
  return new ComputeLoad(rows, await readComputeNodes(sql), await readTargets(sql));
}

export function presentUse({ running, used }: Load, queuedSteps: number): ComputeUse {
  return { runningSteps: running, queuedSteps, resources: Object.fromEntries(used) };
}

export function presentLimits({ resources, runningSteps, queuedSteps, weight }: ProjectLimits): ComputeLimits {
  return { resources: { ...resources }, runningSteps, queuedSteps, weight };
}

type ListDependencies = Pick<ExecutionDependencies, 'database' | 'limits'>;

export function computeList(dependencies: ListDependencies): readonly OperationEntry[] {
  return [entry(listComputeOperation, { perform: async (call) => await listCompute(dependencies, call) })];
}

interface ProjectRow {
  readonly id: string;
  readonly name: string;
  readonly queued: number;
  readonly resources: Amounts | null;
  readonly running_steps: number | null;
  readonly queued_steps: number | null;
  readonly weight: number;
}

async function listCompute(
  { database, limits: defaults }: ListDependencies,
  { input }: CallOf<typeof listComputeOperation>,
) {
  const filter = ['compute'];
  const after = decodePageCursor(filter, input.cursor) ?? '';
  return await transact(database, { mode: 'read', projectId: 'all' }, async ({ sql }) => {
    const load = await readComputeLoad(sql);
    const rows = await sql.query<ProjectRow>(
      `select t.id, t.name, q.resources, q.running_steps, q.queued_steps, coalesce(q.weight, 1) as weight,
         (select count(*)::int from executions.node n where n.project_id = t.id and n.state = 'ready')
         + (select count(*)::int from executions.node n where n.project_id = t.id and n.state = 'delayed') as queued
       from kernel.tenant t left join executions.quota q on q.project_id = t.id
       where t.name > $1 and t.name <> '' order by t.name limit $2`,
      [after, input.limit + 1],
      'compute_projects',
    );
    const { page, next } = cutPage(rows, input.limit, filter, ({ name }) => name);
    const items = page.map((row): ProjectCompute => {
      const { resources } = row;
      const quota = resources === null ? undefined : { ...row, resources, project_id: row.id };
      return {
        project: row.name,
        use: presentUse(load.ofProject(row.id), row.queued),
        limits: presentLimits(limitsOf(quota, defaults)),
        share: load.shareOf(row.id),
      };
    });
    return { items, ...next, nodes: load.presentNodes() };
  });
}
