/** Lets the shim end when nobody needs it any more, so that the pod ends. */
import type { Clock } from '#lib/clock.ts';
import type { Journal } from './journal.ts';
import { pause } from '#lib/concurrency/pause.ts';
import type { ShimConnection, ShimEvents } from './shim-connection.ts';
import { awaitShim, type ShimLinkOptions } from './shim-link.ts';

export interface Dismissal {
  readonly link: Omit<ShimLinkOptions, 'events'>;
  readonly journal: Journal;
  /** Undefined when no shim is connected. */
  readonly connection: ShimConnection | undefined;
  readonly clock: Clock;
  /** Kubelet stops the agent, because the container of the command has ended. */
  readonly terminated: AbortSignal;
}

/** A shim that receives no command exits after 15 minutes. */
const APPEARANCE_MS = 20 * 60_000;
/** Kubelet notices the end of the container, and stops the agent. If the agent ended before, kubelet would restart it. */
const TERMINATION_MS = 60_000;

const IGNORED: ShimEvents = {
  started: () => {},
  output: () => {},
  terminating: () => {},
  exited: () => {},
  failed: () => {},
  gone: () => {},
};

/** Resolves when the agent can end. */
export async function dismissShim({ link, journal, connection, clock, terminated }: Dismissal): Promise<void> {
  try {
    (connection ?? (await awaitAny(link, journal, terminated)))?.bye();
    await pause(clock, TERMINATION_MS, terminated);
  } catch (error) {
    if (!terminated.aborted) throw error;
  }
}

async function awaitAny(
  link: Dismissal['link'],
  { record, progress }: Journal,
  terminated: AbortSignal,
): Promise<ShimConnection | undefined> {
  const { secret } = record ?? {};
  const resume = secret === undefined ? undefined : { secret, acknowledged: progress.received };
  const wish = { resume, isUncertain: resume !== undefined, limitMs: APPEARANCE_MS };
  const shim = await awaitShim({ ...link, events: IGNORED }, wish, terminated);
  return shim?.connection;
}
