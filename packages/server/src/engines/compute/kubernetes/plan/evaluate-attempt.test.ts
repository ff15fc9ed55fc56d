import { describe, expect, test } from 'vitest';
import { at, beat, endedPod, facts, job, pod, report, stateAfter, TestEngine } from './attempt.testing.ts';
import type { AttemptFacts } from './attempt-facts.ts';
import { formatEnd } from './attempt-records.ts';
import { toTaskState } from './attempt-state.ts';
import { evaluateAttempt } from './evaluate-attempt.ts';
import { ANNOTATIONS } from './names.ts';

const MINUTE = 60;
const waiting = (reason: string, message: string) => ({ waiting: { reason, message } });
const notBegun = { job: job({ begun: false }) };

describe('an end that the agent reported', () => {
  test('is the state, at once and without the pod', () => {
    const { podUid: _podUid, round: _round, outcome: _outcome, isInterrupted: _i, memoryKills: _m, ...end } = report();
    expect(stateAfter(0, { report: report(), pods: [] })).toEqual({ phase: 'ended', ...end });
    expect(stateAfter(0, { report: report({ code: 1 }) })).toMatchObject({ phase: 'ended', end: 'exit', code: 1 });
    expect(
      stateAfter(0, { report: report({ end: 'wall-time', code: undefined as never, signal: 'SIGKILL' }) }),
    ).toMatchObject({
      phase: 'ended',
      end: 'wall-time',
      signal: 'SIGKILL',
    });
    expect(stateAfter(0, { report: report({ end: 'disk-full', detail: 'wrote 61 GiB' }) })).toMatchObject({
      end: 'disk-full',
      detail: 'wrote 61 GiB',
    });
  });

  test('names a child that was killed for memory, if the command failed', () => {
    expect(stateAfter(0, { report: report({ code: 1, memoryKills: 2 }) })).toMatchObject({
      phase: 'ended',
      end: 'exit',
      code: 1,
      detail:
        'exited with code 1: the kernel had killed a child process because of the memory limit of 2 GiB. ' +
        'Request more with `resources.memory`',
    });
    expect(stateAfter(0, { report: report({ memoryKills: 2 }) })).not.toHaveProperty('detail');
  });

  test('is a cancellation if the attempt was canceled', () => {
    const canceled = { report: report({ end: 'canceled', code: 143, isInterrupted: true }), job: job({ canceled: 0 }) };
    expect(stateAfter(0, canceled)).toMatchObject({ phase: 'ended', end: 'canceled', code: 143 });
  });

  test('is rejected from another pod or another round', () => {
    for (const wrong of [{ podUid: 'pod-2' }, { round: 2 }]) {
      expect(stateAfter(MINUTE, { report: { ...report(), ...wrong }, beat: beat() })).toMatchObject({
        phase: 'running',
      });
    }
    expect(stateAfter(0, { ...notBegun, report: report() })).toMatchObject({ phase: 'preparing' });
  });

  test('can be a command that could not start, or a failed device, store or agent', () => {
    const refused = {
      podUid: 'pod-1',
      round: 1,
      outcome: 'refused',
      reason: 'train.py: permission denied (EACCES)',
    } as const;
    expect(stateAfter(0, { report: refused })).toEqual({
      phase: 'refused',
      reason: 'train.py: permission denied (EACCES)',
    });
    for (const kind of ['device', 'hang', 'store', 'control'] as const) {
      const lost = { podUid: 'pod-1', round: 1, outcome: 'lost', kind, reason: `The ${kind} failed.` } as const;
      expect(stateAfter(0, { report: lost })).toEqual({ phase: 'lost', kind, reason: `The ${kind} failed.` });
    }
  });
});

describe('a command that was stopped from outside', () => {
  const interrupted = report({ code: 143, isInterrupted: true });

  test('is lost with the reason that the cluster shows, whatever its exit code is', () => {
    expect(stateAfter(0, { report: interrupted, pods: [pod({ disruption: 'EvictionByEvictionAPI' })] })).toEqual({
      phase: 'lost',
      kind: 'preempted',
      reason: 'Its pod was evicted: its node is drained, or an autoscaler removes the node.',
    });
  });

  test('waits 30 s for the reason', () => {
    const engine = new TestEngine();
    expect(engine.evaluate(facts({ report: interrupted, beat: beat() }), 0).state).toMatchObject({
      phase: 'running',
      note: 'was stopped from outside',
    });
    expect(engine.reviewAt).toEqual(at(30));
    expect(engine.evaluate(facts({ report: interrupted, beat: beat() }), 29).state).toMatchObject({ phase: 'running' });
    expect(engine.evaluate(facts({ report: interrupted, beat: beat() }), 30).state).toEqual({
      phase: 'lost',
      kind: 'deleted',
      reason: 'Its container was stopped from outside while it ran, and Kubernetes shows no reason.',
    });
  });

  test('has ended if it succeeded, or reached a limit of its own', () => {
    expect(stateAfter(0, { report: report({ isInterrupted: true }), pods: [] })).toMatchObject({
      phase: 'ended',
      code: 0,
    });
    expect(stateAfter(0, { report: report({ end: 'wall-time', isInterrupted: true }), pods: [] })).toMatchObject({
      end: 'wall-time',
    });
  });
});

describe('an attempt that continues', () => {
  const LONG = 100 * 86_400;
  const later = at(LONG);
  test.each<[string, Partial<AttemptFacts>, object]>([
    [
      'waits for its turn',
      { job: job({ begun: false, suspend: true }), pods: [] },
      { phase: 'preparing', note: 'waits for its turn' },
    ],
    [
      'waits for Kueue',
      { job: job({ begun: false, suspend: true }), pods: [], target: { kueueQueue: 'churn' } },
      { phase: 'preparing', note: 'waits for Kueue to admit it to queue `churn`' },
    ],
    [
      'waits for Kueue, in the words of Kueue',
      {
        job: job({ begun: false, suspend: true }),
        pods: [],
        target: { kueueQueue: 'churn' },
        queueNote: 'insufficient unused quota for nvidia.com/gpu, 1 more needed',
      },
      { phase: 'preparing', note: 'insufficient unused quota for nvidia.com/gpu, 1 more needed' },
    ],
    [
      'was stopped by Kueue before it started the command, and waits again',
      { job: job({ begun: false, suspend: true }), pods: [pod({ deleted: true })], target: { kueueQueue: 'churn' } },
      { phase: 'preparing', note: 'waits for Kueue to admit it to queue `churn`' },
    ],
    [
      'waits for its pod',
      { ...notBegun, pods: [] },
      { phase: 'preparing', note: 'waits for Kubernetes to create its pod' },
    ],
    [
      'waits for quota',
      {
        ...notBegun,
        pods: [],
        events: [
          {
            reason: 'FailedCreate',
            message:
              'Error creating: pods "p" is forbidden: exceeded quota: dais, requested: requests.cpu=8, used: requests.cpu=60, limited: requests.cpu=64',
            at: at(0),
          },
        ],
      },
      {
        phase: 'preparing',
        note: 'waits for quota: quota dais permits 64 requests.cpu, 60 are used, and the pod needs 8',
      },
    ],
    [
      'waits for a node of an autoscaler, without a limit',
      {
        ...notBegun,
        target: {},
        pods: [pod({ phase: 'Pending', unschedulable: '0/1 nodes are available: 1 Insufficient cpu.' })],
      },
      { phase: 'preparing', note: 'waits for a node with 2 CPU cores: 1 of 1 node has too little free' },
    ],
    [
      'waits for its image, and shows what the agent loads meanwhile',
      {
        pods: [pod({ phase: 'Pending', task: waiting('PodInitializing', '') })],
        beat: { podUid: 'pod-1', at: later, phase: 'staging', note: 'loaded 3 of 5 inputs' },
      },
      { phase: 'preparing', note: 'loaded 3 of 5 inputs' },
    ],
    ['runs', { beat: beat({ at: later }) }, { phase: 'running', startedAt: at(-60), devices: ['GPU-1'] }],
    [
      'stores its outputs',
      { beat: beat({ at: later, phase: 'collecting' }) },
      { phase: 'running', startedAt: at(-60), devices: ['GPU-1'], note: 'stores its outputs' },
    ],
    [
      'runs while its agent is silent and its node responds',
      { beat: beat({ at: at(-3000) }) },
      {
        phase: 'running',
        startedAt: at(-60),
        devices: ['GPU-1'],
        note: 'its agent on node `n1` has not reported since 2026-12-01 09:10 UTC',
      },
    ],
  ])('%s', (_name, changes, state) => {
    expect(stateAfter(LONG, changes)).toEqual(state);
  });

  test('is silent after 120 s without a beat', () => {
    expect(stateAfter(119, { beat: beat() })).not.toHaveProperty('note');
    expect(stateAfter(120, { beat: beat() })).toMatchObject({
      note: 'its agent on node `n1` has not reported since 2026-12-01 10:00 UTC',
    });
    expect(stateAfter(120, { beat: beat(), listeningSince: at(60) })).not.toHaveProperty('note');
  });

  test('does not count the silence while Dais could not be reached', () => {
    const silent = { node: 'not-ready', beat: beat({ at: at(-600) }), listeningSince: at(0) } as const;
    expect(stateAfter(119, silent)).toMatchObject({ phase: 'running' });
    expect(stateAfter(120, silent)).toMatchObject({ phase: 'lost', kind: 'node' });
  });

  test('gets the time of a registry again when the image was available meanwhile', () => {
    const engine = new TestEngine();
    const limited = facts({ pods: [pod({ task: waiting('ErrImagePull', '429') })], beat: beat() });
    expect(engine.evaluate(limited, 0).state).toMatchObject({ note: 'waits for the image of the task: 429' });
    engine.evaluate(limited, 14 * MINUTE);
    engine.evaluate(facts({ beat: beat() }), 14 * MINUTE + 1);
    expect(engine.evaluate(limited, 16 * MINUTE).state).toMatchObject({ phase: 'running' });
    expect(engine.reviewAt).toEqual(at(31 * MINUTE));
  });

  test('an agent that ended says why in the note, also after its restart', () => {
    const agentBefore = { terminated: { exitCode: 1, message: 'The certificate is not trusted.' } };
    const waiting = { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s' } };
    const notBegun = job({ begun: false });
    expect(stateAfter(0, { job: notBegun, pods: [pod({ agent: waiting, agentBefore })] })).toMatchObject({
      note: 'waits for the agent, which failed to start: The certificate is not trusted.',
    });
    expect(stateAfter(0, { job: notBegun, pods: [pod({ agentBefore })] })).toMatchObject({
      note: 'waits for its agent on node `n1` to reach Dais: The certificate is not trusted.',
    });
  });

  test('keeps the cause of an image error while kubelet waits without repeating it', () => {
    const engine = new TestEngine();
    engine.evaluate(facts({ pods: [pod({ task: waiting('ErrImagePull', 'not found') })] }), 0);
    engine.evaluate(facts({ pods: [pod({ task: waiting('ImagePullBackOff', 'Back-off pulling image') })] }), 60);
    expect(
      engine.evaluate(facts({ pods: [pod({ task: waiting('ImagePullBackOff', 'Back-off pulling image') })] }), 120)
        .state,
    ).toMatchObject({ phase: 'refused' });
  });
});

describe('effects', () => {
  const kinds = (changes: Partial<AttemptFacts>, seconds = 0) => {
    const engine = new TestEngine();
    engine.evaluate(facts(changes), 0);
    return engine.evaluate(facts(changes), seconds).effects.map(({ kind }) => kind);
  };

  test('a Job starts in the order of Dais, and Kueue starts its Jobs itself', () => {
    const suspended = { job: job({ begun: false, suspend: true }), pods: [] };
    expect(kinds({ ...suspended, isTurn: true })).toEqual(['unsuspend']);
    expect(kinds({ ...suspended, isTurn: false })).toEqual([]);
    expect(kinds({ ...suspended, isTurn: true, target: { kueueQueue: 'churn' } })).toEqual([]);
  });

  test('a loss or a refusal needs a confirmed read, and an end that is proven does not', () => {
    const cases: [Partial<AttemptFacts>, string][] = [
      [{ job: undefined }, 'confirm'],
      [{ report: { podUid: 'pod-1', round: 1, outcome: 'lost', kind: 'store', reason: '' } }, 'confirm'],
      [{ pods: [pod({ task: waiting('InvalidImageName', '') })] }, 'confirm'],
      [{ report: report() }, 'record'],
      [{ job: job({ begun: false, canceled: 0 }) }, 'record'],
    ];
    for (const [changes, kind] of cases) {
      const { state, effects } = evaluateAttempt(facts({ ...changes, isConfirmed: false }), at(0), {});
      expect(state.phase).toBe('preparing');
      expect(effects.map((effect) => effect.kind)).toEqual([kind]);
    }
  });

  test('the state is final only when the end is recorded', () => {
    const ending = facts({ report: report({ code: 1 }), beat: beat() });
    const { state, effects } = evaluateAttempt(ending, at(0), {});
    expect(state).toMatchObject({ phase: 'running' });
    expect(effects).toMatchObject([{ kind: 'record', end: { phase: 'ended', code: 1 } }]);
    const other = { phase: 'lost', kind: 'node', reason: 'Recorded by another process.' } as const;
    const recorded = facts({ ...ending, job: job({ annotations: { [ANNOTATIONS.end]: formatEnd(other) } }) });
    expect(evaluateAttempt(recorded, at(0), {}).state).toEqual(other);
  });

  test('the pod of an attempt that was canceled before it started is deleted', () => {
    const canceled = { job: job({ begun: false, canceled: 0 }) };
    expect(stateAfter(0, canceled)).toMatchObject({ phase: 'ended', end: 'canceled' });
    expect(kinds(canceled)).toEqual(['delete-job', 'delete-pods']);
  });

  test('a running attempt that is canceled gets an order, and its pod is deleted when the agent does not respond', () => {
    const canceled = { job: job({ canceled: 0 }), beat: beat() };
    expect(kinds(canceled)).toEqual(['order-stop']);
    expect(kinds(canceled, 39)).toEqual(['order-stop']);
    expect(kinds(canceled, 40)).toEqual(['order-stop', 'delete-pods']);
    const grace = { ...canceled, task: { resources: {}, limits: { graceMs: 60_000 } } };
    expect(kinds(grace, 89)).toEqual(['order-stop']);
    expect(kinds(grace, 90)).toEqual(['order-stop', 'delete-pods']);
  });

  test('an attempt that Kueue stops gets an order, and its Job is deleted so that Kueue does not start it again', () => {
    expect(kinds({ job: job({ suspend: true }) })).toEqual(['order-stop', 'delete-job']);
    expect(kinds({ job: job({ suspend: true, deleted: true }) })).toEqual(['order-stop']);
    expect(kinds({ job: job({ deleted: true }) })).toEqual(['order-stop']);
  });

  test('after the end nothing of the attempt continues to run', () => {
    expect(kinds({ node: 'absent' }, 30)).toEqual(['delete-job', 'delete-pods']);
    expect(kinds({ node: 'absent', job: job({ deleted: true }) }, 30)).toEqual(['delete-pods']);
    expect(kinds({ node: 'absent', job: job({ failed: 'BackoffLimitExceeded' }) }, 30)).toEqual(['delete-pods']);
    expect(kinds({ job: job({ begun: false, canceled: 0, suspend: true }), pods: [] })).toEqual(['delete-job']);
    expect(kinds({ report: report() }, 30)).toEqual([]);
    expect(kinds({ report: report() }, 60)).toEqual(['delete-pods']);
    expect(kinds({ report: report(), pods: [endedPod(0, 'Completed')] }, 60)).toEqual([]);
  });
});

test('the state has the form of the contract', () => {
  expect(toTaskState({ phase: 'preparing', note: 'waits for its turn' })).toEqual({ phase: 'preparing' });
  expect(toTaskState({ phase: 'running', startedAt: at(0), devices: ['a'], note: 'b' })).toEqual({
    phase: 'running',
    startedAt: at(0),
    devices: ['a'],
  });
  expect(toTaskState({ phase: 'lost', kind: 'node', reason: 'a' })).toEqual({ phase: 'lost', reason: 'a' });
  expect(toTaskState({ phase: 'refused', reason: 'a' })).toEqual({ phase: 'refused', reason: 'a' });
  const { podUid: _podUid, round: _round, outcome: _outcome, isInterrupted: _i, memoryKills: _m, ...end } = report();
  expect(toTaskState({ phase: 'ended', ...end })).toEqual({ phase: 'ended', ...end });
});
