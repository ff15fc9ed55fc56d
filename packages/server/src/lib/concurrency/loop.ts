import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';

export interface LoopParts {
  readonly clock: Clock;
  readonly log: Log;
}

export interface LoopTimes {
  readonly pollMs: number;
  /** From one turn to the next at least: what comes meanwhile is done in one turn. Default 0. */
  readonly gapMs?: number;
}

/**
 * A background loop: takes turns while there is work, then sleeps until it is poked (a NOTIFY, a call) or `pollMs` have
 * passed. A failing turn is logged and tried again after growing waits; an error that calls
 * itself `retryable` (a lost database) is no news and is not logged each time.
 */
export class Loop {
  readonly #name: string;
  readonly #parts: LoopParts & LoopTimes;
  readonly #turn: () => Promise<boolean>;
  #wake: (() => void) | undefined;
  #poked = false;
  #stopped = false;
  #running: Promise<void> | undefined;
  #unlisten: (() => Promise<void>)[] = [];
  #lastTurn: number;

  constructor(name: string, parts: LoopParts & LoopTimes, turn: () => Promise<boolean>) {
    this.#name = name;
    this.#parts = parts;
    this.#turn = turn;
    this.#lastTurn = parts.clock.now();
  }

  /** `bells` call what they are given when there may be work, and give back how to stop that. */
  async start(...bells: readonly ((ring: () => void) => Promise<() => Promise<void>>)[]): Promise<void> {
    for (const bell of bells) this.#unlisten.push(await bell(() => this.poke()));
    this.#running = this.#run();
  }

  /** Milliseconds since a turn last ended well; for /readyz. */
  get age(): number {
    return this.#parts.clock.now() - this.#lastTurn;
  }

  poke(): void {
    this.#poked = true;
    this.#wake?.();
  }

  /** Waits for the running turn. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.poke();
    await this.#running;
    for (const unlisten of this.#unlisten) await unlisten();
    this.#unlisten = [];
  }

  async #run(): Promise<void> {
    const { pollMs, gapMs = 0 } = this.#parts;
    let failures = 0;
    while (!this.#stopped) {
      this.#poked = false;
      try {
        const more = await this.#turn();
        this.#lastTurn = this.#parts.clock.now();
        failures = 0;
        if (more) continue;
      } catch (error) {
        failures++;
        if ((error as { retryable?: unknown } | null)?.retryable !== true) {
          this.#parts.log.error(`${this.#name}: an iteration failed`, { error });
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
    if (this.#stopped || (wakeable && this.#poked)) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#parts.clock.after(ms, resolve);
      this.#wake = () => {
        if (!wakeable && !this.#stopped) return;
        cancel();
        resolve();
      };
    });
    this.#wake = undefined;
  }
}
