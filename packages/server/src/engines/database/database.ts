import { setTimeout as delay } from 'node:timers/promises';
import { Pool, type Client, type PoolClient } from 'pg';
import { DaisError } from '@dais/api/errors';
import { clientConfig } from './client-config.ts';
import { ControlConnection } from './control-connection.ts';
import type { ConnectionOptions, Database, RowScope, Sql, TransactionOptions } from './contract.ts';
import {
  codeOf,
  isLostStatement,
  isSerializationFailure,
  isStalePlan,
  isStandby,
  isUnavailable,
  isUnexpectedState,
  translate,
} from './database-errors.ts';
import { APP_ROLE } from './roles.ts';
import { Polls } from './polls.ts';
import { runSteps, type PreparedNames, type Step, type StepResult } from './wire-statement.ts';

export interface DatabaseOptions {
  /** Maximum number of connections; default 10. Several processes share the `max_connections` of the server. */
  readonly poolSize?: number;
  /** How long a transaction may wait for a free connection; default 5 s. */
  readonly acquireTimeoutMs?: number;
  /** Default limit of one statement; default 30 s. `TransactionOptions.timeoutMs` overrides it. */
  readonly statementTimeoutMs?: number;
  /** How long the server may be silent after the limits of the statements of a round trip, until its connection counts as lost; default 5 s. */
  readonly silenceMs?: number;
  /** Shown in `pg_stat_activity`; default `dais`. */
  readonly applicationName?: string;
  /** Spreads retries; in [0, 1). */
  readonly random?: () => number;
}

const POOL_SIZE = 10;
const ACQUIRE_TIMEOUT_MS = 5_000;
const IDLE_CONNECTION_MS = 30_000;
const STATEMENT_TIMEOUT_MS = 30_000;
/**
 * The server ends a statement at its limit, so a response is late only when the network loses packets without notifying anybody. TCP would notice
 * after 15 minutes.
 */
const SILENCE_MS = 5_000;
/** Names of the statements that begin, set up and commit transactions. They take no time. */
const OWN_NAMES = 'dais_';
/** A transaction that is idle with locks ends after this time. */
const IDLE_IN_TRANSACTION_MS = 60_000;
const MAX_ATTEMPTS = 6;
const FIRST_RETRY_MS = 4;

/**
 * Opens the connection pool of a database; connects at first use, so it never throws.
 *
 * Role, project and limits are set per transaction, never per session, so that a transaction pooler can be in between. They are
 * sent with BEGIN and the first statement in one round trip (see wire-statement.ts), and a read does not wait for its COMMIT.
 */
export function openDatabase(connection: ConnectionOptions, options: DatabaseOptions = {}): Database {
  return new PooledDatabase(connection, options);
}

class PooledDatabase implements Database {
  readonly #pool: Pool;
  readonly #control: ControlConnection;
  readonly #polls: Polls;
  readonly #prepared = new WeakMap<PoolClient, PreparedNames>();
  readonly #connection: ConnectionOptions;
  readonly #options: DatabaseOptions;
  readonly #random: () => number;
  #running = 0;
  #drained: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(connection: ConnectionOptions, options: DatabaseOptions) {
    const applicationName = options.applicationName ?? 'dais';
    this.#connection = connection;
    this.#options = options;
    this.#random = options.random ?? Math.random;
    this.#control = new ControlConnection(connection, applicationName);
    this.#polls = new Polls(async (work) => await this.transaction({ mode: 'read', scope: 'all' }, work));
    this.#pool = new Pool({
      ...clientConfig(connection, applicationName),
      max: options.poolSize ?? POOL_SIZE,
      idleTimeoutMillis: IDLE_CONNECTION_MS,
      connectionTimeoutMillis: options.acquireTimeoutMs ?? ACQUIRE_TIMEOUT_MS,
    });
    // A client or pool without a listener turns the loss of a connection into an uncaught exception. The pool removes such
    // clients itself; their users receive the error from their statement.
    this.#pool.on('error', () => {});
    this.#pool.on('connect', (client) => client.on('error', () => {}));
  }

  async transaction<T>(options: TransactionOptions, work: (sql: Sql) => Promise<T>): Promise<T> {
    let careful = false;
    return await this.#withRetries(async (client) => {
      const transaction = new RunningTransaction(this.#runner(client, options), this.#beginning(options), careful);
      try {
        const result = await work(transaction);
        if (options.mode === 'read') transaction.commitLater();
        else await transaction.commit();
        return result;
      } catch (error) {
        await transaction.rollback();
        careful ||= isUnexpectedState(error);
        throw error;
      }
    }, options.mode);
  }

  async statement<Row extends object>(
    options: TransactionOptions,
    text: string,
    values?: readonly unknown[],
    name?: string,
  ): Promise<Row[]> {
    if (options.snapshot === true) return await this.transaction(options, (sql) => sql.query(text, values, name));
    return await this.#withRetries(async (client) => {
      const run = this.#runner(client, options);
      try {
        const { rows } = await run([this.#scopeStep(options), { text, values, name }]);
        return rows as Row[];
      } catch (error) {
        throw options.mode === 'write' && isUnavailable(error) ? unknownFate(error) : error;
      }
    }, options.mode);
  }

  async listen(channel: string, onNotify: (payload: string) => void): Promise<() => Promise<void>> {
    return await this.#control.listen(channel, onNotify);
  }

  async poll(
    channel: string | undefined,
    isDue: (sql: Sql) => Promise<boolean>,
    ring: () => void,
  ): Promise<() => Promise<void>> {
    const unlisten = channel === undefined ? undefined : await this.listen(channel, ring);
    const end = this.#polls.add(isDue, ring);
    return async () => {
      await end();
      await unlisten?.();
    };
  }

  async ping(timeoutMs: number): Promise<void> {
    await this.#control.ping(timeoutMs);
  }

  stats(): { readonly total: number; readonly idle: number; readonly waiting: number } {
    return { total: this.#pool.totalCount, idle: this.#pool.idleCount, waiting: this.#pool.waitingCount };
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    await this.#polls.stop();
    if (this.#running > 0) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
    }
    await Promise.all([this.#pool.end(), this.#control.close()]);
  }

  async #withRetries<T>(attempt: (client: PoolClient) => Promise<T>, mode: 'read' | 'write'): Promise<T> {
    if (this.#closing !== undefined) throw new DaisError('shutting_down', 'The database is being closed.');
    this.#running += 1;
    try {
      for (let attempts = 1; ; attempts += 1) {
        const { client, reused } = await this.#acquire();
        try {
          const result = await attempt(client);
          client.release();
          return result;
        } catch (error) {
          const lost = isUnavailable(error) || isStalePlan(error) || (mode === 'write' && isStandby(error));
          client.release(lost);
          const unexpected = isUnexpectedState(error);
          const again =
            unexpected ||
            isSerializationFailure(error) ||
            isStalePlan(error) ||
            // The server restarted while this connection was idle: nothing was committed, so a new connection may be used.
            (lost && reused && attempts === 1);
          if (!again || attempts === MAX_ATTEMPTS) throw this.#toCaller(error, mode);
          if (!lost && !unexpected) await delay(FIRST_RETRY_MS * 2 ** attempts * this.#random());
        }
      }
    } finally {
      this.#running -= 1;
      if (this.#running === 0) this.#drained?.();
    }
  }

  #toCaller(error: unknown, mode: 'read' | 'write'): unknown {
    if (codeOf(error) === '57014') {
      return new DaisError(
        'overloaded',
        'The database stopped a statement that exceeded its time limit. Retry later.',
        { cause: error },
      );
    }
    if (isLostStatement(error)) {
      return new DaisError(
        'database_setup',
        'A pooler between Dais and the database does not keep prepared statements. Add prepared_statements=false to ' +
          'the database URL, or set max_prepared_statements in PgBouncer 1.21 or newer.',
        { cause: error },
      );
    }
    if (mode === 'write' && isStandby(error)) {
      return new DaisError(
        'database_unavailable',
        'The database is a read-only standby. Connect Dais to the primary server.',
        { cause: error },
      );
    }
    return translate(error);
  }

  async #acquire(): Promise<{ client: PoolClient; reused: boolean }> {
    try {
      const client = await this.#pool.connect();
      const reused = this.#prepared.has(client);
      if (!reused) this.#prepared.set(client, new Map());
      return { client, reused };
    } catch (error) {
      throw translate(error);
    }
  }

  #runner(client: PoolClient, options: TransactionOptions): Runner {
    const prepared = this.#prepared.get(client)!;
    const isNamed = this.#connection.preparedStatements !== false;
    const timeoutMs = this.#timeoutOf(options);
    return async (steps) => {
      // The server limits each statement of a round trip, and sends their responses together.
      const statements = steps.filter(({ name }) => name?.startsWith(OWN_NAMES) !== true).length;
      // 0: the statement has no limit, so silence means nothing.
      const limitMs =
        timeoutMs === 0 ? undefined : Math.max(1, statements) * timeoutMs + (this.#options.silenceMs ?? SILENCE_MS);
      let last: NodeJS.Immediate | undefined;
      // When this process was paused, the response may have arrived: it is read before the immediate.
      const expire = () => (last = setImmediate(() => endSilently(client)));
      const timer = limitMs === undefined ? undefined : setTimeout(expire, limitMs);
      try {
        return await runSteps(client, prepared, isNamed ? steps : steps.map(withoutName));
      } finally {
        clearTimeout(timer);
        clearImmediate(last);
      }
    };
  }

  #timeoutOf({ timeoutMs }: TransactionOptions): number {
    return timeoutMs ?? this.#options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS;
  }

  #beginning(options: TransactionOptions): Beginning {
    const begin: Step =
      options.snapshot === true
        ? { text: 'begin isolation level repeatable read', name: 'dais_begin_snapshot' }
        : { text: 'begin', name: 'dais_begin' };
    const { prelude } = options;
    const scope = this.#scopeStep(options);
    const steps = [begin, scope, ...(prelude === undefined ? [] : [{ ...prelude, prelude: true } as const])];
    return { steps, ...(options.snapshot !== true && { implicit: scope }) };
  }

  #scopeStep(options: TransactionOptions): Step {
    const values = [scopeSetting(options.scope), String(this.#timeoutOf(options))];
    return options.mode === 'read'
      ? { text: SCOPE_READ, name: 'dais_scope_read', values }
      : { text: SCOPE_WRITE, name: 'dais_scope_write', values };
  }
}

const SCOPE_WRITE =
  `select set_config('dais.project', $1, true), set_config('statement_timeout', $2, true), ` +
  `set_config('idle_in_transaction_session_timeout', '${IDLE_IN_TRANSACTION_MS}', true), ` +
  `set_config('role', '${APP_ROLE}', true)`;
// set_config also works in an implicit transaction, where SET TRANSACTION READ ONLY would have no effect.
const SCOPE_READ = `${SCOPE_WRITE}, set_config('transaction_read_only', 'on', true)`;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

function scopeSetting(scope: RowScope): string {
  if (scope === 'all') return 'all';
  // Row security compares text, so only the canonical form is valid; 'all' must never be passed as a project.
  if (!UUID.test(scope.project)) throw new Error(`not a project id in canonical form: ${scope.project}`);
  return scope.project;
}

/** Not `end`, which would wait for a response. The running statement fails with a lost connection. */
function endSilently(client: PoolClient): void {
  (client as unknown as Client).connection.stream.destroy();
}

function withoutName(step: Step): Step {
  const { name: _, ...rest } = step;
  return rest;
}

function unknownFate(error: unknown): DaisError {
  return new DaisError(
    'database_unavailable',
    'The database connection was lost during the commit, so it is unknown whether the change was saved. Check the current state before you retry.',
    { retryAfter: 1, cause: error },
  );
}

type Runner = (steps: readonly Step[]) => Promise<StepResult>;

interface Beginning {
  readonly steps: readonly Step[];
  /** The start of a transaction in a single round trip: statements that are sent together are an implicit transaction. */
  readonly implicit?: Step;
}

/** Starts with the first statement; see openDatabase. */
class RunningTransaction implements Sql {
  readonly careful: boolean;
  readonly #run: Runner;
  readonly #begin: Beginning;
  readonly #deferred: Step[] = [];
  #state: 'new' | 'open' | 'ended' = 'new';
  #prelude: string | undefined;
  #busy = false;
  #failure: unknown;

  constructor(run: Runner, begin: Beginning, careful: boolean) {
    this.#run = run;
    this.#begin = begin;
    this.careful = careful;
  }

  get prelude(): string | undefined {
    return this.#prelude;
  }

  async query<Row extends object>(text: string, values?: readonly unknown[], name?: string): Promise<Row[]> {
    if (this.#state === 'ended') throw new Error('the transaction has ended');
    if (this.#busy) throw new Error('a transaction runs one statement at a time: await the previous one');
    this.#busy = true;
    try {
      const statement: Step = { text, values, name };
      const begins = this.#state === 'new';
      this.#state = 'open';
      const before = begins ? [...this.#begin.steps, ...this.#deferred.splice(0)] : this.#deferred.splice(0);
      const { rows, prelude } = await this.#run([...before, statement]);
      if (begins) this.#prelude = prelude;
      return rows as Row[];
    } catch (error) {
      this.#failure ??= error;
      throw error;
    } finally {
      this.#busy = false;
    }
  }

  defer(text: string, values?: readonly unknown[], name?: string): void {
    if (this.#state === 'ended') throw new Error('the transaction has ended');
    this.#deferred.push({ text, values, name });
  }

  async commit(): Promise<void> {
    const last = this.#deferred.splice(0);
    const { steps, implicit } = this.#begin;
    const begins = this.#state === 'new' && last.length > 0;
    const whole = begins && implicit !== undefined;
    const before = begins ? [...(whole ? [implicit] : steps), ...last] : last;
    if (begins) this.#state = 'open';
    if (!this.#end()) return;
    let tag: string;
    try {
      ({ tag } = await this.#run(whole ? before : [...before, COMMIT]));
    } catch (error) {
      // The failed statement ran before the commit: the transaction is still open and can only be rolled back.
      if (last.length > 0 && !whole) await this.#run([ROLLBACK]).catch(() => {});
      if (this.#failure !== undefined) throw this.#failure;
      throw isUnavailable(error) ? unknownFate(error) : error;
    }
    // The function ignored the error of a statement, so the server rolled back.
    if (!whole && tag === 'ROLLBACK') throw this.#failure;
  }

  /** For reads, the result does not depend on it. A broken connection is detected at its next use. */
  commitLater(): void {
    if (this.#end()) this.#run([COMMIT]).catch(() => {});
  }

  async rollback(): Promise<void> {
    if (!this.#end()) return;
    // A lost connection has already rolled back.
    await this.#run([ROLLBACK]).catch(() => {});
  }

  /** Returns whether there is a transaction to end. */
  #end(): boolean {
    const open = this.#state === 'open';
    this.#state = 'ended';
    return open;
  }
}

const COMMIT: Step = { text: 'commit', name: 'dais_commit' };
const ROLLBACK: Step = { text: 'rollback', name: 'dais_rollback' };
