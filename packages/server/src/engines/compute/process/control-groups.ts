/**
 * Control groups of the kernel, version 2 and version 1: hold memory, CPU and the number of processes for a whole task, tell
 * what it used and whether memory ran out, and name every process of it whatever it calls itself.
 *
 * A group is made below the one that Dais itself is in, where that is allowed: as root, or in a group that systemd delegated.
 */
import { accessSync, constants, readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Resources } from '../contract.ts';

/** One hierarchy below which groups of tasks are made. */
export interface Hierarchy {
  readonly folder: string;
  readonly version: 1 | 2;
  readonly controllers: readonly string[];
}

export interface GroupUsage {
  readonly cpuMs?: number;
  readonly peakMemoryBytes?: number;
  /** How often the kernel ended a process of the task because its memory was used up. */
  readonly memoryKills: number;
}

const CONTROLLERS = ['memory', 'pids', 'cpu', 'cpuacct'];

/** From /proc/self/cgroup and /proc/self/mountinfo: where the process is, by hierarchy. */
export function hierarchiesOf(ownGroups: string, mounts: string): Hierarchy[] {
  const mounted = new Map<string, { folder: string; root: string }>();
  for (const line of mounts.split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , root = '/', folder = ''] = before.split(' ');
    const [type, , options = ''] = after.split(' ');
    if (type === 'cgroup2') mounted.set('', { folder, root });
    if (type === 'cgroup') for (const name of options.split(',')) mounted.set(name, { folder, root });
  }
  const found: Hierarchy[] = [];
  for (const line of ownGroups.split('\n')) {
    const [, names, ...rest] = line.split(':');
    if (names === undefined) continue;
    const wanted = names.split(',').filter((name) => CONTROLLERS.includes(name));
    if (names !== '' && wanted.length === 0) continue;
    const mount = mounted.get(names.split(',')[0]!);
    if (mount === undefined) continue;
    const path = rest.join(':');
    const below = mount.root === '/' || !path.startsWith(mount.root) ? path : path.slice(mount.root.length);
    found.push({ folder: join(mount.folder, below), version: names === '' ? 2 : 1, controllers: wanted });
  }
  return found;
}

/** Undefined where no groups can be made that hold memory and processes. `name`: of the folder for those of one engine. */
export async function findControlGroups(name: string): Promise<ControlGroups | undefined> {
  let hierarchies: Hierarchy[];
  try {
    hierarchies = hierarchiesOf(
      readFileSync('/proc/self/cgroup', 'utf8'),
      readFileSync('/proc/self/mountinfo', 'utf8'),
    );
  } catch {
    return undefined;
  }
  const usable: Hierarchy[] = [];
  for (const hierarchy of hierarchies) {
    const folder = join(hierarchy.folder, name);
    try {
      accessSync(hierarchy.folder, constants.W_OK);
      if (hierarchy.version === 1) usable.push({ ...hierarchy, folder });
      else {
        const passedOn = await readFile(join(hierarchy.folder, 'cgroup.subtree_control'), 'utf8');
        usable.push({ ...hierarchy, folder, controllers: passedOn.trim().split(' ').filter(Boolean) });
      }
    } catch {
      // Not ours to change.
    }
  }
  const has = (controller: string) => usable.some(({ controllers }) => controllers.includes(controller));
  if (!has('memory') || !has('pids')) return undefined;
  const groups = new ControlGroups(usable);
  try {
    const trial = groups.of('trial');
    await trial.make({ memory: 2 ** 24, cpu: 1 }, 1);
    await trial.remove();
    await groups.sweep(() => true);
    return groups;
  } catch {
    return undefined;
  }
}

export class ControlGroups {
  readonly #hierarchies: readonly Hierarchy[];

  constructor(hierarchies: readonly Hierarchy[]) {
    this.#hierarchies = hierarchies;
  }

  of(attempt: string): TaskGroups {
    return new TaskGroups(this.#hierarchies.map((above) => ({ ...above, folder: join(above.folder, attempt) })));
  }

  /** Groups of attempts that nobody knows, and the one above when nothing is left in it. */
  async sweep(known: (attempt: string) => boolean): Promise<void> {
    const names = new Set<string>();
    for (const { folder } of this.#hierarchies) {
      const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
      for (const entry of entries) if (entry.isDirectory() && !known(entry.name)) names.add(entry.name);
    }
    for (const name of names) await this.of(name).remove();
    for (const { folder } of this.#hierarchies) await rmdir(folder).catch(() => {});
  }
}

/** Those of one task, one in each hierarchy. */
export class TaskGroups {
  /** Written down with the task: a later Dais may be in other groups than the one that made these. */
  readonly groups: readonly Hierarchy[];

  constructor(groups: readonly Hierarchy[]) {
    this.groups = groups;
  }

  get folders(): string[] {
    return this.groups.map(({ folder }) => folder);
  }

  async make(resources: Resources, maxProcesses: number): Promise<void> {
    for (const { folder, version, controllers } of this.groups) {
      const above = dirname(folder);
      await mkdir(above).catch(ignoreExisting);
      if (version === 2 && controllers.length > 0) {
        const names = controllers.map((controller) => `+${controller}`).join(' ');
        await writeFile(join(above, 'cgroup.subtree_control'), names);
      }
      await mkdir(folder).catch(ignoreExisting);
      for (const [file, value] of limitFiles(version, controllers, resources, maxProcesses)) {
        await writeFile(join(folder, file), value);
      }
    }
  }

  async usage(): Promise<GroupUsage> {
    let usage: GroupUsage = { memoryKills: 0 };
    for (const { folder, version, controllers } of this.groups) {
      const [cpuFile, cpuKey, perMs] = version === 2 ? ['cpu.stat', 'usage_usec', 1e3] : ['cpuacct.usage', '', 1e6];
      const [peakFile, killsFile] =
        version === 2 ? ['memory.peak', 'memory.events'] : ['memory.max_usage_in_bytes', 'memory.oom_control'];
      if (version === 2 || controllers.includes('cpuacct')) {
        const cpu = await readNumber(join(folder, cpuFile), cpuKey);
        if (cpu !== undefined) usage = { ...usage, cpuMs: Math.round(cpu / perMs) };
      }
      if (controllers.includes('memory')) {
        const peak = await readNumber(join(folder, peakFile));
        const kills = await readNumber(join(folder, killsFile), 'oom_kill');
        usage = { ...usage, memoryKills: kills ?? 0, ...(peak !== undefined && { peakMemoryBytes: peak }) };
      }
    }
    return usage;
  }

  /** Nothing in it can make another process; then all of it at once, where the kernel knows how. */
  async kill(): Promise<void> {
    for (const folder of this.folders) {
      await writeFile(join(folder, 'pids.max'), '0').catch(() => {});
      await writeFile(join(folder, 'cgroup.kill'), '1').catch(() => {});
    }
  }

  /** Its processes must be gone. Idempotent. */
  async remove(): Promise<void> {
    for (const folder of this.folders) {
      // A process that was just killed may still be on its way out.
      for (let left = 50; left > 0; left--) {
        const error = await rmdir(folder).then(
          () => undefined,
          (failure: NodeJS.ErrnoException) => failure,
        );
        if (error?.code !== 'EBUSY') break;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }
}

export function limitFiles(
  version: 1 | 2,
  controllers: readonly string[],
  { cpu, memory }: Resources,
  maxProcesses: number,
): [file: string, value: string][] {
  const files: [string, string][] = [];
  const bytes = memory === undefined ? undefined : String(Math.ceil(memory));
  if (controllers.includes('memory') && bytes !== undefined) {
    files.push([version === 2 ? 'memory.max' : 'memory.limit_in_bytes', bytes]);
  }
  if (controllers.includes('pids')) files.push(['pids.max', String(maxProcesses)]);
  if (controllers.includes('cpu') && cpu !== undefined) {
    // The kernel takes no less than a millisecond.
    const quota = Math.max(1000, Math.round(cpu * PERIOD));
    if (version === 2) files.push(['cpu.max', `${quota} ${PERIOD}`]);
    else files.push(['cpu.cfs_period_us', String(PERIOD)], ['cpu.cfs_quota_us', String(quota)]);
  }
  return files;
}

const PERIOD = 100_000;

async function readNumber(file: string, key = ''): Promise<number | undefined> {
  try {
    const text = await readFile(file, 'utf8');
    const found = key === '' ? text : new RegExp(`^${key} (\\d+)$`, 'm').exec(text)?.[1];
    return found === undefined ? undefined : Number(found);
  } catch {
    return undefined;
  }
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}
