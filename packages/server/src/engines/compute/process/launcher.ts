/** Starts shims: by a launcher that forks them, or each by itself where there is none. */
import type { Socket } from 'node:net';
import type { CpuShare } from '#engines/isolation/cpu-share.ts';
import type { Log } from '#lib/log.ts';
import { start, type ChildProcess } from '#lib/process.ts';
import { innerCommand, SECOND_START, shimArguments, type InnerOptions } from './shim.ts';
import { TASK_VARIABLE } from './task-processes.ts';

export interface LaunchRequest {
  readonly folder: string;
  /** Value of TASK_VARIABLE. */
  readonly mark: string;
  readonly segmentBytes: number;
  readonly segments: number;
  readonly controlGroups: readonly string[];
  readonly command: readonly string[];
  readonly inner: InnerOptions;
  /** What confines the command, with it; undefined: nothing does. */
  readonly confined: readonly string[] | undefined;
  /** Of the whole task, where control groups do not hold it: the shim does. */
  readonly memoryBytes: number | undefined;
  /** The same for its processes and threads. */
  readonly watchedProcesses: number | undefined;
  /** Where control groups do not hold CPU. */
  readonly cpu: CpuShare | undefined;
}

/** The shim has ended, or (`fault`) could not be started. Not called for one that found another one there before. */
export type ShimGone = (fault: string | undefined) => void;

export interface LauncherOptions {
  /** Where it finds its own program, and shims theirs. */
  readonly path: string;
  readonly log: Log;
  /** Of the launcher; undefined: each shim is started by itself. */
  readonly program: string | undefined;
}

interface Pending {
  readonly fields: readonly string[];
  /** Done, with this exit code; `fault`: not even begun. */
  answered(code: number, fault?: string): void;
  /** Does it without a launcher. */
  alone(): void;
}

/** A launcher that ends so soon after its start, this often, is done without. */
const MOST_FAILURES = 3;

export class Launcher {
  readonly #options: LauncherOptions;
  readonly #pending = new Map<string, Pending>();
  #child: ChildProcess | undefined;
  #failures = 0;
  #removing = 0;
  #closed = false;
  #lastId = 0;

  constructor(options: LauncherOptions) {
    this.#options = options;
  }

  /** Told twice of one folder, it starts one shim. */
  start(request: LaunchRequest, gone: ShimGone): void {
    this.#ask({
      fields: ['shim', ...this.#fieldsOf(request)],
      answered: (code, fault) => code !== SECOND_START && gone(fault),
      alone: () => this.#startAlone(request, gone),
    });
  }

  /** Removes the folder of a task in which there is little. False: there is more, or nobody did it. */
  async removeSmall(folder: string): Promise<boolean> {
    this.#removing += 1;
    try {
      return await new Promise((resolve) => {
        this.#ask({
          fields: ['remove', folder],
          answered: (code, fault) => resolve(fault === undefined && code === 0),
          alone: () => resolve(false),
        });
        this.#keepAlive();
      });
    } finally {
      this.#removing -= 1;
      this.#keepAlive();
    }
  }

  /** Who waits for an answer keeps this process alive; tasks that run do not. */
  #keepAlive(): void {
    const answers = this.#child?.stdout as Socket | null | undefined;
    if (this.#removing > 0) answers?.ref();
    else answers?.unref();
  }

  /** Shims go on. */
  close(): void {
    this.#closed = true;
    this.#child?.stdin?.end();
  }

  #ask(pending: Pending): void {
    if (this.#closed || this.#options.program === undefined || this.#failures >= MOST_FAILURES) return pending.alone();
    this.#lastId += 1;
    const id = String(this.#lastId);
    this.#pending.set(id, pending);
    this.#send(id, pending);
  }

  #send(id: string, { fields: [verb = '', ...fields] }: Pending): void {
    this.#child ??= this.#open();
    this.#keepAlive();
    const body = Buffer.from([verb, id, ...fields].join('\0'));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(body.length);
    this.#child.stdin?.write(Buffer.concat([length, body]));
  }

  #fieldsOf(request: LaunchRequest): string[] {
    const { folder, mark, segmentBytes, segments, controlGroups, command, inner, confined } = request;
    return [
      folder,
      mark,
      this.#options.path,
      String(segmentBytes),
      String(segments),
      confined === undefined ? '1' : '0',
      String(inner.dataBytes ?? ''),
      String(Math.ceil(request.memoryBytes ?? 0)),
      String(request.watchedProcesses ?? 0),
      String(inner.maxProcesses),
      request.cpu?.cores ?? '',
      String(request.cpu?.nice ?? 0),
      inner.work,
      String(controlGroups.length),
      ...controlGroups,
      ...(confined ?? command),
    ];
  }

  #open(): ChildProcess {
    const child = start('perl', ['-e', this.#options.program ?? ''], {
      // Out of the reach of a terminal's signals: it ends with its input.
      detached: true,
      env: { PATH: this.#options.path },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    child.unref();
    (child.stdin as Socket | null)?.unref();
    child.stdin?.on('error', () => {});
    let rest = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString('utf8')).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#told(line);
    });
    let isOver = false;
    const over = (fault: string) => {
      if (isOver) return;
      isOver = true;
      this.#ended(fault);
    };
    child.once('error', (error) => over(error.message));
    child.once('close', (code, signal) => over(signal ?? `exit code ${code}`));
    return child;
  }

  #told(line: string): void {
    const [word, id = '', ...text] = line.split(' ');
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    this.#failures = 0;
    if (word === 'fault') pending.answered(1, text.join(' '));
    else pending.answered(Number(text[0]));
  }

  /** Whatever it was told and did not answer for is told again: of two shims of a task the second one ends at once. */
  #ended(fault: string): void {
    this.#child = undefined;
    if (this.#closed) return;
    this.#failures += 1;
    const told = [...this.#pending];
    const isGivenUp = this.#failures >= MOST_FAILURES;
    const words = isGivenUp ? 'starting steps without a launcher' : 'the launcher of steps ended';
    this.#options.log.warn(words, { fault, waiting: told.length });
    for (const [id, pending] of told) {
      if (!isGivenUp) {
        this.#send(id, pending);
        continue;
      }
      this.#pending.delete(id);
      pending.alone();
    }
  }

  #startAlone(request: LaunchRequest, gone: ShimGone): void {
    const { command, inner, confined, mark, folder, segmentBytes, segments, controlGroups } = request;
    const program = confined ?? innerCommand(command, inner);
    try {
      const shim = start('sh', shimArguments({ folder, segmentBytes, segments, controlGroups, program }), {
        detached: true,
        env: { PATH: this.#options.path, [TASK_VARIABLE]: mark },
        stdio: 'ignore',
      });
      shim.once('error', (error) => gone(error.message));
      // That another one was first, which a Dais before this started, says nothing of that one.
      shim.once('exit', (code) => code !== SECOND_START && gone(undefined));
      shim.unref();
    } catch (error) {
      // Too many arguments for the kernel are thrown at once.
      gone(error instanceof Error ? error.message : String(error));
    }
  }
}
