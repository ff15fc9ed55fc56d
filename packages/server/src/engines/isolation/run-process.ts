/** A run that ends with this process: starts it inside its boundary, enforces its limits and reports why it ended. */
import { existsSync, readlinkSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { folderSize } from '#lib/system/folder-size.ts';
import { start, type ChildProcess } from '#lib/process.ts';
import { checkProcess, processIdentity, type ProcessIdentity } from '#lib/system/process-identity.mjs';
import { firstDescendants, treeCpuMs, treeMemory } from '#lib/system/process-tree.ts';
import type { Boundary, EndCause, IsolatedEnd, IsolatedProcess, IsolatedRun, IsolatedStart } from './contract.ts';
import type { TaskGroups } from './limits/control-groups.ts';
import { limitReason, subjectOf } from './run-messages.ts';

export interface RunProcessOptions {
  readonly run: IsolatedRun;
  readonly start: IsolatedStart;
  readonly boundary: Boundary;
  /** The command line: the guard, if any, then the confinement, then the program. */
  readonly command: readonly string[];
  readonly hasGuard: boolean;
  /** For descriptor 4. */
  readonly filter: Buffer;
  readonly groups: TaskGroups | undefined;
  readonly memoryBytes: number;
  /** A private folder of the run, removed at its end. */
  readonly scratch: string | undefined;
}

/** Returns the numbers of the descriptors that a run has at its start, besides standard input, output and error. */
export function descriptorsOf({
  hasSocket,
  hasGuard,
  filter,
}: {
  readonly hasSocket: boolean;
  readonly hasGuard: boolean;
  readonly filter: Buffer;
}): number[] {
  return [...(hasSocket ? [3] : []), ...(filter.length > 0 ? [4] : []), ...(hasGuard ? [5] : [])];
}

const CHECK_MS = 250;
/** Its child processes may keep its output open after its end. */
const OUTPUT_MS = 1000;
/** Time between the end of the confinement and the end of the program in it. */
const GONE_MS = 1000;
const SIGNALS: Readonly<Record<number, string>> = {
  4: 'SIGILL',
  6: 'SIGABRT',
  7: 'SIGBUS',
  8: 'SIGFPE',
  9: 'SIGKILL',
  11: 'SIGSEGV',
  15: 'SIGTERM',
  25: 'SIGXFSZ',
  31: 'SIGSYS',
};

let swept: Promise<void> | undefined;

/** Contains the identity of its process: the next process removes leftovers of killed ones. */
export async function createScratch(): Promise<string> {
  await (swept ??= sweepScratch());
  const own = processIdentity(process.pid);
  // Containers may share a temporary folder, and their process ids are not comparable.
  const owner = own === undefined ? 'unknown' : `${namespaceOf(own)}-${own.pid}-${own.startTime}`;
  return await mkdtemp(join(tmpdir(), `dais-scratch-${owner}-`));
}

function namespaceOf({ pidNamespace }: ProcessIdentity): string {
  return /\d+/.exec(pidNamespace)?.[0] ?? '0';
}

export async function sweepScratch(): Promise<void> {
  const own = processIdentity(process.pid);
  if (own === undefined) return;
  for (const name of await readdir(tmpdir()).catch(() => [])) {
    const [, namespace, pid = '', startTime = ''] = /^dais-scratch-(\d+)-(\d+)-(\d+)-/.exec(name) ?? [];
    if (namespace !== namespaceOf(own) || checkProcess({ ...own, pid: Number(pid), startTime }) !== 'gone') continue;
    // Folders of other users cannot be removed, and need not be.
    await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => {});
  }
}

export class RunProcess implements IsolatedProcess {
  readonly boundary: Boundary;
  readonly ended: Promise<IsolatedEnd>;
  readonly #options: RunProcessOptions;
  readonly #child: ChildProcess;
  readonly #timers = new Set<NodeJS.Timeout>();
  #isOver = false;
  #report = '';
  #cpuMs = 0;
  /** The process of the program that this process killed. */
  #killed: number | undefined;
  /** Why this process ended it. */
  #ending: { readonly cause: EndCause; readonly reason: string } | undefined;

  constructor(options: RunProcessOptions) {
    this.#options = options;
    this.boundary = options.boundary;
    const { command, filter, hasGuard } = options;
    const { variables, hasSocket = false, onOutput } = options.start;
    const [program = '', ...args] = command;
    this.#child = start(program, args, {
      env: variables,
      // A separate process group, so that its children end with it.
      detached: true,
      stdio: [
        hasGuard ? 'pipe' : 'ignore',
        'pipe',
        'pipe',
        hasSocket ? 'pipe' : 'ignore',
        filter.length > 0 ? 'pipe' : 'ignore',
        ...(hasGuard ? ['pipe' as const] : []),
      ],
    });
    for (const name of ['stdout', 'stderr'] as const) {
      if (onOutput !== undefined) this.#child[name]?.on('data', (chunk: Buffer) => onOutput(chunk, name));
      else if (name === 'stderr') this.#child[name]?.resume();
    }
    for (const stream of this.#child.stdio) stream?.on('error', () => {});
    (this.#child.stdio[4] as Duplex | null)?.end(filter);
    (this.#child.stdio as readonly unknown[] as readonly (Duplex | null | undefined)[])[5]?.on(
      'data',
      (chunk: Buffer) => {
        this.#report = (this.#report + chunk.toString('latin1')).slice(0, 2000);
      },
    );
    this.ended = this.#untilEnd();
    this.#hold();
    this.#child.unref();
    for (const stream of this.#child.stdio) (stream as (Duplex & { unref?: () => void }) | null)?.unref?.();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get socket(): Duplex | undefined {
    return this.#options.start.hasSocket === true ? (this.#child.stdio[3] as Duplex) : undefined;
  }

  get stdout(): IsolatedProcess['stdout'] {
    return this.#child.stdout ?? undefined;
  }

  memoryBytes(): number {
    return this.#isOver ? 0 : treeMemory(this.#child.pid ?? 0);
  }

  cpuMs(): number {
    if (!this.#isOver) this.#cpuMs = Math.max(this.#cpuMs, treeCpuMs(this.#child.pid ?? 0) ?? 0);
    return this.#cpuMs;
  }

  programPid(): number | undefined {
    return this.#chain().at(-1);
  }

  networkPid(): number | undefined {
    const own = networkOf('self');
    return this.#chain().find((pid) => {
      const found = networkOf(pid);
      return found !== undefined && found !== own;
    });
  }

  /** Each confining process has one child, down to the program. */
  #chain(): number[] {
    return this.#isOver || this.#child.pid === undefined ? [] : firstDescendants(this.#child.pid);
  }

  kill(reason: string): void {
    this.#end('killed', reason);
  }

  ref(): void {
    this.#child.ref();
  }

  #end(cause: EndCause, reason: string): void {
    if (this.#isOver) return;
    this.#ending ??= { cause, reason };
    this.#killAll();
  }

  #killAll(): void {
    const { hasGuard, groups } = this.#options;
    this.#killed = this.programPid();
    groups?.kill();
    // The guard ends the whole tree when its input closes, and reports nothing then.
    if (hasGuard) {
      this.#child.stdin?.destroy();
      return;
    }
    this.#killGroup();
  }

  #killGroup(): void {
    try {
      if (this.#child.pid !== undefined) process.kill(-this.#child.pid, 'SIGKILL');
    } catch {
      // All processes have ended.
    }
  }

  async #untilEnd(): Promise<IsolatedEnd> {
    const how = await new Promise<IsolatedEnd>((resolve) => {
      this.#child.once('error', (error) => {
        resolve({ cause: 'not-started', reason: `${this.#subject()} could not be started: ${error.message}` });
      });
      const exit = (code: number | null, signal: string | null) => resolve(this.#endOf(code, signal));
      this.#child.once('close', exit);
      this.#child.once('exit', (code, signal) => {
        this.#killGroup();
        const timer = setTimeout(() => exit(code, signal), OUTPUT_MS);
        this.#child.once('close', () => clearTimeout(timer));
      });
    });
    this.#isOver = true;
    for (const timer of this.#timers) clearInterval(timer);
    const { groups, scratch } = this.#options;
    groups?.kill();
    await groups?.remove();
    for (let waited = 0; waited < GONE_MS && existsSync(`/proc/${this.#killed}`); waited += 10) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    if (scratch !== undefined) await rm(scratch, { recursive: true, force: true, maxRetries: 3 }).catch(() => {});
    return how;
  }

  #endOf(code: number | null, signal: string | null): IsolatedEnd {
    const { run, groups, memoryBytes } = this.#options;
    const limits = { ...run.limits, memoryBytes };
    if (this.#ending !== undefined) return this.#ending;
    const [word = '', ...rest] = this.#report.trim().split(' ');
    if (word === 'memory') return { cause: 'memory', reason: limitReason(run.workload, 'memory', limits) };
    if (word === 'processes') return { cause: 'processes', reason: limitReason(run.workload, 'processes', limits) };
    if (word === 'error')
      return { cause: 'not-started', reason: `${this.#subject()} could not be started: ${rest.join(' ')}` };
    let exit: { code: number | null; signal: string | null } = { code, signal };
    if (word === 'exit') {
      const [status = 0, number = 0] = rest.map(Number);
      exit = { code: status, signal: number === 0 ? null : (SIGNALS[number] ?? `signal ${number}`) };
    }
    // bwrap and shells report a signal as an exit code.
    const named = exit.signal ?? (exit.code !== null && exit.code > 128 ? (SIGNALS[exit.code - 128] ?? null) : null);
    const failed = named !== null || exit.code !== 0;
    if (failed && (groups?.usage().memoryKills ?? 0) > 0) {
      return { cause: 'memory', reason: limitReason(run.workload, 'memory', limits) };
    }
    if (named === 'SIGXFSZ') return { cause: 'disk', reason: limitReason(run.workload, 'disk', limits) };
    if (named !== null) return { cause: 'signal', signal: named, reason: `${this.#subject()} ended by ${named}` };
    return { cause: 'exit', code: exit.code ?? 0, reason: `${this.#subject()} ended with exit code ${exit.code}` };
  }

  /** Enforces the limits that neither the kernel nor the guard enforces. None of them is urgent. */
  #hold(): void {
    const { run, groups, scratch, memoryBytes } = this.#options;
    const { wallMs, diskBytes } = run.limits;
    const limits = { ...run.limits, memoryBytes };
    if (wallMs !== undefined) {
      const timer = setTimeout(() => this.#end('wall-time', limitReason(run.workload, 'wall-time', limits)), wallMs);
      this.#keep(timer);
    }
    // The kernel kills one process of a group at a time; the others are useless without it.
    if (groups !== undefined) {
      this.#every(() => {
        if (groups.usage().memoryKills > 0) this.#end('memory', limitReason(run.workload, 'memory', limits));
      });
    }
    if (scratch !== undefined && diskBytes !== undefined) {
      let isChecking = false;
      this.#every(() => {
        if (isChecking) return;
        isChecking = true;
        void folderSize(scratch).then((bytes) => {
          isChecking = false;
          if (bytes > diskBytes) this.#end('disk', limitReason(run.workload, 'disk', limits));
        });
      });
    }
  }

  #every(check: () => void): void {
    this.#keep(setInterval(check, CHECK_MS));
  }

  #keep(timer: NodeJS.Timeout): void {
    timer.unref();
    this.#timers.add(timer);
  }

  #subject(): string {
    return subjectOf(this.#options.run.workload);
  }
}

function networkOf(pid: number | 'self'): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return undefined;
  }
}
