import { eventTypes, type Condition, type Resource } from '@dais/api';
import type { Database, Sql } from '#engines/database/contract.ts';
import { backoffMs } from '#lib/concurrency/backoff.ts';
import {
  TerminalError,
  type Controller,
  type ControllerIo,
  type ControllerPlan,
  type PlannedCondition,
} from '#kernel/kind.ts';
import { LeaseLost } from '#kernel/leases.ts';
import { ClaimedWork } from '#lib/concurrency/claimed-work.ts';
import { Loop, type LoopDependencies } from '#lib/concurrency/loop.ts';
import {
  anyDue,
  claimDue,
  DUE_CHANNEL,
  enqueueMissing,
  extendClaim,
  finishClaim,
  holdClaim,
  type Claim,
  type Finish,
} from '#kernel/reconcile-queue.ts';
import type { KindRegistry } from '#kernel/registry.ts';
import { presentResource, readByUid, type ResourceRow } from '#kernel/store.ts';
import { tenantNames } from '#kernel/tenants.ts';
import { SYSTEM_ORIGIN, transact, type Transaction } from '#kernel/transaction.ts';
import { removeResources } from '#kernel/write.ts';

export interface ReconcilerDependencies extends LoopDependencies {
  readonly database: Database;
  readonly kinds: KindRegistry;
  /** Identifies this process in leases. */
  readonly holder: string;
  readonly random: () => number;
  /** Default 15 s, as in Kubernetes' leader election. */
  readonly leaseMs?: number;
  /** Resources processed concurrently in this process; default 8. */
  readonly concurrency?: number;
}

const RETRY_BASE_MS = 500;
const RETRY_CAP_MS = 5 * 60_000;
/** Every resource is rechecked at this interval without events: ± 10 %, to spread the load. */
const RESYNC_MS = 10 * 60_000;
/** Effects and observations alternate: more rounds than this in one claim indicate a controller that never settles. */
const MAX_ROUNDS = 100;

/**
 * The reconcile machine: a queue keyed by resource, one worker per resource over all processes, each claim a lease with
 * a fencing epoch. A pass is observe → plan (pure) → perform each effect → observe again, until a plan has no effects;
 * the status is written whenever it differs. Whatever a pass did before a crash, the next one starts from what is there.
 */
export class Reconciler {
  readonly #dependencies: ReconcilerDependencies;
  readonly #leaseMs: number;
  readonly #loop: Loop;
  readonly #kinds: readonly string[];
  readonly #running = new ClaimedWork(() => this.#loop.wake());

  constructor(dependencies: ReconcilerDependencies) {
    this.#dependencies = dependencies;
    this.#leaseMs = dependencies.leaseMs ?? 15_000;
    this.#kinds = dependencies.kinds.all.filter((kind) => kind.controller !== undefined).map((kind) => kind.spec.kind);
    this.#loop = new Loop('reconcile', { ...dependencies, pollMs: 10_000 }, () => this.#claim());
  }

  async start(): Promise<void> {
    const { database, kinds } = this.#dependencies;
    await transact(database, { mode: 'write', projectId: 'all' }, async ({ sql }) => {
      for (const kind of this.#kinds) await enqueueMissing(sql, kind, kinds.get(kind).controller?.finalizer);
    });
    const isDue = (sql: Sql) => anyDue(sql, this.#kinds);
    if (this.#kinds.length > 0) await this.#loop.start((ring) => database.poll(DUE_CHANNEL, isDue, ring));
  }

  /** Claims no more keys, requests the running ones to stop and waits for them. */
  async stop(): Promise<void> {
    await this.#loop.stop();
    this.#running.abort();
    await this.#running.idle();
  }

  async #claim(): Promise<boolean> {
    const free = (this.#dependencies.concurrency ?? 8) - this.#running.size;
    if (free <= 0) return false;
    const { database, holder } = this.#dependencies;
    const claims = await transact(database, { mode: 'write', projectId: 'all' }, (tx) =>
      claimDue(tx.sql, this.#kinds, holder, this.#leaseMs, free),
    );
    for (const claim of claims) {
      this.#running.start(claim.uid, claim.kind, new LeaseLost(claim.uid), (stop) => this.#work(claim, stop));
    }
    return false;
  }

  async #work(claim: Claim, stop: AbortController): Promise<void> {
    const { database, kinds, log, random } = this.#dependencies;
    const beat = setInterval(() => void this.#heartbeat(claim, stop), this.#leaseMs / 3);
    beat.unref();
    const controller = kinds.get(claim.kind).controller as Controller;
    let finish: Finish;
    try {
      finish = await this.#reconcile(claim, controller, this.#io(claim, stop.signal));
    } catch (error) {
      const cause: unknown = stop.signal.aborted ? stop.signal.reason : error;
      if (cause instanceof LeaseLost) return;
      if (stop.signal.aborted) {
        // The process stops: the resource is not to blame, and waits for the next process.
        finish = { afterMs: 0, attempts: claim.attempts, error: null, wakeOn: null };
      } else {
        const message = error instanceof Error ? error.message : String(error);
        const attempts = claim.attempts + 1;
        const afterMs = backoffMs(attempts, RETRY_BASE_MS, RETRY_CAP_MS, random);
        finish = { afterMs, attempts, error: message, wakeOn: null };
        log.warn('a reconcile pass failed and will be retried', { kind: claim.kind, uid: claim.uid, error });
      }
    } finally {
      clearInterval(beat);
    }
    await transact(database, { mode: 'write', projectId: 'all' }, (tx) => finishClaim(tx.sql, claim, finish)).catch(
      // The lease expires and the resource is claimed again.
      (error: unknown) => log.warn('could not record the end of a reconcile pass', { uid: claim.uid, error }),
    );
  }

  async #heartbeat(claim: Claim, stop: AbortController): Promise<void> {
    try {
      const ours = await transact(this.#dependencies.database, { mode: 'write', projectId: 'all' }, (tx) =>
        extendClaim(tx.sql, claim, this.#leaseMs),
      );
      if (!ours) stop.abort(new LeaseLost(claim.uid));
    } catch {
      // A missing response decides nothing: the lease is valid for two more heartbeats, and writes are fenced.
    }
  }

  #io(claim: Claim, signal: AbortSignal): ControllerIo {
    const { database } = this.#dependencies;
    return {
      signal,
      read: (work) => transact(database, { mode: 'read', projectId: claim.projectId }, work),
      write: (work) =>
        transact(database, { mode: 'write', projectId: claim.projectId, by: SYSTEM_ORIGIN }, async (tx) => {
          if (!(await holdClaim(tx.sql, claim))) throw new LeaseLost(claim.uid);
          return await work(tx);
        }),
    };
  }

  async #reconcile(claim: Claim, controller: Controller, io: ControllerIo): Promise<Finish> {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const resource = await io.read((tx) => loadResource(tx, claim.uid));
      if (resource === undefined) return { afterMs: null, attempts: 0, error: null, wakeOn: [] };
      let plan: ControllerPlan<unknown>;
      try {
        plan = controller.plan({ resource, observed: await controller.observe(resource, io) });
        await io.write((tx) => writeStatus(tx, claim.uid, resource.metadata.generation, plan.conditions, plan.status));
        for (const effect of plan.effects) {
          io.signal.throwIfAborted();
          await controller.perform(effect, resource, io);
        }
      } catch (error) {
        if (!(error instanceof TerminalError)) throw error;
        const failed: PlannedCondition = {
          type: 'Ready',
          status: 'False',
          reason: error.reason,
          message: error.message,
        };
        await io.write((tx) => writeStatus(tx, claim.uid, resource.metadata.generation, [failed], undefined));
        return { afterMs: null, attempts: 0, error: error.message, wakeOn: [] };
      }
      if (plan.effects.length > 0) continue;
      if (resource.metadata.deletionRequestedAt !== undefined && plan.finalized === true) {
        await io.write((tx) => this.#finalize(tx, claim, controller.finalizer));
        return { afterMs: null, attempts: 0, error: null, wakeOn: [] };
      }
      const resync = RESYNC_MS * (0.9 + 0.2 * this.#dependencies.random());
      const afterMs = Math.min(plan.recheckAfterMs ?? resync, resync);
      return { afterMs, attempts: 0, error: null, wakeOn: plan.wakeOn ?? [] };
    }
    throw new Error(`the controller of ${claim.kind} planned effects ${MAX_ROUNDS} times without settling`);
  }

  async #finalize(tx: Transaction, claim: Claim, finalizer: string | undefined): Promise<void> {
    await tx.sql.query(
      `update kernel.resource set finalizers = array_remove(finalizers, $2), version = nextval('kernel.version') where uid = $1`,
      [claim.uid, finalizer ?? ''],
    );
    const [row] = await readByUid(tx.sql, [claim.uid]);
    if (row === undefined || row.finalizers.length > 0) return;
    const name = (await tenantNames(tx.sql, [row.project_id])).get(row.project_id) ?? '';
    await removeResources(tx, this.#dependencies.kinds, { id: row.project_id, name }, [row]);
  }
}

async function loadResource(tx: Transaction, uid: string): Promise<Resource | undefined> {
  const [row] = await readByUid(tx.sql, [uid]);
  if (row === undefined) return undefined;
  const names = await tenantNames(tx.sql, [row.project_id]);
  return presentResource(row, names.get(row.project_id) ?? '');
}

/**
 * Writes status fields and conditions if they differ from what is there: an equal status is no write and no event.
 * Other condition types stay as they are. Used by controllers (guarded by their lease) and by jobs.
 */
export async function writeStatus(
  tx: Transaction,
  uid: string,
  generation: number,
  conditions: readonly PlannedCondition[],
  fields: Readonly<Record<string, unknown>> | undefined,
): Promise<void> {
  const [row] = await tx.sql.query<ResourceRow & { now: Date }>(
    'select *, clock_timestamp() as now from kernel.resource where uid = $1 for no key update',
    [uid],
    'lock_status',
  );
  if (row === undefined) return;
  const before = (row.status['conditions'] ?? []) as readonly Condition[];
  const planned = conditions.map((condition): Condition => {
    const old = before.find((one) => one.type === condition.type);
    const lastTransitionTime = old?.status === condition.status ? old.lastTransitionTime : row.now.toISOString();
    return { ...condition, observedGeneration: generation, lastTransitionTime };
  });
  const kept = before.filter((old) => !planned.some((one) => one.type === old.type));
  const all = [...kept, ...planned];
  const status = {
    ...row.status,
    ...fields,
    observedGeneration: generation,
    ...(all.length > 0 && { conditions: all }),
  };
  const changed = await tx.sql.query(
    `update kernel.resource set status = $2::jsonb, version = nextval('kernel.version')
     where uid = $1 and status is distinct from $2::jsonb returning 1`,
    [uid, JSON.stringify(status)],
    'write_status',
  );
  if (changed.length === 0) return;
  tx.emit({
    type: eventTypes.resourceStatus,
    projectId: row.project_id,
    subject: { kind: row.kind, name: row.name, uid },
    data: { generation, conditions: Object.fromEntries(all.map((condition) => [condition.type, condition.status])) },
  });
}
