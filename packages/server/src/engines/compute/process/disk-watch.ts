/**
 * When the folder of a running task is measured. Walking a folder costs as much as it has files, and asking a file system how
 * much is free costs 10 µs: so the free space is read often, and a folder is walked when what is gone since could have
 * taken the task to its limit.
 */
import { statfs } from 'node:fs/promises';
import { byteText } from '#lib/formats/byte-text.ts';
import type { TaskLimits } from '../contract.ts';
import { diskUsage, sharedMemoryBytes, unnamedBytes } from './disk-usage.ts';

/** Of an idle disk: a task that wrote as much as another one deleted is found then. */
const SLOW_MS = 10_000;
const FAST_MS = 250;
/** At most a twentieth of the time goes into walking one folder. */
const COST_FACTOR = 20;
/** This part of what a task may still write is gone: it is measured. */
const NEAR = 1 / 8;

export interface FreeSpace {
  readonly bytes: number;
  /** Infinity where the file system does not count them. */
  readonly files: number;
}

export async function freeSpace(place: string): Promise<FreeSpace> {
  const { bavail, bsize, files, ffree } = await statfs(place);
  return { bytes: bavail * bsize, files: files > 0 ? ffree : Infinity };
}

export type DiskLimits = Pick<TaskLimits, 'diskBytes' | 'diskFiles'>;

/** What one running task takes on the disk, as it was last measured. */
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

  /** Whether it is to be measured now. `free`: undefined where nobody watches the disk. */
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

  /** Milliseconds until it is due in any case. */
  dueIn(now: number): number {
    return Math.max(this.#slowAt - now, 0);
  }

  /** Measures it. `pids`: its processes, asked for only now. */
  async measure(
    box: string,
    pids: () => readonly number[],
    { now, free }: { readonly now: () => number; readonly free: FreeSpace | undefined },
  ): Promise<void> {
    const from = now();
    const named = await diskUsage(box);
    const processes = pids();
    const unnamed = await unnamedBytes(box, processes);
    const memory = await sharedMemoryBytes(processes);
    this.#usedBytes = named.bytes + unnamed + memory;
    this.#usedFiles = named.tooDeep ? Infinity : named.files;
    this.#freeThen = free;
    const cost = COST_FACTOR * (now() - from);
    this.#fastAt = now() + Math.max(FAST_MS, cost);
    this.#slowAt = now() + Math.max(SLOW_MS, cost);
  }

  /** Why it must end, as it was last measured; undefined while it keeps to its limits. */
  fault(): string | undefined {
    const { diskBytes = Infinity, diskFiles = Infinity } = this.#limits;
    if (this.#usedFiles === Infinity) {
      return 'The step nested its folders so deep that Dais cannot measure what is in them: nest at most 256.';
    }
    if (this.#usedBytes > diskBytes) {
      return (
        `The step used ${byteText(this.#usedBytes)} of disk (its working folder, home, /tmp and /dev/shm); its disk ` +
        `limit is ${byteText(diskBytes)}. Write less, or ask for more with \`resources.disk\` (\`dais run --disk\`).`
      );
    }
    if (this.#usedFiles > diskFiles) {
      return (
        `The step made ${this.#usedFiles.toLocaleString('en-US')} files and folders; the limit is ` +
        `${diskFiles.toLocaleString('en-US')}. Make fewer, or pack them.`
      );
    }
    return undefined;
  }
}
