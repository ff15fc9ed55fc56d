/**
 * Runs the command of an attempt once: stages its inputs, gives it to the shim, stops it, and returns how it ended. Each step is in
 * the journal before it happens, so that a restarted agent continues and never starts the command a second time.
 */
import { join } from 'node:path';
import type { Clock } from '#lib/clock.ts';
import { randomBytes } from '#lib/crypto/random-bytes.ts';
import type { Log } from '#lib/log.ts';
import type { AgentOrder } from '../agent-api.ts';
import type { AgentFolders } from './agent-options.ts';
import type { CommandLog } from './command-log.ts';
import {
  resultOfEarlyStop,
  resultOfEnd,
  resultOfLoss,
  resultOfLostShim,
  resultOfRefusal,
  type CommandResult,
} from './command-result.ts';
import { commandVariables } from './command-variables.ts';
import { RejectedCall } from './call-errors.ts';
import type { DaisClient } from './dais-client.ts';
import { LocalProblem } from './dais-connection.ts';
import { stageEnvironment } from './environment-stager.ts';
import { RefusedInputs, stageInputs } from './input-stager.ts';
import type { Journal, JournalRecord, StopMark } from './journal.ts';
import { LimitWatch } from './limit-watch.ts';
import type { ShimConnection, ShimEvents } from './shim-connection.ts';
import { awaitShim, type ShimLinkOptions } from './shim-link.ts';
import type { CommandEnd, CommandStart, StartFailure } from './shim-messages.ts';

export interface CommandRunOptions {
  readonly order: AgentOrder;
  readonly journal: Journal;
  readonly client: DaisClient;
  readonly commandLog: CommandLog;
  readonly folders: AgentFolders;
  readonly clock: Clock;
  readonly log: Log;
  /** The command has started. */
  readonly started: () => void;
}

const SECRET_BYTES = 32;
/** A shim connects every 500 ms: one that has not done it by then does not exist any more. */
const RECONNECT_MS = 30_000;

export class CommandRun implements ShimEvents {
  readonly #options: CommandRunOptions;
  /** The command must not start any more. */
  readonly #interrupt = new AbortController();
  readonly #limits: LimitWatch;
  readonly #outcome = Promise.withResolvers<CommandResult>();
  #connection: ShimConnection | undefined;
  #goneReason: string | undefined;
  #isKnown = false;

  constructor(options: CommandRunOptions) {
    this.#options = options;
    const { order, folders, clock, log } = options;
    this.#limits = new LimitWatch({
      limits: order.limits,
      folders: [folders.work, folders.tmp],
      clock,
      log,
      exceeded: (end, detail) => this.stop(end, detail),
    });
  }

  /** Undefined while the shim is not connected. */
  get connection(): ShimConnection | undefined {
    return this.#goneReason === undefined ? this.#connection : undefined;
  }

  /** Resolves when the command has ended and its output is stored. Call it once. @throws the reason of `signal` when it aborts */
  async result(signal: AbortSignal): Promise<CommandResult> {
    try {
      const early = this.#record.phase === 'staging' ? await this.#prepare(signal) : await this.#resume(signal);
      return early ?? (await untilAborted(this.#outcome.promise, signal));
    } finally {
      this.#isKnown = true;
      this.#limits.close();
    }
  }

  /** Sends TERM to the command, and KILL after the grace period. The first reason counts. */
  stop(end: StopMark['end'], detail?: string): void {
    const { journal, clock } = this.#options;
    const { mark, stoppedAt } = this.#record;
    if (mark !== undefined || this.#isKnown) return;
    journal.write({ mark: { end, at: clock.now(), ...(detail !== undefined && { detail }) } });
    // TERM was sent already, and KILL follows.
    if (stoppedAt === undefined) this.#terminate();
  }

  /** The container is being stopped, but not by an order of Dais or because of a limit. */
  stopFromOutside(): void {
    const { journal, clock } = this.#options;
    const { mark, stoppedAt } = this.#record;
    if (stoppedAt !== undefined || this.#isKnown) return;
    journal.write({ stoppedAt: clock.now() });
    if (mark === undefined) this.#terminate();
  }

  started({ startedAt }: CommandStart): void {
    if (this.#isKnown) return;
    this.#options.journal.write({ phase: 'running', startedAt: startedAt.getTime() });
    this.#limits.start(startedAt.getTime());
    this.#options.started();
  }

  output(bytes: Buffer): void {
    if (!this.#isKnown) this.#options.commandLog.append(bytes);
  }

  /** Output before the position is stored. */
  acknowledge(position: number): void {
    this.#connection?.acknowledge(position);
  }

  terminating(signal: string): void {
    this.#options.log.info('the container of the command is being stopped', { signal });
    this.stopFromOutside();
  }

  exited(end: CommandEnd): void {
    const { mark, stoppedAt } = this.#record;
    this.#finish(() => resultOfEnd(end, { mark, stoppedAt }));
  }

  failed({ message }: StartFailure): void {
    const now = this.#options.clock.now();
    this.#finish(() => resultOfRefusal(message, now));
  }

  gone(reason: string): void {
    this.#goneReason = reason;
    this.#interrupt.abort();
    const { startedAt, mark, stoppedAt, phase } = this.#record;
    if (phase === 'staging') return;
    const now = this.#options.clock.now();
    this.#finish(() => resultOfLostShim({ reason, startedAt, now, mark, stoppedAt }));
  }

  get #record(): JournalRecord {
    const { record } = this.#options.journal;
    if (record === undefined) throw new Error('A command runs only after its order was kept.');
    return record;
  }

  get #link(): ShimLinkOptions {
    const { folders, clock, log } = this.#options;
    return { path: join(folders.shared, 's'), events: this, clock, log };
  }

  /** Stages the inputs while the image of the container is pulled, and starts the command. Returns a result if it must not start. */
  async #prepare(signal: AbortSignal): Promise<CommandResult | undefined> {
    const { order, client, folders, clock } = this.#options;
    const { inputs, limits, environment } = order;
    const over = new AbortController();
    const either = AbortSignal.any([signal, this.#interrupt.signal, over.signal]);
    const stopped = this.#resultOfStop();
    if (stopped !== undefined) return stopped;
    const work = [
      awaitShim(this.#link, {}, either).then((shim) => (this.#connection = shim?.connection)),
      stageInputs({ client, work: folders.work, inputs, diskBytes: limits.diskBytes }, either),
      ...(environment === undefined ? [] : [stageEnvironment(client, environment, either)]),
    ];
    try {
      await Promise.all(work);
    } catch (error) {
      over.abort();
      await Promise.allSettled(work);
      signal.throwIfAborted();
      if (error instanceof RefusedInputs) return resultOfRefusal(error.message, clock.now());
      if (error instanceof LocalProblem || error instanceof RejectedCall)
        return resultOfLoss(error.message, clock.now());
      if (!this.#interrupt.signal.aborted) throw error;
    }
    return this.#resultOfStop() ?? this.#start(randomBytes(SECRET_BYTES).toString('hex'));
  }

  /** Continues after a restart of the agent. */
  async #resume(signal: AbortSignal): Promise<CommandResult | undefined> {
    const { journal, clock, order } = this.#options;
    const { secret = '', phase, mark } = this.#record;
    const resume = { secret, acknowledged: journal.progress.received };
    const wish = { resume, isUncertain: phase === 'ordered', limitMs: RECONNECT_MS };
    const shim = await awaitShim(this.#link, wish, signal);
    if (shim === undefined) {
      this.gone('it did not connect after a restart of the agent');
      return undefined;
    }
    this.#connection = shim.connection;
    if (!shim.hasCommand) return this.#resultOfStop() ?? this.#start(secret);
    if (mark === undefined) return undefined;
    // The agent may have been killed before it sent the signal.
    const left = mark.at + order.limits.graceMs - clock.now();
    if (left > 0) shim.connection.signal('SIGTERM', { killAfterMs: left });
    else shim.connection.signal('SIGKILL');
    return undefined;
  }

  #start(secret: string): CommandResult | undefined {
    const { journal, order, folders, clock } = this.#options;
    const connection = this.#connection;
    if (connection === undefined) throw new Error('A command starts after its shim was accepted.');
    journal.write({ phase: 'ordered', secret });
    const { command, limits } = order;
    const { commandTmp } = folders;
    try {
      connection.run({
        command,
        variables: commandVariables(connection.hello.variables, order, { home: commandTmp, tmp: commandTmp }),
        workingFolder: folders.work,
        // The dump of a large process would fill the disk of the command.
        limits: { core: [0, 0] },
        graceMs: limits.graceMs,
        secret,
      });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return resultOfRefusal(`The command cannot be started: its ${error.message}.`, clock.now());
    }
    return undefined;
  }

  /** Undefined when nothing has stopped the attempt before its command. */
  #resultOfStop(): CommandResult | undefined {
    const { mark, stoppedAt } = this.#record;
    if (mark !== undefined) return resultOfEarlyStop(mark);
    const { clock } = this.#options;
    if (stoppedAt !== undefined) {
      return resultOfLoss('The pod was stopped before the command started.', clock.now(), stoppedAt);
    }
    if (this.#goneReason === undefined) return undefined;
    return resultOfLoss(`The container ended before the command started (${this.#goneReason}).`, clock.now());
  }

  #terminate(): void {
    this.#interrupt.abort();
    this.#connection?.signal('SIGTERM', { killAfterMs: this.#options.order.limits.graceMs });
  }

  /** The first result counts: after its end is known, the shim ends too. */
  #finish(result: () => CommandResult): void {
    if (this.#isKnown) return;
    this.#isKnown = true;
    this.#limits.close();
    void this.#options.commandLog.finish().then(() => this.#outcome.resolve(result()));
  }
}

async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  return await new Promise<T>((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    void work.then((value) => {
      signal.removeEventListener('abort', abort);
      resolve(value);
    });
  });
}
