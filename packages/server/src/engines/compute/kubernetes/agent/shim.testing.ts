/** Runs the shim as process 1 of namespaces of its own, as a container runtime does. Needs root. */
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, chown, cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '#lib/clock.ts';
import { run, start, type ChildProcess } from '#lib/process.ts';
import { shimProbe, shimProgram, type ShimMachine } from '../../../../../../../tools/shim.mjs';
import type { ResumedCommand, ShimConnection, ShimEvents } from './shim-connection.ts';
import { listenForShim, type ShimListener } from './shim-listener.ts';
import type { CommandEnd, CommandOrder, CommandStart, StartFailure } from './shim-messages.ts';

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** Of the user who runs the command, as in the pod. */
export const POD_USER = 65_000;
export const SECRET = 'the secret of the shim';
/** Path of the probe in an empty root. */
export const PROBE = '/bin/probe';

export interface ContainerOptions {
  /**
   * `machine`: the root of the machine. `scratch`: nothing but the shim and the probe. `read-only`: the same, of which only the
   * working folder can be written. Default: machine.
   */
  readonly root?: 'machine' | 'scratch' | 'read-only';
  /** Default: root. */
  readonly user?: number;
  readonly shimArguments?: readonly string[];
  /** Environment variables of the image. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Limit of processes and threads of the user. */
  readonly maxProcesses?: number;
  /** Folders of the control groups of the container. */
  readonly controlGroups?: readonly string[];
  /** Acknowledges output when it arrives; default true. */
  readonly acknowledges?: boolean;
  /** No agent listens. */
  readonly hasNoAgent?: boolean;
}

/** How a command ended, with its output. */
export interface Outcome {
  readonly end?: CommandEnd;
  readonly failure?: StartFailure;
  readonly gone?: string;
  readonly output: string;
}

/** Arguments: the number of control groups, their folders, the program that enters them. */
const ENTER_GROUPS = `
groups=$1
shift
while [ "$groups" -gt 0 ]; do echo 0 >"$1/cgroup.procs"; shift; groups=$((groups - 1)); done
exec "$@"`;

export class Container {
  readonly folder: string;
  /** Seen from the container. */
  readonly workingFolder: string;
  readonly events: string[] = [];
  readonly refused: string[] = [];
  started: CommandStart | undefined;
  #outputs: Buffer[] = [];
  outputBytes = 0;
  /** What the shim wrote into the log of the container. */
  complaints = '';
  #result: { end?: CommandEnd; failure?: StartFailure; gone?: string } = {};
  readonly #options: ContainerOptions;
  #process: ChildProcess | undefined;
  #exit: Promise<number> | undefined;
  #listener: ShimListener | undefined;
  connection: ShimConnection | undefined;
  #changed: (() => void)[] = [];

  constructor(folder: string, options: ContainerOptions) {
    this.folder = folder;
    this.#options = options;
    this.workingFolder = this.#isScratch ? '/work' : join(folder, 'work');
  }

  get #isScratch(): boolean {
    return this.#options.root === 'scratch' || this.#options.root === 'read-only';
  }

  get socketPath(): string {
    return join(this.folder, 'dais', 's');
  }

  async prepare(): Promise<void> {
    for (const name of ['dais', 'work', 'proc', 'dev', 'tmp', 'bin']) await mkdir(join(this.folder, name));
    await chmod(this.folder, 0o755);
    const user = this.#options.user ?? 0;
    await chown(join(this.folder, 'work'), user, user);
    if (!this.#isScratch) return;
    const machine = process.arch as ShimMachine;
    await cp(await shimProgram(machine), join(this.folder, 'dais', 'shim'));
    await cp(await shimProbe(machine), join(this.folder, PROBE));
    const made = await run('mknod', ['-m', '666', join(this.folder, 'dev', 'null'), 'c', '1', '3'], { env: { PATH } });
    if (made.code !== 0) throw new Error(`mknod failed: ${made.stderr}`);
  }

  /** Starts the shim. */
  async start(): Promise<void> {
    const { variables = {}, shimArguments = [], maxProcesses, controlGroups = [] } = this.#options;
    const shim = this.#isScratch ? '/dais/shim' : await shimProgram(process.arch as ShimMachine);
    const socket = this.#isScratch ? '/dais/s' : this.socketPath;
    const command = [
      'sh',
      '-c',
      ENTER_GROUPS,
      'sh',
      String(controlGroups.length),
      ...controlGroups,
      ...(maxProcesses === undefined ? [] : ['prlimit', `--nproc=${maxProcesses}`]),
      ...this.#namespaces(),
      shim,
      `--socket=${socket}`,
      ...shimArguments,
    ];
    const [program = '', ...args] = command;
    this.#process = start(program, args, { env: { PATH, ...variables }, stdio: ['ignore', 'ignore', 'pipe'] });
    this.#process.stderr?.on('data', (bytes: Buffer) => (this.complaints += bytes.toString('utf8')));
    this.#exit = once(this.#process, 'exit').then(([code, signal]) =>
      typeof code === 'number' ? code : signal === 'SIGKILL' ? 137 : 1,
    );
  }

  /** Returns the program that makes its last argument process 1. */
  #namespaces(): string[] {
    const { user, root } = this.#options;
    const { folder } = this;
    if (root === 'read-only') {
      const mounts = [
        '--ro-bind',
        folder,
        '/',
        '--bind',
        join(folder, 'work'),
        '/work',
        '--proc',
        '/proc',
        '--dev',
        '/dev',
      ];
      return ['bwrap', '--unshare-pid', '--as-pid-1', '--cap-drop', 'ALL', ...mounts, '--'];
    }
    return [
      'unshare',
      '--pid',
      '--fork',
      '--kill-child',
      ...(this.#isScratch ? [`--root=${folder}`] : []),
      '--mount-proc',
      ...(user === undefined ? [] : [`--setgid=${user}`, `--setuid=${user}`]),
    ];
  }

  /** Starts an agent that accepts the shim. */
  async listen(resume?: ResumedCommand): Promise<void> {
    this.#listener = await listenForShim({
      path: this.socketPath,
      events: this.#handlers(),
      clock: systemClock,
      ...(resume !== undefined && { resume }),
      refused: (reason) => {
        this.refused.push(reason);
        this.#notify();
      },
    });
    try {
      await chmod(this.socketPath, 0o666);
    } catch (error) {
      // A shim of root can have connected before; the listener then removes its socket.
      if (existsSync(this.socketPath)) throw error;
    }
  }

  async accept(): Promise<ShimConnection> {
    this.connection = await this.#listener!.accepted;
    return this.connection;
  }

  /** Sends a command; resolves when it has ended, could not start, or its shim is gone. */
  async run(command: readonly [string, ...string[]], order: Partial<CommandOrder> = {}): Promise<Outcome> {
    this.order(command, order);
    return await this.outcome();
  }

  order(command: readonly [string, ...string[]], order: Partial<CommandOrder> = {}): void {
    this.connection!.run({
      command,
      variables: { PATH },
      workingFolder: this.workingFolder,
      graceMs: 10_000,
      secret: SECRET,
      ...order,
    });
  }

  async outcome(): Promise<Outcome> {
    await this.until(() => Object.keys(this.#result).length > 0);
    return { ...this.#result, output: this.output };
  }

  get output(): string {
    return Buffer.concat(this.#outputs).toString('latin1');
  }

  async untilWritten(text: string): Promise<void> {
    await this.until(() => this.output.includes(text));
  }

  /** Waits for a condition that changes with events of the shim. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#changed.push(resolve));
  }

  /** Ends the shim as an agent does, and returns its exit code. */
  async bye(): Promise<number> {
    this.connection!.bye();
    return await this.exitCode();
  }

  async exitCode(): Promise<number> {
    return await this.#exit!;
  }

  /** Closes the connection, as the end of the agent does. */
  disconnect(): void {
    this.connection!.close();
    this.connection = undefined;
    this.#result = {};
  }

  /** Number of the shim, outside of its namespace. */
  shimPid(): number {
    const [child = 0] = childrenOf(this.#process!.pid ?? 0);
    // A signal to process 0 would end this process and its group.
    if (!(child > 1)) throw new Error('The shim has ended.');
    return child;
  }

  /** Numbers of all processes of the container but the shim. */
  processes(): number[] {
    const below = (pid: number): number[] => childrenOf(pid).flatMap((child) => [child, ...below(child)]);
    return below(this.shimPid());
  }

  async end(): Promise<void> {
    this.connection?.close();
    this.#listener?.close();
    const child = this.#process;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      try {
        process.kill(this.shimPid(), 'SIGKILL');
      } catch {
        // It has just ended.
      }
      await this.#exit;
    }
    if (existsSync(this.folder)) await rm(this.folder, { recursive: true });
  }

  #handlers(): ShimEvents {
    const record = (name: string, change: () => void) => {
      if (name !== 'output') this.events.push(name);
      change();
      this.#notify();
    };
    return {
      started: (begin) => record('started', () => (this.started = begin)),
      output: (bytes, position) =>
        record('output', () => {
          if (position !== this.outputBytes) this.events.push(`gap at ${position}`);
          this.outputBytes = position + bytes.length;
          this.#outputs.push(Buffer.from(bytes));
          if (this.#options.acknowledges !== false) this.connection?.acknowledge(this.outputBytes);
        }),
      terminating: (signal) => record(`terminating ${signal}`, () => {}),
      exited: (end) => record('exited', () => (this.#result.end = end)),
      failed: (failure) => record('failed', () => (this.#result.failure = failure)),
      gone: (reason) => record('gone', () => (this.#result.gone = reason)),
    };
  }

  /** Discards the output so far: a test with much of it needs its size only. */
  discardOutput(): void {
    this.#outputs = [];
  }

  #notify(): void {
    for (const wake of this.#changed.splice(0)) wake();
  }
}

/** The kernel lists the children of each thread. */
function childrenOf(pid: number): number[] {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const lists = threads.map((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8'));
    return lists.flatMap((list) => list.split(' ').filter(Boolean).map(Number));
  } catch {
    return [];
  }
}

/** Starts a container whose shim is connected, unless it has no agent. */
export async function startContainer(options: ContainerOptions = {}): Promise<Container> {
  const container = new Container(await mkdtemp(join(tmpdir(), 'dais-shim-')), options);
  try {
    await container.prepare();
    if (options.hasNoAgent !== true) await container.listen();
    await container.start();
    if (options.hasNoAgent !== true) await container.accept();
    return container;
  } catch (error) {
    await container.end();
    throw error;
  }
}
