/** Texts of compute targets. Pure functions. */
import type { Resource } from '@dais/api';
import { DEFAULT_MAX_TASKS, type ComputeNode, type probeTargetOperation, type TargetSpec } from '@dais/api/executions';
import { resourceNames } from '#pages/executions/compute-words.ts';

export type Probe = (typeof probeTargetOperation)['output']['_output'];

/** The fields of the status that the page shows. */
export type TargetStatus = Partial<Omit<Probe, 'ready'>> & { readonly used?: boolean };

export interface ProbeResult extends Omit<TargetStatus, 'used'> {
  readonly ready: boolean;
}

export function isCluster({ spec }: Resource): boolean {
  return spec['type'] === 'kubernetes';
}

/** Returns the newest of the stored result and that of a test on this page. Undefined: the target was not tested yet. */
export function newestProbe({ status }: Resource, tested: Probe | undefined): ProbeResult | undefined {
  const { used = false, ...stored } = status as TargetStatus;
  if (stored.probedAt === undefined) return tested;
  return tested?.probedAt !== undefined && tested.probedAt > stored.probedAt ? tested : { ...stored, ready: used };
}

/** One resource of a target: what it has, what its steps request, and what one step can request. */
export interface TargetResource {
  readonly name: string;
  readonly used: number;
  readonly total: number;
  readonly largest: number | undefined;
}

export function targetResources(
  { resources = {}, largestTask = {} }: Pick<TargetStatus, 'resources' | 'largestTask'>,
  node: Pick<ComputeNode, 'used'> | undefined,
): readonly TargetResource[] {
  if (Object.keys(resources).length === 0) return [];
  return resourceNames(resources).map((name) => ({
    name,
    used: node?.used[name] ?? 0,
    total: resources[name] ?? 0,
    largest: largestTask[name],
  }));
}

/** The maximum of steps at the same time. Undefined for the machines of the server, which have their own limits. */
export function maxTasks(target: Resource): number | undefined {
  return isCluster(target) ? ((target.spec as Partial<TargetSpec>).maxTasks ?? DEFAULT_MAX_TASKS) : undefined;
}

/** `cloud.google.com/gke-accelerator=a100, zone=b` */
export function labelsText(labels: Readonly<Record<string, string>> = {}): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(', ');
}

type Toleration = NonNullable<TargetSpec['tolerations']>[number];

/** As `kubectl` writes taints: `nvidia.com/gpu:NoSchedule`. */
export function tolerationText({ key, value, effect }: Toleration): string {
  const taint = value === undefined ? (key ?? 'every taint') : `${key ?? ''}=${value}`;
  return effect === undefined ? taint : `${taint}:${effect}`;
}
