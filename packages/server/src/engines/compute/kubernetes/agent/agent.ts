/**
 * The agent of a pod: asks Dais for the task, runs its command, and stores its log, its outputs and its end. It can be killed at any
 * time and continues in the same pod.
 */
import { setMaxListeners } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import type { AgentOrder, AgentPhase, BeatResponse } from '../agent-api.ts';
import type { AgentOptions } from './agent-options.ts';
import { Beats } from './beats.ts';
import { CertificateProblem } from './certificate-problem.ts';
import { CommandLog } from './command-log.ts';
import type { CommandResult } from './command-result.ts';
import { CommandRun } from './command-run.ts';
import { GoneError, RejectedCall, SilenceError } from './call-errors.ts';
import { DaisClient } from './dais-client.ts';
import { dismissShim } from './dismiss-shim.ts';
import { installShim } from './install-shim.ts';
import { Journal } from './journal.ts';
import { LogShipper } from './log-shipper.ts';
import { LogStore } from './log-store.ts';
import { collectOutputs, type CollectedOutputs } from './output-collector.ts';
import { SecretMasker } from './secret-masker.ts';

export interface AgentDependencies {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** Kubelet stops the agent. */
  readonly terminated: AbortSignal;
}

/** Without a response of Dais for so long before the command has started, the pod ends: another one can try. */
const START_SILENCE_MS = 15 * 60_000;

class StoppedError extends Error {}

export class Agent {
  readonly #options: AgentOptions;
  readonly #dependencies: AgentDependencies;
  readonly #journal: Journal;
  readonly #client: DaisClient;
  /** Nobody wants the result any more, or nobody can receive it. */
  readonly #abandon = new AbortController();
  #run: CommandRun | undefined;

  constructor(options: AgentOptions, dependencies: AgentDependencies) {
    this.#options = options;
    this.#dependencies = dependencies;
    const { url, ca, tokenFile, attempt, round, pod, folders } = options;
    this.#journal = new Journal(join(folders.state, 'journal'));
    this.#client = new DaisClient({
      url,
      ca,
      tokenFile,
      attempt,
      round,
      pod,
      ...dependencies,
      renewed: (session) => this.#journal.write({ session }),
    });
    // Each call that waits listens to it.
    setMaxListeners(0, this.#abandon.signal);
  }

  /** Returns the exit code when the agent has nothing more to do. */
  async run(): Promise<number> {
    const { terminated, clock, log } = this.#dependencies;
    const { shim, folders } = this.#options;
    const terminate = () => this.#terminate();
    terminated.addEventListener('abort', terminate, { once: true });
    try {
      await installShim(shim, folders.shared);
      if (this.#journal.record?.phase !== 'over')
        this.#journal.write({ phase: 'over', exitCode: await this.#attempt() });
      const link = { path: join(folders.shared, 's'), clock, log };
      await dismissShim({ link, journal: this.#journal, connection: this.#run?.connection, clock, terminated });
      return this.#journal.record?.exitCode ?? 0;
    } finally {
      terminated.removeEventListener('abort', terminate);
      this.#client.close();
      this.#journal.close();
    }
  }

  #terminate(): void {
    // Only kubelet ends the container of the command before this. What has ended is still delivered.
    if (this.#run !== undefined) this.#run.stopFromOutside();
    else this.#abandon.abort(new StoppedError('The pod was stopped before Dais permitted the start.'));
  }

  /** Returns the exit code of the agent. */
  async #attempt(): Promise<number> {
    const { log } = this.#dependencies;
    try {
      await this.#perform();
      return 0;
    } catch (error) {
      if (error instanceof GoneError || error instanceof StoppedError) {
        log.info('the agent ends without a result', { reason: error.message });
        return 0;
      }
      if (error instanceof CertificateProblem) this.#explain(error.message);
      if (!(error instanceof SilenceError || error instanceof RejectedCall)) throw error;
      this.#explain(error.message);
      log.error('the agent gives up', { error });
      return 1;
    }
  }

  /** Dais does not hear of it, but reads it in the status of the container. */
  #explain(message: string): void {
    try {
      // Kubelet creates the file. Without kubelet, none is created.
      writeFileSync(this.#options.terminationLog, message, { flag: 'r+' });
    } catch (error) {
      this.#dependencies.log.warn('the end could not be explained', { error });
    }
  }

  async #perform(): Promise<void> {
    const { clock, log, terminated } = this.#dependencies;
    const { folders } = this.#options;
    const journal = this.#journal;
    const client = this.#client;
    const { signal } = this.#abandon;
    const order = await this.#begin();
    const store = new LogStore(join(folders.state, 'log'), order.limits.logBytes, journal.progress.logged);
    const shipper = new LogShipper({ client, store, journal, clock, log });
    const beats = new Beats({
      client,
      clock,
      log,
      state: () => this.#state(),
      responded: (response) => this.#obey(response, shipper),
    });
    const commandLog = new CommandLog({
      store,
      journal,
      masker: new SecretMasker(order.secretVariables, journal.progress),
      clock,
      stored: (position) => {
        run.acknowledge(position);
        shipper.notify();
      },
    });
    const run = new CommandRun({
      order,
      journal,
      client,
      commandLog,
      folders,
      clock,
      log,
      started: () => this.#started(beats),
    });
    this.#run = run;
    if (terminated.aborted) run.stopFromOutside();
    const over = new AbortController();
    const shipping = this.#watch(shipper.run(signal));
    const beating = this.#watch(beats.run(AbortSignal.any([signal, over.signal])), over.signal);
    try {
      const result = journal.record?.result ?? (await run.result(signal));
      journal.write({ phase: 'collecting', result });
      client.limitSilence(order.limits.collectMs);
      beats.notify();
      shipper.finish();
      const collected = await this.#collect(order, result);
      await shipping;
      signal.throwIfAborted();
      await this.#end(order, result, collected, over);
    } finally {
      over.abort();
      this.#abandon.abort(new StoppedError('The attempt is over.'));
      await Promise.all([shipping, beating]);
      commandLog.close();
      store.close();
    }
  }

  async #begin(): Promise<AgentOrder> {
    const { signal } = this.#abandon;
    const { record, order } = this.#journal;
    if (record?.startedAt === undefined) this.#client.limitSilence(START_SILENCE_MS);
    if (record?.session !== undefined && order !== undefined) {
      this.#client.useSession(record.session);
      return order;
    }
    const begun = await this.#client.begin(record !== undefined, signal);
    this.#journal.begin(begun.session, begun.order);
    return begun.order;
  }

  #started(beats: Beats): void {
    this.#client.limitSilence(Number.POSITIVE_INFINITY);
    beats.notify();
  }

  #state() {
    const { record, progress } = this.#journal;
    const { startedAt } = record ?? {};
    return { phase: this.#phase(), logPosition: progress.sent, ...(startedAt !== undefined && { startedAt }) };
  }

  #phase(): AgentPhase {
    const phase = this.#journal.record?.phase;
    if (phase === 'running' || phase === 'collecting') return phase;
    return phase === 'over' ? 'collecting' : 'staging';
  }

  #obey({ order, followed }: BeatResponse, shipper: LogShipper): void {
    shipper.follow(followed);
    if (order === 'cancel') this.#run?.stop('canceled');
    if (order === 'gone') this.#abandon.abort(new GoneError('Dais ordered the end.'));
  }

  /** Ends everything when a part that runs in the background fails. */
  async #watch(work: Promise<unknown>, expected?: AbortSignal): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (expected?.aborted !== true) this.#abandon.abort(error);
    }
  }

  async #collect(order: AgentOrder, { end }: CommandResult, repeatsAll = false): Promise<CollectedOutputs> {
    // A command that did not start has no outputs, even if its inputs have the same paths.
    if (end === 'refused' || this.#journal.record?.startedAt === undefined) return { outputs: [] };
    const { work } = this.#options.folders;
    const collection = { client: this.#client, journal: this.#journal, work, outputs: order.outputs, repeatsAll };
    return await collectOutputs(collection, this.#abandon.signal);
  }

  async #end(
    order: AgentOrder,
    result: CommandResult,
    collected: CollectedOutputs,
    beating: AbortController,
  ): Promise<void> {
    const { signal } = this.#abandon;
    const send = async ({ outputs, problem }: CollectedOutputs) => {
      const log = { position: this.#journal.progress.sent };
      const record = { ...result, log, outputs, ...(problem !== undefined && { outputsProblem: problem }) };
      await this.#client.end(record, signal);
    };
    // Dais refuses the beats of an attempt whose end it has.
    beating.abort();
    try {
      await send(collected);
    } catch (error) {
      if (!(error instanceof RejectedCall) || error.status !== 409) throw error;
      await send(await this.#collect(order, result, true));
    }
  }
}
