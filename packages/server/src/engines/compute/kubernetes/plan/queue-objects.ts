/** What Dais reads of the objects of Kueue (`kueue.x-k8s.io`). The fields are the same in v1beta1 and v1beta2. */
import type { KubernetesObject } from '#lib/kubernetes/kubernetes-object.ts';
import type { JobObject } from './cluster-objects.ts';

export const KUEUE_GROUP = 'kueue.x-k8s.io';
/** Newest first. */
const KUEUE_VERSIONS = ['v1beta2', 'v1beta1'] as const;

export interface WorkloadObject {
  readonly name: string;
  /** Name of the Job; undefined for a Workload of something else. */
  readonly job: string | undefined;
  readonly createdAt: string;
  readonly isActive: boolean;
  readonly requeueAt?: Date;
  readonly checks: readonly { readonly name: string; readonly state: string; readonly message?: string }[];
  readonly status?: NonNullable<JobObject['status']>;
}

export interface LocalQueueObject {
  readonly clusterQueue?: string;
  readonly stopPolicy?: string;
}

interface Workload {
  readonly spec?: { readonly active?: boolean };
  readonly status?: {
    readonly conditions?: NonNullable<JobObject['status']>['conditions'];
    readonly admissionChecks?: WorkloadObject['checks'];
    readonly requeueState?: { readonly requeueAt?: string };
  };
}

export function keepWorkload(object: KubernetesObject): WorkloadObject {
  const { spec, status } = object as unknown as Workload;
  const {
    name,
    creationTimestamp = '',
    ownerReferences = [],
  } = object.metadata as KubernetesObject['metadata'] & {
    readonly ownerReferences?: readonly { readonly kind: string; readonly name: string }[];
  };
  const conditions = status?.conditions?.map(({ type, status: value, reason, message }) => ({
    type,
    status: value,
    ...(reason !== undefined && { reason }),
    ...(message !== undefined && { message }),
  }));
  const at = status?.requeueState?.requeueAt;
  return {
    name,
    job: ownerReferences.find(({ kind }) => kind === 'Job')?.name,
    createdAt: creationTimestamp,
    isActive: spec?.active !== false,
    ...(at !== undefined && { requeueAt: new Date(at) }),
    checks: (status?.admissionChecks ?? []).map(({ name: check, state, message }) => ({
      name: check,
      state,
      ...(message !== undefined && { message }),
    })),
    ...(conditions !== undefined && { status: { conditions } }),
  };
}

export function keepLocalQueue(object: KubernetesObject): LocalQueueObject {
  const { clusterQueue, stopPolicy } = (object['spec'] ?? {}) as LocalQueueObject;
  return { ...(clusterQueue !== undefined && { clusterQueue }), ...(stopPolicy !== undefined && { stopPolicy }) };
}

/** Returns the version to read, of those that the API group serves; undefined when Dais knows none of them. */
export function kueueVersion(served: readonly string[]): string | undefined {
  return KUEUE_VERSIONS.find((version) => served.includes(version));
}

/** Returns a sentence about versions of which Dais knows none. */
export function unknownVersions(served: readonly string[]): string {
  const known = KUEUE_VERSIONS.join(' and ');
  return `Kueue serves ${served.join(', ')} only, and Dais knows ${known}: install a version of Kueue that serves one of them.`;
}
