/**
 * Live logs of steps on other compute nodes. The database carries the requests and the responses, so that a node needs no
 * address and no connection of another one.
 */
import { randomUUID } from 'node:crypto';
import { DaisError } from '@dais/api';
import type { Compute } from '#engines/compute/contract.ts';
import type { Database } from '#engines/database/contract.ts';
import { transact } from '#kernel/transaction.ts';
import type { Clock } from '#lib/clock.ts';
import { Loop, type LoopDependencies } from '#lib/concurrency/loop.ts';

/** Limit of one response, and of one frame of a stream. */
export const MOST_LOG_BYTES = 256 * 1024;

/** Notification channel; the payload is the compute node that shall respond. */
const CHANNEL = 'dais_execution_log';
/** A node that does not respond within this time returns no output, and the reader asks again. */
const RESPONSE_MS = 3000;
const FIRST_WAIT_MS = 10;
const LONGEST_WAIT_MS = 200;
/** Readers that have gone leave their requests. */
const ABANDONED_SECONDS = 60;
/** The notification is only a hint. */
const POLL_MS = 30_000;
/** Requests that one turn answers: 16 responses are at most 4 MiB. */
const AT_ONCE = 16;
/** Open requests to one node. Beyond it, readers wait for the next turn of their own. */
const MOST_OPEN = 256;

export interface LogOutput {
  readonly bytes: Buffer;
  /** Position of the engine after the bytes. */
  readonly engine: string;
}

/** Reads the log of a running attempt from the engine. `engine`: the position; '' at the start. */
export async function readEngineLog(compute: Compute, attempt: string, engine: string): Promise<LogOutput> {
  const chunks: Buffer[] = [];
  let [size, next] = [0, engine];
  for await (const chunk of compute.logs(attempt, engine === '' ? {} : { from: engine })) {
    chunks.push(chunk.bytes);
    size += chunk.bytes.length;
    next = chunk.next;
    if (size >= MOST_LOG_BYTES) break;
  }
  return { bytes: Buffer.concat(chunks), engine: next };
}

interface RemoteLog {
  readonly computeNode: string;
  readonly attempt: string;
  readonly engine: string;
}

/**
 * Reads the log of an attempt on another compute node. Returns no output when the node does not respond.
 * @throws DaisError `invalid_request` for an invalid position
 */
export async function readRemoteLog(
  { database, clock }: { readonly database: Database; readonly clock: Clock },
  { computeNode, attempt, engine }: RemoteLog,
  signal: AbortSignal,
): Promise<LogOutput> {
  const id = randomUUID();
  const nothing = { bytes: Buffer.alloc(0), engine };
  const isOpen = await transact(database, { mode: 'write', projectId: 'all' }, async ({ sql }) => {
    const [open] = await sql.query<{ n: number }>(
      'select count(*)::int as n from executions.log_request where compute_node = $1 and output is null',
      [computeNode],
      'log_requests_open',
    );
    if (open !== undefined && open.n >= MOST_OPEN) return false;
    sql.defer(
      'insert into executions.log_request (id, compute_node, attempt, start) values ($1, $2, $3, $4)',
      [id, computeNode, attempt, engine],
      'log_request',
    );
    sql.defer(`select pg_notify('${CHANNEL}', $1)`, [computeNode], 'ring_log_request');
    return true;
  });
  if (!isOpen) return nothing;
  let wait = FIRST_WAIT_MS;
  for (let waited = 0; waited < RESPONSE_MS && !signal.aborted; waited += wait) {
    await new Promise<void>((resolve) => void clock.after(wait, resolve));
    const response = await takeResponse(database, id, true);
    if (response !== undefined) return response;
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  }
  return (await takeResponse(database, id, false)) ?? nothing;
}

/** Removes the request if it has a response, or in any case without `answered`. */
async function takeResponse(database: Database, id: string, answered: boolean): Promise<LogOutput | undefined> {
  const [row] = await database.statement<{ output: Buffer | null; next: string | null; error: string | null }>(
    { mode: 'write', scope: 'all' },
    `delete from executions.log_request where id = $1 and (output is not null or error is not null or not $2)
     returning output, next, error`,
    [id, answered],
    'log_response',
  );
  if (row?.error != null) throw new DaisError('invalid_request', row.error);
  return row?.output == null ? undefined : { bytes: row.output, engine: row.next ?? '' };
}

interface LogRelayDependencies extends LoopDependencies {
  readonly database: Database;
  /** Id of this compute node. */
  readonly place: () => string;
  readonly compute: () => Promise<Compute>;
}

/** Responds to the requests for logs of steps on this compute node. */
export class LogRelay {
  readonly #dependencies: LogRelayDependencies;
  readonly #loop: Loop;

  constructor(dependencies: LogRelayDependencies) {
    this.#dependencies = dependencies;
    this.#loop = new Loop('execution logs', { ...dependencies, pollMs: POLL_MS }, () => this.#turn());
  }

  async start(): Promise<void> {
    const { database } = this.#dependencies;
    const place = this.#dependencies.place();
    await this.#loop.start((wake) =>
      database.listen(CHANNEL, (computeNode) => {
        // Empty after a reconnect.
        if (computeNode === place || computeNode === '') wake();
      }),
    );
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  async #turn(): Promise<boolean> {
    const { database } = this.#dependencies;
    const requests = await database.statement<{ id: string; attempt: string; start: string }>(
      { mode: 'write', scope: 'all' },
      `with abandoned as (
         delete from executions.log_request where requested_at < clock_timestamp() - interval '${ABANDONED_SECONDS} seconds'
       )
       select id, attempt, start from executions.log_request
       where compute_node = $1 and output is null and error is null order by requested_at limit ${AT_ONCE}`,
      [this.#dependencies.place()],
      'log_requests',
    );
    await Promise.all(requests.map(async (request) => await this.#respond(request)));
    return requests.length === AT_ONCE;
  }

  async #respond({ id, attempt, start }: { readonly id: string; readonly attempt: string; readonly start: string }) {
    const { database, compute } = this.#dependencies;
    let [output, next, error]: [Buffer | null, string | null, string | null] = [null, null, null];
    try {
      const read = await readEngineLog(await compute(), attempt, start);
      [output, next] = [read.bytes, read.engine];
    } catch (thrown) {
      if (!(thrown instanceof DaisError) || thrown.code !== 'invalid_request') throw thrown;
      error = thrown.message;
    }
    await database.statement(
      { mode: 'write', scope: 'all' },
      'update executions.log_request set output = $2, next = $3, error = $4 where id = $1',
      [id, output, next, error],
      'log_respond',
    );
  }
}
