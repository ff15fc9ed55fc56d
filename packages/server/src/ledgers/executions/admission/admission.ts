/**
 * Decides which queued steps start. Between projects: the project with the smallest dominant share relative to its weight
 * is first (weighted dominant resource fairness: A. Ghodsi et al., "Dominant Resource Fairness", NSDI 2011). Within a
 * project: the highest priority, then the oldest. A step that lacks a resource reserves only that resource against later
 * steps, so that large steps do not starve.
 */
import { addAmounts, exceededResource, fits, isAlwaysUsed, type Amounts, type ProjectLimits } from './requests.ts';

export interface QueuedStep {
  readonly id: string;
  readonly priority: number;
  /** Time at which it became ready, in milliseconds since 1970. */
  readonly readyAt: number;
  /** Defaults included. */
  readonly requests: Amounts;
}

export interface ProjectQueue {
  readonly id: string;
  readonly limits: ProjectLimits;
  /** Number of running and starting steps, and the sum of their requests. */
  readonly running: number;
  readonly used: Amounts;
  /** Recent share integrated over time (share × milliseconds), to order projects whose current shares are equal. */
  readonly recent: number;
  /** In start order. */
  readonly queue: readonly QueuedStep[];
  /** The project has more queued steps than these. */
  readonly isCut: boolean;
}

export interface Machines {
  /** Resources of this machine. A missing resource is not counted. */
  readonly capacity: Amounts;
  /** Requests of the steps that run on it. */
  readonly used: Amounts;
  /** Resources of the other machines. */
  readonly others: readonly Amounts[];
  /** Total resources of all machines, and their total concurrency of steps. */
  readonly total: Amounts;
  readonly concurrency: number;
}

export type Shortage =
  | { readonly why: 'quota'; readonly resource: string }
  | { readonly why: 'over-quota'; readonly resource: string }
  | { readonly why: 'capacity'; readonly resource: string };

export interface Admitted {
  readonly steps: readonly QueuedStep[];
  /** Reasons why evaluated steps do not start, by id. */
  readonly shortages: ReadonlyMap<string, Shortage>;
  /** All steps of a truncated queue were passed or started: later steps may be able to start. */
  readonly needsMore: boolean;
}

export const RUNNING_STEPS = 'runningSteps';

/** Returns the largest fraction of a resource of all machines that a project uses. 0 without machines. */
export function dominantShare(
  running: number,
  used: ReadonlyMap<string, number>,
  { total, concurrency }: Pick<Machines, 'total' | 'concurrency'>,
): number {
  let share = concurrency === 0 ? 0 : running / concurrency;
  for (const [name, amount] of used) {
    const all = total[name];
    if (all !== undefined && all > 0) share = Math.max(share, amount / all);
  }
  return share;
}

/** Returns at most `limit` steps that start now, in order. */
export function admitSteps(projects: readonly ProjectQueue[], machines: Machines, limit: number): Admitted {
  const turns = projects.map((project) => new ProjectTurn(project));
  const machine = new Machine(machines);
  const steps: QueuedStep[] = [];
  while (steps.length < limit) {
    let first: Candidate | undefined;
    for (const turn of turns) {
      const step = turn.next(machine);
      if (step === undefined) continue;
      const candidate = { turn, step, share: turn.share(machines) };
      if (first === undefined || precedes(candidate, first)) first = candidate;
    }
    if (first === undefined) break;
    const { turn, step } = first;
    const resource = machine.take(step);
    if (resource === undefined) {
      turn.start(step);
      steps.push(step);
    } else turn.pass(step, { why: 'capacity', resource });
  }
  return {
    steps,
    shortages: new Map(turns.flatMap(({ shortages }) => [...shortages])),
    needsMore: turns.some((turn) => turn.needsMore),
  };
}

interface Candidate {
  readonly turn: ProjectTurn;
  readonly step: QueuedStep;
  readonly share: number;
}

function precedes(a: Candidate, b: Candidate): boolean {
  const byShare = a.share - b.share || a.turn.recent - b.turn.recent;
  const byStep = b.step.priority - a.step.priority || a.step.readyAt - b.step.readyAt;
  return (byShare || byStep || (a.step.id < b.step.id ? -1 : 1)) < 0;
}

/** State of the machine during the selection of steps. */
class Machine {
  readonly #machines: Machines;
  readonly #used = new Map<string, number>();
  /** Resources that are reserved for an earlier step. */
  readonly #blocked = new Set<string>();

  constructor(machines: Machines) {
    this.#machines = machines;
    addAmounts(this.#used, machines.used);
  }

  /** Returns whether only another machine can run the step. A step that no machine can run starts here and is refused. */
  isForAnother({ requests }: QueuedStep): boolean {
    const { capacity, others } = this.#machines;
    return lacks(requests, capacity) !== undefined && others.some((other) => lacks(requests, other) === undefined);
  }

  /** Returns undefined if the step starts, else the resource that it lacks, which is then reserved for it. */
  take({ requests }: QueuedStep): string | undefined {
    const { capacity } = this.#machines;
    let lacking: string | undefined;
    if (lacks(requests, capacity) === undefined) {
      for (const [name, amount] of Object.entries(requests)) {
        const has = capacity[name];
        if (has === undefined) continue;
        if (!this.#blocked.has(name) && fits(this.#used.get(name) ?? 0, amount, has)) continue;
        this.#blocked.add(name);
        lacking ??= name;
      }
    }
    if (lacking === undefined) addAmounts(this.#used, requests);
    return lacking;
  }
}

/** Returns a resource whose total on the machine is smaller than the request. */
function lacks(requests: Amounts, capacity: Amounts): string | undefined {
  // Free disk changes quickly, so the engine compares it when the step starts.
  return Object.entries(requests).find(
    ([name, amount]) => name !== 'disk' && !fits(0, amount, capacity[name] ?? 0),
  )?.[0];
}

/** State of one project queue during the selection of steps. */
class ProjectTurn {
  readonly shortages = new Map<string, Shortage>();
  readonly #project: ProjectQueue;
  readonly #used = new Map<string, number>();
  readonly #blocked = new Set<string>();
  #running: number;
  #at = 0;

  constructor(project: ProjectQueue) {
    this.#project = project;
    this.#running = project.running;
    addAmounts(this.#used, project.used);
  }

  get recent(): number {
    return this.#project.recent / this.#project.limits.weight;
  }

  get needsMore(): boolean {
    const { queue, isCut } = this.#project;
    if (!isCut || this.#at < queue.length || this.shortages.size === 0) return false;
    return !this.#isFull && ![...this.#blocked].some(isAlwaysUsed);
  }

  get #isFull(): boolean {
    return this.#running >= this.#project.limits.runningSteps;
  }

  share(machines: Machines): number {
    return dominantShare(this.#running, this.#used, machines) / this.#project.limits.weight;
  }

  /** Returns the next step that fits the quota of the project, and records shortages of the steps before it. */
  next(machine: Machine): QueuedStep | undefined {
    const { queue } = this.#project;
    for (; this.#at < queue.length; this.#at++) {
      const step = queue[this.#at];
      if (step === undefined) return undefined;
      const shortage = this.#shortageOf(step);
      if (shortage !== undefined) this.shortages.set(step.id, shortage);
      else if (!machine.isForAnother(step)) return step;
    }
    return undefined;
  }

  start(step: QueuedStep): void {
    this.#at += 1;
    this.#running += 1;
    addAmounts(this.#used, step.requests);
  }

  pass(step: QueuedStep, shortage: Shortage): void {
    this.#at += 1;
    this.shortages.set(step.id, shortage);
  }

  #shortageOf({ requests }: QueuedStep): Shortage | undefined {
    const { limits } = this.#project;
    const exceeded = exceededResource(requests, limits.resources);
    if (exceeded !== undefined) return { why: 'over-quota', resource: exceeded };
    if (this.#isFull) return { why: 'quota', resource: RUNNING_STEPS };
    let resource: string | undefined;
    for (const [name, amount] of Object.entries(requests)) {
      const limit = limits.resources[name];
      if (limit === undefined) continue;
      if (!this.#blocked.has(name) && fits(this.#used.get(name) ?? 0, amount, limit)) continue;
      this.#blocked.add(name);
      resource ??= name;
    }
    return resource === undefined ? undefined : { why: 'quota', resource };
  }
}
