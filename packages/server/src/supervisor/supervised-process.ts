/**
 * A supervised child process: restarted with growing pauses when it exits. A child that never becomes ready is an
 * error.
 */
import type { Socket } from 'node:net';
import { DaisError, fromProblem } from '@dais/api/errors';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import type { ChildProcess } from '#lib/process.ts';
import type { FromChild, ToChild } from '#supervisor/messages.ts';

export interface SupervisedDependencies {
  readonly name: string;
  /** Starts the program with an IPC channel and piped output. */
  readonly spawn: () => ChildProcess;
  /** The payload of `start`, evaluated for every start. */
  readonly setup: () => Promise<unknown>;
  readonly clock: Clock;
  readonly log: Log;
  /** The output of the child, line by line. */
  readonly output: (chunk: Buffer) => void;
  readonly onPhase: (name: string, ms: number) => void;
  readonly onReady: () => void;
  /** It accepts no more connections: it has exited or is shutting down. */
  readonly onGone: () => void;
  readonly onTook: (id: number, at?: string) => void;
  readonly onWant?: (helper: string) => void;
  readonly onForward?: (to: string, body: unknown) => void;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;
/** After so long an uptime the pauses restart at the minimum. */
const STABLE_MS = 60_000;
/** Before it was ever ready: tries until it is given up. */
const START_ATTEMPTS = 3;
const TAIL_LINES = 30;
const LAST_MS = 2000;

export class SupervisedProcess {
  readonly #dependencies: SupervisedDependencies;
  #child: ChildProcess | undefined;
  #tail: string[] = [];
  #failures = 0;
  #everReady = false;
  #stopping = false;
  #problem: DaisError | undefined;
  #cancelRestart: (() => void) | undefined;
  #settleStart: { readonly resolve: () => void; readonly reject: (error: unknown) => void } | undefined;
  #ended: (() => void) | undefined;

  constructor(dependencies: SupervisedDependencies) {
    this.#dependencies = dependencies;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /**
   * Resolves when the child is ready for the first time. @throws DaisError the startup error of the child; `internal`
   * with its last lines if it exits repeatedly without one.
   */
  async start(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#settleStart = { resolve, reject };
      this.#launch();
    });
  }

  /** False when there is no child to send to. */
  send(message: ToChild, socket?: Socket): boolean {
    const child = this.#child;
    if (child === undefined || !child.connected) return false;
    // A failed send means that the child is exiting: its exit is handled elsewhere.
    if (socket === undefined) child.send(message, () => {});
    else child.send(message, socket, { keepOpen: true }, () => {});
    return true;
  }

  /** Lets the child finish, at most so long; then ends it hard. `lastMs`: for its work after that, default 2 s. */
  async stop(deadlineMs: number, lastMs = LAST_MS): Promise<void> {
    this.#stopping = true;
    this.#cancelRestart?.();
    this.#settleStart?.reject(new DaisError('shutting_down', 'Stopped before it was ready.'));
    const child = this.#child;
    if (child === undefined) return;
    const ended = new Promise<void>((resolve) => {
      this.#ended = resolve;
    });
    this.#dependencies.onGone();
    if (!this.send({ type: 'drain', deadlineMs })) child.kill('SIGKILL');
    // A little longer than its own limit, so that it normally exits on its own.
    const cancel = this.#dependencies.clock.after(deadlineMs + lastMs, () => child.kill('SIGKILL'));
    await ended;
    cancel();
  }

  /** Ends it now. */
  kill(): void {
    this.#child?.kill('SIGKILL');
  }

  #launch(): void {
    const child = this.#dependencies.spawn();
    const startedAt = this.#dependencies.clock.now();
    this.#child = child;
    this.#problem = undefined;
    this.#tail = [];
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => this.#take(chunk));
    child.on('message', (message) => this.#hear(child, message as FromChild));
    child.once('error', (error) => {
      this.#dependencies.log.error(`${this.#dependencies.name} could not be started`, { error });
      this.#onEnd(child, startedAt, error.message);
    });
    // 'close' follows the last output, 'exit' can precede it.
    child.once('close', (code, signal) =>
      this.#onEnd(child, startedAt, signal === null ? `exit code ${code}` : signal),
    );
  }

  #take(chunk: Buffer): void {
    this.#dependencies.output(chunk);
    this.#tail = [
      ...this.#tail,
      ...chunk
        .toString('utf8')
        .split('\n')
        .filter((line) => line !== ''),
    ].slice(-TAIL_LINES);
  }

  #hear(child: ChildProcess, message: FromChild): void {
    if (child !== this.#child) return;
    switch (message.type) {
      case 'loaded':
        void this.#sendSetup(child);
        break;
      case 'phase':
        this.#dependencies.onPhase(message.name, message.ms);
        break;
      case 'ready':
        if (this.#stopping) break;
        this.#everReady = true;
        this.#dependencies.onReady();
        this.#settleStart?.resolve();
        this.#settleStart = undefined;
        break;
      case 'took':
        this.#dependencies.onTook(message.id, message.at);
        break;
      case 'want':
        this.#dependencies.onWant?.(message.helper);
        break;
      case 'forward':
        this.#dependencies.onForward?.(message.to, message.body);
        break;
      case 'failed':
        this.#problem = fromProblem(message.problem);
        break;
    }
  }

  async #sendSetup(child: ChildProcess): Promise<void> {
    try {
      const setup = await this.#dependencies.setup();
      if (child === this.#child) this.send({ type: 'start', setup });
    } catch (error) {
      this.#problem = error instanceof DaisError ? error : new DaisError('internal', String(error), { cause: error });
      child.kill('SIGKILL');
    }
  }

  #onEnd(child: ChildProcess, startedAt: number, how: string): void {
    if (child !== this.#child) return;
    this.#child = undefined;
    if (this.#stopping) {
      this.#ended?.();
      return;
    }
    this.#dependencies.onGone();
    if (this.#dependencies.clock.now() - startedAt > STABLE_MS) this.#failures = 0;
    this.#failures++;
    const last = this.#tail.join('\n');
    if (!this.#everReady && (this.#problem !== undefined || this.#failures >= START_ATTEMPTS)) {
      const error =
        this.#problem ??
        new DaisError(
          'internal',
          `${this.#dependencies.name} exited ${this.#failures} times during startup (${how}). Its last output:\n${last}`,
        );
      this.#settleStart?.reject(error);
      this.#settleStart = undefined;
      return;
    }
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** (this.#failures - 1), LONGEST_PAUSE_MS);
    this.#dependencies.log.error(`${this.#dependencies.name} exited and is being restarted`, {
      how,
      inMs: pause,
      failures: this.#failures,
      ...(this.#problem !== undefined && { reason: this.#problem.message }),
      lastLines: last,
    });
    this.#cancelRestart = this.#dependencies.clock.after(pause, () => this.#launch());
  }
}
