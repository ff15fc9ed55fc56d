/** Waits for the shim of the pod, before and after a restart of the agent. */
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import { pause } from '#lib/concurrency/pause.ts';
import type { ResumedCommand, ShimConnection, ShimEvents } from './shim-connection.ts';
import { listenForShim } from './shim-listener.ts';

export interface ShimLinkOptions {
  /** Of the socket. */
  readonly path: string;
  readonly events: ShimEvents;
  readonly clock: Clock;
  readonly log: Log;
}

export interface ShimWish {
  /** The shim has received the command, or may have. */
  readonly resume?: ResumedCommand | undefined;
  /** It is not certain that the shim has received the command: the agent was killed in that moment. */
  readonly isUncertain?: boolean;
  /** Undefined: no limit, because the image of the container is being pulled. */
  readonly limitMs?: number;
}

export interface AcceptedShim {
  readonly connection: ShimConnection;
  readonly hasCommand: boolean;
}

/** A shim connects every 500 ms. After a refusal, so much time without the right one means that this is the other kind. */
const REFUSED_MS = 3000;

/** Undefined when no shim appears in time. @throws the reason of `signal` when it aborts */
export async function awaitShim(
  { path, events, clock, log }: ShimLinkOptions,
  { resume, isUncertain = false, limitMs = Number.POSITIVE_INFINITY }: ShimWish,
  signal: AbortSignal,
): Promise<AcceptedShim | undefined> {
  const until = clock.now() + limitMs;
  for (let current = resume; ; current = isUncertain && current === undefined ? resume : undefined) {
    const refusals: string[] = [];
    const listener = await listenForShim({
      path,
      events,
      clock,
      ...(current !== undefined && { resume: current }),
      refused: (reason) => {
        if (isUncertain) refusals.push(reason);
        log.warn('a process in the container is not the expected shim', { reason });
      },
    });
    const over = new AbortController();
    try {
      do {
        const waitMs = Math.min(REFUSED_MS, Math.max(until - clock.now(), 0));
        const waiting = pause(clock, waitMs, AbortSignal.any([signal, over.signal])).catch(() => {});
        const connection = await Promise.race([listener.accepted, waiting]);
        if (connection !== undefined) return { connection, hasCommand: current !== undefined };
        signal.throwIfAborted();
        if (clock.now() >= until) return undefined;
      } while (refusals.length === 0);
    } finally {
      over.abort();
      listener.close();
    }
  }
}
