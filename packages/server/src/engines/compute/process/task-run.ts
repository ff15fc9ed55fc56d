/**
 * Runs one task from its start to its end. All state is in files, so any process of Dais can do it: each check of the folder
 * takes the next action, and every action is idempotent.
 */
import { watch, type FSWatcher } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import type { TaskState } from '../contract.ts';
import { GPU } from './capacity.ts';
import { TaskGroups, type Hierarchy } from '#engines/isolation/limits/control-groups.ts';
import { TaskDisk, type FreeSpace } from '../disk-watch.ts';
import { cpuShare } from '#engines/isolation/limits/cpu-share.ts';
import { Relay, type Reachable } from '#engines/isolation/relay.ts';
import { exportLines, innerCommand, type InnerOptions } from './shim/shim.ts';
import {
  namespaceMember,
  readProcess,
  signalProcess,
  taskProcesses,
  usageOf,
  type TaskMarks,
} from './task-processes.ts';
import { foldersOf, isolatedStep, memoryLimitOf } from './step-isolation.ts';
import { continueTask, type ShimIdentity, type StopMark, type TaskFolder, type TaskRecord } from './task-folder.ts';
import { appendLine } from './task-logs.ts';
import { resultOfEnd, resultOfLost } from './task-result.ts';
import type { TaskDependencies } from './task-dependencies.ts';
import { TaskConnections } from './task-proxy.ts';

/** Files whose creation triggers a check: immediately, or together with the next one, which is often the end. */
const URGENT: ReadonlySet<string> = new Set(['rc', 'cancel', 'result.json']);
const WATCHED_FILES: ReadonlySet<string> = new Set(['pid', 'begun', 'end']);
const SOON_MS = 20;
/** Programs that confine a task count toward its limit; a limit of the kernel applies first where there is one. */
const WATCH_MARGIN = 16;
const DEFAULT_LOG_BYTES = 64 * 2 ** 20;
const LOG_SEGMENTS = 8;
const DEFAULT_GRACE_MS = 10_000;
/** A shim that has not written its pid by then never will. */
const SHIM_PATIENCE_MS = 30_000;
/** Time from the end of a command until its last output must have been written. */
const WRITER_PATIENCE_MS = 5000;
/** Time from the start of a shim until the loopback device of its task must exist. */
const RELAY_PATIENCE_MS = 10_000;

export class TaskRun {
  readonly record: TaskRecord;
  readonly folder: TaskFolder;
  readonly #dependencies: TaskDependencies;
  readonly #mark: string;
  readonly #over: (state: TaskState) => void;
  #checking: Promise<void> | undefined;
  #again = false;
  #closed = false;
  #watcher: FSWatcher | undefined;
  #cancelWake: (() => void) | undefined;
  #cancelSoon: (() => void) | undefined;
  /** Error of the shim that this process started. */
  #shimExited = false;
  #spawnProblem: string | undefined;
  #signaled = new Set<number>();
  #sampled = { peakMemoryBytes: 0, cpuMs: 0 };
  readonly #disk: TaskDisk;
  #groups: TaskGroups | undefined;
  #shim: ShimIdentity | undefined;
  #relay: Relay | undefined;
  #connections: TaskConnections | undefined;
  #isOutOfReach = false;
  #isContinued = false;

  /** `over` is called once, when the result is written. */
  constructor(
    dependencies: TaskDependencies,
    folder: TaskFolder,
    record: TaskRecord,
    mark: string,
    over: (state: TaskState) => void,
  ) {
    this.#dependencies = dependencies;
    this.folder = folder;
    this.record = record;
    this.#mark = mark;
    this.#over = over;
    this.#disk = new TaskDisk(record.limits);
  }

  /** Starts the shim. Idempotent. */
  async start(devices: readonly string[]): Promise<void> {
    const { folder, record } = this;
    const { groups, outside, launcher, reached } = this.#dependencies;
    folder.release();
    const memory = memoryLimitOf(this.record);
    const limits = { cpu: record.resources['cpu'], memory };
    const made = groups?.of(record.attempt, limits);
    if (made !== undefined) {
      folder.note('groups.json', JSON.stringify(made.groups));
      made.make(limits, this.#dependencies.maxProcesses);
    }
    if (this.#dependencies.hasGpus) {
      await appendFile(folder.file('env'), exportLines({ CUDA_VISIBLE_DEVICES: devices.join(',') }));
    }
    const isolated = record.isolation === 'required';
    const logBytes = record.limits.logBytes ?? DEFAULT_LOG_BYTES;
    const inner: InnerOptions = {
      // Programs may reserve more address space than they use, so the watchdog enforces a limit that was not requested.
      dataBytes: made === undefined ? record.resources['memory'] : undefined,
      maxProcesses: this.#dependencies.maxProcesses,
      isolated,
      work: foldersOf(record.boundary, folder).work,
      waits: record.boundary.startsWith('bubblewrap'),
      outside: record.root === undefined ? undefined : outside,
    };
    const confined = isolated
      ? await this.#confine(devices, innerCommand(record.command, inner), made !== undefined)
      : undefined;
    reached('prepared');
    launcher.start(
      {
        folder: folder.path,
        mark: this.#mark,
        segmentBytes: Math.max(4096, Math.ceil(logBytes / LOG_SEGMENTS)),
        segments: LOG_SEGMENTS,
        controlGroups: made?.folders ?? [],
        command: record.command,
        inner,
        confined,
        memoryBytes: made === undefined ? memory : undefined,
        cpu: made === undefined ? cpuShare('step', record.resources['cpu']) : undefined,
        watchedProcesses: made === undefined ? this.#dependencies.maxProcesses + WATCH_MARGIN : undefined,
      },
      (problem) => this.#shimGone(problem),
    );
    reached('spawned');
    this.watch();
  }

  async #confine(devices: readonly string[], command: readonly string[], hasControlGroups: boolean) {
    const { isolation, hidden, maxProcesses } = this.#dependencies;
    const { record, folder } = this;
    const ports = this.#reach().map(({ port }) => port);
    const run = isolatedStep(record, { folder, hidden, gpus: devices, ports, maxProcesses, command });
    const options = { filterDescriptor: 5, hasControlGroups };
    const { boundary, command: confined } = await isolation.confine(run, options);
    // Its variables and the owner of its files depend on the boundary at its submission.
    if (foldersOf(boundary, folder).work !== foldersOf(record.boundary, folder).work) {
      throw new Error(
        `the task was prepared for the isolation ${record.boundary}, and this machine now supports ${boundary}`,
      );
    }
    return confined;
  }

  /** From now on, each change in its folder triggers a check. */
  watch(): void {
    if (this.#closed || this.#watcher !== undefined) return;
    try {
      this.#watcher = watch(this.folder.path, (_event, name) => {
        if (name === null || URGENT.has(name) || (name === 'pid' && this.#isHeldBack)) this.poke();
        else if (WATCHED_FILES.has(name)) this.#pokeSoon();
      });
      this.#watcher.on('error', () => this.#watcher?.close());
      this.#watcher.unref();
    } catch {
      // No more watches are available: the slow poll of the engine remains.
    }
    this.poke();
  }

  /** Schedules a check; many calls cause one check. */
  poke(): void {
    if (this.#closed) return;
    if (this.#checking !== undefined) {
      this.#again = true;
      return;
    }
    this.#checking = this.#check()
      .catch((error: unknown) => {
        this.#dependencies.log.error('could not check a task', { attempt: this.record.attempt, error });
        this.#wakeIn(2000);
      })
      .finally(() => {
        this.#checking = undefined;
        if (!this.#again) return;
        this.#again = false;
        this.poke();
      });
  }

  #pokeSoon(): void {
    if (this.#closed) return;
    this.#cancelSoon ??= this.#dependencies.clock.after(SOON_MS, () => {
      this.#cancelSoon = undefined;
      this.poke();
    });
  }

  /** `detail`: why, for the owner of the task. */
  async stop(end: StopMark['end'], detail?: string): Promise<void> {
    this.folder.markStop(end, detail);
    this.poke();
  }

  /** Called after the free space was read: measures the folder if it may have consumed the space. */
  freeSpaceRead(free: FreeSpace): void {
    if (this.#disk.isLimited && this.#disk.isDue(this.#dependencies.clock.now(), free)) this.poke();
  }

  /** Measures its disk usage in bytes. */
  async measureDisk(free: FreeSpace): Promise<number> {
    if (this.#shim !== undefined) await this.#measureDisk(this.#shim, free);
    return this.#disk.usedBytes;
  }

  async #measureDisk(shim: ShimIdentity, free: FreeSpace | undefined): Promise<void> {
    const { clock } = this.#dependencies;
    const pids = () => taskProcesses(this.#marks(shim)).map(({ pid }) => pid);
    await this.#disk.measure([this.folder.box], pids, { now: () => clock.now(), free });
  }

  /** Resolves when no operation is active. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#watcher?.close();
    this.#cancelWake?.();
    this.#cancelSoon?.();
    await this.#checking;
    this.#relay?.close();
  }

  async state(): Promise<TaskState> {
    const result = this.folder.result();
    if (result !== undefined) return result;
    const begun = this.folder.read('begun') === 'begun\n' ? this.folder.modified('begun') : undefined;
    if (begun === undefined) return { phase: 'preparing' };
    const devices = (await this.#dependencies.leases.of(this.record.attempt)).map((index) => `${GPU}:${index}`);
    return { phase: 'running', startedAt: new Date(begun), devices };
  }

  #shimGone(problem: string | undefined): void {
    this.#shimExited = true;
    this.#spawnProblem = problem;
    this.poke();
  }

  #wakeIn(ms: number): void {
    if (this.#closed) return;
    this.#cancelWake?.();
    this.#cancelWake = this.#dependencies.clock.after(Math.min(Math.max(ms, 5), 2 ** 30), () => this.poke());
  }

  async #check(): Promise<void> {
    const { clock } = this.#dependencies;
    const { folder } = this;
    // Checked before the files are read, so that they are final.
    const isGone = this.#shimExited;
    this.#shim ??= folder.shim();
    const shim = this.#shim;
    const isAlive = shim !== undefined && this.#isAlive(shim);
    // Read after the shim check, so that everything it wrote before its end is visible.
    const names = folder.names();
    // Another engine on the same folder was first.
    if (names.has('result.json')) return this.#leave(folder.result()!);
    if (names.has('groups.json')) this.#groups ??= await this.#readGroups();
    const end = names.has('end') || names.has('rc') ? folder.ended() : undefined;
    const mark = names.has('cancel') ? folder.stopMark() : undefined;
    if (end !== undefined) {
      if (end.complete || !isAlive || clock.now() - end.at > WRITER_PATIENCE_MS) {
        this.#dependencies.reached('ended');
        const measured = {
          used: this.#groups?.usage() ?? { memoryKills: 0 },
          sampled: this.#sampled,
          refused: this.#connections?.refused ?? [],
        };
        await this.#finish(await resultOfEnd(folder, end, mark, measured), isAlive ? shim : undefined, end.complete);
        return;
      }
      // Its output is complete when no process has the pipe open.
      await this.#kill(shim);
      this.#wakeIn(100);
      return;
    }
    if (!isAlive) {
      if (shim === undefined && !isGone && !(await this.#isOverdue())) {
        this.#wakeIn(1000);
        return;
      }
      const { bootId } = this.#dependencies;
      const lost = resultOfLost(folder, mark, { shim, bootId, spawnProblem: this.#spawnProblem });
      await this.#finish(lost, undefined, false);
      return;
    }
    await this.#continue(shim);
    if (mark !== undefined) await this.#pursue(shim, mark);
    else await this.#hold(shim);
  }

  async #readGroups(): Promise<TaskGroups | undefined> {
    const text = this.folder.read('groups.json');
    return text === undefined ? undefined : new TaskGroups(JSON.parse(text) as Hierarchy[]);
  }

  #isAlive({ pid, startTime, bootId }: ShimIdentity): boolean {
    return bootId === this.#dependencies.bootId && readProcess(pid)?.startTime === startTime;
  }

  /** Returns whether a shim that has not written its pid never will. */
  async #isOverdue(): Promise<boolean> {
    const started = this.folder.modified('started');
    return started !== undefined && this.#dependencies.clock.now() - started > SHIM_PATIENCE_MS;
  }

  get #isHeldBack(): boolean {
    return this.record.boundary.startsWith('bubblewrap') && !this.#isContinued;
  }

  /** Continues an isolated task when its network is ready, or is not available. */
  async #continue(shim: ShimIdentity): Promise<void> {
    const { path, perl, relayHelper: helper, clock, log } = this.#dependencies;
    const { attempt } = this.record;
    if (!this.#isHeldBack) return;
    const reach = this.#reach();
    if (reach.length > 0 && this.#relay === undefined && !this.#isOutOfReach) {
      const member = namespaceMember(this.#marks(shim));
      let failure: unknown;
      try {
        if (member !== undefined) this.#relay = await Relay.open(member, { path, perl, attempt, reach, helper });
      } catch (error) {
        // Its loopback device may not be up yet.
        failure = error;
      }
      if (this.#closed) return this.#relay?.close();
      if (this.#relay === undefined) {
        this.#isOutOfReach = clock.now() - shim.at > RELAY_PATIENCE_MS;
        if (!this.#isOutOfReach) return this.#wakeIn(20);
        log.warn('a task has no network connection, not even to Dais', { attempt, error: failure });
      }
    }
    this.#isContinued = (await continueTask(this.folder.file('go'))) || this.folder.read('begun') === 'begun\n';
    if (!this.#isContinued) this.#wakeIn(20);
  }

  #reach(): readonly Reachable[] {
    const { reach, proxy } = this.#dependencies;
    if (proxy === undefined || !this.record.network) return reach;
    this.#connections ??= new TaskConnections(proxy, (sentence) => this.#report(sentence));
    const connections = this.#connections;
    return [...reach, { port: connections.port, accept: (socket) => connections.accept(socket) }];
  }

  /** Writes a platform message into the log of the task. */
  #report(sentence: string): void {
    const outer = taskProcesses(this.#marks(this.#shim)).find(({ parent }) => parent === this.#shim?.pid);
    try {
      appendLine(outer?.pid, sentence);
    } catch (error) {
      this.#dependencies.log.debug('could not write a platform message to the log of a task', { sentence, error });
    }
  }

  /** Sends TERM to each of its processes, and KILL after the grace period. */
  async #pursue(shim: ShimIdentity, mark: StopMark): Promise<void> {
    const { folder, record } = this;
    const { clock, log } = this.#dependencies;
    const killAt = mark.at + (record.limits.graceMs ?? DEFAULT_GRACE_MS);
    const left = killAt - clock.now();
    if (left <= 0) {
      try {
        folder.noteKill();
      } catch (error) {
        // A full disk must not prevent the kill.
        log.debug('could not note the kill of a task', { attempt: record.attempt, error });
      }
      await this.#kill(shim);
      this.#wakeIn(200);
      return;
    }
    for (const { pid, name } of taskProcesses(this.#marks(shim))) {
      // bwrap itself would end immediately with everything inside, so only the processes inside receive the signal.
      if (record.isolation === 'required' && name === 'bwrap') continue;
      if (this.#signaled.has(pid)) continue;
      this.#signaled.add(pid);
      signalProcess(pid, 'SIGTERM');
    }
    // A process that was created while the others received the signal.
    this.#wakeIn(Math.min(left, 500));
  }

  /** Enforces the limits that the kernel does not enforce. */
  async #hold(shim: ShimIdentity): Promise<void> {
    const { clock } = this.#dependencies;
    const { wallMs } = this.record.limits;
    const memory = memoryLimitOf(this.record);
    let wait = Infinity;
    const begun = this.folder.modified('begun');
    if (wallMs !== undefined && begun !== undefined) {
      const left = begun + wallMs - clock.now();
      if (left <= 0) return await this.stop('wall-time');
      wait = left;
    }
    if (this.#disk.isLimited) {
      const free = this.#dependencies.free();
      if (this.#disk.isDue(clock.now(), free)) await this.#measureDisk(shim, free);
      const problem = this.#disk.problem();
      if (problem !== undefined) return await this.stop('disk-full', problem);
      wait = Math.min(wait, this.#disk.dueIn(clock.now()));
    }
    if (this.#groups === undefined) {
      const processes = taskProcesses(this.#marks(shim));
      const { bytes, cpuMs } = usageOf(processes);
      this.#sampled = {
        peakMemoryBytes: Math.max(bytes, this.#sampled.peakMemoryBytes),
        cpuMs: Math.max(cpuMs, this.#sampled.cpuMs),
      };
      if (memory !== undefined && bytes > memory) return await this.stop('out-of-memory');
      wait = Math.min(wait, memory === undefined ? 5000 : 1000);
    }
    if (wait < Infinity) this.#wakeIn(wait);
  }

  #marks(shim: ShimIdentity | undefined): TaskMarks {
    const groupFiles = this.#groups?.folders.map((folder) => `${folder}/cgroup.procs`) ?? [];
    return { mark: this.#mark, shim: shim?.pid, groupFiles };
  }

  /** Kills all processes of the task, except the shim and its writer if they are given. */
  async #kill(shim: ShimIdentity | undefined): Promise<void> {
    if (taskProcesses(this.#marks(shim)).length === 0) return;
    this.#groups?.kill();
    for (let round = 0; round < 20; round++) {
      const processes = taskProcesses(this.#marks(shim));
      if (processes.length === 0) return;
      for (const { pid } of processes) signalProcess(pid, 'SIGKILL');
      await new Promise((resolve) => setTimeout(resolve, 5 * (round + 1)));
    }
    this.#dependencies.log.warn('processes of a task survived SIGKILL', { attempt: this.record.attempt });
  }

  async #finish(state: TaskState, shim: ShimIdentity | undefined, complete: boolean): Promise<void> {
    await this.#kill(shim);
    // A process that evaded the kill and keeps the pipe open must not block the shim. With complete output the shim is about to
    // exit.
    if (shim !== undefined && !complete && this.#isAlive(shim)) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      if (this.#isAlive(shim)) signalProcess(-shim.pid, 'SIGKILL');
    }
    await this.folder.write('result.json', JSON.stringify(state));
    this.#dependencies.reached('result');
    await this.#groups?.remove();
    await this.#dependencies.leases.release(this.record.attempt);
    this.#leave(state);
  }

  #leave(state: TaskState): void {
    this.#closed = true;
    this.#watcher?.close();
    this.#cancelWake?.();
    this.#cancelSoon?.();
    this.#relay?.close();
    this.#over(state);
  }
}
