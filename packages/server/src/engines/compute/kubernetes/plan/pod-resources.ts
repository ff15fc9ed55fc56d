/** Sizes and volumes of the pod of a task: from the limits of the contract to requests, limits and size limits. */
import type { Resources, TaskLimits } from '../../contract.ts';
import { tokenAudience } from './names.ts';
import { formatBytes, formatResources, isDevice } from './resource-quantities.ts';
import type { TargetOptions } from './target-options.ts';

/** What the manifest of a task depends on. */
export interface TaskFacts {
  readonly attempt: string;
  readonly owner?: string;
  readonly project?: string;
  /** Digest of the stored spec. A second submission with another spec has another one. */
  readonly specDigest: string;
  readonly resources: Resources;
  readonly limits: TaskLimits;
  readonly network: boolean;
  /** Image of the step, by digest. Default: the base image of the target. */
  readonly image?: string;
  readonly environment?: EnvironmentFacts;
}

export interface EnvironmentFacts {
  /** Hexadecimal digest of the lock. */
  readonly lock: string;
  /** Image with the files of the environment at its root, by digest. Absent: the agent unpacks an archive. */
  readonly image?: string;
  /** Size on disk of an archive. */
  readonly unpackedBytes: number;
}

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const DEFAULT_LOG_BYTES = 64 * MIB;
const DEFAULT_DISK_BYTES = 10 * GIB;
/** Journal of the agent, with the list of outputs; it shares a volume with the log. */
const AGENT_DISK_BYTES = 128 * MIB;
/** Shim and socket. */
const SHIM_DISK_BYTES = 32 * MIB;
const DISK_RESERVE_BYTES = 256 * MIB;
const SHARED_MEMORY_BYTES = 16 * GIB;
/** Shared memory of tasks without a memory limit. */
const SMALL_SHARED_MEMORY_BYTES = GIB;
/** Of the token of the agent. Kubelet renews it. */
const TOKEN_SECONDS = 3600;

/** Where the files of an environment are in the container. Scripts of the environment contain this path. */
export function environmentPath({ lock }: Pick<EnvironmentFacts, 'lock'>): string {
  return `/opt/dais/env/${lock.slice(0, 16)}`;
}

/** Whether the agent unpacks the environment into a volume. */
export function isUnpacked(
  { image }: EnvironmentFacts,
  { imageVolumes }: Pick<TargetOptions, 'imageVolumes'>,
): boolean {
  return !imageVolumes || image === undefined;
}

export function taskResources(task: TaskFacts, target: TargetOptions) {
  const requested = Object.entries(task.resources).filter(([, amount]) => amount !== 0);
  const memoryLimit = memoryLimitOf(task);
  return {
    // No CPU limit: it would throttle the threads that load data while cores are idle.
    requests: formatResources({
      // A memory limit without a request would reserve the limit.
      ...(memoryLimit !== undefined && { memory: 0 }),
      ...Object.fromEntries(requested.filter(([name]) => !isDevice(name))),
      disk: reservedDisk(task, target),
    }),
    limits: formatResources({
      ...(memoryLimit !== undefined && { memory: memoryLimit }),
      ...Object.fromEntries(requested.filter(([name]) => isDevice(name))),
    }),
  };
}

function memoryLimitOf({ resources, limits }: TaskFacts): number | undefined {
  const bytes = positive(resources['memory']) ?? positive(limits.memoryBytes);
  return bytes === undefined ? undefined : Math.ceil(bytes);
}

/** The contract permits 0, and Kubernetes does not accept a limit of 0. */
function positive(amount: number | undefined): number | undefined {
  return amount !== undefined && amount > 0 ? amount : undefined;
}

function diskBytesOf({ resources, limits }: TaskFacts, { defaultDiskBytes = DEFAULT_DISK_BYTES }: TargetOptions) {
  const requested = Math.max(resources['disk'] ?? 0, limits.diskBytes ?? 0);
  return requested > 0 ? requested : defaultDiskBytes;
}

/** Without a request, pods are the first that a node with a full disk evicts. */
function reservedDisk(task: TaskFacts, target: TargetOptions): number {
  const { environment: files } = task;
  const environment = files !== undefined && isUnpacked(files, target) ? files.unpackedBytes : 0;
  return diskBytesOf(task, target) + logBytesOf(task) + DISK_RESERVE_BYTES + environment;
}

function logBytesOf({ limits }: TaskFacts): number {
  return limits.logBytes ?? DEFAULT_LOG_BYTES;
}

export function volumesOf(task: TaskFacts, target: TargetOptions) {
  // Above the disk limit: the agent ends the task before kubelet evicts the pod. The limit counts both folders together, so
  // each of them may have all of it.
  const disk = diskBytesOf(task, target);
  const files = { sizeLimit: formatBytes(disk + Math.max(DISK_RESERVE_BYTES, Math.ceil(disk / 16 / MIB) * MIB)) };
  const memory = memoryLimitOf(task);
  const largest = target.sharedMemoryBytes ?? SHARED_MEMORY_BYTES;
  const shared =
    memory === undefined ? Math.min(SMALL_SHARED_MEMORY_BYTES, largest) : Math.min(Math.ceil(memory / 2), largest);
  const audience = tokenAudience(target.installation, task.attempt);
  const token = { serviceAccountToken: { audience, expirationSeconds: TOKEN_SECONDS, path: 't' } };
  return [
    { name: 'dais', emptyDir: { sizeLimit: formatBytes(SHIM_DISK_BYTES) } },
    { name: 'state', emptyDir: { sizeLimit: formatBytes(logBytesOf(task) + AGENT_DISK_BYTES) } },
    { name: 'work', emptyDir: files },
    { name: 'tmp', emptyDir: files },
    { name: 'shm', emptyDir: { medium: 'Memory', sizeLimit: formatBytes(shared) } },
    ...environmentVolumes(task.environment, target),
    { name: 'token', projected: { sources: [token] } },
  ];
}

function environmentVolumes(environment: EnvironmentFacts | undefined, target: TargetOptions) {
  if (environment === undefined) return [];
  if (isUnpacked(environment, target)) {
    return [{ name: 'env', emptyDir: { sizeLimit: formatBytes(environment.unpackedBytes + DISK_RESERVE_BYTES) } }];
  }
  return [{ name: 'env', image: { reference: environment.image, pullPolicy: 'IfNotPresent' } }];
}
