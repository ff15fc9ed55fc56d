/**
 * The gateways of all nodes. Each control process writes what its gateway reports to the database: requests per minute, and
 * for other nodes the states of its models. Decisions and pages read the sum, on whichever node they run.
 */
import { randomUUID } from 'node:crypto';
import type { Database } from '#engines/database/contract.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { liveGateways, type ThisNode } from '#ledgers/nodes/index.ts';
import type { Clock } from '#lib/clock.ts';
import { Loop } from '#lib/concurrency/loop.ts';
import type { Log } from '#lib/log.ts';
import type { GatewayLink } from '../publishing/gateway-link.ts';
import type { RecentFigures } from '../publishing/gateway-counters.ts';
import { COUNT_SLICE, currentMinute, dropOldCounts, storeCounts } from './count-rows.ts';
import { modelsBehind } from './models-behind.ts';
import { makeReport, recentCounts, viewReport, type GatewayView, type NodeFiles } from './gateway-view.ts';
import { dropOldReports, readReports, storeReport } from './report-rows.ts';

export interface FleetDependencies {
  readonly database: Database;
  readonly gateway: GatewayLink;
  readonly recent: RecentFigures;
  readonly self: ThisNode;
  /** Of this node. */
  readonly files: () => NodeFiles;
  /** Labels of all models that should have traffic, by key. */
  readonly traffic: () => ReadonlyMap<string, string>;
  readonly clock: Clock;
  readonly log: Log;
}

/** The requests of a killed process since its last write are lost. */
const FLUSH_MS = 5000;
/** During a rollout with requests to the new version. */
const QUICK_FLUSH_MS = 1000;
/** A report that does not change is written again, because old ones are deleted. */
const RENEW_MS = 3_600_000;

export class GatewayFleet {
  readonly #dependencies: FleetDependencies;
  readonly #loop: Loop;
  readonly #writer = randomUUID();
  #flushing: Promise<void> = Promise.resolve();
  #reported: { readonly text: string; readonly at: number } | undefined;

  constructor(dependencies: FleetDependencies) {
    this.#dependencies = dependencies;
    const times = { pollMs: FLUSH_MS, gapMs: QUICK_FLUSH_MS };
    this.#loop = new Loop('counts of the gateway', { ...dependencies, ...times }, async () => {
      await this.flush();
      return false;
    });
  }

  async start(): Promise<void> {
    const { recent } = this.#dependencies;
    await this.#loop.start(async (wake) => {
      recent.onCanary = wake;
      return await Promise.resolve(async () => await Promise.resolve());
    });
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    await this.flush().catch((error: unknown) =>
      this.#dependencies.log.warn('cannot record the requests of the gateway', { error }),
    );
  }

  /** A model of this node has changed its state: other nodes may wait for it. */
  wake(): void {
    if (this.#dependencies.self.liveCount() > 1) this.#loop.wake();
  }

  /** Returns the gateways of all live nodes, this one's first. */
  async gateways({ sql }: Pick<Transaction, 'sql'>): Promise<readonly GatewayView[]> {
    const { gateway, recent, self, files } = this.#dependencies;
    const id = self.id() ?? '';
    const live = self.liveCount() > 1 ? await liveGateways(sql) : [];
    const others = live.filter((node) => node.id !== id);
    const host = live.find((node) => node.id === id)?.host ?? 'this node';
    const counts = recentCounts(recent.window);
    const own = { node: id, host, isOwn: true, figures: gateway.figures(), files: files(), recent: counts };
    const first = self.hasGateway ? [own] : [];
    if (others.length === 0) return first;
    const reports = await readReports(
      sql,
      others.map((node) => node.id),
    );
    return [...first, ...others.map((node) => viewReport(node, reports.get(node.id)))];
  }

  /** Writes what has changed since the last write. Sequential. */
  async flush(): Promise<void> {
    const turn = this.#flushing.then(async () => {
      await this.#storeCounts();
      await this.#storeReport();
      await this.#checkBehind();
    });
    this.#flushing = turn.catch(() => {});
    await turn;
  }

  async #storeCounts(): Promise<void> {
    const { database, recent, self } = this.#dependencies;
    const node = self.id();
    if (node === undefined || recent.counts.isEmpty) return;
    const stored = await transact(database, { mode: 'write', projectId: 'all' }, async (tx) => {
      const counts = recent.counts.take(await currentMinute(tx.sql));
      await storeCounts(tx, { node, writer: this.#writer }, counts);
      return counts;
    });
    recent.counts.markStored(stored);
  }

  async #storeReport(): Promise<void> {
    const { database, gateway, recent, self, files, clock } = this.#dependencies;
    const node = self.id();
    if (node === undefined || !self.hasGateway || self.liveCount() < 2) return;
    const figures = gateway.figures();
    const report = figures === undefined ? undefined : makeReport(figures, files(), recent.window);
    const text = JSON.stringify(report ?? null);
    const now = clock.now();
    if (this.#reported?.text === text && now - this.#reported.at < RENEW_MS) return;
    await transact(database, { mode: 'write', projectId: 'all' }, async ({ sql }) => {
      await storeReport(sql, node, report);
    });
    this.#reported = { text, at: now };
  }

  /** Leaves readiness while another node has a model ready that should have traffic here too. */
  async #checkBehind(): Promise<void> {
    const { database, gateway, self, traffic } = this.#dependencies;
    const models = traffic();
    const isAlone = !self.hasGateway || self.liveCount() < 2 || models.size === 0;
    const gateways = isAlone
      ? []
      : await transact(database, { mode: 'read', projectId: 'all' }, async (tx) => await this.gateways(tx));
    gateway.setBehind(modelsBehind(gateways, models));
  }
}

export function fleetRetention(): JobHandler {
  return {
    queue: 'serving.gateways',
    concurrency: 1,
    perProject: 1,
    retry: { baseMs: 1000, capMs: 60_000 },
    every: { firstMs: 480_000, againMs: 3_600_000 },
    async run(_job, io) {
      let minutes = 0;
      for (let deleted = COUNT_SLICE; deleted === COUNT_SLICE && !io.signal.aborted; minutes += deleted) {
        deleted = await io.write(async (tx) => {
          await tx.enter('all');
          return await dropOldCounts(tx);
        });
      }
      await io.write(async (tx) => {
        await tx.enter('all');
        await dropOldReports(tx.sql);
      });
      return { minutes };
    },
  };
}
