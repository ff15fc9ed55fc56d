/** Watches the free space of the tasks' disk; if it runs out, it ends the task that wrote the most. */
import { byteText } from '#lib/formats/byte-text.ts';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import { freeSpace, type FreeSpace } from '../../disk-watch.ts';
import type { TaskRun } from '../task-run.ts';

/** Interval between reads of the free space while tasks run. */
const INTERVAL_MS = 250;

export interface FreeSpaceOptions {
  /** A folder on the disk. */
  readonly root: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Free bytes below which the task that wrote the most is ended. */
  readonly keepFreeBytes: number;
  readonly running: () => Iterable<TaskRun>;
}

export class FreeSpaceWatch {
  readonly #options: FreeSpaceOptions;
  #cancel: (() => void) | undefined;
  #latest: FreeSpace | undefined;
  #relieving: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: FreeSpaceOptions) {
    this.#options = options;
  }

  /** The last value; undefined until a task runs. */
  get latest(): FreeSpace | undefined {
    return this.#latest;
  }

  /** Reads the free space until no task runs. */
  watch(): void {
    if (this.#isClosed || this.#cancel !== undefined) return;
    const next = () => {
      this.#cancel = undefined;
      const [first] = this.#options.running();
      if (this.#isClosed || first === undefined) return;
      this.#cancel = this.#options.clock.after(INTERVAL_MS, () => {
        void this.#read()
          .catch((error: unknown) => this.#options.log.warn('could not read the free disk space', { error }))
          .finally(() => next());
      });
    };
    next();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancel?.();
    await this.#relieving;
  }

  async #read(): Promise<void> {
    const free = await freeSpace(this.#options.root);
    this.#latest = free;
    for (const run of this.#options.running()) run.freeSpaceRead(free);
    if (free.bytes >= this.#options.keepFreeBytes || this.#relieving !== undefined) return;
    this.#relieving = this.#relieve(free)
      .catch((error: unknown) => this.#options.log.error('could not end a step to free disk space', { error }))
      .finally(() => (this.#relieving = undefined));
    await this.#relieving;
  }

  /** Ends the task that wrote the most, if its usage covers the missing space. */
  async #relieve(free: FreeSpace): Promise<void> {
    const missing = this.#options.keepFreeBytes - free.bytes;
    let [largest, used] = [undefined as TaskRun | undefined, 0];
    for (const run of this.#options.running()) {
      const bytes = await run.measureDisk(free);
      if (bytes > used) [largest, used] = [run, bytes];
    }
    if (largest === undefined || used < missing || largest.folder.stopMark() !== undefined) return;
    const detail =
      `The step used ${byteText(used)} of disk, more than any other step, and the disk of the server has only ` +
      `${byteText(free.bytes)} left. Dais ended it so that other steps can continue. Write less, or ask the operator for a larger disk.`;
    this.#options.log.warn('ended a step because the disk is almost full', {
      attempt: largest.record.attempt,
      usedBytes: used,
      freeBytes: free.bytes,
    });
    await largest.stop('disk-full', detail);
  }
}
