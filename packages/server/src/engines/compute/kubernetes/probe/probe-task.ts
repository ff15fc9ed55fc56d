/** Runs a task in the cluster as steps run, and removes it: with an input, an output, and connections that must fail. */
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { Clock } from '#lib/clock.ts';
import { pause } from '#lib/concurrency/pause.ts';
import type { TaskState } from '../../contract.ts';
import type { TargetCompute } from '../../model/target.ts';
import { networkScript, readResults, type ConnectionResult, type TestedAddress } from './network-enforcement.ts';

export interface TaskProbe {
  readonly addresses: readonly TestedAddress[];
  /** When the task must have ended. */
  readonly until: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Why the task did not succeed, with what to check; or what it connected to. */
export type TaskFindings =
  | { readonly problem: string }
  | { readonly problem?: undefined; readonly results: ReadonlyMap<string, ConnectionResult> };

/** Limit for the removal of the task. */
const FORGET_MS = 15_000;
/** Of an agent until it reaches Dais, and of an image that cannot be pulled. More time changes nothing. */
const STUCK_MS = 30_000;
const POLL_MS = 500;
const FORGET_RETRY_MS = 5000;
const FORGET_TRIES = 60;
const PREFIX = 'probe-';
/** No probe takes so long: another process left the task behind. */
const LEFT_MS = 5 * 60_000;
const INPUT = 'This file shows that inputs arrive.';

/** @throws the reason of `signal`, after the task was removed; DaisError */
export async function runProbeTask(compute: TargetCompute, probe: TaskProbe): Promise<TaskFindings> {
  const { addresses, clock, signal } = probe;
  removeLeftTasks(compute, clock).catch(() => {});
  const attempt = `${PREFIX}${clock.now()}`;
  try {
    await compute.submit({
      attempt,
      command: ['/bin/sh', '-c', `cat input > output\n${networkScript(addresses)}`],
      variables: {},
      secretVariables: {},
      inputs: [{ path: 'input', text: INPUT, open: async () => await Promise.resolve(Readable.from([INPUT])) }],
      outputs: [
        { name: 'output', path: 'output' },
        { name: 'network', path: 'network' },
      ],
      resources: {},
      limits: { wallMs: 60_000, diskBytes: 16 * 2 ** 20 },
      isolation: 'required',
      network: false,
    });
    const state = await untilEnd(compute, attempt, probe);
    signal.throwIfAborted();
    if (typeof state === 'string') return { problem: state };
    const problem = problemOf(state);
    if (problem !== undefined) return { problem };
    return await readOutputs(compute, attempt);
  } finally {
    await forget(compute, attempt, clock);
  }
}

/** Returns its end, or why it does not end in time. */
async function untilEnd(
  compute: TargetCompute,
  attempt: string,
  { until, clock, signal }: TaskProbe,
): Promise<TaskState | string | undefined> {
  const startedAt = clock.now();
  let stuck: { readonly note: string; readonly since: number } | undefined;
  for (;;) {
    const state = await compute.status(attempt);
    if (state?.phase !== 'preparing' && state?.phase !== 'running') return state;
    const note = compute.note(attempt);
    const kind = note === undefined ? undefined : stuckAt(note);
    if (kind === undefined) stuck = undefined;
    else if (stuck?.note !== kind) stuck = { note: kind, since: clock.now() };
    const now = clock.now();
    if (now >= until || (stuck !== undefined && now - stuck.since >= STUCK_MS)) {
      const seconds = Math.round((now - startedAt) / 1000);
      return slowTask({ seconds, note, url: compute.url });
    }
    await pause(clock, POLL_MS, signal);
  }
}

/** The part of a note that stays the same while nothing happens. */
function stuckAt(note: string): string | undefined {
  return /^waits for its agent.* to reach Dais|^waits for the image of the (?:task|agent)/.exec(note)?.[0];
}

interface SlowTask {
  readonly seconds: number;
  readonly note: string | undefined;
  readonly url: string;
}

function slowTask({ seconds, note, url }: SlowTask): string {
  const what = `The test task did not end within ${seconds} s`;
  if (note === undefined) return `${what}. Check the load of the cluster, and run the probe again.`;
  if (note.endsWith(' to reach Dais')) {
    return (
      `${what}: it ${note}. Check that pods can connect to ${url} (\`spec.agent.url\`): the address, its certificate, ` +
      'firewalls, and network policies (`spec.agent.peers`).'
    );
  }
  if (note.startsWith('waits for the image')) {
    return `${what}: it ${sentence(note)} Check the name, and that the nodes can pull from its registry (\`spec.pullSecrets\`).`;
  }
  return `${what}: it ${sentence(note)}`;
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

function problemOf(state: TaskState | undefined): string | undefined {
  if (state?.phase === 'lost' || state?.phase === 'refused') return `The test task did not run: ${state.reason}`;
  if (state?.phase !== 'ended') return 'The test task disappeared from the cluster. Run the probe again.';
  if (state.end === 'exit' && state.code === 0) return undefined;
  const why = state.detail ?? `it ended with ${state.end}, code ${state.code ?? 'unknown'}`;
  return `The test task failed: ${sentence(why)} The image of the target needs /bin/sh and cat.`;
}

async function readOutputs(compute: TargetCompute, attempt: string): Promise<TaskFindings> {
  const texts = new Map<string, string>();
  for await (const file of compute.outputs(attempt)) {
    texts.set(file.output, String(await buffer(await file.open())));
  }
  if (texts.get('output') !== INPUT) {
    return { problem: 'The test task returned another output than its input. See the log of the server.' };
  }
  return { results: readResults(texts.get('network') ?? '') };
}

/** Those of a process that was killed. */
async function removeLeftTasks(compute: TargetCompute, clock: Clock): Promise<void> {
  for await (const attempt of compute.attempts()) {
    const [, startedAt] = /^probe-(\d+)$/.exec(attempt) ?? [];
    if (startedAt !== undefined && clock.now() - Number(startedAt) > LEFT_MS) await compute.forget(attempt);
  }
}

/** Waits for a moment, and continues in the background for 5 minutes while the cluster does not respond. */
async function forget(compute: TargetCompute, attempt: string, clock: Clock): Promise<void> {
  const { signal } = new AbortController();
  const work = async () => {
    for (let tries = 0; tries < FORGET_TRIES; tries += 1) {
      try {
        await compute.forget(attempt);
        return;
      } catch {
        await pause(clock, FORGET_RETRY_MS, signal);
      }
    }
  };
  await Promise.race([work(), pause(clock, FORGET_MS, signal)]);
}
