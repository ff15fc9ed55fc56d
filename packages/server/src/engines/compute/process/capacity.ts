/** Resources of this machine and their leases. */
import { readdir, readlink, statfs, symlink, unlink } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { machineMemory } from '#lib/system/machine-memory.ts';
import { run } from '#lib/process.ts';
import type { Resources } from '../contract.ts';
import { errnoOf } from '../file-errors.ts';

export const GPU = 'nvidia.com/gpu';
/** PATH of a server without one. */
export const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Returns the indexes of the GPUs that the program of the driver reports; empty without that program. */
export async function findGpus(path: string): Promise<string[]> {
  const answer = await run('nvidia-smi', ['--query-gpu=index', '--format=csv,noheader'], {
    env: { PATH: path },
    timeoutMs: 20_000,
  });
  if (answer.code !== 0) return [];
  return answer.stdout
    .toString('utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => /^\d+$/.test(line));
}

export async function machineResources(root: string, gpus: readonly string[]): Promise<Resources> {
  const { bavail, bsize } = await statfs(root);
  return {
    cpu: availableParallelism(),
    memory: machineMemory(),
    disk: bavail * bsize,
    ...(gpus.length > 0 && { [GPU]: gpus.length }),
  };
}

/**
 * Leases of devices: a link \`gpu-0\` that points to the name of an attempt. Link creation is atomic, and links persist over
 * restarts.
 */
export class DeviceLeases {
  readonly #folder: string;
  readonly #gpus: readonly string[];

  constructor(folder: string, gpus: readonly string[]) {
    this.#folder = folder;
    this.#gpus = gpus;
  }

  /** Undefined when too few are free; none is leased then. */
  async take(attempt: string, count: number): Promise<string[] | undefined> {
    if (count === 0) return [];
    const taken = await this.of(attempt);
    for (const index of this.#gpus) {
      if (taken.length >= count) break;
      if (taken.includes(index)) continue;
      try {
        await symlink(attempt, join(this.#folder, `gpu-${index}`));
        taken.push(index);
      } catch (error) {
        if (errnoOf(error) !== 'EEXIST') throw error;
      }
    }
    if (taken.length >= count) return taken;
    await this.release(attempt);
    return undefined;
  }

  async of(attempt: string): Promise<string[]> {
    if (this.#gpus.length === 0) return [];
    const held: string[] = [];
    for (const name of (await readdir(this.#folder)).toSorted()) {
      const holder = await readlink(join(this.#folder, name)).catch(() => undefined);
      if (holder === attempt) held.push(name.slice('gpu-'.length));
    }
    return held;
  }

  async release(attempt: string): Promise<void> {
    for (const index of await this.of(attempt)) await unlink(join(this.#folder, `gpu-${index}`)).catch(() => {});
  }

  /** Releases the leases of attempts that no longer exist. */
  async sweep(holds: (attempt: string) => boolean): Promise<void> {
    for (const name of await readdir(this.#folder)) {
      const holder = await readlink(join(this.#folder, name)).catch(() => undefined);
      if (holder !== undefined && !holds(holder)) await unlink(join(this.#folder, name)).catch(() => {});
    }
  }
}
