/** Random actions on the model of an attempt, each of which can happen at any time. */
import fc from 'fast-check';
import { START } from './attempt.testing.ts';
import type { AgentBeat, CommandReport } from './attempt-facts.ts';
import type { Action, Cluster, ModelPod, State, Turn } from './attempt-model.testing.ts';

const SECOND = 1000;
/** Reason of losses that the agent reports. */
export const BY_AGENT = 'reported by the agent';
const usage = { wallMs: 1000, cpuMs: 100, peakMemoryBytes: 1000 };

function onPod(change: (pod: ModelPod, cluster: Cluster) => void): Action {
  return (cluster) => {
    if (cluster.pod !== undefined) change(cluster.pod, cluster);
  };
}

function endContainers(reason: string, exitCode: number, isWhole: boolean): Action {
  return onPod((pod, cluster) => {
    // Statuses of containers that have ended never change.
    if (pod.task.terminated === undefined) {
      pod.task = { terminated: { exitCode, reason } };
      if (reason === 'OOMKilled' && pod.uid === cluster.begunUid) cluster.isProvenByLimit = true;
      if (reason === 'OOMKilled' || reason === 'StartError') cluster.hasRefusalReason = true;
    }
    if (isWhole && pod.phase !== 'Failed') {
      pod.phase = 'Failed';
      pod.agent = { terminated: { exitCode: 0 } };
    }
  });
}

const evictions: readonly (readonly [message: string, isOwn: boolean])[] = [
  ['Usage of EmptyDir volume "work" exceeds the limit "1Gi". ', true],
  ['The node was low on resource: memory. ', false],
];

const evict = fc.constantFrom(...evictions).map(([message, isOwn]): Action =>
  onPod((pod, cluster) => {
    if (pod.phase === 'Failed') return;
    Object.assign(pod, { phase: 'Failed', reason: 'Evicted', message, disruption: 'TerminationByKubelet' });
    if (isOwn && pod.uid === cluster.begunUid) cluster.isProvenByLimit = true;
  }),
);

const wait = (state: State, of: 'agent' | 'task'): Action =>
  onPod((pod, cluster) => {
    if (pod[of].terminated === undefined && pod.phase !== 'Failed') pod[of] = state;
    cluster.hasRefusalReason = true;
  });

const waitingReasons = [
  ['ErrImagePull', 'manifest unknown'],
  ['ErrImagePull', '429 Too Many Requests'],
  ['ErrImagePull', 'i/o timeout'],
  ['ErrImagePull', '503 Service Unavailable'],
  ['ImagePullBackOff', '503 Service Unavailable'],
  ['ImagePullBackOff', 'Back-off pulling image'],
  ['InvalidImageName', ''],
  ['CreateContainerConfigError', ''],
  ['CreateContainerError', ''],
  ['CrashLoopBackOff', ''],
] as const;

const start: Action = (cluster) => {
  cluster.isSuspended = false;
  cluster.createPod();
  onPod((pod) => {
    if (pod.phase === 'Pending')
      Object.assign(pod, { phase: 'Running', agent: { running: {} }, task: { running: {} } });
  })(cluster);
  cluster.begin();
};

const commandEnd = fc.record({
  outcome: fc.constant('ended' as const),
  end: fc.constantFrom<CommandReport['end']>(
    'exit',
    'exit',
    'canceled',
    'wall-time',
    'disk-full',
    'out-of-memory',
    'too-many-processes',
  ),
  code: fc.constantFrom(0, 0, 1, 143),
  isInterrupted: fc.boolean(),
  memoryKills: fc.constantFrom(0, 1),
  startedAt: fc.constant(START),
  endedAt: fc.constant(START),
  usage: fc.constant(usage),
});

const otherReport = fc.oneof(
  fc.record({
    outcome: fc.constant('lost' as const),
    kind: fc.constantFrom('device', 'hang', 'store', 'control'),
    reason: fc.constant(BY_AGENT),
  }),
  fc.record({ outcome: fc.constant('refused' as const), reason: fc.constant(BY_AGENT) }),
  fc.constant({ outcome: 'shim-gone' as const, startedAt: START, endedAt: START, usage }),
);

/** What happens to most attempts, and what rarely happens: most sequences must not end with the same interference. */
const frequent: readonly fc.Arbitrary<Action>[] = [
  fc.constant(start),
  fc.constant(start),
  ...[1, 20, 31, 121, 1000, 1000].map((seconds) =>
    fc.constant<Action>((cluster) => {
      cluster.now += seconds * SECOND;
    }),
  ),
  fc.constantFrom<AgentBeat['phase']>('staging', 'running', 'collecting').map((phase): Action => (cluster) => {
    const startedAt = phase === 'staging' ? {} : { startedAt: START };
    cluster.beat = { podUid: cluster.begunUid, at: new Date(cluster.now), phase, ...startedAt };
  }),
  fc
    .tuple(fc.constantFrom(...waitingReasons), fc.constantFrom<'agent' | 'task'>('agent', 'task'))
    .map(([[reason, message], of]) => wait({ waiting: { reason, message } }, of)),
];

const reports: readonly fc.Arbitrary<Action>[] = [
  fc.tuple(commandEnd, fc.constantFrom(false, false, false, true)).map(([end, isForeign]): Action => (cluster) => {
    cluster.reportEnd(end, isForeign);
  }),
  otherReport.map((report): Action => (cluster) => {
    if (cluster.begunUid === '' || cluster.hasReportedEnd) return;
    cluster.report = { ...report, podUid: cluster.begunUid, round: 1 };
    if (report.outcome === 'refused') cluster.hasRefusalReason = true;
  }),
];

const rare: readonly fc.Arbitrary<Action>[] = [
  fc.constant<Action>((cluster) => cluster.createPod()),
  fc.constant<Action>((cluster) => cluster.begin()),
  fc
    .tuple(fc.constantFrom('OOMKilled', 'Error', 'ContainerStatusUnknown', 'StartError', 'Completed'), fc.boolean())
    .map(([reason, isWhole]) => endContainers(reason, reason === 'Completed' ? 0 : 137, isWhole)),
  evict,
  fc
    .constantFrom('PreemptionByScheduler', 'EvictionByEvictionAPI', 'DeletionByTaintManager', 'DeletionByPodGC')
    .map((disruption) => onPod((pod) => Object.assign(pod, { disruption, isDeleted: true }))),
  fc
    .constantFrom('NodeLost', 'Shutdown', 'OutOfcpu', 'Preempting')
    .map((reason) => onPod((pod) => pod.phase === 'Failed' || Object.assign(pod, { reason, phase: 'Failed' }))),
  fc.constant<Action>(
    onPod((pod, cluster) => {
      if (pod.phase !== 'Pending') return;
      pod.unschedulable = '0/1 nodes are available: 1 Insufficient cpu.';
      cluster.hasRefusalReason = true;
    }),
  ),
  fc.constantFrom<Cluster['node']>('ready', 'not-ready', 'absent').map((node): Action => (cluster) => {
    cluster.node = node;
  }),
  fc.constant<Action>(onPod((pod) => Object.assign(pod, { isDeleted: true }))),
  fc.constant<Action>((cluster) => {
    cluster.pods.shift();
  }),
  fc.constantFrom('BackoffLimitExceeded', 'DeadlineExceeded').map((reason): Action => (cluster) => {
    if (cluster.failed === '') cluster.failed = reason;
  }),
  fc
    .constantFrom(
      'exceeded quota: q, requested: a=1, used: a=1, limited: a=1',
      'violates PodSecurity "restricted:latest"',
    )
    .map((message): Action => (cluster) => {
      cluster.events.push({ reason: 'FailedCreate', message: `Error creating: ${message}`, at: new Date(cluster.now) });
      cluster.hasRefusalReason = true;
    }),
  fc.constant<Action>((cluster) => {
    cluster.isSuspended = true;
  }),
  fc.constant<Action>((cluster) => {
    cluster.isDeleted = true;
  }),
  fc.constant<Action>((cluster) => cluster.cancel()),
];

const action = fc.oneof(
  { weight: 20, arbitrary: fc.oneof(...frequent) },
  { weight: 8, arbitrary: fc.oneof(...rare) },
  { weight: 3, arbitrary: fc.oneof(...reports) },
);

export const turn: fc.Arbitrary<Turn> = fc.record({
  action,
  age: fc.constantFrom(0, 0, 0, 0, 1, 3),
  forgets: fc.constantFrom(false, false, false, false, false, false, true),
  losesEffects: fc.constantFrom(false, false, false, true),
});
