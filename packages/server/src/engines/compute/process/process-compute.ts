/** Runs tasks as processes of this machine. All state is in its folder; memory only caches it. */
import { createHash } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import { chmod, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { DaisError } from '@dais/api';
import { filterForNamespaces } from '#engines/isolation/filters.ts';
import { isolationRefusal, type Confined, type Isolation } from '#engines/isolation/contract.ts';
import { sharedIsolation } from '#engines/isolation/open-isolation.ts';
import { RelayHelper } from '#engines/isolation/relay-helper.ts';
import { outsidePrograms } from '#engines/isolation/outside-programs.ts';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import type {
  Compute,
  ComputeAbilities,
  LogChunk,
  LogOptions,
  OutputFile,
  TaskProxy,
  TaskSpec,
  TaskState,
} from '../contract.ts';
import { findOnPath } from '#lib/system/find-on-path.ts';
import { DeviceLeases, findGpus, GPU, machineResources, SYSTEM_PATH } from './capacity.ts';
import type { FreeSpace } from '../disk-watch.ts';
import { findControlGroups, type ControlGroups } from '#engines/isolation/limits/control-groups.ts';
import { errnoOf, storageError } from '../file-errors.ts';
import { FreeSpaceWatch } from './disk/free-space-watch.ts';
import { launcherProgram } from './shim/launcher-program.ts';
import { Launcher } from './shim/launcher.ts';
import type { Reachable } from '#engines/isolation/relay.ts';
import { foldersOf, isolatedStep } from './step-isolation.ts';
import { checkSpec } from '../spec-check.ts';
import { stage, stagingFolderName, sweepStaging, writeFilter } from './staging.ts';
import { privateFolder, stoppedBeforeStart, TaskFolder, type StopMark, type TaskRecord } from './task-folder.ts';
import { readLogs } from './task-logs.ts';
import { outputFiles } from '../task-outputs.ts';
import { proxyVariables } from './task-proxy.ts';
import { TASK_VARIABLE } from './task-processes.ts';
import type { CrashPoint, TaskDependencies } from './task-dependencies.ts';
import { TaskRun } from './task-run.ts';

export interface ProcessComputeOptions {
  /** The state of all tasks; created when missing. */
  readonly root: string;
  readonly clock: Clock;
  readonly log: Log;
  /** PATH of tasks (after that of their environment) and of the programs that the engine needs. */
  readonly path?: string;
  /** Confines tasks; default: one for this process, with the programs of the machine. */
  readonly isolation?: Isolation;
  /** Folders that no isolated task sees, wherever they are. */
  readonly hidden?: readonly string[];
  /** Addresses that isolated tasks reach with and without network access. */
  readonly reach?: readonly Reachable[];
  /** Proxies the connections of isolated tasks with network access; without it they have no network. */
  readonly proxy?: TaskProxy;
  /** `rlimit`: does not use control groups even where they are writable. */
  readonly limits?: 'rlimit';
  /** `none`: starts each shim as a separate process, as without Perl. */
  readonly launcher?: 'none';
  /** Free bytes of the disk below which the task that wrote the most is ended; default 0. */
  readonly keepFreeBytes?: number;
  /** Processes and threads that one task may have; default 4096. */
  readonly maxProcesses?: number;
  /** Id of the current boot of the machine. */
  readonly bootId?: string;
  readonly reached?: (point: CrashPoint) => void;
}

const MAX_WAITING = 10_000;
const MAX_RUNNING = 500;
/** Interval between checks of running tasks without file notifications: finds killed shims. */
const ROUND_MS = 5000;

interface MachineDependencies {
  readonly gpus: readonly string[];
  readonly groups: ControlGroups | undefined;
  readonly keepFreeBytes: number;
}

interface Waiting {
  readonly record: TaskRecord;
  readonly folder: TaskFolder;
}

export async function openProcessCompute(options: ProcessComputeOptions): Promise<Compute> {
  if (process.platform !== 'linux') {
    throw new DaisError(
      'invalid_request',
      `Jobs run on Linux only, and this machine runs ${process.platform}. Run Dais on a Linux machine or in a Linux container.`,
    );
  }
  const { root, clock, log, path = SYSTEM_PATH, hidden = [] } = options;
  for (const folder of [root, ...['tasks', 'staging', 'leases'].map((name) => join(root, name))]) {
    await privateFolder(folder);
  }
  await chmod(root, 0o700);
  await sweepStaging(join(root, 'staging'));
  const mark = createHash('sha256').update(root).digest('hex').slice(0, 16);
  const [groups, gpus] = await Promise.all([
    options.limits === 'rlimit' ? undefined : findControlGroups(`dais-${mark}`),
    findGpus(path),
  ]);
  await writeFilter(root, filterForNamespaces(groups !== undefined));
  const perl = options.launcher === 'none' ? undefined : findOnPath('perl', path);
  const dependencies: TaskDependencies = {
    clock,
    log,
    groups,
    isolation: options.isolation ?? sharedIsolation(),
    hidden: [root, ...hidden],
    outside: outsidePrograms(process.arch),
    leases: new DeviceLeases(join(root, 'leases'), gpus),
    launcher: new Launcher({
      path,
      log,
      program: options.launcher === 'none' ? undefined : launcherProgram(process.arch),
    }),
    perl,
    relayHelper: perl === undefined ? undefined : RelayHelper.of({ path, perl }),
    bootId: options.bootId ?? readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim(),
    path,
    hasGpus: gpus.length > 0,
    reach: options.reach ?? [],
    proxy: options.proxy,
    maxProcesses: options.maxProcesses ?? 4096,
    free: () => engine.free,
    reached: options.reached ?? (() => {}),
  };
  const engine = new ProcessCompute(root, mark, dependencies, {
    gpus,
    groups,
    keepFreeBytes: options.keepFreeBytes ?? 0,
  });
  await engine.adopt();
  return engine;
}

class ProcessCompute implements Compute {
  readonly #root: string;
  readonly #mark: string;
  readonly #dependencies: TaskDependencies;
  readonly #machine: MachineDependencies;
  readonly #submitting = new Map<string, Promise<void>>();
  readonly #waiting = new Map<string, Waiting>();
  readonly #running = new Map<string, TaskRun>();
  readonly #space: FreeSpaceWatch;
  readonly #listeners = new Map<string, Set<() => void>>();
  #scheduling: Promise<void> = Promise.resolve();
  #cancelRound: (() => void) | undefined;
  #closed = false;
  #lastOrder = 0;

  constructor(root: string, mark: string, dependencies: TaskDependencies, machine: MachineDependencies) {
    this.#root = root;
    this.#mark = mark;
    this.#dependencies = dependencies;
    this.#machine = machine;
    const { clock, log } = dependencies;
    const { keepFreeBytes } = machine;
    this.#space = new FreeSpaceWatch({ root, clock, log, keepFreeBytes, running: () => this.#running.values() });
  }

  get free(): FreeSpace | undefined {
    return this.#space.latest;
  }

  /** Adopts the tasks of an earlier Dais. */
  async adopt(): Promise<void> {
    const waiting: Waiting[] = [];
    for await (const attempt of this.attempts()) {
      const folder = this.#folder(attempt);
      if (folder.exists('result.json')) continue;
      const record = folder.record();
      if (record === undefined) continue;
      this.#lastOrder = Math.max(this.#lastOrder, record.order);
      if (folder.exists('started')) this.#run({ record, folder }).watch();
      else waiting.push({ record, folder });
    }
    for (const one of waiting.toSorted((a, b) => a.record.order - b.record.order)) {
      this.#waiting.set(one.record.attempt, one);
    }
    const isLive = (attempt: string) => this.#running.has(attempt) || this.#waiting.has(attempt);
    await this.#dependencies.leases.sweep(isLive);
    await this.#machine.groups?.sweep(isLive);
    this.#round();
    this.#schedule();
  }

  async abilities(): Promise<ComputeAbilities> {
    return {
      isolationProblem: await this.#isolationProblem(),
      limits: this.#machine.groups === undefined ? 'rlimit' : 'cgroup',
      resources: await machineResources(this.#root, this.#machine.gpus),
    };
  }

  async #isolationProblem(): Promise<string | undefined> {
    const report = await this.#dependencies.isolation.report();
    if (report.boundary !== 'none') return undefined;
    return [report.reason ?? '', report.remedy ?? ''].filter(Boolean).join('. ');
  }

  /** Returns how the task is confined. @throws DaisError `invalid_request` when that is not possible. */
  async #confine(spec: TaskSpec, folder: TaskFolder): Promise<Confined | undefined> {
    if (spec.isolation === 'none') return undefined;
    const { isolation, hidden, maxProcesses, reach, groups } = this.#dependencies;
    const report = await isolation.report();
    if (report.boundary === 'none') throw new DaisError('invalid_request', isolationRefusal('The task', report));
    if (report.boundary === 'landlock' && spec.network) {
      throw new DaisError(
        'invalid_request',
        `The task needs network access through a proxy in its own network namespace, and this machine does not permit network namespaces. ${report.remedy ?? ''}`.trim(),
      );
    }
    const record = {
      attempt: spec.attempt,
      resources: spec.resources,
      limits: spec.limits,
      environmentFolders: spec.environment?.folders ?? [],
      ...(spec.environment?.root !== undefined && { root: spec.environment.root }),
    };
    const ports = reach.map(({ port }) => port);
    const run = isolatedStep(record, { folder, hidden, gpus: [], ports, maxProcesses, command: spec.command });
    return await isolation.confine(run, { filterDescriptor: 5, hasControlGroups: groups !== undefined });
  }

  async submit(spec: TaskSpec): Promise<void> {
    const { attempt } = spec;
    const already = this.#submitting.get(attempt);
    if (already !== undefined) return await already;
    const submission = this.#submit(spec).finally(() => this.#submitting.delete(attempt));
    this.#submitting.set(attempt, submission);
    await submission;
  }

  async #submit(spec: TaskSpec): Promise<void> {
    const hasResources = Object.keys(spec.resources).length > 0;
    checkSpec(spec, hasResources ? await machineResources(this.#root, this.#machine.gpus) : {});
    if (this.#isKept(spec.attempt)) return;
    if (this.#waiting.size >= MAX_WAITING) {
      throw new DaisError(
        'overloaded',
        `${MAX_WAITING} tasks already wait for this machine, which is the maximum. Retry later.`,
        { retryAfter: 60 },
      );
    }
    if (spec.environment?.root !== undefined && this.#dependencies.outside === undefined) {
      throw new DaisError('invalid_request', 'This machine cannot run images because its programs are not in /usr.');
    }
    const staging = new TaskFolder(this.#stagingFolder());
    const folder = this.#folder(spec.attempt);
    const confined = await this.#confine(spec, folder);
    const boundary = confined?.boundary ?? 'none';
    const { home, tmp } = foldersOf(boundary, folder);
    this.#lastOrder = Math.max(this.#lastOrder + 1, this.#dependencies.clock.now());
    try {
      await stage(staging, spec, {
        order: this.#lastOrder,
        path: this.#dependencies.path,
        uid: confined?.uid,
        boundary,
        variables: {
          HOME: home,
          TMPDIR: tmp,
          LANG: 'C.UTF-8',
          // Programs that look up their user name find no entry for a generated uid.
          USER: 'step',
          LOGNAME: 'step',
          ...(confined !== undefined &&
            spec.network &&
            this.#dependencies.proxy !== undefined &&
            proxyVariables(this.#dependencies.proxy)),
        },
        fixed: { [TASK_VARIABLE]: this.#markOf(spec.attempt) },
      });
      this.#dependencies.reached('staged');
      await rename(staging.path, folder.path);
    } catch (error) {
      await staging.remove();
      // Another engine on the same folder was faster.
      if (errnoOf(error) === 'ENOTEMPTY' || errnoOf(error) === 'EEXIST') return;
      throw storageError(error, this.#root);
    }
    this.#dependencies.reached('submitted');
    const record = folder.record()!;
    this.#waiting.set(spec.attempt, { record, folder });
    this.#schedule();
  }

  async status(attempt: string): Promise<TaskState | undefined> {
    if (this.#submitting.has(attempt)) return { phase: 'preparing' };
    const folder = this.#folder(attempt);
    const result = folder.result();
    if (result !== undefined) return result;
    if (this.#waiting.has(attempt)) return { phase: 'preparing' };
    return await this.#running.get(attempt)?.state();
  }

  async wait(attempt: string, signal: AbortSignal): Promise<TaskState | undefined> {
    for (;;) {
      const state = await this.status(attempt);
      const isOver = state?.phase !== 'preparing' && state?.phase !== 'running';
      if (isOver || signal.aborted || this.#closed) return state;
      await this.#change(attempt, signal);
    }
  }

  /** Resolves when its state may have changed. */
  async #change(attempt: string, signal: AbortSignal): Promise<void> {
    // One signal may abort the waiting for hundreds of tasks: that is not a leak.
    setMaxListeners(0, signal);
    await new Promise<void>((resolve) => {
      const listeners = this.#listeners.get(attempt) ?? new Set();
      this.#listeners.set(attempt, listeners);
      const done = () => {
        listeners.delete(done);
        if (listeners.size === 0) this.#listeners.delete(attempt);
        signal.removeEventListener('abort', done);
        resolve();
      };
      listeners.add(done);
      signal.addEventListener('abort', done);
      // It may have ended since the check.
      if (!this.#isLive(attempt)) done();
    });
  }

  #notify(attempt: string): void {
    for (const listener of this.#listeners.get(attempt) ?? []) listener();
  }

  async *logs(attempt: string, options: LogOptions = {}): AsyncIterable<LogChunk> {
    await this.#submitting.get(attempt);
    const folder = this.#folder(attempt);
    if (!this.#isKept(attempt)) return;
    yield* readLogs(folder.logs, options, async () => this.#closed || folder.exists('result.json'));
  }

  async *outputs(attempt: string): AsyncIterable<OutputFile> {
    const folder = this.#folder(attempt);
    const record = folder.record();
    if (record === undefined || !folder.exists('result.json')) return;
    yield* outputFiles(folder.work, record.outputs);
  }

  async cancel(attempt: string): Promise<void> {
    await this.#submitting.get(attempt);
    const run = this.#running.get(attempt);
    if (run !== undefined) return await run.stop('canceled');
    const waiting = this.#waiting.get(attempt);
    if (waiting === undefined) return;
    waiting.folder.markStop('canceled');
    this.#schedule();
  }

  async forget(attempt: string): Promise<void> {
    await this.#submitting.get(attempt)?.catch(() => {});
    const folder = this.#folder(attempt);
    if (this.#isLive(attempt)) {
      await folder.markKill();
      this.#running.get(attempt)?.poke();
      this.#schedule();
      await this.wait(attempt, new AbortController().signal);
    }
    const away = this.#stagingFolder();
    try {
      await rename(folder.path, away);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw storageError(error, this.#root);
    }
    // If this process ends, the next one removes the rest.
    if (!(await this.#dependencies.launcher.removeSmall(away))) await new TaskFolder(away).remove();
  }

  async *attempts(owner?: string): AsyncIterable<string> {
    for (const attempt of (await readdir(join(this.#root, 'tasks'))).toSorted()) {
      if (owner === undefined || this.#folder(attempt).record()?.owner === owner) yield attempt;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelRound?.();
    await this.#space.close();
    await this.#scheduling;
    await Promise.all([...this.#running.values()].map(async (run) => await run.close()));
    this.#dependencies.launcher.close();
    this.#dependencies.relayHelper?.close();
    // Removes empty groups; groups of running tasks stay.
    await this.#machine.groups?.sweep(() => true);
    for (const attempt of this.#listeners.keys()) this.#notify(attempt);
  }

  #folder(attempt: string): TaskFolder {
    if (!/^[a-z0-9-]{1,64}$/.test(attempt)) return new TaskFolder(join(this.#root, 'tasks', '.none'));
    return new TaskFolder(join(this.#root, 'tasks', attempt));
  }

  #isLive(attempt: string): boolean {
    return this.#submitting.has(attempt) || this.#waiting.has(attempt) || this.#running.has(attempt);
  }

  #isKept(attempt: string): boolean {
    return this.#folder(attempt).exists('.');
  }

  #markOf(attempt: string): string {
    return `${this.#mark}-${attempt}`;
  }

  #stagingFolder(): string {
    return join(this.#root, 'staging', stagingFolderName());
  }

  #run({ record, folder }: Waiting): TaskRun {
    const run = new TaskRun(this.#dependencies, folder, record, this.#markOf(record.attempt), () => {
      this.#running.delete(record.attempt);
      this.#notify(record.attempt);
      this.#schedule();
    });
    this.#running.set(record.attempt, run);
    this.#space.watch();
    return run;
  }

  #schedule(): void {
    this.#scheduling = this.#scheduling
      .then(async () => await this.#startWhatFits())
      .catch((error: unknown) => this.#dependencies.log.error('could not start tasks', { error }));
  }

  /** In submission order, so that smaller tasks cannot starve a large one. */
  async #startWhatFits(): Promise<void> {
    let isBlocked = false;
    for (const waiting of this.#waiting.values()) {
      if (this.#closed) return;
      const { record, folder } = waiting;
      const mark = folder.stopMark();
      if (mark !== undefined) await this.#endBefore(waiting, mark);
      else if (!isBlocked) isBlocked = !(await this.#startIfFits(waiting, record, folder));
    }
  }

  async #endBefore({ record, folder }: Waiting, mark: StopMark): Promise<void> {
    await folder.write('result.json', JSON.stringify(stoppedBeforeStart(mark)));
    this.#waiting.delete(record.attempt);
    this.#notify(record.attempt);
  }

  async #startIfFits(waiting: Waiting, record: TaskRecord, folder: TaskFolder): Promise<boolean> {
    if (this.#running.size >= MAX_RUNNING || !(await this.#hasRoom(record))) return false;
    const gpus = await this.#dependencies.leases.take(record.attempt, record.resources[GPU] ?? 0);
    if (gpus === undefined) return false;
    this.#waiting.delete(record.attempt);
    const run = this.#run(waiting);
    try {
      await run.start(gpus);
    } catch (error) {
      // A full disk, or no control group: it keeps its position, and the next round retries.
      await run.close();
      this.#running.delete(record.attempt);
      const rest = [...this.#waiting];
      this.#waiting.clear();
      for (const [attempt, other] of [[record.attempt, waiting] as const, ...rest]) this.#waiting.set(attempt, other);
      this.#dependencies.log.warn('could not start a task', { attempt: record.attempt, folder: folder.path, error });
      return false;
    }
    return true;
  }

  async #hasRoom({ resources }: TaskRecord): Promise<boolean> {
    if (Object.keys(resources).length === 0) return true;
    const has = await machineResources(this.#root, this.#machine.gpus);
    for (const name of ['cpu', 'memory']) {
      const leased = [...this.#running.values()].reduce((sum, run) => sum + (run.record.resources[name] ?? 0), 0);
      if (leased + (resources[name] ?? 0) > has[name]! + 1e-9 && (resources[name] ?? 0) > 0) return false;
    }
    return (resources['disk'] ?? 0) <= has['disk']!;
  }

  #round(): void {
    if (this.#closed) return;
    this.#cancelRound = this.#dependencies.clock.after(ROUND_MS, () => {
      for (const run of this.#running.values()) run.poke();
      if (this.#waiting.size > 0) this.#schedule();
      this.#round();
    });
  }
}
