/**
 * Starts tasks in the order of their submission, where no queue of the cluster does: a task starts when all earlier ones have started and its
 * resources are free. One task more may wait in the cluster itself, so that an autoscaler sees what is missing.
 */
import type { Resources } from '../contract.ts';
import type { KeptNode } from './cluster-nodes.ts';
import type { KeptJob } from './cluster-view.ts';
import { readCancel, readEnd } from './plan/attempt-records.ts';

/** Tasks that wait in the cluster because nothing fits. */
const OVERHANG = 1;

/** What the order is computed from. */
export interface StartFacts {
  readonly jobs: readonly KeptJob[];
  readonly nodes: readonly KeptNode[];
}

export class StartOrder {
  readonly #hasQueue: boolean;
  readonly #view: () => StartFacts;
  /** Jobs that are being created: they count, so that two submissions do not start with the same free resources. */
  readonly #creations = new Map<string, KeptJob>();

  constructor({ kueueQueue }: { readonly kueueQueue?: string }, view: () => StartFacts) {
    this.#hasQueue = kueueQueue !== undefined;
    this.#view = view;
  }

  /** Returns the attempts that may start. */
  starts({ jobs, nodes }: StartFacts): Set<string> {
    const newer = this.#newerThan(jobs);
    const starts = attemptsToStart([...jobs, ...newer], nodes);
    for (const { attempt } of newer) starts.delete(attempt);
    return starts;
  }

  /** Creates a Job that is not suspended if its turn has come already: a second write would start it later. */
  async create(job: KeptJob, create: (suspend: boolean) => Promise<void>): Promise<void> {
    const suspend = !this.#canStart(job);
    this.#creations.set(job.attempt, { ...job, spec: { suspend } });
    try {
      await create(suspend);
    } finally {
      this.#creations.delete(job.attempt);
    }
  }

  #canStart(job: KeptJob): boolean {
    if (this.#hasQueue) return false;
    const { jobs, nodes } = this.#view();
    const others = [...jobs, ...this.#newerThan(jobs)];
    // With a burst of submissions most wait, and there is nothing to compute.
    if (others.some((other) => isWaiting(other))) return false;
    return attemptsToStart([...others, { ...job, spec: { suspend: true } }], nodes).has(job.attempt);
  }

  #newerThan(jobs: readonly KeptJob[]): KeptJob[] {
    if (this.#creations.size === 0) return [];
    const known = new Set(jobs.map(({ attempt }) => attempt));
    return [...this.#creations.values()].filter(({ attempt }) => !known.has(attempt));
  }
}

/** Returns the attempts that may start, of all kept Jobs. */
function attemptsToStart(jobs: readonly KeptJob[], nodes: readonly KeptNode[]): Set<string> {
  const active = jobs.filter((job) => readEnd(job) === undefined);
  const free = freeResources(active, nodes);
  const waiting = active
    .filter((job) => isWaiting(job))
    .toSorted((a, b) => (a.order < b.order ? -1 : a.order > b.order ? 1 : a.attempt < b.attempt ? -1 : 1));
  const starts = new Set<string>();
  // What was started and does not fit is the overhang.
  let overhang = Object.values(free).some((amount) => amount < 0) ? OVERHANG : 0;
  for (const { attempt, requests } of waiting) {
    const fits = overhang === 0 && Object.entries(requests).every(([name, amount]) => amount <= (free[name] ?? 0));
    if (!fits) overhang += 1;
    if (overhang > OVERHANG) break;
    starts.add(attempt);
    for (const [name, amount] of Object.entries(requests)) free[name] = (free[name] ?? 0) - amount;
  }
  return starts;
}

/** Of all nodes together. The scheduler decides which node fits; a task that fits none waits in the cluster. */
function freeResources(active: readonly KeptJob[], nodes: readonly KeptNode[]): Record<string, number> {
  const free: Record<string, number> = {};
  const add = (resources: Resources, sign: 1 | -1) => {
    for (const [name, amount] of Object.entries(resources)) free[name] = (free[name] ?? 0) + sign * amount;
  };
  for (const { isReady, isSchedulable, allocatable } of nodes) if (isReady && isSchedulable) add(allocatable, 1);
  for (const { spec, requests } of active) if (spec.suspend !== true) add(requests, -1);
  return free;
}

function isWaiting(job: KeptJob): boolean {
  return job.spec.suspend === true && readEnd(job) === undefined && readCancel(job) === undefined;
}
