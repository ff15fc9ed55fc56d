/** The specs of the golden files of `pod-plan.test.ts`: a name, what differs from a plain task, and what differs from a plain target. */
import { placeInPool } from './choose-pool.ts';
import type { TaskFacts } from './pod-resources.ts';
import type { TargetOptions, Toleration } from './target-options.ts';

export interface PlanCase {
  readonly name: string;
  readonly task?: Partial<TaskFacts>;
  readonly target?: Partial<TargetOptions>;
  readonly round?: number;
}

const GIB = 2 ** 30;
const MIB = 2 ** 20;
const HOUR = 3_600_000;

const DIGEST = '3f0c9a1b77d2e8450a6c5be2f1d7439c8e2b6a4d0f9173c5b8e6a2d4f1c09b37';

export const PLAIN_TARGET: TargetOptions = {
  installation: 'i-4c1f',
  namespace: 'dais-churn',
  agent: {
    image: `registry.example/dais/agent@sha256:${DIGEST}`,
    url: 'https://dais.example',
    transfer: 'direct',
  },
  baseImage: `registry.example/dais/base@sha256:${DIGEST}`,
  userNamespaces: false,
  imageVolumes: true,
};

export const PLAIN_TASK: TaskFacts = {
  attempt: 't7f3k2a9',
  project: 'churn',
  specDigest: `sha256-${DIGEST}`,
  resources: { cpu: 1, memory: 2 * GIB },
  limits: {},
  network: false,
};

const environment = { lock: DIGEST, image: `registry.example/dais/env@sha256:${DIGEST}`, unpackedBytes: 3 * GIB };
const image = `registry.example/team/train@sha256:${DIGEST}`;
const gpuToleration: Toleration = { key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' };

export const CASES: readonly PlanCase[] = [
  { name: 'plain' },
  { name: 'agent-authority', target: { agent: { ...PLAIN_TARGET.agent, ca: 'PEM of the authority\n' } } },
  { name: 'no-requests', task: { resources: {} } },
  { name: 'zero-requests', task: { resources: { cpu: 0, memory: 0, disk: 0, 'nvidia.com/gpu': 0 } } },
  { name: 'half-core', task: { resources: { cpu: 0.5, memory: 512 * MIB } } },
  { name: 'fine-core', task: { resources: { cpu: 0.0301, memory: 300 * MIB + 0.5 } } },
  { name: 'memory-limit-without-request', task: { resources: { cpu: 2 }, limits: { memoryBytes: 8 * GIB } } },
  { name: 'memory-limit-below-request', task: { limits: { memoryBytes: GIB } } },
  { name: 'large-memory', task: { resources: { cpu: 64, memory: 1024 * GIB } } },
  { name: 'disk-limit', task: { limits: { diskBytes: 60 * GIB } } },
  { name: 'disk-limit-small', task: { limits: { diskBytes: 5 * MIB } } },
  { name: 'disk-request', task: { resources: { cpu: 1, disk: 200 * GIB } } },
  { name: 'disk-request-above-limit', task: { resources: { disk: 20 * GIB }, limits: { diskBytes: 10 * GIB } } },
  { name: 'log-limit', task: { limits: { logBytes: GIB } } },
  { name: 'wall-limit', task: { limits: { wallMs: 20 * HOUR } } },
  { name: 'wall-limit-short', task: { limits: { wallMs: 1500 } } },
  { name: 'grace', task: { limits: { graceMs: 30_000 } } },
  { name: 'grace-zero', task: { limits: { graceMs: 0 } } },
  { name: 'gpu', task: { resources: { cpu: 8, memory: 64 * GIB, 'nvidia.com/gpu': 1 } } },
  { name: 'gpu-8', task: { resources: { cpu: 96, memory: 900 * GIB, 'nvidia.com/gpu': 8 }, environment } },
  { name: 'mig', task: { resources: { cpu: 2, memory: 16 * GIB, 'nvidia.com/mig-1g.10gb': 1 } } },
  { name: 'amd', task: { resources: { cpu: 2, 'amd.com/gpu': 2 } } },
  { name: 'rdma', task: { resources: { cpu: 8, 'nvidia.com/gpu': 8, 'vpc.amazonaws.com/efa': 4 } } },
  { name: 'network', task: { network: true } },
  {
    name: 'network-proxied',
    task: { network: true },
    target: { agent: { ...PLAIN_TARGET.agent, transfer: 'proxied' } },
  },
  { name: 'own-image', task: { image } },
  { name: 'own-image-writable-root', task: { image }, target: { readOnlyRoot: false } },
  { name: 'environment-image', task: { environment } },
  { name: 'environment-archive', task: { environment }, target: { imageVolumes: false } },
  { name: 'no-image-volumes', target: { imageVolumes: false } },
  { name: 'user-namespaces', target: { userNamespaces: true } },
  { name: 'user-namespaces-archive', task: { environment }, target: { userNamespaces: true, imageVolumes: false } },
  { name: 'kueue', target: { kueueQueue: 'churn' } },
  {
    name: 'kueue-gpu',
    task: { resources: { cpu: 8, 'nvidia.com/gpu': 1 }, environment },
    target: { kueueQueue: 'gpu' },
  },
  { name: 'pending-timeout', target: { pendingTimeoutMs: 2 * HOUR } },
  {
    name: 'node-pool',
    target: {
      nodeSelector: { 'cloud.google.com/gke-accelerator': 'nvidia-h100-80gb', 'dais.dev/pool': 'gpu' },
      tolerations: [gpuToleration],
    },
  },
  {
    name: 'spot-pool',
    target: { nodeSelector: { 'karpenter.sh/capacity-type': 'spot' }, priorityClass: 'dais-spare' },
  },
  {
    name: 'pool-of-target',
    target: placeInPool(
      {
        ...PLAIN_TARGET,
        nodeSelector: { zone: 'a', 'dais.dev/pool': 'cpu' },
        tolerations: [{ key: 'team', operator: 'Equal', value: 'ml', effect: 'NoSchedule' }],
        priorityClass: 'dais-spare',
        runtimeClass: 'gvisor',
      },
      {
        nodeSelector: { 'dais.dev/pool': 'gpu' },
        tolerations: [gpuToleration],
        resources: ['nvidia.com/gpu'],
        priorityClass: 'dais-task',
        runtimeClass: 'nvidia',
      },
    ),
    task: { resources: { cpu: 8, 'nvidia.com/gpu': 1 } },
  },
  { name: 'priority', target: { priorityClass: 'dais-task' } },
  { name: 'sandbox-runtime', target: { runtimeClass: 'gvisor' } },
  {
    name: 'cloud-identity',
    task: { network: true },
    target: {
      serviceAccount: {
        name: 'churn-cloud',
        annotations: { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::1:role/churn' },
      },
    },
  },
  { name: 'pull-secrets', task: { image }, target: { pullSecrets: ['dais-pull', 'team-pull'] } },
  { name: 'other-user', target: { uid: 12_345 } },
  {
    name: 'agent-resources',
    target: {
      agent: {
        ...PLAIN_TARGET.agent,
        resources: { cpu: 0.25, memoryBytes: 128 * MIB, memoryLimitBytes: 256 * MIB },
      },
    },
  },
  {
    name: 'pod-labels',
    target: {
      podLabels: { 'cost-center': 'ml', 'dais.dev/attempt': 'replaced', 'dais.dev/network': 'true' },
      podAnnotations: { 'example.com/team': 'churn', 'karpenter.sh/do-not-disrupt': 'false' },
    },
  },
  { name: 'shared-memory', task: { resources: { memory: 64 * GIB } }, target: { sharedMemoryBytes: 4 * GIB } },
  { name: 'default-disk', target: { defaultDiskBytes: GIB } },
  { name: 'attempt-40', task: { attempt: 'a'.repeat(40) } },
  { name: 'attempt-41', task: { attempt: 'a'.repeat(41) } },
  { name: 'attempt-64-round-999', task: { attempt: `t-${'9'.repeat(62)}` }, round: 999 },
  { name: 'attempt-with-hyphens', task: { attempt: '-x-', owner: 'host-3:/var/lib/dais' }, round: 2 },
  { name: 'long-project', task: { project: 'p'.repeat(80), owner: 'node-1' } },
  {
    name: 'many-tolerations',
    target: {
      tolerations: Array.from({ length: 24 }, (_, index): Toleration => ({
        ...gpuToleration,
        key: `example.com/pool-${index}`,
      })),
    },
  },
  {
    name: 'everything',
    task: {
      owner: 'host-3:/var/lib/dais',
      resources: { cpu: 8, memory: 64 * GIB, disk: 100 * GIB, 'nvidia.com/gpu': 8 },
      limits: { wallMs: 20 * HOUR, diskBytes: 60 * GIB, logBytes: 128 * MIB, graceMs: 30_000 },
      network: true,
      image,
      environment,
    },
    target: {
      userNamespaces: true,
      kueueQueue: 'churn',
      nodeSelector: { 'dais.dev/pool': 'gpu' },
      tolerations: [gpuToleration],
      priorityClass: 'dais-task',
      pullSecrets: ['dais-pull'],
    },
  },
];
