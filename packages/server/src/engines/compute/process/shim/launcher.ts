/** Starts shims with a launcher that forks them, or as separate processes without a launcher. */
import type { Socket } from 'node:net';
import type { CpuShare } from '#engines/isolation/limits/cpu-share.ts';
import type { Log } from '#lib/log.ts';
import { start, type ChildProcess } from '#lib/process.ts';
import { innerCommand, SECOND_START, shimArguments, type InnerOptions } from './shim.ts';
import { TASK_VARIABLE } from '../task-processes.ts';

export interface LaunchRequest {
  readonly folder: string;
  /** Value of TASK_VARIABLE. */
  readonly mark: string;
  readonly segmentBytes: number;
  readonly segments: number;
  readonly controlGroups: readonly string[];
  readonly command: readonly string[];
  readonly inner: InnerOptions;
  /** The confined command line; undefined: no confinement. */
  readonly confined: readonly string[] | undefined;
  /** Memory limit of the whole task where control groups do not enforce it; the shim does. */
  readonly memoryBytes: number | undefined;
  /** The same for its processes and threads. */
  readonly watchedProcesses: number | undefined;
  /** CPU share where control groups do not limit CPU. */
  readonly cpu: CpuShare | undefined;
}

/** Called when the shim has ended, or could not start (`problem`). Not called for a shim that found another one running. */
export type ShimGone = (problem: string | undefined) => void;

export interface LauncherOptions {
  /** PATH of the launcher and of shims. */
  readonly path: string;
  readonly log: Log;
  /** Path of Perl for the launcher; undefined: each shim is a separate process. */
  readonly program: string | undefined;
}

interface Pending {
  readonly fields: readonly string[];
  /** Reports the exit code; `problem`: why it did not start. */
  answered(code: number, problem?: string): void;
  /** Runs the request without a launcher. */
  alone(): void;
}

/** A launcher that ends this soon after its start, this often, is not restarted. */
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

  /** For two requests with the same folder it starts one shim. */
  start(request: LaunchRequest, gone: ShimGone): void {
    this.#ask({
      fields: ['shim', ...this.#fieldsOf(request)],
      answered: (code, problem) => code !== SECOND_START && gone(problem),
      alone: () => this.#startAlone(request, gone),
    });
  }

  /** Removes a small task folder. False: the folder is larger, or nothing was removed. */
  async removeSmall(folder: string): Promise<boolean> {
    this.#removing += 1;
    try {
      return await new Promise((resolve) => {
        this.#ask({
          fields: ['remove', folder],
          answered: (code, problem) => resolve(problem === undefined && code === 0),
          alone: () => resolve(false),
        });
        this.#keepAlive();
      });
    } finally {
      this.#removing -= 1;
      this.#keepAlive();
    }
  }

  /** Pending requests keep this process alive; running tasks do not. */
  #keepAlive(): void {
    const answers = this.#child?.stdout as Socket | null | undefined;
    if (this.#removing > 0) answers?.ref();
    else answers?.unref();
  }

  /** Shims continue to run. */
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
      // Detached from signals of a terminal: it ends with its input.
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
      for (const line of lines) this.#receive(line);
    });
    let isOver = false;
    const over = (problem: string) => {
      if (isOver) return;
      isOver = true;
      this.#ended(problem);
    };
    child.once('error', (error) => over(error.message));
    child.once('close', (code, signal) => over(signal ?? `exit code ${code}`));
    return child;
  }

  #receive(line: string): void {
    const [word, id = '', ...text] = line.split(' ');
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    this.#failures = 0;
    if (word === 'error') pending.answered(1, text.join(' '));
    else pending.answered(Number(text[0]));
  }

  /** Repeats all unanswered requests: a second shim of a task ends immediately. */
  #ended(problem: string): void {
    this.#child = undefined;
    if (this.#closed) return;
    this.#failures += 1;
    const requests = [...this.#pending];
    const isGivenUp = this.#failures >= MOST_FAILURES;
    const words = isGivenUp ? 'starting steps without a launcher' : 'the launcher of steps ended';
    this.#options.log.warn(words, { problem, waiting: requests.length });
    for (const [id, pending] of requests) {
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
      // A shim that found another one running, started by an earlier Dais, reports nothing about that one.
      shim.once('exit', (code) => code !== SECOND_START && gone(undefined));
      shim.unref();
    } catch (error) {
      // Too many arguments for the kernel throw synchronously.
      gone(error instanceof Error ? error.message : String(error));
    }
  }
}
