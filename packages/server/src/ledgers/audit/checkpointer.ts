/** Signs checkpoints while the log grows, and delivers them. One process at a time, by lease. */
import { eventTypes } from '@dais/api';
import type { Database } from '#engines/database/contract.ts';
import { guardedWrite, leaseOf, type Lease } from '#kernel/leases.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { Loop, type LoopDependencies } from '#lib/concurrency/loop.ts';
import { APPENDED_CHANNEL } from './append.ts';
import type { AuditKeyring } from './audit-keys.ts';
import type { CheckpointReceiver } from './checkpoint-receivers.ts';
import { checkpointsAfter, newestCheckpoint, originOf, signState } from './checkpoints.ts';
import { lockState, readState } from './tree-store.ts';

export interface CheckpointerDependencies extends LoopDependencies {
  readonly database: Database;
  readonly holder: string;
  readonly ring: AuditKeyring;
  readonly receivers: readonly CheckpointReceiver[];
  /** Default 1,000 entries. */
  readonly everyEntries?: number;
  /** Default 60 s, if entries were added. */
  readonly everyMs?: number;
}

const EVERY_MS = 60_000;
const LEASE = 'audit checkpoints';
const LEASE_MS = 20_000;
/** Extends the lease, and repeats deliveries that failed. More often only when a checkpoint is due more often. */
const MAX_POLL_MS = LEASE_MS / 3;
const MIN_POLL_MS = 2000;
/** Minimum interval between checks while the log grows: each check takes several transactions and reads a folder. */
const GAP_MS = 500;
/** Maximum number of checkpoints per delivery. */
const BATCH = 100;

export class Checkpointer {
  readonly #dependencies: CheckpointerDependencies;
  readonly #loop: Loop;
  readonly #stop = new AbortController();
  readonly #lease: ReturnType<typeof leaseOf>;

  constructor(dependencies: CheckpointerDependencies) {
    this.#dependencies = dependencies;
    this.#lease = leaseOf(dependencies.database, LEASE, dependencies.holder, LEASE_MS, dependencies);
    const { everyMs = EVERY_MS } = dependencies;
    const pollMs = Math.min(MAX_POLL_MS, Math.max(MIN_POLL_MS, everyMs));
    const times = { pollMs, gapMs: GAP_MS, onPause: () => this.#handOver() };
    this.#loop = new Loop('audit checkpoints', { ...dependencies, ...times }, () => this.#turn());
  }

  async start(): Promise<void> {
    await this.#loop.start((ring) => this.#dependencies.database.listen(APPENDED_CHANNEL, ring));
  }

  /** Signs the last entries and delivers the checkpoint, if possible. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error('the process is stopping'));
    await this.#loop.stop();
    await this.#handOver();
  }

  async #handOver(): Promise<void> {
    const lease = this.#lease.current;
    try {
      if (lease !== undefined) await this.#signAndCarry(lease, true);
    } catch (error) {
      const { log } = this.#dependencies;
      log.warn('the last checkpoint of the audit log is delivered after the next start', { error });
    }
    await this.#lease.release();
  }

  async #turn(): Promise<boolean> {
    const lease = await this.#lease.keep();
    if (lease === undefined) return false;
    try {
      return await this.#signAndCarry(lease, false);
    } catch (error) {
      this.#lease.lose();
      throw error;
    }
  }

  /** `last`: signs what there is, before the process stops. Returns true if more checkpoints remain. */
  async #signAndCarry(lease: Lease, last: boolean): Promise<boolean> {
    const { everyEntries = 1000, everyMs = EVERY_MS } = this.#dependencies;
    const { branch, forkedFrom, range, newest } = await this.#read(async ({ sql }) => {
      const state = await readState(sql);
      return { ...state, newest: await newestCheckpoint(sql, state.branch) };
    });
    if (forkedFrom !== undefined && !last) await this.#announceFork(lease);
    const added = range.size - (newest?.size ?? 0);
    const isOld = newest === undefined || newest.ageMs >= everyMs;
    if (added > 0 && (last || isOld || added >= everyEntries)) await this.#sign(lease);
    return await this.#carry(lease, branch, last);
  }

  /** Records a restore of the database, repeatedly until the log contains it. */
  async #announceFork(lease: Lease): Promise<void> {
    const { database, ring } = this.#dependencies;
    const keys = await ring.open();
    await guardedWrite(database, lease, async (tx) => {
      const { forkedFrom: before, forkedAt: size = 0, branch } = await lockState(tx.sql);
      if (before === undefined || (await isAnnounced(tx, branch))) return;
      const data = { size, before: originOf(keys, before), after: originOf(keys, branch) };
      tx.emit({ type: eventTypes.auditRestored, projectId: ORGANIZATION, data });
      await tx.sql.query('insert into audit.delivery (receiver, position) values ($1, $2)', [forkMark(branch), size]);
    });
  }

  async #sign(lease: Lease): Promise<void> {
    const { database, ring } = this.#dependencies;
    const keys = await ring.open();
    await guardedWrite(database, lease, async ({ sql }) => await signState(sql, keys, await readState(sql)));
  }

  /** Returns true if more checkpoints remain. A failing receiver does not delay others. */
  async #carry(lease: Lease, branch: string, last: boolean): Promise<boolean> {
    const { receivers, log } = this.#dependencies;
    const carried = await Promise.all(
      receivers.map(async (receiver) => {
        try {
          return await this.#carryTo(receiver, branch, lease, last);
        } catch (error) {
          if (!this.#stop.signal.aborted || last)
            log.warn('a checkpoint of the audit log could not be delivered', { error });
          return false;
        }
      }),
    );
    return carried.some(Boolean);
  }

  async #carryTo(receiver: CheckpointReceiver, branch: string, lease: Lease, last: boolean): Promise<boolean> {
    const cursor = receiver.cursor === undefined ? undefined : `${receiver.cursor} ${branch}`;
    const from = (await receiver.last(branch)) ?? (await this.#positionOf(cursor ?? ''));
    const waiting = await this.#read(({ sql }) => checkpointsAfter(sql, branch, from, BATCH));
    for (const checkpoint of waiting) {
      await receiver.take(branch, checkpoint, last ? undefined : this.#stop.signal);
      if (cursor !== undefined) await this.#moveTo(lease, cursor, checkpoint.size);
    }
    return waiting.length === BATCH;
  }

  async #positionOf(cursor: string): Promise<number> {
    const [row] = await this.#read(({ sql }) =>
      sql.query<{ position: bigint }>('select position from audit.delivery where receiver = $1', [cursor]),
    );
    return Number(row?.position ?? 0n);
  }

  async #moveTo(lease: Lease, cursor: string, position: number): Promise<void> {
    await guardedWrite(this.#dependencies.database, lease, async ({ sql }) => {
      await sql.query(
        `insert into audit.delivery (receiver, position) values ($1, $2) on conflict (receiver) do update set position = $2`,
        [cursor, position],
      );
    });
  }

  async #read<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return await transact(this.#dependencies.database, { mode: 'read', projectId: 'all' }, work);
  }
}

function forkMark(branch: string): string {
  return `fork ${branch}`;
}

async function isAnnounced(tx: Transaction, branch: string): Promise<boolean> {
  const rows = await tx.sql.query('select 1 from audit.delivery where receiver = $1', [forkMark(branch)]);
  return rows.length > 0;
}
