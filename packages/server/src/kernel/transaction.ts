import type { DaisError } from '@dais/api';
import type { Database, Prelude, RowScope, Sql } from '#engines/database/contract.ts';
import { insertEvents, type NewEvent } from '#kernel/events.ts';
import { insertJobs, type NewJob } from '#kernel/jobs.ts';
import { SYSTEM, type Client, type Decision, type Principal } from '#kernel/principal.ts';
import { wakeWaiting } from '#kernel/reconcile-queue.ts';

/** The principal of a transaction, part of every event that it emits. */
export interface TransactionOrigin {
  readonly principal: Principal;
  readonly client?: Client;
  readonly requestId?: string;
  /** `metadata.origin` of resources that it creates. */
  readonly origin: string;
}

export const SYSTEM_ORIGIN: TransactionOrigin = { principal: SYSTEM, origin: 'manifest' };

/**
 * The only way to write. Events and jobs are buffered and written, with the wake-ups they cause, by the same database
 * transaction just before it commits: an effect and the news of it never part.
 */
export class Transaction {
  readonly sql: Sql;
  readonly by: TransactionOrigin;
  readonly writable: boolean;
  /** Keys of references' targets that the caller may neither use nor see, with the refusal: they count as not there. */
  readonly unseen = new Map<string, DaisError>();
  #projectId: string;
  readonly #events: NewEvent[] = [];
  readonly #jobs: NewJob[] = [];
  #decision: Decision | undefined;
  readonly #checks = new Map<string, () => Promise<void>>();

  constructor(sql: Sql, by: TransactionOrigin, writable: boolean, projectId: string) {
    this.sql = sql;
    this.by = by;
    this.writable = writable;
    this.#projectId = projectId;
  }

  /** Id of the tenant whose rows the transaction can access; `all` for the loops of the kernel. */
  get projectId(): string {
    return this.#projectId;
  }

  /** Moves row security to another tenant. The caller has authorized that. */
  async enter(projectId: string): Promise<void> {
    if (projectId === this.#projectId) return;
    this.sql.defer("select set_config('dais.project', $1, true)", [projectId], 'enter_project');
    this.#projectId = projectId;
  }

  /** Feeds audit, lineage, outbox and watch when the transaction commits. */
  emit(event: NewEvent): void {
    this.#requireWritable();
    this.#events.push(event);
  }

  /** Queues a job that exists only if the transaction commits. */
  enqueue(job: NewJob): void {
    this.#requireWritable();
    this.#jobs.push(job);
  }

  /** Records the policies that permitted the change. Several decisions of one transaction are combined. */
  decided(decision: Decision | undefined): void {
    if (decision === undefined) return;
    const policies = new Set([...(this.#decision?.policies ?? []), ...decision.policies]);
    this.#decision = { policies: [...policies], set: decision.set };
  }

  /** What must hold in the end, whatever is still written before: checked once for each `key`, before the commit. */
  checkAtEnd(key: string, check: () => Promise<void>): void {
    this.#requireWritable();
    this.#checks.set(key, check);
  }

  /** Checks what must hold and writes what was buffered. Called once, last. */
  async flush(): Promise<void> {
    for (const check of this.#checks.values()) await check();
    const beyond = (event: NewEvent) => event.wakes !== false || event.projectId !== this.#projectId;
    if (this.#jobs.length > 0 || this.#events.some(beyond)) await this.enter('all');
    if (this.#events.length > 0) insertEvents(this.sql, this.#events, this.by, this.#decision);
    wakeWaiting(this.sql, this.#events);
    if (this.#jobs.length > 0) insertJobs(this.sql, this.#jobs);
  }

  #requireWritable(): void {
    if (!this.writable) throw new Error('a read transaction cannot emit');
  }
}

export interface TransactionRequest {
  readonly mode: 'read' | 'write';
  /** A tenant's id, ORGANIZATION, or `all`. */
  readonly projectId: string;
  readonly by?: TransactionOrigin;
  readonly snapshot?: boolean;
  readonly prelude?: Prelude | undefined;
}

/** Runs `work` in one transaction; see `Database.transaction` for retries: `work` has no effect outside the database. */
export async function transact<T>(
  database: Database,
  request: TransactionRequest,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  const scope: RowScope = request.projectId === 'all' ? 'all' : { project: request.projectId };
  return await database.transaction(
    { mode: request.mode, scope, prelude: request.prelude, ...(request.snapshot === true && { snapshot: true }) },
    async (sql) => {
      const tx = new Transaction(sql, request.by ?? SYSTEM_ORIGIN, request.mode === 'write', request.projectId);
      const result = await work(tx);
      if (tx.writable) await tx.flush();
      return result;
    },
  );
}
