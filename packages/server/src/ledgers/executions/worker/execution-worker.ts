/**
 * The worker of this process. It takes over attempts of other processes and renews its leases. On a node that runs steps it claims
 * ready steps; on one that runs background work it runs timers. When it stops or is killed, its steps continue, and another process
 * takes them over.
 */
import { DaisError } from '@dais/api';
import type { Sql } from '#engines/database/contract.ts';
import { LeaseLost } from '#kernel/leases.ts';
import { transact } from '#kernel/transaction.ts';
import { backoffMs } from '#lib/concurrency/backoff.ts';
import { Loop } from '#lib/concurrency/loop.ts';
import { pause } from '#lib/concurrency/pause.ts';
import { claimSteps, hasOpenSteps, type AdmissionRules } from '../admission/claims.ts';
import { renewComputeNode } from '../admission/compute-nodes.ts';
import { RecentShares } from '../admission/recent-shares.ts';
import { computeAt, targetOfPlace } from '../targets/compute-targets.ts';
import {
  adoptFormerPlace,
  releaseLeases,
  renewLeases,
  takeOverAttempts,
  writeNote,
  type AttemptClaim,
  type Holder,
} from './attempts.ts';
import type { ExecutionDependencies } from '../execution-dependencies.ts';
import { EXECUTIONS_CHANNEL } from '../executions-events.ts';
import type { RunMachines } from '../runs/run-machine.ts';
import { dueTimers, runTimers } from '../runs/timers.ts';
import { internalReason } from './step-outcome.ts';
import { StepRun } from './step-run.ts';

const LEASE_MS = 30_000;
const POLL_MS = 10_000;
/** Interval of checks for expired leases of other processes, which expire in seconds. */
const EXPIRED_MS = 1000;
/** Minimum time between turns: slots that become free meanwhile are filled by one claim. */
const GAP_MS = 10;
/** Internal errors of one attempt before it counts as lost. */
const MOST_TRIES = 6;
const TAKEN_AT_ONCE = 100;
/** Attempts on targets that one process supervises. Each costs it a timer and a few events of the cluster. */
const MOST_REMOTE = 500;

/** What the worker does besides attempts that it holds. */
export interface WorkerRole {
  /** Runs timers. */
  readonly controller: boolean;
  /** Claims steps. */
  readonly steps: boolean;
}

interface Held {
  readonly claim: AttemptClaim;
  readonly stop: AbortController;
  readonly canceled: AbortController;
  done: Promise<void>;
}

const isRemote = ({ place }: AttemptClaim) => targetOfPlace(place) !== undefined;

class ProcessStops extends Error {}
class RunCanceled extends Error {}

export class ExecutionWorker {
  readonly #dependencies: ExecutionDependencies;
  readonly #machines: RunMachines;
  #role: WorkerRole = { controller: true, steps: true };
  readonly #held = new Map<string, Held>();
  readonly #loop: Loop;
  readonly #leases: Loop;
  /** True until the attempts of the earlier process on this engine are taken over. */
  #adoptsAll = true;
  #checkedAt = 0;
  #cleaned = false;
  /** Engines of targets whose remaining tasks were cleaned up: place and project. */
  readonly #cleanedTargets = new Set<string>();
  #stopping = false;
  /** Aborts when the worker stops. */
  readonly #end = new AbortController();
  readonly #forgetting = new Set<Promise<void>>();
  #hadWork = true;
  #rules: AdmissionRules | undefined;

  constructor(dependencies: ExecutionDependencies, machines: RunMachines) {
    this.#dependencies = dependencies;
    this.#machines = machines;
    const { leaseMs = LEASE_MS } = dependencies;
    // Both continue while the node drains: its running steps end here.
    const ungated = { ...dependencies, gate: undefined };
    this.#loop = new Loop('executions', { ...ungated, pollMs: POLL_MS, gapMs: GAP_MS }, () => this.#turn());
    this.#leases = new Loop('execution leases', { ...ungated, pollMs: leaseMs / 3 }, () => this.#renew());
    dependencies.gate?.register({ unit: 'steps', running: () => this.#countHeld(false) });
  }

  async start(role: WorkerRole): Promise<void> {
    this.#role = role;
    const { database } = this.#dependencies;
    await this.#loop.start(
      () => database.listen(EXECUTIONS_CHANNEL, () => this.#leases.wake()),
      (ring) => database.poll(EXECUTIONS_CHANNEL, (sql) => this.#isDue(sql), ring),
    );
    await this.#leases.start();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#end.abort();
    await Promise.all([this.#loop.stop(), this.#leases.stop()]);
    const held = [...this.#held.values()];
    for (const { stop } of held) stop.abort(new ProcessStops('the process stops'));
    await Promise.all([...held.map(({ done }) => done), ...this.#forgetting]);
    // Any process can supervise them.
    const remote = held.flatMap(({ claim }) => (isRemote(claim) ? [claim.id] : []));
    if (remote.length === 0) return;
    const { database, holder } = this.#dependencies;
    await transact(database, { mode: 'write', projectId: 'all' }, async ({ sql }) => {
      await releaseLeases(sql, holder, remote);
    }).catch((error: unknown) =>
      this.#dependencies.log.warn('leases of steps on targets were not released', { error }),
    );
  }

  #countHeld(remote: boolean): number {
    return [...this.#held.values()].filter(({ claim }) => isRemote(claim) === remote).length;
  }

  async #isDue(sql: Sql): Promise<boolean> {
    return (await hasOpenSteps(sql)) || (this.#role.controller && (await dueTimers(sql)).length > 0);
  }

  get #holder(): Holder {
    const { place, holder, leaseMs = LEASE_MS } = this.#dependencies;
    return { place: place(), holder, leaseMs };
  }

  async #turn(): Promise<boolean> {
    const { database, concurrency, targets } = this.#dependencies;
    const { controller, steps } = this.#role;
    const moreTimers = controller && (await runTimers(database, this.#machines));
    if (this.#adoptsAll) await this.#adoptFormerPlace();
    // The first turn without work still sets the shares of all projects to 0.
    const hasWork =
      this.#held.size > 0 ||
      (await transact(database, { mode: 'read', projectId: 'all' }, ({ sql }) => hasOpenSteps(sql)));
    if (!hasWork && !this.#hadWork) return moreTimers;
    this.#hadWork = hasWork;
    // Without steps, the compute engine stays closed.
    const rules = steps ? await this.#admissionRules() : undefined;
    const isOpen = this.#dependencies.gate?.isOpen !== false;
    const limit = isOpen ? Math.max(0, concurrency - this.#countHeld(false)) : 0;
    const remote = isOpen && targets !== undefined ? Math.max(0, MOST_REMOTE - this.#countHeld(true)) : 0;
    const now = this.#dependencies.clock.now();
    const checksExpired = this.#adoptsAll || (isOpen && now - this.#checkedAt >= EXPIRED_MS);
    const claims = await transact(database, { mode: 'write', projectId: 'all' }, async ({ sql }) => {
      const whole = this.#adoptsAll;
      const everywhere = this.#dependencies.isOnlyProcess ?? false;
      const request = { limit: TAKEN_AT_ONCE, whole, expired: isOpen, everywhere };
      const expired = checksExpired ? await takeOverAttempts(sql, this.#holder, request) : [];
      const claimed =
        limit + remote > 0 && rules !== undefined
          ? await claimSteps(sql, this.#holder, rules, { limit, remote, now })
          : [];
      return { expired, claimed };
    });
    if (checksExpired && claims.expired.length < TAKEN_AT_ONCE) {
      this.#adoptsAll = false;
      this.#checkedAt = now;
    }
    for (const claim of [...claims.expired, ...claims.claimed]) this.#hold(claim);
    if (this.#held.size > 0) this.#clean();
    return moreTimers || claims.expired.length === TAKEN_AT_ONCE;
  }

  /** Attempts of an earlier version become attempts of this node if its engine has them. */
  async #adoptFormerPlace(): Promise<void> {
    const { database, formerPlace, compute } = this.#dependencies;
    if (formerPlace === undefined) return;
    await adoptFormerPlace(database, { former: formerPlace, place: this.#dependencies.place() }, async () => {
      const own = new Set<string>();
      for await (const id of (await compute()).attempts()) own.add(id);
      return own;
    });
  }

  async #admissionRules(): Promise<AdmissionRules> {
    const { limits, stepDefaults: step, concurrency, recentSteps } = this.#dependencies;
    this.#rules ??= {
      limits,
      step,
      concurrency,
      capacity: await this.#dependencies.capacity(),
      recent: new RecentShares(),
      ...(recentSteps !== undefined && { recentSteps }),
    };
    return this.#rules;
  }

  #hold(claim: AttemptClaim): void {
    this.#held.get(claim.id)?.stop.abort(new LeaseLost(claim.id));
    const held: Held = {
      claim,
      stop: new AbortController(),
      canceled: new AbortController(),
      done: Promise.resolve(),
    };
    this.#held.set(claim.id, held);
    if (isRemote(claim)) this.#cleanTarget(claim);
    if (claim.cancelRequested) held.canceled.abort(new RunCanceled('the run is canceled'));
    held.done = this.#supervise(held).finally(() => {
      if (this.#held.get(claim.id) === held) this.#held.delete(claim.id);
      // A slot is free, and the commit may have made other steps ready.
      if (!this.#stopping) this.#loop.wake();
    });
  }

  async #supervise({ claim, stop, canceled }: Held): Promise<void> {
    const run = new StepRun(this.#dependencies, this.#machines, claim, {
      stop: stop.signal,
      canceled: canceled.signal,
    });
    let reason = internalReason(claim.id, undefined);
    for (let failures = 0; ;) {
      try {
        await (failures < MOST_TRIES ? run.run() : run.giveUp(reason));
        return;
      } catch (error) {
        if (stop.signal.aborted) return;
        if (error instanceof LeaseLost) return this.#forgetIfGone(claim);
        // A third-party service, such as a package index, may stay unavailable. Then the step fails with that error.
        const elsewhere = error instanceof DaisError && error.code === 'upstream_failed';
        const away = error instanceof DaisError && error.retryable && !elsewhere;
        if (elsewhere) {
          failures += 1;
          reason = error.message;
        } else if (!away) {
          failures += 1;
          reason = internalReason(claim.id, error);
          this.#dependencies.log.error('internal error in an attempt at a step', { attempt: claim.id, error });
        }
        if (away && isRemote(claim)) await this.#note(claim, error.message);
        const wait = backoffMs(away ? 3 : failures, 200, 5000, Math.random);
        await pause(this.#dependencies.clock, wait, stop.signal).catch(() => {});
      }
    }
  }

  /** Removes the task of an ended attempt or a deleted run from its engine, since no other process will. */
  #forgetIfGone(claim: AttemptClaim): void {
    const forgetting = this.#forget(claim).finally(() => this.#forgetting.delete(forgetting));
    this.#forgetting.add(forgetting);
  }

  async #forget(claim: AttemptClaim): Promise<void> {
    const { id } = claim;
    const { clock, log } = this.#dependencies;
    for (let failures = 0; !this.#end.signal.aborted; failures += 1) {
      try {
        const there = await this.#known([id]);
        if (there.size === 0) await (await computeAt(this.#dependencies, claim))?.compute.forget(id);
        return;
      } catch (error) {
        if (failures === 0) {
          log.warn('the task of an ended attempt could not be removed from the engine', { attempt: id, error });
        }
        // The next process removes what this machine still has. Of a target, which can be away for hours, this one does.
        if (!isRemote(claim)) return;
        await pause(clock, backoffMs(failures, 1000, 60_000, Math.random), this.#end.signal).catch(() => {});
      }
    }
  }

  async #renew(): Promise<boolean> {
    const ids = [...this.#held.keys()];
    if (this.#role.steps && this.#dependencies.gate?.isOpen !== false) {
      const { place, nodeName: name } = this.#dependencies;
      const { capacity: resources, concurrency } = await this.#admissionRules();
      await transact(this.#dependencies.database, { mode: 'write', projectId: 'all' }, async ({ sql }) => {
        await renewComputeNode(sql, { id: place(), name, resources, concurrency });
      });
    }
    if (ids.length === 0) return false;
    const renewed = await transact(
      this.#dependencies.database,
      { mode: 'write', projectId: 'all' },
      async ({ sql }) => {
        await this.#dependencies.calls?.keep(sql, ids);
        return await renewLeases(sql, this.#holder, ids);
      },
    );
    const ours = new Map(renewed.map(({ id, cancelRequested }) => [id, cancelRequested]));
    for (const id of ids) {
      const held = this.#held.get(id);
      if (ours.get(id) === true) held?.canceled.abort(new RunCanceled('the run is canceled'));
    }
    const missing = ids.filter((id) => !ours.has(id));
    if (missing.length > 0) await this.#stopDeleted(missing);
    return false;
  }

  /** Stops attempts whose run was deleted, among those that were not renewed. The others ended or have another owner. */
  async #stopDeleted(ids: readonly string[]): Promise<void> {
    const rows = await this.#dependencies.database.statement<{ id: string }>(
      { mode: 'read', scope: 'all' },
      `select id from executions.attempt where id::text = any($1)`,
      [ids],
      'execution_not_deleted',
    );
    const there = new Set(rows.map(({ id }) => id));
    for (const id of ids.filter((one) => !there.has(one))) {
      const held = this.#held.get(id);
      held?.stop.abort(new LeaseLost(id));
      if (held !== undefined) this.#forgetIfGone(held.claim);
    }
  }

  /**
   * Removes tasks of attempts that ended elsewhere from the engine, once after the first step. Tasks of other nodes and of other
   * installations stay.
   */
  #clean(): void {
    if (this.#cleaned) return;
    this.#cleaned = true;
    void (async () => {
      const compute = await this.#dependencies.compute();
      for await (const id of compute.attempts(this.#dependencies.place())) {
        if (this.#stopping) return;
        if (!this.#held.has(id) && !(await this.#known([id])).has(id)) await compute.forget(id);
      }
    })().catch((error: unknown) => {
      this.#cleaned = false;
      this.#dependencies.log.warn('tasks of earlier attempts could not be cleaned up', { error });
    });
  }

  /** The same for the engine of a project on a target, once after its first step. */
  #cleanTarget(claim: AttemptClaim): void {
    const key = `${claim.place} ${claim.projectId}`;
    if (this.#cleanedTargets.has(key)) return;
    this.#cleanedTargets.add(key);
    void (async () => {
      const target = await computeAt(this.#dependencies, claim);
      if (target === undefined) return;
      for await (const id of target.compute.attempts(claim.place)) {
        if (this.#stopping) return;
        if (!this.#held.has(id) && !(await this.#known([id])).has(id)) await target.compute.forget(id);
      }
    })().catch((error: unknown) => {
      this.#cleanedTargets.delete(key);
      this.#dependencies.log.warn('tasks of earlier attempts could not be cleaned up', { place: claim.place, error });
    });
  }

  async #note(claim: AttemptClaim, text: string): Promise<void> {
    await writeNote(this.#dependencies.database, claim, text).catch(() => {});
  }

  /** Returns those of the attempts that have not ended. */
  async #known(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await this.#dependencies.database.statement<{ id: string }>(
      { mode: 'read', scope: 'all' },
      `select id from executions.attempt where id::text = any($1) and state <> 'ended'`,
      [ids],
      'execution_known',
    );
    return new Set(rows.map(({ id }) => id));
  }
}
