/** Enforces the limits of a running command that the kernel does not enforce: its time and its disk. */
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import { freeSpace, TaskDisk } from '../../disk-watch.ts';
import type { AgentLimits } from '../agent-api.ts';
import type { StopMark } from './journal.ts';

export interface LimitWatchOptions {
  readonly limits: AgentLimits;
  /** That the command writes. */
  readonly folders: readonly [string, ...string[]];
  readonly clock: Clock;
  readonly log: Log;
  readonly exceeded: (end: StopMark['end'], detail?: string) => void;
}

/** Between reads of the free space, which cost 10 µs; the folders are measured only when it has changed. */
const DISK_MS = 250;
/** Longest time of a timer of Node is 2^31 ms. */
const LONGEST_MS = 2 ** 30;

export class LimitWatch {
  readonly #options: LimitWatchOptions;
  readonly #disk: TaskDisk;
  #cancelWall: (() => void) | undefined;
  #cancelDisk: (() => void) | undefined;
  #isClosed = false;

  constructor(options: LimitWatchOptions) {
    this.#options = options;
    this.#disk = new TaskDisk(options.limits);
  }

  /** `startedAt`: of the command, in milliseconds since 1970. */
  start(startedAt: number): void {
    this.#watchWall(startedAt);
    if (this.#disk.isLimited) this.#watchDisk();
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelWall?.();
    this.#cancelDisk?.();
  }

  #watchWall(startedAt: number): void {
    const { limits, clock, exceeded } = this.#options;
    if (limits.wallMs === undefined) return;
    const left = startedAt + limits.wallMs - clock.now();
    if (left <= 0) return exceeded('wall-time');
    this.#cancelWall = clock.after(Math.min(left, LONGEST_MS), () => this.#watchWall(startedAt));
  }

  #watchDisk(): void {
    const { clock, log } = this.#options;
    this.#cancelDisk = clock.after(DISK_MS, () => {
      this.#checkDisk()
        .catch((error: unknown) => log.warn('could not measure the disk usage of the command', { error }))
        .finally(() => {
          if (!this.#isClosed) this.#watchDisk();
        });
    });
  }

  async #checkDisk(): Promise<void> {
    const { folders, clock, exceeded } = this.#options;
    const free = await freeSpace(folders[0]);
    if (!this.#disk.isDue(clock.now(), free)) return;
    // The processes of the command are in another container.
    await this.#disk.measure(folders, () => [], { now: () => clock.now(), free });
    const problem = this.#disk.problem();
    if (problem === undefined || this.#isClosed) return;
    this.close();
    exceeded('disk-full', problem);
  }
}
