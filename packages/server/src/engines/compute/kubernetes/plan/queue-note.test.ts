import { describe, expect, test } from 'vitest';
import { evictionOf, queueNote, type QueueFacts } from './queue-note.ts';
import { keepLocalQueue, keepWorkload, kueueVersion, type WorkloadObject } from './queue-objects.ts';

interface Conditions {
  readonly [type: string]: { readonly is: 'True' | 'False'; readonly reason?: string; readonly message?: string };
}

interface Fields {
  readonly active?: boolean;
  readonly requeueAt?: string;
  readonly checks?: WorkloadObject['checks'];
}

const NOW = new Date('2026-12-01T10:00:00Z');

function workload(conditions: Conditions = {}, { active, requeueAt, checks }: Fields = {}): WorkloadObject {
  return keepWorkload({
    apiVersion: 'kueue.x-k8s.io/v1beta2',
    kind: 'Workload',
    metadata: {
      name: 'job-dais-a-r1-1',
      creationTimestamp: '2026-12-01T09:00:00Z',
      ownerReferences: [{ kind: 'Job', name: 'dais-a-r1' }],
    },
    spec: { ...(active !== undefined && { active }) },
    status: {
      conditions: Object.entries(conditions).map(([type, { is, ...others }]) => ({ type, status: is, ...others })),
      ...(checks !== undefined && { admissionChecks: checks }),
      ...(requeueAt !== undefined && { requeueState: { requeueAt } }),
    },
  });
}

function note(of: WorkloadObject | undefined, more: Partial<QueueFacts> = {}): string {
  const localQueue = { clusterQueue: 'vision', stopPolicy: 'None' };
  return queueNote({
    queue: 'gpu',
    namespace: 'dais-vision',
    localQueue,
    workload: of,
    missingMs: 0,
    now: NOW,
    ...more,
  });
}

const pending = (message: string) => workload({ QuotaReserved: { is: 'False', reason: 'Pending', message } });

describe('the note of a task in a queue', () => {
  test.each<[message: string, text: string]>([
    [
      "couldn't assign flavors to pod set main: insufficient unused quota for nvidia.com/gpu in flavor h100, 1 more needed",
      'waits in the queue `gpu`: the quota for nvidia.com/gpu in flavor `h100` is in use, 1 more is needed',
    ],
    [
      "couldn't assign flavors to pod set main: insufficient unused quota for cpu in flavor default, 1050m more needed, insufficient unused quota for memory in flavor default, 1Gi more needed. Pending the preemption of 2 workload(s)",
      'waits in the queue `gpu`: the quota for cpu in flavor `default` is in use, 1.05 more is needed, the quota for memory in flavor `default` is in use, 1 GiB more is needed, Kueue stops 2 other tasks for it',
    ],
    [
      "couldn't assign flavors to pod set main: insufficient quota for cpu in flavor default, previously considered podsets requests (0) + current podset request (8050m) > maximum capacity (4)",
      'waits in the queue `gpu`: it requests 8.05 of cpu, more than the whole quota of 4 in flavor `default`',
    ],
    [
      "couldn't assign flavors to pod set main: resource ephemeral-storage unavailable in ClusterQueue",
      'waits in the queue `gpu`: ClusterQueue `vision` has no quota for ephemeral-storage: add it to `coveredResources`',
    ],
    [
      "couldn't assign flavors to pod set main: flavor a100 doesn't match node affinity, untolerated taint {gpu true NoSchedule <nil>} in flavor h100",
      'waits in the queue `gpu`: flavor `a100` is for other nodes than the target selects, flavor `h100` has a taint that the target does not tolerate',
    ],
    ['Workload didn’t fit. Ask Kueue', 'waits in the queue `gpu`: Workload didn’t fit. Ask Kueue'],
    ['LocalQueue gpu is inactive', 'waits in the queue `gpu`, which is stopped by its `stopPolicy`'],
    [
      "ClusterQueue vision doesn't exist",
      'waits in the queue `gpu`, whose ClusterQueue `vision` does not exist: create it, or change the LocalQueue',
    ],
    [
      'ClusterQueue vision is stopped',
      'waits in the queue `gpu`, whose ClusterQueue `vision` is stopped by its `stopPolicy`',
    ],
    [
      'ClusterQueue vision is inactive',
      'waits in the queue `gpu`, whose ClusterQueue `vision` is not active: its condition `Active` shows why',
    ],
    [
      "Workload namespace doesn't match ClusterQueue selector",
      'waits in the queue `gpu`, whose ClusterQueue `vision` does not accept the namespace: change its `namespaceSelector`',
    ],
    ['', 'waits in the queue `gpu`'],
  ])('translates %s', (message, text) => {
    expect(note(pending(message))).toBe(text);
  });

  test('names what is missing around the Workload', () => {
    expect(note(undefined, { localQueue: undefined })).toBe(
      'waits for the LocalQueue `gpu`, which does not exist in namespace `dais-vision`: create it, or change `spec.kueue.queue` of the target',
    );
    expect(note(undefined)).toBe('waits in the queue `gpu`');
    expect(note(undefined, { missingMs: 10_000, localQueue: 'unknown' })).toBe(
      'waits in the queue `gpu`, but Kueue has created no Workload for it: check that Kueue runs and manages namespace `dais-vision`',
    );
    expect(note(pending(''), { localQueue: { stopPolicy: 'Hold' } })).toBe(
      'waits in the queue `gpu`, which is stopped: its `stopPolicy` is `Hold`',
    );
    expect(note(workload({}, { active: false }))).toBe(
      'waits in the queue `gpu`, where its Workload `job-dais-a-r1-1` was deactivated: set its `spec.active` to true',
    );
  });

  test('tells how far an admission is', () => {
    const reserved = { QuotaReserved: { is: 'True' } } as const;
    expect(note(workload({ ...reserved, Admitted: { is: 'True' } }))).toBe('starts: the queue `gpu` admitted it');
    expect(note(workload(reserved))).toBe('waits in the queue `gpu`');
    const checks = [
      { name: 'ready', state: 'Ready' },
      { name: 'nodes', state: 'Pending', message: 'Waiting for 2 nodes.' },
    ];
    expect(note(workload(reserved, { checks }))).toBe(
      'waits in the queue `gpu`: the admission check `nodes` is in state Pending (Waiting for 2 nodes)',
    );
  });

  test('tells that Kueue stopped it before its start', () => {
    const conditions: Conditions = {
      Evicted: { is: 'True', reason: 'Preempted' },
      QuotaReserved: {
        is: 'False',
        message: 'Preempted to accommodate a workload (UID: 1, JobUID: 2) due to prioritization',
      },
    };
    expect(note(workload(conditions))).toBe('waits again in the queue `gpu`');
    expect(note(workload(conditions, { requeueAt: '2026-12-01T10:05:00Z' }))).toBe(
      'waits again in the queue `gpu`: Kueue retries at 10:05 UTC',
    );
  });
});

describe('the reason of an eviction', () => {
  test.each<[reason: string, preempted: string | undefined, kind: string, text: string]>([
    ['Preempted', 'InClusterQueue', 'preempted', 'Kueue stopped it for a task of higher priority in its queue.'],
    [
      'Preempted',
      'InCohortReclamation',
      'preempted',
      'Kueue stopped it because another queue needs the quota that it had borrowed.',
    ],
    ['Preempted', undefined, 'preempted', 'Kueue stopped it for another task.'],
    [
      'ClusterQueueStopped',
      undefined,
      'preempted',
      'Kueue stopped it because its ClusterQueue was stopped with `stopPolicy: HoldAndDrain`.',
    ],
    ['NodeFailures', undefined, 'node', 'Kueue stopped it because its node failed: words.'],
    ['PodsReadyTimeout', undefined, 'preempted', 'Kueue stopped it because its pod was not ready in time: words.'],
    ['AdmissionCheck', undefined, 'preempted', 'Kueue stopped it because an admission check failed: words.'],
    ['DeactivatedDueToRequeuingLimitExceeded', undefined, 'deleted', 'Its Workload was deactivated in Kueue: words.'],
    ['EvictedOnManagerCluster', undefined, 'preempted', 'Kueue stopped it: words.'],
  ])('%s %s', (reason, preempted, kind, text) => {
    const conditions: Conditions = {
      Evicted: { is: 'True', reason, message: 'words.' },
      ...(preempted !== undefined && { Preempted: { is: 'True', reason: preempted } }),
    };
    expect(evictionOf(workload(conditions))).toEqual({ kind, reason: text });
  });

  test('does not exist after a new admission', () => {
    expect(evictionOf(workload({ Evicted: { is: 'False', reason: 'Preempted' } }))).toBeUndefined();
    expect(evictionOf(workload())).toBeUndefined();
  });
});

test('reads the newest known version of the API', () => {
  expect(kueueVersion(['v1beta1', 'v1beta2'])).toBe('v1beta2');
  expect(kueueVersion(['v1alpha1', 'v1beta1'])).toBe('v1beta1');
  expect(kueueVersion(['v1'])).toBeUndefined();
});

test('reads a LocalQueue and the owner of a Workload', () => {
  const object = { apiVersion: 'kueue.x-k8s.io/v1beta2', kind: 'LocalQueue', metadata: { name: 'gpu' } };
  expect(keepLocalQueue({ ...object, spec: { clusterQueue: 'vision' } })).toEqual({ clusterQueue: 'vision' });
  expect(workload()).toMatchObject({ job: 'dais-a-r1', isActive: true });
  expect(keepWorkload({ ...object, kind: 'Workload' }).job).toBeUndefined();
});
