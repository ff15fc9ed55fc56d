import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import type { WorkGate } from './work-gate.ts';

export interface LoopDependencies {
  readonly clock: Clock;
  readonly log: Log;
  /** While it is closed, the loop iterates no more. */
  readonly gate?: WorkGate | undefined;
}

export interface LoopTimes {
  readonly pollMs: number;
  /** The minimum interval between iterations: work that arrives in between shares one iteration. Default 0. */
  readonly gapMs?: number;
  /** Called before the pause while the gate is closed. An error is logged, and it is called again. */
  readonly onPause?: () => Promise<void>;
}

/**
 * A background loop: iterates while there is work, then sleeps until a wake (a NOTIFY, a call) or for `pollMs`. A
 * failed iteration is logged and retried with growing delays; `retryable` errors (an unavailable database) are not
 * logged each time.
 */
export class Loop {
  readonly #name: string;
  readonly #dependencies: LoopDependencies & LoopTimes;
  readonly #turn: () => Promise<boolean>;
  #wakeUp: (() => void) | undefined;
  #woken = false;
  #stopped = false;
  #running: Promise<void> | undefined;
  #unlisten: (() => Promise<void>)[] = [];
  #lastTurn: number;

  constructor(name: string, dependencies: LoopDependencies & LoopTimes, turn: () => Promise<boolean>) {
    this.#name = name;
    this.#dependencies = dependencies;
    this.#turn = turn;
    this.#lastTurn = dependencies.clock.now();
  }

  /** `subscriptions` register a callback for new work and return a function that unregisters it. */
  async start(...subscriptions: readonly ((wake: () => void) => Promise<() => Promise<void>>)[]): Promise<void> {
    for (const subscribe of subscriptions) this.#unlisten.push(await subscribe(() => this.wake()));
    const unlisten = this.#dependencies.gate?.listen(() => this.wake());
    if (unlisten !== undefined) this.#unlisten.push(async () => await Promise.resolve(unlisten()));
    this.#running = this.#run();
  }

  /** Milliseconds since a turn last ended well; for /readyz. */
  get age(): number {
    return this.#dependencies.clock.now() - this.#lastTurn;
  }

  wake(): void {
    this.#woken = true;
    this.#wakeUp?.();
  }

  /** Waits for the running turn. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.wake();
    await this.#running;
    for (const unlisten of this.#unlisten) await unlisten();
    this.#unlisten = [];
  }

  async #run(): Promise<void> {
    const { pollMs, gapMs = 0 } = this.#dependencies;
    let failures = 0;
    let isPaused = false;
    while (!this.#stopped) {
      this.#woken = false;
      try {
        const pauses = this.#dependencies.gate?.isOpen === false;
        if (pauses && !isPaused) await this.#dependencies.onPause?.();
        isPaused = pauses;
        const more = !pauses && (await this.#turn());
        this.#lastTurn = this.#dependencies.clock.now();
        failures = 0;
        if (more) continue;
      } catch (error) {
        failures++;
        if ((error as { retryable?: unknown } | null)?.retryable !== true) {
          this.#dependencies.log.error(`${this.#name}: an iteration failed`, { error });
        }
      }
      if (failures > 0) await this.#sleep(Math.min(100 * 2 ** failures, 2000), false);
      else {
        if (gapMs > 0) await this.#sleep(gapMs, false);
        await this.#sleep(pollMs, true);
      }
    }
  }

  async #sleep(ms: number, wakeable: boolean): Promise<void> {
    if (this.#stopped || (wakeable && this.#woken)) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#dependencies.clock.after(ms, resolve);
      this.#wakeUp = () => {
        if (!wakeable && !this.#stopped) return;
        cancel();
        resolve();
      };
    });
    this.#wakeUp = undefined;
  }
}
