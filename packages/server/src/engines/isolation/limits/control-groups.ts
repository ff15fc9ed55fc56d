/**
 * Control groups of the kernel, version 2 and version 1: limit memory, CPU and the number of processes of a whole task, report
 * its usage and out-of-memory kills, and list all its processes.
 *
 * These files are in kernel memory: synchronous reads cost less than a thread.
 *
 * A group is created below the group of Dais, where permitted: as root, or in a group that systemd delegated.
 */
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { checkProcess, processIdentity } from '#lib/system/process-identity.mjs';

export interface GroupLimits {
  /** In cores. */
  readonly cpu?: number | undefined;
  /** In bytes. */
  readonly memory?: number | undefined;
}

/** One hierarchy for groups of tasks. */
export interface Hierarchy {
  readonly folder: string;
  readonly version: 1 | 2;
  readonly controllers: readonly string[];
}

export interface GroupUsage {
  readonly cpuMs?: number;
  readonly peakMemoryBytes?: number;
  /** Number of out-of-memory kills in the task. */
  readonly memoryKills: number;
}

const CONTROLLERS = ['memory', 'pids', 'cpu', 'cpuacct'];

/** The group of the process in each hierarchy, from /proc/self/cgroup and /proc/self/mountinfo. */
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
    const controllers = names.split(',').filter((name) => CONTROLLERS.includes(name));
    if (names !== '' && controllers.length === 0) continue;
    const mount = mounted.get(names.split(',')[0]!);
    if (mount === undefined) continue;
    const path = rest.join(':');
    const below = mount.root === '/' || !path.startsWith(mount.root) ? path : path.slice(mount.root.length);
    found.push({
      folder: join(mount.folder, below).replace(/\/$/, ''),
      version: names === '' ? 2 : 1,
      controllers: controllers,
    });
  }
  return found;
}

/**
 * Undefined if groups that limit memory and processes cannot be created. `name`: of the folder for the groups of one engine.
 */
export async function findControlGroups(name: string): Promise<ControlGroups | undefined> {
  const usable = ownHierarchies().flatMap((hierarchy) => {
    const group = usableGroupOf(hierarchy);
    return group === undefined ? [] : [{ ...group, folder: join(group.folder, name) }];
  });
  const has = (controller: string) => usable.some(({ controllers }) => controllers.includes(controller));
  if (!has('memory') || !has('pids')) return undefined;
  const groups = new ControlGroups(usable);
  try {
    const trial = groups.of('trial');
    trial.make({ memory: 2 ** 24, cpu: 1 }, 1);
    await trial.remove();
    await groups.sweep(() => true);
    return groups;
  } catch {
    return undefined;
  }
}

/** Removes groups of ended processes: their names consist of the prefix, a process id and its start time. */
export async function sweepControlGroups(prefix: string): Promise<void> {
  const self = processIdentity(process.pid);
  if (self === undefined) return;
  for (const hierarchy of ownHierarchies()) {
    const parent = parentGroup(hierarchy);
    for (const name of foldersIn(parent)) {
      const [, pid = '', startTime = ''] = new RegExp(`^${prefix}-(\\d+)-(\\d+)$`).exec(name) ?? [];
      if (pid === '' || checkProcess({ ...self, pid: Number(pid), startTime }) !== 'gone') continue;
      await new ControlGroups([{ ...hierarchy, folder: join(parent, name) }]).sweep(() => false);
    }
  }
}

function ownHierarchies(): Hierarchy[] {
  try {
    return hierarchiesOf(readFileSync('/proc/self/cgroup', 'utf8'), readFileSync('/proc/self/mountinfo', 'utf8'));
  } catch {
    return [];
  }
}

/** Returns where groups can be created, and their controllers; undefined if nothing is writable. */
function usableGroupOf(hierarchy: Hierarchy): Hierarchy | undefined {
  const folder = parentGroup(hierarchy);
  try {
    accessSync(folder, constants.W_OK);
    if (hierarchy.version === 1) return hierarchy;
    const there = wordsOf(join(folder, 'cgroup.controllers'));
    const missing = CONTROLLERS.filter((controller) => there.includes(controller));
    const control = join(folder, 'cgroup.subtree_control');
    // Fails if a process is in that group: then only the controllers enabled so far are available.
    tryTo(() => writeFileSync(control, missing.map((controller) => `+${controller}`).join(' ')));
    return { ...hierarchy, folder, controllers: wordsOf(control) };
  } catch {
    return undefined;
  }
}

/**
 * In version 2 a group that delegates controllers has no processes. A delegated service has its processes in a subgroup
 * (`DelegateSubgroup=`); groups of tasks are created next to it.
 */
export function parentGroup({ folder, version }: Pick<Hierarchy, 'folder' | 'version'>): string {
  const parent = dirname(folder);
  return version === 2 && /\.(service|scope)$/.test(parent) ? parent : folder;
}

function wordsOf(file: string): string[] {
  return readFileSync(file, 'utf8').trim().split(' ').filter(Boolean);
}

export class ControlGroups {
  readonly #hierarchies: readonly Hierarchy[];

  constructor(hierarchies: readonly Hierarchy[]) {
    this.#hierarchies = hierarchies;
  }

  /** With `resources`, only in hierarchies that limit or count these. */
  of(attempt: string, resources?: GroupLimits): TaskGroups {
    const idle = ({ version, controllers }: Hierarchy) =>
      version === 1 && resources?.cpu === undefined && controllers.every((controller) => controller === 'cpu');
    const hierarchies =
      resources === undefined ? this.#hierarchies : this.#hierarchies.filter((hierarchy) => !idle(hierarchy));
    return new TaskGroups(hierarchies.map((hierarchy) => ({ ...hierarchy, folder: join(hierarchy.folder, attempt) })));
  }

  /** Removes groups of unknown attempts, and their parent when it is empty. */
  async sweep(known: (attempt: string) => boolean): Promise<void> {
    const names = new Set<string>();
    for (const { folder } of this.#hierarchies) {
      for (const entry of foldersIn(folder)) if (!known(entry)) names.add(entry);
    }
    for (const name of names) await this.of(name).remove();
    for (const { folder } of this.#hierarchies) tryTo(() => rmdirSync(folder));
  }
}

/** The groups of one task, one in each hierarchy. */
export class TaskGroups {
  /** Recorded with the task: a later Dais may be in other groups. */
  readonly groups: readonly Hierarchy[];

  constructor(groups: readonly Hierarchy[]) {
    this.groups = groups;
  }

  get folders(): string[] {
    return this.groups.map(({ folder }) => folder);
  }

  make(resources: GroupLimits, maxProcesses: number): void {
    for (const { folder, version, controllers } of this.groups) {
      const parent = dirname(folder);
      // It is removed with the last task, so it may have to be created again.
      if (!existsSync(parent)) makeFolder(parent);
      if (version === 2 && controllers.length > 0) {
        const names = controllers.map((controller) => `+${controller}`).join(' ');
        writeFileSync(join(parent, 'cgroup.subtree_control'), names);
      }
      makeFolder(folder);
      for (const [file, value] of limitFiles(version, controllers, resources, maxProcesses)) {
        writeFileSync(join(folder, file), value);
      }
    }
  }

  usage(): GroupUsage {
    let usage: GroupUsage = { memoryKills: 0 };
    for (const { folder, version, controllers } of this.groups) {
      const [cpuFile, cpuKey, perMs] = version === 2 ? ['cpu.stat', 'usage_usec', 1e3] : ['cpuacct.usage', '', 1e6];
      const [peakFile, killsFile] =
        version === 2 ? ['memory.peak', 'memory.events'] : ['memory.max_usage_in_bytes', 'memory.oom_control'];
      if (version === 2 || controllers.includes('cpuacct')) {
        const cpu = readNumber(join(folder, cpuFile), cpuKey);
        if (cpu !== undefined) usage = { ...usage, cpuMs: Math.round(cpu / perMs) };
      }
      if (controllers.includes('memory')) {
        const peak = readNumber(join(folder, peakFile));
        const kills = readNumber(join(folder, killsFile), 'oom_kill');
        usage = { ...usage, memoryKills: kills ?? 0, ...(peak !== undefined && { peakMemoryBytes: peak }) };
      }
    }
    return usage;
  }

  /** Prevents new processes, then kills all processes together, where the kernel supports it. */
  kill(): void {
    for (const folder of this.folders) {
      tryTo(() => writeFileSync(join(folder, 'pids.max'), '0', { flag: 'r+' }));
      tryTo(() => writeFileSync(join(folder, 'cgroup.kill'), '1', { flag: 'r+' }));
    }
  }

  /** Its processes must have ended. Idempotent. */
  async remove(): Promise<void> {
    for (const folder of this.folders) {
      // A process that was just killed may not have exited yet.
      for (let left = 50; left > 0; left--) {
        if (tryTo(() => rmdirSync(folder))?.code !== 'EBUSY') break;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }
}

export function limitFiles(
  version: 1 | 2,
  controllers: readonly string[],
  { cpu, memory }: GroupLimits,
  maxProcesses: number,
): [file: string, value: string][] {
  const files: [string, string][] = [];
  const bytes = memory === undefined ? undefined : String(Math.ceil(memory));
  if (controllers.includes('memory') && bytes !== undefined) {
    files.push([version === 2 ? 'memory.max' : 'memory.limit_in_bytes', bytes]);
  }
  if (controllers.includes('pids')) files.push(['pids.max', String(maxProcesses)]);
  if (controllers.includes('cpu') && cpu !== undefined) {
    // The minimum of the kernel is a millisecond.
    const quota = Math.max(1000, Math.round(cpu * PERIOD));
    if (version === 2) files.push(['cpu.max', `${quota} ${PERIOD}`]);
    else files.push(['cpu.cfs_period_us', String(PERIOD)], ['cpu.cfs_quota_us', String(quota)]);
  }
  return files;
}

const PERIOD = 100_000;

function readNumber(file: string, key = ''): number | undefined {
  try {
    const text = readFileSync(file, 'utf8');
    const found = key === '' ? text : new RegExp(`^${key} (\\d+)$`, 'm').exec(text)?.[1];
    return found === undefined ? undefined : Number(found);
  } catch {
    return undefined;
  }
}

function makeFolder(folder: string): void {
  const error = tryTo(() => mkdirSync(folder));
  if (error !== undefined && error.code !== 'EEXIST') throw error;
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? entry.name : []));
  } catch {
    return [];
  }
}

function tryTo(work: () => void): NodeJS.ErrnoException | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return error as NodeJS.ErrnoException;
  }
}
