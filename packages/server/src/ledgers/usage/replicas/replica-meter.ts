/**
 * Records how long models are loaded in the gateway of this node. The interval of a replica is a row from its start, so that
 * whichever process is killed, its record ends at the last contact.
 */
import type { GatewayFigures } from '@dais/api/gateway';
import type { Database } from '#engines/database/contract.ts';
import { transact } from '#kernel/transaction.ts';
import { Loop, type LoopDependencies } from '#lib/concurrency/loop.ts';
import {
  closeLostReplicas,
  closeReplicas,
  contactReplicas,
  openReplicas,
  readOpenReplicas,
  recordHours,
  type OpenReplica,
} from './open-replicas.ts';
import { replicaKey, replicasOf } from './replicas-of.ts';

export interface ReplicaMeterDependencies extends LoopDependencies {
  readonly database: Database;
  /** Id of this node. Undefined: it is not registered yet. */
  readonly node: () => Promise<string | undefined>;
  readonly host: string;
  /** The newest report of the gateway of this node. Undefined: it has not reported in the last seconds. */
  readonly figures: () => GatewayFigures | undefined;
  /** Set by tests. Default: 2 s between reports that are read, 10 s between contacts that are written. */
  readonly pollMs?: number;
  readonly contactMs?: number;
}

const POLL_MS = 2000;
const CONTACT_MS = 10_000;
const SWEEP_MS = 60_000;

export class ReplicaMeter {
  readonly #dependencies: ReplicaMeterDependencies;
  readonly #loop: Loop;
  /** Open intervals of this node by `replicaKey`. Undefined: they are read with the next report. */
  #open: Map<string, OpenReplica> | undefined;
  #node: string | undefined;
  #gateway: string | undefined;
  /** The time of the newest report that was compared with the open intervals. */
  #seenAt = 0;
  #contactAt = 0;
  #sweepAt = 0;

  constructor(dependencies: ReplicaMeterDependencies) {
    this.#dependencies = dependencies;
    const { pollMs = POLL_MS } = dependencies;
    this.#loop = new Loop('usage of replicas', { ...dependencies, pollMs }, async () => {
      await this.turn();
      return false;
    });
  }

  async start(): Promise<void> {
    await this.#loop.start();
  }

  /** The intervals stay open: the gateway can outlive this process, and the next one continues them. */
  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  /** Compares the newest report with the open intervals. */
  async turn(): Promise<void> {
    const { clock, figures, node, contactMs = CONTACT_MS } = this.#dependencies;
    const now = clock.now();
    if (now - this.#sweepAt >= SWEEP_MS) {
      await this.#write(closeLostReplicas);
      this.#sweepAt = now;
    }
    const report = figures();
    this.#node ??= await node();
    if (report === undefined || this.#node === undefined) return;
    if (this.#open === undefined || this.#gateway !== report.startedAt)
      await this.#resume(this.#node, report.startedAt);
    this.#seenAt = now;
    const open = this.#open ?? new Map<string, OpenReplica>();
    const replicas = new Map(replicasOf(report).map((one) => [replicaKey(one), one]));
    const ended = [...open].filter(([key]) => !replicas.has(key));
    const started = [...replicas].filter(([key]) => !open.has(key)).map(([, one]) => one);
    const isDue = open.size > ended.length && now - this.#contactAt >= contactMs;
    if (ended.length === 0 && started.length === 0 && !isDue) return;
    const gateway = { node: this.#node, host: this.#dependencies.host, gateway: report.startedAt };
    const kept = [...open.values()].filter((one) => replicas.has(replicaKey(one))).map(({ id }) => id);
    const { made, known } = await this.#write(async (sql) => {
      const ids = ended.map(([, { id }]) => id);
      if (ids.length > 0) await closeReplicas(sql, ids, 0);
      const still = await contactReplicas(sql, kept);
      await recordHours(sql, gateway.node);
      return { made: await openReplicas(sql, gateway, started), known: still };
    });
    this.#contactAt = now;
    // An interval that another process ended, because this one could not reach the database, starts again with the next turn.
    this.#open = new Map(
      [...[...open.values()].filter(({ id }) => known.has(id)), ...made].map((one) => [replicaKey(one), one]),
    );
  }

  /** Ends the intervals of an earlier gateway when it was last seen, and continues those of this one. */
  async #resume(node: string, gateway: string): Promise<void> {
    this.#open = await this.#write(async (sql) => {
      await closeLostReplicas(sql);
      const found = await readOpenReplicas(sql, node);
      const earlier = found.filter((one) => one.gateway !== gateway);
      // Contacts are written less often than reports are read: without this, up to 10 s of a killed gateway would not be recorded.
      const seen = new Set([...(this.#open?.values() ?? [])].map(({ id }) => id));
      const idsOf = (wasSeen: boolean) => earlier.filter(({ id }) => seen.has(id) === wasSeen).map(({ id }) => id);
      await closeReplicas(sql, idsOf(true), this.#dependencies.clock.now() - this.#seenAt);
      await closeReplicas(sql, idsOf(false), undefined);
      return new Map(found.filter((one) => one.gateway === gateway).map((one) => [replicaKey(one), one]));
    });
    this.#gateway = gateway;
  }

  async #write<T>(work: (sql: Parameters<typeof closeLostReplicas>[0]) => Promise<T>): Promise<T> {
    const request = { mode: 'write', projectId: 'all' } as const;
    return await transact(this.#dependencies.database, request, async ({ sql }) => await work(sql));
  }
}
