/**
 * Runs one attempt at a step, from its claim to its commit. Another process can repeat everything from the start: the
 * engine finds a submitted task by the id of the attempt, and an attempt is committed once.
 */
import { DaisError } from '@dais/api';
import type { Compute, TaskEnvironment, TaskSpec, TaskState } from '#engines/compute/contract.ts';
import type { TargetCompute } from '#engines/compute/model/target.ts';
import type { BuiltEnvironment } from '#engines/environments/contract.ts';
import { attachContent } from '#kernel/content/references.ts';
import { LeaseLost } from '#kernel/leases.ts';
import { SYSTEM_ORIGIN, transact, type Transaction, type TransactionOrigin } from '#kernel/transaction.ts';
import { endAttempt, holdAttempt, markStarted, writeNote, type AttemptClaim, type HeldAttempt } from './attempts.ts';
import { recordAttempt } from './step-usage.ts';
import { MOST_STEP_FILES, StepStorage } from './step-storage.ts';
import type { ExecutionDependencies } from '../execution-dependencies.ts';
import type { Step } from '../machine/plan.ts';
import { ValueError } from '../machine/values.ts';
import type { RunMachines } from '../runs/run-machine.ts';
import { computeAt, targetOfPlace, type PlacedCompute } from '../targets/compute-targets.ts';
import { placeStep } from './step-place.ts';
import { followStart } from '../targets/follow-start.ts';
import { callVariables, type CallVariables } from './step-calls.ts';
import { endTrackedStep, trackStep, dataOf, parametersOf, programOf, type TrackedRun } from './tracked-runs.ts';
import { lockOf } from './environment-locks.ts';
import { findCachedStep, linkValues, rememberStep } from './step-cache.ts';
import { loadStep, type LoadedStep } from './step-load.ts';
import {
  abortable,
  externalInputs,
  collectAlways,
  collectOutputs,
  inputOfText,
  inputsOf,
  storeLog,
  prefixOf,
  releaseAll,
  type Collection,
  type Uploaded,
} from './step-files.ts';
import { stepTrace, traceStep } from './step-trace.ts';
import { recordCachedStep, recordStep, recordTrackedRun, type StepFacts } from './step-lineage.ts';
import { requireReadableOutputs, createVersions, withData } from './step-data.ts';
import { dialectOf, resolveAny, type StepResults, type StepAbout, type StepDialects } from './step-dialect.ts';
import { CANCELED, failureReason, isAbort, lost, refusal, refusals, refused, type Outcome } from './step-outcome.ts';
import { taskResources, type ResolvedStep } from './step-spec.ts';

/** A step that ends within this time is marked as started by the transaction of its end. */
const SHORT_STEP_MS = 200;

/** Name of the step of a job with a single step. */
const ONLY_STEP = 'main';

export interface StepRunSignals {
  /** The lease is lost, or the process stops: later results are discarded. The step itself continues. */
  readonly stop: AbortSignal;
  /** Cancellation of the run was requested. */
  readonly canceled: AbortSignal;
}

export class StepRun {
  readonly #dependencies: ExecutionDependencies;
  readonly #machines: RunMachines;
  readonly #claim: AttemptClaim;
  readonly #signals: StepRunSignals;
  #environment: BuiltEnvironment | undefined;
  /** Start of a step that ended before it was marked as started. */
  #unmarkedStart: Date | undefined;
  readonly #storage: StepStorage;

  constructor(
    dependencies: ExecutionDependencies,
    machines: RunMachines,
    claim: AttemptClaim,
    signals: StepRunSignals,
  ) {
    this.#dependencies = dependencies;
    this.#machines = machines;
    this.#claim = claim;
    this.#signals = signals;
    this.#storage = new StepStorage(dependencies, claim);
  }

  /** @throws LeaseLost, or a temporary error, such as an unavailable database: the caller retries. */
  async run(): Promise<void> {
    const loaded = await loadStep(this.#dependencies, this.#machines, this.#claim);
    const placed = await placeStep(this.#dependencies, this.#claim, {
      step: loaded.step,
      canceled: this.#signals.canceled,
    });
    if ('end' in placed) {
      await this.#commit(loaded, placed);
      // Its engine may have it.
      throw new LeaseLost(this.#claim.id);
    }
    // Files that another process stored and did not commit are stored again, or no longer needed.
    if (this.#claim.takenOver) await this.#dependencies.content.releaseOrigin(this.#claim.projectId, this.#claim.id);
    const from = this.#dependencies.clock.now();
    try {
      const outcome = await this.#outcome(placed, loaded);
      try {
        await this.#commit(loaded, outcome);
        traceStep(this.#dependencies, this.#claim, { from, name: loaded.path, end: outcome.end.is });
      } catch (error) {
        await releaseAll(this.#dependencies.content, outcome.uploads ?? []);
        throw error;
      }
    } finally {
      await this.#environment?.release();
      this.#environment = undefined;
    }
    await placed.compute.forget(this.#claim.id);
  }

  /** Ends the attempt as lost by the platform. */
  async giveUp(reason: string): Promise<void> {
    await this.#commit(await loadStep(this.#dependencies, this.#machines, this.#claim), lost(reason));
    await (await computeAt(this.#dependencies, this.#claim))?.compute.forget(this.#claim.id);
  }

  async #outcome(placed: PlacedCompute, loaded: LoadedStep): Promise<Outcome> {
    const { compute } = placed;
    const { id, started } = this.#claim;
    try {
      const about = this.#about(loaded);
      const resolved = resolveAny({ step: loaded.step, inputs: loaded.inputs, about }, this.#dialects);
      if ('outputs' in resolved) {
        return { end: { is: 'succeeded', outputs: resolved.outputs }, record: { ending: 'cached' } };
      }
      let state = await compute.status(id);
      if (state === undefined) {
        // A claimed attempt that the engine does not know was not submitted yet. A started one is lost.
        if (started) return lost('the compute engine no longer has the task');
        const cached = await this.#cached(loaded, resolved);
        if (cached !== undefined) return cached;
        if (this.#signals.canceled.aborted) return CANCELED;
        await this.#submit(placed, loaded, resolved);
      } else if (state.phase === 'running' && placed.target === undefined) {
        // Hold it again, so that the environment of a step that an earlier process started is not evicted.
        await this.#hold(loaded.step).catch(() => {});
      }
      state = await this.#markAndWait(placed);
      return await this.#ended(compute, loaded, resolved, state);
    } catch (error) {
      this.#signals.stop.throwIfAborted();
      if (this.#signals.canceled.aborted && isAbort(error, this.#signals.canceled)) return CANCELED;
      const refusedAs = refusal(error);
      if (refusedAs !== undefined) return refusedAs;
      throw error;
    }
  }

  /** Aborts when the lease is lost or the run is canceled. */
  get #eitherSignal(): AbortSignal {
    return AbortSignal.any([this.#signals.stop, this.#signals.canceled]);
  }

  get #dialects(): StepDialects {
    return this.#dependencies.dialects ?? NO_DIALECTS;
  }

  #about({ name, createdAt, path }: LoadedStep): StepAbout {
    const { id, run, node, n } = this.#claim;
    const task = path.split('/').findLast((part) => !/^\d+$/.test(part)) ?? path;
    return { run: { id: run, name, createdAt }, node, task, attempt: id, attemptNumber: n };
  }

  async #cached(loaded: LoadedStep, { fingerprint }: ResolvedStep): Promise<Outcome | undefined> {
    const { run, projectId } = this.#claim;
    const { path, place, retryOf, again, step } = loaded;
    if (!step.cache && retryOf === undefined) return undefined;
    const question = { run, retryOf, again, path, place, fingerprint, cache: step.cache };
    const request = { mode: 'read', projectId } as const;
    const cached = await transact(
      this.#dependencies.database,
      request,
      async (tx) => await findCachedStep(tx, question),
    );
    if (cached === undefined) return undefined;
    return {
      end: { is: 'succeeded', outputs: cached.outputs, source: cached.source },
      record: { ending: 'cached' },
      fingerprint,
      cached,
    };
  }

  async #submit({ compute, target }: PlacedCompute, loaded: LoadedStep, resolved: ResolvedStep): Promise<void> {
    const { id, projectId } = this.#claim;
    const { step } = loaded;
    const { command, variables, artifacts, files = [], texts = {} } = resolved;
    const diskBytes = this.#storage.diskLimit(step);
    const image = target === undefined || step.environment.type !== 'image' ? undefined : step.environment.image;
    if (image === undefined) await this.#hold(step);
    const { isolationProblem } = step.isolation === 'preferred' ? await compute.abilities() : {};
    // An image requires isolation: if it is unavailable, the engine reports what is missing.
    const possible = isolationProblem === undefined || step.environment.type === 'image' ? 'required' : 'none';
    const isolation = step.isolation === 'preferred' ? possible : step.isolation;
    const secrets = await this.#secrets(step);
    const url = this.#urlOfDais(target, isolation);
    const callEnvironment = await this.#callVariables(loaded, resolved, url);
    const spec: Omit<TaskSpec, 'inputs'> = {
      attempt: id,
      owner: this.#claim.place,
      command,
      // Variables of the step take precedence.
      variables: { ...callEnvironment.variables, ...stepTrace(this.#dependencies.tracer, this.#claim), ...variables },
      secretVariables: { ...callEnvironment.secretVariables, ...secrets },
      ...(this.#environment !== undefined && { environment: taskEnvironment(this.#environment) }),
      ...(image !== undefined && { image }),
      ...(target !== undefined && step.pool !== undefined && { pool: step.pool }),
      outputs: [
        ...Object.entries(step.outputs).map(([name, { path }]) => ({ name, path })),
        ...Object.entries(texts).map(([name, path]) => ({ name, path })),
      ],
      resources: taskResources(step, this.#claim),
      limits: {
        diskBytes,
        diskFiles: MOST_STEP_FILES,
        memoryBytes: this.#dependencies.stepDefaults.memory,
        ...(step.timeoutMs !== undefined && { wallMs: step.timeoutMs }),
      },
      isolation,
      network: step.network,
    };
    const { data, readAddress, content } = this.#dependencies;
    const signal = this.#eitherSignal;
    const inputs = [
      ...(await inputsOf(content, projectId, artifacts)),
      ...(await externalInputs(artifacts, readAddress, { variables: { ...variables, ...secrets }, signal })),
      ...files.map(inputOfText),
    ];
    const from = { data, projectId, signal };
    await withData(from, artifacts, async (more) => {
      await compute.submit({ ...spec, inputs: [...inputs, ...more].map((input) => abortable(input, signal)) });
    });
  }

  /** Builds the environment of the step, and holds it until the attempt has ended. */
  async #hold({ environment }: Step): Promise<void> {
    if (environment.type === 'system' || this.#environment !== undefined) return;
    const { run, projectId } = this.#claim;
    const signal = this.#eitherSignal;
    const environments = await this.#dependencies.environments();
    const lock = await lockOf(this.#dependencies.database, environments, { run, projectId }, environment, signal);
    this.#environment = await environments.build(lock, { signal });
  }

  /** Returns the URL at which the step reaches this server. */
  #urlOfDais(target: TargetCompute | undefined, isolation: 'required' | 'none'): string {
    if (target !== undefined) return target.url;
    const { inside = '', outside = '' } = this.#dependencies.calls?.urls ?? {};
    return isolation === 'required' ? inside : outside;
  }

  /**
   * Returns the variables with which the step calls this server and logs to its tracked run. The transaction checks the
   * lease, so that only the current attempt gets a valid token.
   */
  async #callVariables(loaded: LoadedStep, resolved: ResolvedStep, url: string): Promise<CallVariables> {
    const { calls } = this.#dependencies;
    const { id: attempt, run } = this.#claim;
    const { actor } = loaded;
    if (calls === undefined) return { variables: {}, secretVariables: {} };
    return await this.#guarded(
      async (tx) => {
        const tracked = await this.#track(tx, loaded, resolved);
        const { token, project } = await calls.issue(tx, { attempt, run, actor });
        return callVariables(calls, token, { url, project, run, tracked });
      },
      { principal: actor, origin: 'manifest' },
    );
  }

  /** @throws ValueError */
  async #track(tx: Transaction, loaded: LoadedStep, { command }: ResolvedStep): Promise<TrackedRun | undefined> {
    const { tracked, clock } = this.#dependencies;
    const { node, run } = this.#claim;
    const { step, path, inputs, actor, name, code } = loaded;
    if (tracked === undefined || step.tracking === undefined) return undefined;
    const { tracking } = step;
    const made = await trackStep(tx, tracked, { node, run }, () => ({
      experiment: tracking,
      name: tracking.run ?? (path === ONLY_STEP ? name : `${name} / ${path}`),
      user: actor.id,
      parameters: parametersOf(inputs),
      source: { execution: run, step: path, program: programOf(command), ...code },
      data: dataOf(inputs),
    }));
    recordTrackedRun(tx, this.#facts(loaded), made.run, clock.now());
    return made;
  }

  #facts({ name, path, inputs, code }: LoadedStep): StepFacts {
    const { id: attempt, run } = this.#claim;
    return { attempt, run, name, path, inputs, code };
  }

  /** @throws ValueError that names a missing secret value. */
  async #secrets(step: Step): Promise<Record<string, string>> {
    if (Object.keys(step.secrets).length === 0) return {};
    const { projectId } = this.#claim;
    const request = { mode: 'read', projectId } as const;
    const sealed = await transact(this.#dependencies.database, request, async (tx) => {
      const found: [string, () => Promise<string>][] = [];
      for (const [name, ref] of Object.entries(step.secrets)) {
        const open = await this.#dependencies.secretValue(tx, ref);
        if (open === undefined && ref.optional === true) continue;
        if (open === undefined) {
          throw new ValueError(
            `Secret ${ref.secret} does not exist or has no key ${ref.key}. Apply a Secret with this name and key.`,
          );
        }
        found.push([name, open]);
      }
      return found;
    });
    const values: Record<string, string> = {};
    for (const [name, open] of sealed) values[name] = await open();
    return values;
  }

  /** Waits for the end of the task, and marks the attempt as started if the task is not short. */
  async #markAndWait({ compute, target }: PlacedCompute): Promise<TaskState | undefined> {
    const waiting = this.#waitFor(compute);
    if (target !== undefined) {
      const state = await followStart(target, this.#claim.id, {
        waiting,
        clock: this.#dependencies.clock,
        note: async (note) => await writeNote(this.#dependencies.database, this.#claim, note),
        started: async () => await this.#guarded(async ({ sql }) => markStarted(sql, this.#claim)),
      });
      if (state?.phase === 'ended') this.#unmarkedStart = state.startedAt;
      return state;
    }
    // Reported below, also when the mark fails first.
    waiting.catch(() => {});
    let cancelTimer = () => {};
    const timer = new Promise<undefined>((resolve) => {
      cancelTimer = this.#dependencies.clock.after(SHORT_STEP_MS, () => resolve(undefined));
    });
    try {
      const state = await Promise.race([waiting, timer]);
      if (state?.phase === 'ended') {
        this.#unmarkedStart = state.startedAt;
        return state;
      }
    } finally {
      cancelTimer();
    }
    await this.#guarded(async ({ sql }) => markStarted(sql, this.#claim));
    return await waiting;
  }

  /** Waits for the end of the task, and cancels it on the engine when the run is canceled. */
  async #waitFor(compute: Compute): Promise<TaskState | undefined> {
    const { stop, canceled } = this.#signals;
    const { id } = this.#claim;
    const cancel = () => void compute.cancel(id).catch(() => {});
    if (canceled.aborted) cancel();
    canceled.addEventListener('abort', cancel, { once: true });
    try {
      const state = await compute.wait(id, stop);
      stop.throwIfAborted();
      return state;
    } finally {
      canceled.removeEventListener('abort', cancel);
    }
  }

  async #ended(
    compute: Compute,
    { step, inputs }: LoadedStep,
    { fingerprint }: ResolvedStep,
    state: TaskState | undefined,
  ): Promise<Outcome> {
    if (state === undefined) return lost('the compute engine no longer has the task');
    if (state.phase === 'lost') return lost(state.reason);
    if (state.phase === 'refused') return refused(state.reason);
    if (state.phase !== 'ended' && targetOfPlace(this.#claim.place) !== undefined) {
      // Its engine was closed, because the spec of the target has changed.
      throw new DaisError('target_unavailable', 'The target was changed. Dais connects to it again.');
    }
    if (state.phase !== 'ended') throw new Error(`the engine returned the state ${state.phase} at the end of a task`);
    const { content } = this.#dependencies;
    const { id: attempt, run, projectId } = this.#claim;
    const dialect = dialectOf(step, this.#dialects);
    const outputsOf = dialect && ((left: StepResults) => dialect.outputs({ step, inputs, left }));
    const from: Collection = {
      compute,
      content,
      projectId,
      run,
      attempt,
      step,
      dialect: outputsOf,
      signal: this.#eitherSignal,
      quota: async () => await this.#storage.quotaBytes(),
      room: async () => await this.#storage.room(step),
    };
    const log = await storeLog(from);
    const kept = log === undefined ? [] : [log];
    const { end: ending, code, signal, usage } = state;
    const record = { ending, code, signal, usage, logBytes: log?.lease.size };
    const failed = (error: string, left: readonly Uploaded[] = []): Outcome => ({
      end: { is: 'failed', error },
      record: { ...record, error },
      uploads: [...kept, ...left],
      fingerprint,
    });
    try {
      if (ending === 'canceled') return { ...CANCELED, record, uploads: kept };
      if (ending !== 'exit' || code !== 0) {
        // Clients of other systems often show only the error, so it includes the end of the log.
        const tail = dialect === undefined ? '' : (log?.tail ?? '');
        const why = [failureReason(state), ...refusals(state), tail].filter((part) => part !== '').join('\n');
        return failed(why, await collectAlways(from));
      }
      const { outputs, uploads } = await collectOutputs(from);
      try {
        await requireReadableOutputs(this.#dependencies, { projectId, attempt, step, uploads });
      } catch (error) {
        await releaseAll(content, uploads);
        throw error;
      }
      return { end: { is: 'succeeded', outputs }, record, uploads: [...kept, ...uploads], fingerprint };
    } catch (error) {
      const { stop, canceled } = this.#signals;
      // Its log stays readable, as for any canceled step.
      if (canceled.aborted && !stop.aborted && isAbort(error, canceled)) {
        return { ...CANCELED, record: { ...record, ending: 'canceled' }, uploads: kept };
      }
      if (error instanceof ValueError) return failed(error.message);
      await releaseAll(content, kept);
      throw error;
    }
  }

  /** Commits outputs, end and following state changes in one transaction, or nothing if the lease is lost. */
  async #commit(loaded: LoadedStep, { end, record, uploads = [], fingerprint, cached }: Outcome): Promise<void> {
    const { step } = loaded;
    const { tracked, clock } = this.#dependencies;
    const { id, run, node, projectId } = this.#claim;
    await this.#guarded(async (tx, held) => {
      if (this.#unmarkedStart !== undefined) markStarted(tx.sql, this.#claim, this.#unmarkedStart);
      const open = await this.#machines.open(tx, run);
      if (open === undefined) throw new LeaseLost(id);
      endAttempt(tx.sql, id, record, held.now);
      recordAttempt(tx, this.#dependencies, { claim: this.#claim, held, loaded, end: record });
      this.#dependencies.calls?.end(tx, id);
      const entries = uploads.map(({ lease, name }) => ({ lease: lease.id, name }));
      if (entries.length > 0) await attachContent(tx, { projectId, uid: run }, entries);
      if (end.is === 'succeeded' && this.#dependencies.data !== undefined) {
        const { actor, name, path } = loaded;
        const message = path === ONLY_STEP ? name : `${name} / ${path}`;
        await createVersions(tx, this.#dependencies.data, { run, attempt: id, actor, step, uploads, message });
      }
      const outputs =
        cached === undefined ? undefined : await linkValues(tx, run, cached.outputs, (name) => prefixOf(id, name));
      if (fingerprint !== undefined) {
        tx.sql.defer(
          'update executions.node set fingerprint = $2 where id = $1',
          [node, fingerprint],
          'execution_fingerprint',
        );
        if (step.cache && end.is === 'succeeded') await rememberStep(tx, fingerprint, node);
      }
      const facts = await open.store.node(node);
      await open.machine.stepEnded(facts, outputs === undefined || end.is !== 'succeeded' ? end : { ...end, outputs });
      if (tracked !== undefined && step.tracking !== undefined) await endTrackedStep(tx, tracked, node);
      if (cached !== undefined) recordCachedStep(tx, this.#facts(loaded), cached.outputs, outputs ?? {}, clock.now());
      else if (record.ending !== 'refused')
        recordStep(tx, this.#facts(loaded), 'outputs' in end ? end.outputs : {}, clock.now());
    });
  }

  async #guarded<T>(
    work: (tx: Transaction, held: HeldAttempt) => Promise<T>,
    by: TransactionOrigin = SYSTEM_ORIGIN,
  ): Promise<T> {
    const { projectId, run } = this.#claim;
    return await transact(this.#dependencies.database, { mode: 'write', projectId, by }, async (tx) => {
      // Lock the run before the attempt: all transactions use this order.
      tx.sql.defer('select 1 from executions.run where id = $1 for no key update', [run], 'execution_lock_first');
      const held = await holdAttempt(tx.sql, this.#claim);
      if (held === undefined) throw new LeaseLost(this.#claim.id);
      return await work(tx, held);
    });
  }
}

const NO_DIALECTS: StepDialects = new Map();

function taskEnvironment({ digest, folders, path, variables, root }: BuiltEnvironment): TaskEnvironment {
  return { digest, folders, path, variables, ...(root !== undefined && { root }) };
}
