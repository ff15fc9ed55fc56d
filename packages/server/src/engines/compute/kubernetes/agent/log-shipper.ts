/**
 * Sends the log to Dais. The first output goes at once. While nobody follows the log, output that keeps coming is collected for
 * up to five seconds, because each part is an object in the store of Dais.
 */
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import type { LogConflict } from '../agent-api.ts';
import { RejectedCall } from './call-errors.ts';
import type { DaisClient } from './dais-client.ts';
import type { Journal } from './journal.ts';
import type { LogStore } from './log-store.ts';
import { pause } from '#lib/concurrency/pause.ts';

export interface LogShipperOptions {
  readonly client: DaisClient;
  readonly store: LogStore;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly log: Log;
}

const PART_BYTES = 256 << 10;
/** After an outage. */
const LARGE_PART_BYTES = 1 << 20;
const FIRST_INTERVAL_MS = 200;
const LAST_INTERVAL_MS = 5000;
/** Dais and the agent disagree about the end of the log this often in a row: then the part is sent as after a gap. */
const MOST_CONFLICTS = 10;

export class LogShipper {
  readonly #options: LogShipperOptions;
  #isFollowed = false;
  #isFinishing = false;
  #sentAt = Number.NEGATIVE_INFINITY;
  #intervalMs = FIRST_INTERVAL_MS;
  #conflicts = 0;
  #wake = new AbortController();

  constructor(options: LogShipperOptions) {
    this.#options = options;
  }

  /** Somebody follows the log. */
  follow(isFollowed: boolean): void {
    this.#isFollowed = isFollowed;
    this.notify();
  }

  /** There is new output. */
  notify(): void {
    this.#wake.abort();
  }

  /** No more output comes: `run` ends when everything is sent. */
  finish(): void {
    this.#isFinishing = true;
    this.notify();
  }

  /** Sends until `finish`. @throws the errors of the client */
  async run(signal: AbortSignal): Promise<void> {
    const { store, journal } = this.#options;
    for (;;) {
      this.#wake = new AbortController();
      const waiting = store.end - journal.progress.sent;
      if (waiting <= 0 && this.#isFinishing) return;
      const delay = waiting <= 0 ? Number.POSITIVE_INFINITY : this.#delayMs(waiting);
      if (delay > 0) await this.#pause(delay, signal);
      else await this.#send(waiting, signal);
    }
  }

  #delayMs(waiting: number): number {
    if (this.#isFollowed || this.#isFinishing || waiting >= PART_BYTES) return 0;
    return this.#sentAt + this.#intervalMs - this.#options.clock.now();
  }

  /** Waits for the time or for a notification. */
  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    const wake = this.#wake.signal;
    await pause(this.#options.clock, Math.min(ms, 2 ** 30), AbortSignal.any([signal, wake])).catch(() => {});
    signal.throwIfAborted();
  }

  async #send(waiting: number, signal: AbortSignal): Promise<void> {
    const { store, journal, clock } = this.#options;
    const { sent } = journal.progress;
    const part = await store.read(sent, waiting > LARGE_PART_BYTES ? LARGE_PART_BYTES : PART_BYTES);
    if (part === undefined) return;
    const { position, bytes } = part;
    // The output in between was dropped.
    const isGap = position > sent || this.#conflicts > MOST_CONFLICTS;
    const conflict = await this.#sendPart(position, bytes, isGap, signal);
    this.#conflicts = conflict === undefined ? 0 : this.#conflicts + 1;
    journal.writeProgress({
      sent: conflict === undefined ? position + bytes.length : Math.min(conflict.position, store.end),
    });
    const now = clock.now();
    const isSteady = now - this.#sentAt < 2 * this.#intervalMs;
    this.#intervalMs = isSteady ? Math.min(2 * this.#intervalMs, LAST_INTERVAL_MS) : FIRST_INTERVAL_MS;
    this.#sentAt = now;
  }

  async #sendPart(
    position: number,
    bytes: Buffer,
    isGap: boolean,
    signal: AbortSignal,
  ): Promise<LogConflict | undefined> {
    const { client, log } = this.#options;
    try {
      return await client.log(position, bytes, isGap, signal);
    } catch (error) {
      // The command is worth more than a part of its log.
      if (!(error instanceof RejectedCall)) throw error;
      log.error('Dais rejected a part of the log, which is lost', { position, bytes: bytes.length, error });
      return undefined;
    }
  }
}
