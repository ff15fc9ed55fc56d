/**
 * Decides when to measure the folder of a running task. Walking a folder costs time per file, and reading the free space of a
 * file system costs 10 µs. So the free space is read often, and a folder is walked when the consumed space could have taken the
 * task to its limit.
 */
import { statfs } from 'node:fs/promises';
import { byteText } from '#lib/formats/byte-text.ts';
import type { TaskLimits } from './contract.ts';
import { diskUsage, sharedMemoryBytes, deletedFileBytes } from './disk-usage.ts';

/** Interval on an idle disk: finds a task that wrote as much as another one deleted. */
const SLOW_MS = 10_000;
const FAST_MS = 250;
/** Walking one folder takes at most a twentieth of the time. */
const COST_FACTOR = 20;
/** The folder is measured when this part of the remaining space of a task has been consumed. */
const NEAR = 1 / 8;

export interface FreeSpace {
  readonly bytes: number;
  /** Infinity where the file system does not report them. */
  readonly files: number;
}

export async function freeSpace(path: string): Promise<FreeSpace> {
  const { bavail, bsize, files, ffree } = await statfs(path);
  return { bytes: bavail * bsize, files: files > 0 ? ffree : Infinity };
}

export type DiskLimits = Pick<TaskLimits, 'diskBytes' | 'diskFiles'>;

/** Tracks the disk usage of one running task. */
export class TaskDisk {
  readonly #limits: DiskLimits;
  #usedBytes = 0;
  #usedFiles = 0;
  #fastAt = 0;
  #slowAt = 0;
  #freeThen: FreeSpace | undefined;

  constructor(limits: DiskLimits) {
    this.#limits = limits;
  }

  get isLimited(): boolean {
    return this.#limits.diskBytes !== undefined || this.#limits.diskFiles !== undefined;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Returns whether to measure now. `free`: undefined when the disk is not watched. */
  isDue(now: number, free: FreeSpace | undefined): boolean {
    if (now >= this.#slowAt) return true;
    if (now < this.#fastAt) return false;
    if (free === undefined || this.#freeThen === undefined) return true;
    const { diskBytes = Infinity, diskFiles = Infinity } = this.#limits;
    return (
      this.#freeThen.bytes - free.bytes >= (diskBytes - this.#usedBytes) * NEAR ||
      this.#freeThen.files - free.files >= (diskFiles - this.#usedFiles) * NEAR
    );
  }

  /** Milliseconds until the next measurement is due in any case. */
  dueIn(now: number): number {
    return Math.max(this.#slowAt - now, 0);
  }

  /**
   * Measures its folders, which are on one disk. `pids`: returns its processes, called only for a measurement; none where
   * they are in another container.
   */
  async measure(
    folders: readonly [string, ...string[]],
    pids: () => readonly number[],
    { now, free }: { readonly now: () => number; readonly free: FreeSpace | undefined },
  ): Promise<void> {
    const from = now();
    let [bytes, files] = [0, 0];
    for (const folder of folders) {
      const named = await diskUsage(folder);
      bytes += named.bytes;
      files += named.tooDeep ? Infinity : named.files;
    }
    const processes = pids();
    const unnamed = await deletedFileBytes(folders[0], processes);
    const memory = await sharedMemoryBytes(processes);
    this.#usedBytes = bytes + unnamed + memory;
    this.#usedFiles = files;
    this.#freeThen = free;
    const cost = COST_FACTOR * (now() - from);
    this.#fastAt = now() + Math.max(FAST_MS, cost);
    this.#slowAt = now() + Math.max(SLOW_MS, cost);
  }

  /** Returns why the task must end, by the last measurement; undefined within its limits. */
  problem(): string | undefined {
    const { diskBytes = Infinity, diskFiles = Infinity } = this.#limits;
    if (this.#usedFiles === Infinity) {
      return 'The step nested folders too deep for Dais to measure their size. Nest at most 256 folders.';
    }
    if (this.#usedBytes > diskBytes) {
      return (
        `The step used ${byteText(this.#usedBytes)} of disk (its working folder, home, /tmp and /dev/shm); its disk ` +
        `limit is ${byteText(diskBytes)}. Write less, or request more with \`resources.disk\` (\`dais run --disk\`).`
      );
    }
    if (this.#usedFiles > diskFiles) {
      return (
        `The step created ${this.#usedFiles.toLocaleString('en-US')} files and folders; the limit is ` +
        `${diskFiles.toLocaleString('en-US')}. Create fewer, or pack them into an archive.`
      );
    }
    return undefined;
  }
}
