import { describe, expect, test } from 'vitest';
import { at, beat, endedPod, job, pod, shimGone, stateAfter } from './attempt.testing.ts';
import type { AttemptFacts } from './attempt-facts.ts';

const MINUTE = 60;
const GIB = 2 ** 30;
const waiting = (reason: string, message: string) => ({ waiting: { reason, message } });
const notBegun = { job: job({ begun: false }) };

/** Without a report of an end: what the cluster shows, when it is decided, and the state with the sentence for people. */
interface Row {
  readonly name: string;
  readonly changes: Partial<AttemptFacts>;
  /** Seconds after which the state is final; one second before, it is not. */
  readonly after: number;
  readonly state: object;
}

const lost = (kind: string, reason: string) => ({ phase: 'lost', kind, reason });
const refused = (reason: string) => ({ phase: 'refused', reason });

const ROWS: readonly Row[] = [
  {
    name: 'out of memory, after the agent has stored the outputs',
    changes: { pods: [pod({ task: { terminated: { exitCode: 137, reason: 'OOMKilled' } } })], report: shimGone },
    after: 0,
    state: {
      phase: 'ended',
      end: 'out-of-memory',
      detail: 'exceeded its memory limit of 2 GiB: request more with `resources.memory`',
      signal: 'SIGKILL',
      startedAt: at(-60),
      endedAt: at(-1),
      usage: { wallMs: 59_000, cpuMs: 500, peakMemoryBytes: 2 * GIB },
    },
  },
  {
    name: 'out of memory, without a report of the agent',
    changes: { pods: [endedPod(137, 'OOMKilled')], beat: beat() },
    after: 30,
    state: {
      phase: 'ended',
      end: 'out-of-memory',
      detail: 'exceeded its memory limit of 2 GiB: request more with `resources.memory`',
      signal: 'SIGKILL',
      startedAt: at(-60),
      endedAt: at(30),
      usage: { wallMs: 90_000, cpuMs: 0, peakMemoryBytes: 0 },
    },
  },
  {
    name: 'out of memory before the command started',
    changes: { ...notBegun, pods: [endedPod(137, 'OOMKilled')] },
    after: 30,
    state: refused(
      'The memory limit of 2 GiB is too small to start the command. Request more with `resources.memory`.',
    ),
  },
  {
    name: 'a shim that was killed',
    changes: { pods: [endedPod(137, 'Error')], report: shimGone },
    after: 30,
    state: lost('node', 'Its shim was killed with code 137. The result is unknown.'),
  },
  {
    name: 'a shim that is gone, and a pod whose status does not arrive',
    changes: { pods: [pod()], report: shimGone },
    after: 30,
    state: lost('node', 'Its shim was killed. The result is unknown.'),
  },
  {
    name: 'a pod that ended without a report',
    changes: { pods: [endedPod(1, 'Error')] },
    after: 30,
    state: lost('node', 'Its pod ended with code 1, and its agent reported no end. The result is unknown.'),
  },
  {
    name: 'a lost container status',
    changes: { pods: [endedPod(137, 'ContainerStatusUnknown')] },
    after: 30,
    state: lost('node', 'Node `n1` lost the status of the container. The result is unknown.'),
  },
  ...(
    [
      ['PreemptionByScheduler', 'preempted', 'The scheduler stopped its pod to start a pod of higher priority'],
      [
        'EvictionByEvictionAPI',
        'preempted',
        'Its pod was evicted: its node is drained, or an autoscaler removes the node',
      ],
      [
        'DeletionByTaintManager',
        'preempted',
        'Its pod was deleted because its node has a taint that the pod does not tolerate',
      ],
      ['TerminationByKubelet', 'preempted', 'Kubelet stopped its pod'],
      ['DeletionByPodGC', 'node', 'The node of its pod does not exist any more'],
      ['AnotherReason', 'preempted', 'Kubernetes stopped its pod'],
    ] as const
  ).map(([disruption, kind, sentence]): Row => ({
    name: `the disruption ${disruption}`,
    changes: { pods: [endedPod(137, 'Error', { disruption, disruptionMessage: 'preempted by web-1.' })] },
    after: 30,
    state: lost(kind, `${sentence}: preempted by web-1.`),
  })),
  {
    name: 'a preemption by kubelet',
    changes: {
      pods: [endedPod(137, 'Error', { reason: 'Preempting', message: 'Preempted in order to admit critical pod' })],
    },
    after: 30,
    state: lost(
      'preempted',
      'Node `n1` stopped its pod to start a pod of the system: Preempted in order to admit critical pod.',
    ),
  },
  {
    name: 'an eviction by Kueue, which leaves no condition',
    changes: {
      job: job({ suspend: true }),
      target: { kueueQueue: 'churn' },
      pods: [],
      eviction: { kind: 'preempted', reason: 'Kueue stopped it for a task of higher priority in its queue.' },
    },
    after: 30,
    state: lost('preempted', 'Kueue stopped it for a task of higher priority in its queue.'),
  },
  {
    name: 'an eviction by Kueue whose Workload does not exist any more',
    changes: { job: job({ suspend: true }), target: { kueueQueue: 'churn' }, pods: [] },
    after: 30,
    state: lost('preempted', 'Kueue stopped it.'),
  },
  {
    name: 'a Job that was suspended',
    changes: { job: job({ suspend: true }), pods: [endedPod(0, 'Completed')] },
    after: 30,
    state: lost('preempted', 'Its Job was suspended.'),
  },
  ...(
    [
      ['Usage of EmptyDir volume "work" exceeds the limit "64Gi". '],
      ['Usage of EmptyDir volume "shm" exceeds the limit "16Gi". '],
      ['Container task exceeded its local ephemeral storage limit "70Gi". '],
      ['Pod ephemeral local storage usage exceeds the total limit of containers 70Gi. '],
      [
        'The node was low on resource: ephemeral-storage. Threshold quantity: 10Gi, available: 9Gi. Container task was using 71Gi, request is 60Gi, has larger consumption of ephemeral-storage. ',
      ],
    ] as const
  ).map(([message]): Row => ({
    name: `an eviction for its own disk usage: ${message}`,
    changes: { pods: [pod({ phase: 'Failed', reason: 'Evicted', message })], beat: beat() },
    after: 30,
    state: {
      phase: 'ended',
      end: 'disk-full',
      detail: `exceeded its disk limit of 60 GiB: write less or request more with \`resources.disk\`. Kubelet: ${message.trim()}`,
      signal: 'SIGKILL',
      startedAt: at(-60),
      endedAt: at(30),
      usage: { wallMs: 90_000, cpuMs: 0, peakMemoryBytes: 0 },
    },
  })),
  ...(
    [
      [
        'The node was low on resource: memory. Threshold quantity: 100Mi, available: 80Mi. Container task was using 3Gi, request is 0, has larger consumption of memory. ',
      ],
      [
        'The node was low on resource: ephemeral-storage. Threshold quantity: 10Gi, available: 9Gi. Container task was using 5Gi, request is 60Gi, has larger consumption of ephemeral-storage. ',
      ],
      ['The node had condition: [DiskPressure]. '],
      ['Usage of EmptyDir volume "dais" exceeds the limit "192Mi". '],
    ] as const
  ).map(([message]): Row => ({
    name: `an eviction for the pressure on its node: ${message}`,
    changes: { pods: [pod({ phase: 'Failed', reason: 'Evicted', message, disruption: 'TerminationByKubelet' })] },
    after: 30,
    state: lost('node', `Node \`n1\` ran out of a resource and evicted its pod: ${message.trim()}`),
  })),
  ...['NodeLost', 'Shutdown', 'NodeShutdown', 'Terminated', 'NodeAffinity'].map((reason): Row => ({
    name: `a pod with the reason ${reason}`,
    changes: {
      pods: [
        endedPod(137, 'Error', {
          reason,
          message: 'Pod was terminated in response to imminent node shutdown.',
          disruption: 'TerminationByKubelet',
        }),
      ],
    },
    after: 30,
    state: lost('node', 'Node `n1` was shut down: Pod was terminated in response to imminent node shutdown.'),
  })),
  {
    name: 'a pod that kubelet rejected',
    changes: {
      ...notBegun,
      pods: [pod({ phase: 'Failed', reason: 'OutOfcpu', message: 'Node didn’t have enough cpu' })],
    },
    after: 30,
    state: lost('node', 'Node `n1` rejected its pod: Node didn’t have enough cpu.'),
  },
  {
    name: 'a node that was deleted',
    changes: { node: 'absent' },
    after: 30,
    state: lost('node', 'Node `n1` was deleted while the task was there.'),
  },
  {
    name: 'a node that does not respond, with a silent agent',
    changes: { node: 'not-ready', beat: beat({ at: at(0) }) },
    after: 120,
    state: lost('node', 'Node `n1` does not respond.'),
  },
  {
    name: 'a node that does not respond, before the command started',
    changes: { ...notBegun, node: 'not-ready', pods: [pod({ deleted: true, disruption: 'DeletionByTaintManager' })] },
    after: 120,
    state: lost('node', 'Its pod was deleted because its node has a taint that the pod does not tolerate.'),
  },
  {
    name: 'a pod that does not exist any more',
    changes: { pods: [], events: [{ reason: 'Killing', message: 'Stopping container task', at: at(0) }] },
    after: 30,
    state: lost('deleted', 'Its pod was deleted while it ran. The result is unknown: Stopping container task.'),
  },
  {
    name: 'a pod that was preempted and does not exist any more',
    changes: { pods: [], events: [{ reason: 'Preempted', message: 'Preempted by pod 7 on node n1', at: at(0) }] },
    after: 30,
    state: lost(
      'preempted',
      'The scheduler stopped its pod to start a pod of higher priority: Preempted by pod 7 on node n1.',
    ),
  },
  {
    name: 'a pod that was deleted before it started the command',
    changes: { job: job({ begun: false, failed: 'BackoffLimitExceeded' }), pods: [] },
    after: 30,
    state: lost('deleted', 'Its pod was deleted before it started the command.'),
  },
  {
    name: 'a pod that is deleted and does not end',
    changes: { pods: [pod({ deleted: true })] },
    after: 190,
    state: lost('deleted', 'Its pod was deleted while it ran. The result is unknown.'),
  },
  {
    name: 'a Job that was deleted by others, and an agent that does not respond',
    changes: { job: job({ deleted: true }) },
    after: 160,
    state: lost('deleted', 'Its Job was deleted outside of Dais while it ran. The result is unknown.'),
  },
  {
    name: 'a Job that was deleted before it started',
    changes: { job: job({ begun: false, deleted: true, suspend: true }), pods: [] },
    after: 0,
    state: lost('deleted', 'Its Job was deleted before it started the command.'),
  },
  {
    name: 'a Job that was deleted together with its finalizer',
    changes: { job: undefined, pods: [] },
    after: 0,
    state: lost('deleted', 'Its Job was deleted together with its finalizer. The result is unknown.'),
  },
  {
    name: 'a Job that exceeded its deadline',
    changes: { job: job({ failed: 'DeadlineExceeded' }), pods: [] },
    after: 30,
    state: lost('control', 'Its Job exceeded its deadline while it ran. The result is unknown.'),
  },
  {
    name: 'an annotation of a foreign program',
    changes: { job: job({ annotations: { 'dais.dev/end': 'done' } }) },
    after: 0,
    state: lost(
      'deleted',
      'The annotation `dais.dev/end` of Job `dais-t1-r1` is not a record of Dais. The result is unknown.',
    ),
  },
  {
    name: 'an agent that ended before it started the command',
    changes: { ...notBegun, pods: [endedPod(0, 'Completed')] },
    after: 30,
    state: lost('control', 'Its agent ended before it started the command.'),
  },
  {
    name: 'an agent that does not reach Dais',
    changes: notBegun,
    after: 16 * MINUTE,
    state: lost('control', 'Its agent on node `n1` did not reach Dais within 16 min.'),
  },
  {
    name: 'a pod that does not start on its node',
    changes: {
      ...notBegun,
      pods: [pod({ phase: 'Pending', agent: waiting('PodInitializing', ''), task: waiting('PodInitializing', '') })],
      events: [{ reason: 'FailedCreatePodSandBox', message: 'no IP addresses available', at: at(0) }],
    },
    after: 20 * MINUTE,
    state: lost('node', 'Its pod on node `n1` did not start within 20 min: no IP addresses available.'),
  },
  {
    name: 'an image that does not exist',
    changes: { pods: [pod({ task: waiting('ErrImagePull', 'manifest unknown') })] },
    after: 2 * MINUTE,
    state: refused(
      'The image of the task cannot be pulled: it does not exist, or the target may not read it: manifest unknown.',
    ),
  },
  {
    name: 'an image that may not be read, with the cause in an event',
    changes: {
      ...notBegun,
      pods: [pod({ task: waiting('ImagePullBackOff', 'Back-off pulling image "a"') })],
      events: [{ reason: 'Failed', message: 'Failed to pull image "a": 401 Unauthorized', at: at(0) }],
    },
    after: 2 * MINUTE,
    state: refused(
      'The image of the task cannot be pulled: it does not exist, or the target may not read it: Failed to pull image "a": 401 Unauthorized.',
    ),
  },
  {
    name: 'an image of the agent that does not exist',
    changes: { ...notBegun, pods: [pod({ agent: waiting('ErrImagePull', 'manifest unknown') })] },
    after: 2 * MINUTE,
    state: lost(
      'registry',
      'The image of the agent cannot be pulled: it does not exist, or the target may not read it: manifest unknown.',
    ),
  },
  ...[
    '429 Too Many Requests',
    '503 Service Unavailable',
    'i/o timeout',
    'x509: certificate has expired',
    'reason of tomorrow',
  ].map((message): Row => ({
    name: `an image that is not available: ${message}`,
    changes: { pods: [pod({ task: waiting('ImagePullBackOff', message) })] },
    after: 15 * MINUTE,
    state: lost('registry', `The image of the task was not available for 15 min: ${message}.`),
  })),
  {
    name: 'an image name that is not valid',
    changes: { pods: [pod({ task: waiting('InvalidImageName', 'couldn’t parse image reference "A B"') })] },
    after: 0,
    state: refused('The image name of the container of the task is not valid: couldn’t parse image reference "A B".'),
  },
  {
    name: 'a configuration that is not valid',
    changes: { ...notBegun, pods: [pod({ task: waiting('CreateContainerConfigError', 'secret "s" not found') })] },
    after: 60,
    state: refused('The configuration of the container of the task is not valid: secret "s" not found.'),
  },
  {
    name: 'a container that cannot be created',
    changes: { pods: [pod({ task: waiting('CreateContainerError', 'device not found') })] },
    after: 120,
    state: refused('The container of the task could not be created: device not found.'),
  },
  {
    name: 'an agent that cannot be created',
    changes: { ...notBegun, pods: [pod({ agent: waiting('CreateContainerError', 'no such runtime') })] },
    after: 120,
    state: lost('control', 'The agent could not be created: no such runtime.'),
  },
  {
    name: 'an agent that fails to start',
    changes: {
      ...notBegun,
      pods: [pod({ agent: waiting('CrashLoopBackOff', 'back-off 10s restarting failed container') })],
    },
    after: 5 * MINUTE,
    state: lost('control', 'The agent did not start within 5 min: back-off 10s restarting failed container.'),
  },
  {
    name: 'an agent that says why it fails to start',
    changes: {
      ...notBegun,
      pods: [
        pod({
          agent: waiting('CrashLoopBackOff', 'back-off 10s restarting failed container'),
          agentBefore: { terminated: { exitCode: 1, message: 'The certificate is not trusted. Add it.' } },
        }),
      ],
    },
    after: 5 * MINUTE,
    state: lost('control', 'The agent did not start within 5 min: The certificate is not trusted. Add it.'),
  },
  {
    name: 'a container that cannot start',
    changes: {
      pods: [
        pod({
          task: { terminated: { exitCode: 128, reason: 'StartError', message: 'exec /dais/shim: exec format error' } },
        }),
      ],
    },
    after: 0,
    state: refused('The container of the task could not start: exec /dais/shim: exec format error.'),
  },
  {
    name: 'a task that no node can run',
    changes: {
      ...notBegun,
      pods: [pod({ phase: 'Pending', unschedulable: '0/3 nodes are available: 3 Insufficient nvidia.com/gpu.' })],
    },
    after: 30 * MINUTE,
    state: refused(
      'The task found no node within 30 min: it waits for a node with 1 nvidia.com/gpu: 3 of 3 nodes have too few free. ' +
        'Request fewer resources, or add nodes to the target.',
    ),
  },
  {
    name: 'a pod that a policy rejects',
    changes: {
      ...notBegun,
      pods: [],
      events: [
        {
          reason: 'FailedCreate',
          message: 'Error creating: admission webhook "policy.example" denied the request: no GPUs on Sundays',
          at: at(0),
        },
      ],
    },
    after: 0,
    state: refused(
      'The cluster rejected the pod: admission webhook "policy.example" denied the request: no GPUs on Sundays.',
    ),
  },
  {
    name: 'a pod that needs something that the target does not have',
    changes: {
      ...notBegun,
      pods: [],
      events: [
        {
          reason: 'FailedCreate',
          message: 'Error creating: pods "p" is forbidden: no PriorityClass with name dais-task was found',
          at: at(0),
        },
      ],
    },
    after: 15 * MINUTE,
    state: lost(
      'control',
      'Kubernetes could not create the pod for 15 min: no PriorityClass with name dais-task was found.',
    ),
  },
  {
    name: 'a canceled task that has not started',
    changes: { job: job({ begun: false, suspend: true, canceled: -5 }), pods: [] },
    after: 0,
    state: {
      phase: 'ended',
      end: 'canceled',
      signal: 'SIGTERM',
      startedAt: at(-5),
      endedAt: at(-5),
      usage: { wallMs: 0, cpuMs: 0, peakMemoryBytes: 0 },
    },
  },
  {
    name: 'a canceled task whose pod disappeared without a report',
    changes: { job: job({ canceled: 0 }), pods: [] },
    after: 30,
    state: lost(
      'deleted',
      'It was canceled, and its agent reported no end within 40 s, so Dais deleted its pod. The result is unknown.',
    ),
  },
];

describe('an attempt without a report', () => {
  test.each(ROWS)('$name', ({ changes, after, state }) => {
    const before = after > 0 ? stateAfter(after - 1, changes).phase : 'preparing';
    expect(before).toMatch(/^(preparing|running)$/);
    expect(stateAfter(after, changes)).toEqual(state);
  });
});
