import {
  applyOperation,
  listEventsOperation,
  listOrganizationEventsOperation,
  planOperation,
  readServerOperation,
  watchEventsOperation,
  watchOrganizationEventsOperation,
  type ServerInfo,
} from '@dais/api';
import type { Database } from '#engines/database/contract.ts';
import { applyDocuments } from '#kernel/apply.ts';
import { Dispatcher } from '#kernel/dispatch.ts';
import { entry, type OperationEntry } from '#kernel/entry.ts';
import { eventPage } from '#kernel/event-page.ts';
import { JobRunner, type JobHandler } from '#kernel/job-runner.ts';
import { jobCounts, timedRuns } from '#kernel/jobs.ts';
import type { KindDefinition } from '#kernel/kind.ts';
import type { LoopDependencies } from '#lib/concurrency/loop.ts';
import type { Authorizer } from '#kernel/principal.ts';
import { Reconciler } from '#kernel/reconciler.ts';
import { queueDepth } from '#kernel/reconcile-queue.ts';
import { KindRegistry } from '#kernel/registry.ts';
import { ensureResource, resourceEntries } from '#kernel/resource-handlers.ts';
import { DEFAULT_RETENTION, retentionHandler, type Retention } from '#kernel/retention.ts';
import { Sequencer } from '#kernel/sequencer.ts';
import { watchEvents } from '#kernel/stream-handlers.ts';
import { Subscription, type Subscriber } from '#kernel/subscriptions.ts';
import { DEFAULT_TENANT, ORGANIZATION, TenantDirectory } from '#kernel/tenants.ts';
import { transact } from '#kernel/transaction.ts';
import { WatchHub } from '#kernel/watch-hub.ts';

export interface KernelDependencies extends LoopDependencies {
  readonly database: Database;
  readonly kinds: readonly KindDefinition[];
  readonly authorizer: Authorizer;
  /** Identifies this process in leases: unique for each start of each process. */
  readonly holder: string;
  readonly random: () => number;
  readonly jobs?: readonly JobHandler[];
  readonly subscribers?: readonly Subscriber[];
  /** Operations of ledgers and of the platform that the kernel does not answer itself. */
  readonly entries?: readonly OperationEntry[];
  readonly server: () => Omit<ServerInfo, 'kinds'>;
  readonly retention?: Retention;
  /** Wraps every entry; for tests. */
  readonly wrapEntry?: ((entry: OperationEntry) => OperationEntry) | undefined;
  /** For tests of failover; see Reconciler. */
  readonly leaseMs?: number;
  /** Resources that controllers process concurrently in this process; default 8. */
  readonly concurrency?: number;
}

export interface KernelHealth {
  readonly watchers: number;
  /** Since the event stream was last read. */
  readonly watchAgeMs: number;
  /** Whether this process numbers the events. */
  readonly sequencing: boolean;
  /** Committed events that have no place in the order yet. */
  readonly unsequenced: number;
  readonly reconcile: { readonly due: number; readonly running: number };
  readonly jobs: readonly { readonly queue: string; readonly state: string; readonly n: number }[];
}

/** Resources without kinds: everything that is the same for all of them. */
export class Kernel {
  readonly kinds: KindRegistry;
  readonly dispatcher: Dispatcher;
  readonly #dependencies: KernelDependencies;
  readonly #hub: WatchHub;
  readonly #sequencer: Sequencer;
  readonly #reconciler: Reconciler;
  readonly #handlers: readonly JobHandler[];
  readonly #jobs: JobRunner;
  readonly #subscriptions: readonly Subscription[];

  constructor(dependencies: KernelDependencies) {
    const { database, holder } = dependencies;
    this.#dependencies = dependencies;
    this.kinds = new KindRegistry(dependencies.kinds);
    this.#hub = new WatchHub(database, dependencies);
    this.#sequencer = new Sequencer(database, holder, dependencies);
    this.#reconciler = new Reconciler({ ...dependencies, kinds: this.kinds });
    this.#handlers = [retentionHandler(dependencies.retention ?? DEFAULT_RETENTION), ...(dependencies.jobs ?? [])];
    this.#jobs = new JobRunner(dependencies, this.#handlers);
    this.#subscriptions = (dependencies.subscribers ?? []).map(
      (one) => new Subscription(database, holder, dependencies, one),
    );
    this.dispatcher = new Dispatcher({
      database,
      authorizer: dependencies.authorizer,
      tenants: new TenantDirectory(() => dependencies.clock.now()),
      entries: [
        ...this.#platformEntries(),
        ...this.kinds.all.flatMap((kind) => resourceEntries(this.kinds, kind, this.#hub)),
        ...(dependencies.entries ?? []),
      ].map(dependencies.wrapEntry ?? ((one) => one)),
    });
  }

  /** Creates the required objects: the default project and the periodic jobs. Idempotent. */
  async bootstrap(): Promise<void> {
    const tenantKind = this.kinds.all.find((kind) => kind.tenant !== undefined);
    await transact(this.#dependencies.database, { mode: 'write', projectId: ORGANIZATION }, async (tx) => {
      if (tenantKind !== undefined) {
        const tenant = { kind: tenantKind.spec.kind, name: DEFAULT_TENANT, origin: 'manifest' };
        await ensureResource(tx, this.kinds, { id: ORGANIZATION, name: '' }, tenant);
      }
      for (const job of timedRuns(this.#handlers, 'firstMs')) tx.enqueue(job);
    });
  }

  /** Starts what answers requests (`watch`) and, for a controller, what works in the background. */
  async start(roles: { readonly controller: boolean }): Promise<void> {
    await this.#hub.start();
    if (!roles.controller) return;
    await this.#sequencer.start();
    await this.#reconciler.start();
    await this.#jobs.start();
    for (const subscription of this.#subscriptions) await subscription.start();
  }

  async stop(): Promise<void> {
    await Promise.all([
      this.#reconciler.stop(),
      this.#jobs.stop(),
      ...this.#subscriptions.map((subscription) => subscription.stop()),
    ]);
    await this.#sequencer.stop();
    await this.#hub.stop();
  }

  /** Measurements for /readyz and /metrics. @throws DaisError `database_unavailable`. */
  async health(): Promise<KernelHealth> {
    const { watchers, ageMs } = this.#hub.stats();
    return await transact(this.#dependencies.database, { mode: 'read', projectId: 'all' }, async ({ sql }) => {
      const [row] = await sql.query<{ n: number }>('select count(*)::int as n from kernel.event where seq is null');
      return {
        watchers,
        watchAgeMs: ageMs,
        sequencing: this.#sequencer.leading,
        unsequenced: row?.n ?? 0,
        reconcile: await queueDepth(sql),
        jobs: await jobCounts(sql),
      };
    });
  }

  #platformEntries(): OperationEntry[] {
    return [
      entry(applyOperation, (tx, call) => applyDocuments(tx, this.kinds, call, false)),
      entry(planOperation, (tx, call) => applyDocuments(tx, this.kinds, call, true)),
      entry(listEventsOperation, eventPage),
      entry(watchEventsOperation, { stream: (call) => watchEvents(this.#hub, call) }),
      entry(listOrganizationEventsOperation, eventPage),
      entry(watchOrganizationEventsOperation, { stream: (call) => watchEvents(this.#hub, call) }),
      entry(readServerOperation, async () => ({
        ...this.#dependencies.server(),
        kinds: this.kinds.all.map(({ spec }) => ({ kind: spec.kind, plural: spec.plural, scope: spec.scope })),
      })),
    ];
  }
}
