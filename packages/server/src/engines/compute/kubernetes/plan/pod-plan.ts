/**
 * Plans the Job of one round of an attempt. The manifest contains nothing of the task itself: the agent receives command,
 * variables, secrets and inputs when its pod is the first one to start, so they are neither in etcd nor expanded by Kubernetes.
 */
import type { TaskLimits } from '../../contract.ts';
import { AGENT_CA_VARIABLE } from '../agent-api.ts';
import { ANNOTATIONS, COLLECT_FINALIZER, identify, jobName, LABELS } from './names.ts';
import { environmentPath, isUnpacked, taskResources, volumesOf, type TaskFacts } from './pod-resources.ts';
import { formatResources } from './resource-quantities.ts';
import { agentResources, TASK_ACCOUNT, transferOf, type TargetOptions, type Toleration } from './target-options.ts';

export type JobManifest = ReturnType<typeof planJob>;

const SECOND = 1000;
const HOUR = 3600;
const DAY = 24 * HOUR;

const DEFAULT_GRACE_MS = 10_000;
/** For the agent: after the task container was killed, it stores outputs and logs within the grace period of the pod. */
const COLLECT_GRACE_SECONDS = 120;
/** Pull of images and staging of inputs, in addition to the time in which a pod is not schedulable. */
const STARTUP_SECONDS = HOUR / 2;
const DEFAULT_PENDING_SECONDS = HOUR / 2;
/** For targets whose autoscaler may take any time. */
const UNLIMITED_PENDING_SECONDS = 7 * DAY;
/** Lease of the content that a task stores. */
const COLLECT_SECONDS = 6 * HOUR;
/** For tasks without a limit of their own: a Job never runs forever. */
const WALL_BACKSTOP_SECONDS = 30 * DAY;
/** A backstop too: Dais deletes the Job when the attempt is forgotten. */
const TTL_SECONDS = 7 * DAY;

const DEFAULT_UID = 65_000;
/** In the image of Dais. */
const AGENT_PROGRAM = '/opt/dais/agent/agent';
const SHIM_PROGRAM = '/opt/dais/agent/shim';
/** Where the container of the task has the shim. */
const SHIM_PATH = '/dais/shim';
/** The default toleration of 300 s would delay the loss of a node. */
const NODE_LOSS_TOLERATIONS: readonly Toleration[] = ['unreachable', 'not-ready'].map((state) => ({
  key: `node.kubernetes.io/${state}`,
  operator: 'Exists',
  effect: 'NoExecute',
  tolerationSeconds: 60,
}));

/** Autoscalers must not move a task to another node, and a mesh proxy would end before the agent has stored the outputs. */
const POD_ANNOTATIONS: Readonly<Record<string, string>> = {
  'cluster-autoscaler.kubernetes.io/safe-to-evict': 'false',
  'karpenter.sh/do-not-disrupt': 'true',
  'linkerd.io/inject': 'disabled',
  'sidecar.istio.io/inject': 'false',
};

/** Istio does not call its webhook for pods with this label. */
const POD_LABELS: Readonly<Record<string, string>> = { 'sidecar.istio.io/inject': 'false' };

/** Time between TERM and KILL of a task. */
export function graceMsOf(limits: TaskLimits): number {
  return limits.graceMs ?? DEFAULT_GRACE_MS;
}

/** Grace period of the pod. It is a maximum: the pod ends when its agent has stored everything. */
export function podGraceSeconds(limits: TaskLimits): number {
  return Math.ceil(graceMsOf(limits) / SECOND) + COLLECT_GRACE_SECONDS;
}

export function planJob(task: TaskFacts, target: TargetOptions, round: number) {
  const { labels, annotations } = identify({ ...task, installation: target.installation }, round);
  const queue = target.kueueQueue === undefined ? {} : { 'kueue.x-k8s.io/queue-name': target.kueueQueue };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: jobName(task.attempt, round),
      namespace: target.namespace,
      labels: { ...labels, ...queue },
      annotations: { ...annotations, [ANNOTATIONS.spec]: task.specDigest },
      finalizers: [COLLECT_FINALIZER],
    },
    spec: {
      // Kueue, or Dais in its own order, starts it.
      suspend: true,
      completionMode: 'Indexed',
      completions: 1,
      parallelism: 1,
      // A second pod would run the task again: retries are decided by the caller of the engine.
      backoffLimit: 0,
      podReplacementPolicy: 'Failed',
      activeDeadlineSeconds: activeDeadlineSeconds(task.limits, target),
      ttlSecondsAfterFinished: TTL_SECONDS,
      template: { metadata: podMetadata(task, target, { labels, annotations }), spec: planPod(task, target, round) },
    },
  };
}

function activeDeadlineSeconds({ wallMs }: TaskLimits, { pendingTimeoutMs, kueueQueue }: TargetOptions): number {
  const wall = wallMs === undefined ? WALL_BACKSTOP_SECONDS : Math.ceil(wallMs / SECOND);
  const isUnlimited = pendingTimeoutMs === undefined && kueueQueue === undefined;
  const pending = isUnlimited
    ? UNLIMITED_PENDING_SECONDS
    : Math.max(DEFAULT_PENDING_SECONDS, Math.ceil((pendingTimeoutMs ?? 0) / SECOND));
  return wall + pending + STARTUP_SECONDS + COLLECT_SECONDS;
}

function podMetadata(task: TaskFacts, target: TargetOptions, identity: ReturnType<typeof identify>) {
  return {
    labels: {
      ...POD_LABELS,
      ...target.podLabels,
      ...identity.labels,
      [LABELS.network]: String(task.network),
      [LABELS.transfer]: transferOf(target, task.network),
    },
    annotations: { ...POD_ANNOTATIONS, ...target.podAnnotations, ...identity.annotations },
  };
}

function planPod(task: TaskFacts, target: TargetOptions, round: number) {
  const { nodeSelector, priorityClass, runtimeClass, pullSecrets = [], uid = DEFAULT_UID } = target;
  return {
    restartPolicy: 'Never',
    serviceAccountName: target.serviceAccount?.name ?? TASK_ACCOUNT,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: podGraceSeconds(task.limits),
    ...(target.userNamespaces && { hostUsers: false }),
    ...(priorityClass !== undefined && { priorityClassName: priorityClass }),
    ...(runtimeClass !== undefined && { runtimeClassName: runtimeClass }),
    ...(nodeSelector !== undefined && { nodeSelector }),
    ...(pullSecrets.length > 0 && { imagePullSecrets: pullSecrets.map((name) => ({ name })) }),
    securityContext: {
      runAsUser: uid,
      runAsGroup: uid,
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    tolerations: [...NODE_LOSS_TOLERATIONS, ...(target.tolerations ?? [])],
    initContainers: [agentContainer(task, target, round)],
    containers: [taskContainer(task, target)],
    volumes: volumesOf(task, target),
  };
}

/** A native sidecar: it starts before the task, has a memory limit of its own, and gets TERM after the task has ended. */
function agentContainer(task: TaskFacts, target: TargetOptions, round: number) {
  const { cpu, memoryBytes, memoryLimitBytes } = agentResources(target);
  const { environment } = task;
  const { ca } = target.agent;
  return {
    name: 'agent',
    restartPolicy: 'Always',
    image: target.agent.image,
    command: [AGENT_PROGRAM, `--url=${target.agent.url}`, `--attempt=${task.attempt}`, `--round=${round}`],
    // The Job controller adds JOB_COMPLETION_INDEX.
    env: [
      fieldVariable('POD_NAME', 'metadata.name'),
      fieldVariable('POD_UID', 'metadata.uid'),
      fieldVariable('POD_IP', 'status.podIP'),
      fieldVariable('NODE_NAME', 'spec.nodeName'),
      // Not a ConfigMap: Dais needs no permission to write any, and a pod has the authority of its plan.
      ...(ca === undefined ? [] : [{ name: AGENT_CA_VARIABLE, value: ca }]),
    ],
    // Kubelet starts no other container before the hook has ended, so the container of the task finds its shim. An init container and a
    // startup probe would each take a second more: kubelet notices the end of one and the success of the other with delays.
    lifecycle: { postStart: { exec: { command: [SHIM_PROGRAM, 'install', SHIM_PATH] } } },
    resources: {
      requests: formatResources({ cpu, memory: memoryBytes }),
      limits: formatResources({ memory: memoryLimitBytes }),
    },
    volumeMounts: [
      { name: 'dais', mountPath: '/dais' },
      // Journal and log: the session and the variables of the task. The task container does not mount it.
      { name: 'state', mountPath: '/state' },
      { name: 'work', mountPath: '/work' },
      // Only measured: it counts toward the disk limit of the task.
      { name: 'tmp', mountPath: '/task-tmp', readOnly: true },
      ...(environment !== undefined && isUnpacked(environment, target)
        ? [{ name: 'env', mountPath: environmentPath(environment) }]
        : []),
      { name: 'token', mountPath: '/token', readOnly: true },
    ],
    securityContext: containerSecurity(true),
  };
}

function fieldVariable(name: string, fieldPath: string) {
  return { name, valueFrom: { fieldRef: { fieldPath } } };
}

function taskContainer(task: TaskFacts, target: TargetOptions) {
  return {
    name: 'task',
    image: task.image ?? target.baseImage,
    command: [SHIM_PATH],
    workingDir: '/work',
    resources: taskResources(task, target),
    volumeMounts: [
      { name: 'dais', mountPath: '/dais', readOnly: true },
      { name: 'work', mountPath: '/work' },
      { name: 'tmp', mountPath: '/tmp' },
      { name: 'shm', mountPath: '/dev/shm' },
      ...(task.environment === undefined
        ? []
        : [{ name: 'env', mountPath: environmentPath(task.environment), readOnly: true }]),
    ],
    securityContext: containerSecurity(target.readOnlyRoot ?? true),
  };
}

function containerSecurity(readOnlyRootFilesystem: boolean) {
  return { allowPrivilegeEscalation: false, readOnlyRootFilesystem, capabilities: { drop: ['ALL'] } };
}
