/** Plans the objects that a project has in its namespace of a target: isolation, identity and quota of its pods. */
import type { Resources } from '../../contract.ts';
import { labelValue, LABELS } from './names.ts';
import { planNetworkPolicies, type NetworkOptions } from './network-policies.ts';
import { formatBytes, formatCores, formatResources } from './resource-quantities.ts';
import { agentResources, TASK_ACCOUNT, type TargetOptions } from './target-options.ts';

export interface ProjectFacts {
  readonly project: string;
  /** Limits of all tasks of the project together, in the names and units of the contract. */
  readonly quota: Resources;
  /** Limit of tasks that are not forgotten yet; default 200. */
  readonly tasks?: number;
}

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const DEFAULT_TASKS = 200;
/** Of containers without a memory limit. */
const DEFAULT_MEMORY_BYTES = 2 * GIB;
const DEFAULT_CPU = 0.1;
const DEFAULT_DISK_BYTES = 256 * MIB;
/** Logs and reserve of a pod, in addition to the disk of its task. */
const POD_DISK_BYTES = 320 * MIB;

/** In the order of their creation: each needs the namespace, and a pod needs all others. */
export function planProjectObjects(project: ProjectFacts, target: TargetOptions, network: NetworkOptions) {
  const { namespace } = target;
  const labels = {
    [LABELS.installation]: labelValue(target.installation),
    [LABELS.project]: labelValue(project.project),
  };
  return [
    planNamespace(project, target, labels),
    planServiceAccount(target, labels),
    ...planNetworkPolicies(namespace, labels, network),
    ...planLimitRange(project, namespace, labels),
    planQuota(project, target, labels),
  ];
}

type Labels = Readonly<Record<string, string>>;

function planNamespace({ project }: ProjectFacts, { namespace }: TargetOptions, labels: Labels) {
  const modes = ['enforce', 'audit', 'warn'].flatMap((mode) => [
    [`pod-security.kubernetes.io/${mode}`, 'restricted'],
    [`pod-security.kubernetes.io/${mode}-version`, 'latest'],
  ]);
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name: namespace,
      labels: { ...labels, ...(Object.fromEntries(modes) as Labels) },
      annotations: { [LABELS.project]: project },
    },
  };
}

function planServiceAccount({ namespace, serviceAccount, pullSecrets = [] }: TargetOptions, labels: Labels) {
  const { name = TASK_ACCOUNT, annotations } = serviceAccount ?? {};
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name, namespace, labels, ...(annotations !== undefined && { annotations }) },
    automountServiceAccountToken: false,
    ...(pullSecrets.length > 0 && { imagePullSecrets: pullSecrets.map((secret) => ({ name: secret })) }),
  };
}

/**
 * A quota of a resource makes Kubernetes reject containers that request none of it. So they get a small request, and tasks without
 * a memory limit get one.
 */
function planLimitRange({ quota }: ProjectFacts, namespace: string, labels: Labels) {
  const { cpu, memory, disk } = quota;
  const limited = memory === undefined ? undefined : { memory: formatBytes(Math.min(DEFAULT_MEMORY_BYTES, memory)) };
  const defaultRequest = {
    ...(cpu !== undefined && { cpu: formatCores(Math.min(DEFAULT_CPU, cpu)) }),
    ...limited,
    ...(disk !== undefined && { 'ephemeral-storage': formatBytes(Math.min(DEFAULT_DISK_BYTES, disk)) }),
  };
  if (Object.keys(defaultRequest).length === 0) return [];
  return [
    {
      apiVersion: 'v1',
      kind: 'LimitRange',
      metadata: { name: 'dais', namespace, labels },
      spec: {
        limits: [
          {
            type: 'Container',
            defaultRequest,
            // No `max` for CPU: it would add a CPU limit to each container.
            ...(limited !== undefined && {
              default: limited,
              // The API server rejects a task that the quota never permits. Without this, the task would wait forever.
              max: { memory: formatBytes(memory ?? 0) },
            }),
          },
        ],
      },
    },
  ];
}

/**
 * A second line of defense: Dais counts the tasks of a project exactly. Here the requests of agents and logs count too, so they
 * are added for the permitted number of tasks.
 */
function planQuota({ quota, tasks = DEFAULT_TASKS }: ProjectFacts, target: TargetOptions, labels: Labels) {
  const agent = agentResources(target);
  const { cpu, memory, disk } = quota;
  const quantities = formatResources({
    ...quota,
    ...(cpu !== undefined && { cpu: cpu + tasks * agent.cpu }),
    ...(memory !== undefined && { memory: memory + tasks * agent.memoryBytes }),
    ...(disk !== undefined && { disk: disk + tasks * POD_DISK_BYTES }),
  });
  const hard = Object.entries(quantities).map(([name, quantity]) => [`requests.${name}`, quantity]);
  return {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'dais', namespace: target.namespace, labels },
    spec: {
      hard: {
        ...(Object.fromEntries(hard) as Labels),
        pods: String(tasks),
        'count/jobs.batch': String(tasks),
        // Nothing else belongs into the namespace of a project: a Service of these types would publish a task.
        'services.loadbalancers': '0',
        'services.nodeports': '0',
      },
    },
  };
}
