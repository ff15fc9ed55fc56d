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

/** Returns the attempts that may start, of all kept Jobs. */
export function attemptsToStart(jobs: readonly KeptJob[], nodes: readonly KeptNode[]): Set<string> {
  const active = jobs.filter((job) => readEnd(job) === undefined);
  const free = freeResources(active, nodes);
  const waiting = active
    .filter((job) => job.spec.suspend === true && readCancel(job) === undefined)
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
