/**
 * What the agent asks Dais. Every call is idempotent and is repeated until Dais responds: without a network, the command
 * continues. Only a silence of Dais before the start or after the end of the command is limited.
 */
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { Clock } from '#lib/clock.ts';
import { backoffMs } from '#lib/concurrency/backoff.ts';
import type { Log } from '#lib/log.ts';
import {
  AGENT_PATHS,
  type AgentOrder,
  type BeatRequest,
  type BeatResponse,
  type BeginRequest,
  type BeginResponse,
  type EndRecord,
  type LogConflict,
} from '../agent-api.ts';
import { certificateProblem } from './certificate-problem.ts';
import { FailedCall, GoneError, RejectedCall, SilenceError } from './call-errors.ts';
import { DaisConnection, LocalProblem, type CallBody } from './dais-connection.ts';
import { pause } from '#lib/concurrency/pause.ts';

export interface DaisClientOptions {
  /** Its path contains AGENT_PATH. */
  readonly url: string;
  /** PEM of authorities in addition to those of Node. */
  readonly ca?: string | undefined;
  /** Kubelet renews the token in it. */
  readonly tokenFile: string;
  readonly attempt: string;
  readonly round: number;
  readonly pod: BeginRequest['pod'];
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** The session changed. */
  readonly renewed: (session: string) => void;
}

interface Call<T> {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  /** Default: the session. */
  readonly token?: () => Promise<string>;
  /** Called for each repetition. */
  readonly body?: () => CallBody | Promise<CallBody>;
  /** Default `SILENCE_MS`. */
  readonly silenceMs?: number;
  /** An error that is no LocalProblem repeats the call. */
  readonly read: (response: IncomingMessage) => Promise<T>;
}

const SILENCE_MS = 30_000;
/** Dais may copy a large file into an object store before it responds. */
const TRANSFER_SILENCE_MS = 300_000;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5000;
const MAX_RETRY_AFTER_MS = 60_000;
/** The order contains the command, its variables and the list of inputs. */
const MAX_ORDER_BYTES = 32 << 20;
const MAX_REPLY_BYTES = 64 << 10;

export class DaisClient {
  readonly #options: DaisClientOptions;
  readonly #connection: DaisConnection;
  #session = '';
  #renewal: Promise<unknown> | undefined;
  #silence: { readonly limitMs: number; readonly since: number };
  #respondedAt = 0;
  /** A failure was logged, and Dais has not responded since. */
  #isComplaining = false;

  constructor(options: DaisClientOptions) {
    this.#options = options;
    this.#connection = new DaisConnection(options.url, options.ca);
    this.#silence = { limitMs: Number.POSITIVE_INFINITY, since: options.clock.now() };
  }

  useSession(session: string): void {
    this.#session = session;
  }

  /** From now on, Dais may be silent for so long. */
  limitSilence(limitMs: number): void {
    this.#silence = { limitMs, since: this.#options.clock.now() };
  }

  /** Waits until Dais permits the start. @throws GoneError when another pod runs the command. */
  async begin(
    resumes: boolean,
    signal: AbortSignal,
  ): Promise<{ readonly session: string; readonly order: AgentOrder }> {
    const { tokenFile, attempt, round, pod, clock } = this.#options;
    for (;;) {
      const response = await this.#repeat<BeginResponse>(
        {
          method: 'POST',
          path: AGENT_PATHS.begin,
          token: async () => (await readFile(tokenFile, 'utf8')).trim(),
          body: () => json({ attempt, round, pod, at: clock.now(), resumes } satisfies BeginRequest),
          read: async (reply) => (await readJson(reply, MAX_ORDER_BYTES)) as BeginResponse,
        },
        signal,
      );
      if (response.answer === 'gone') throw new GoneError(response.reason);
      if (response.answer === 'go') {
        this.#session = response.session;
        return response;
      }
      await pause(clock, response.afterMs, signal);
    }
  }

  /** `request` is called for each repetition. */
  async beat(request: () => BeatRequest, waitMs: number, signal: AbortSignal): Promise<BeatResponse> {
    return await this.#repeat<BeatResponse>(
      {
        method: 'POST',
        path: AGENT_PATHS.beat,
        body: () => json(request()),
        silenceMs: waitMs + SILENCE_MS,
        read: async (reply) => (await readJson(reply, MAX_REPLY_BYTES)) as BeatResponse,
      },
      signal,
    );
  }

  /** `read` gets the bytes, from the start in each repetition, and throws a LocalProblem for an error that a repetition does not repair. */
  async input(
    index: number,
    read: (bytes: AsyncIterable<Buffer>) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const silenceMs = TRANSFER_SILENCE_MS;
    await this.#repeat({ method: 'GET', path: AGENT_PATHS.input(index), silenceMs, read }, signal);
  }

  /** Returns where the stored log ends if the position is after that, else undefined. */
  async log(position: number, bytes: Buffer, isGap: boolean, signal: AbortSignal): Promise<LogConflict | undefined> {
    try {
      await this.#repeat(
        {
          method: 'PUT',
          path: AGENT_PATHS.log(position, isGap),
          body: () => bytes,
          read: ignore,
        },
        signal,
      );
      return undefined;
    } catch (error) {
      if (error instanceof RejectedCall && error.status === 409) return error.reply as LogConflict;
      throw error;
    }
  }

  /** `open` is called for each repetition. */
  async output(key: number, size: number, open: () => Promise<Readable>, signal: AbortSignal): Promise<void> {
    await this.#repeat(
      {
        method: 'PUT',
        path: AGENT_PATHS.output(key),
        body: async () => ({ size, stream: await open() }),
        silenceMs: TRANSFER_SILENCE_MS,
        read: ignore,
      },
      signal,
    );
  }

  async end(record: EndRecord, signal: AbortSignal): Promise<void> {
    const body = json(record);
    await this.#repeat({ method: 'POST', path: AGENT_PATHS.end, body: () => body, read: ignore }, signal);
  }

  close(): void {
    this.#connection.close();
  }

  async #repeat<T>(call: Call<T>, signal: AbortSignal): Promise<T> {
    const { clock, random } = this.#options;
    for (let attempt = 1; ; attempt += 1) {
      signal.throwIfAborted();
      let failure: FailedCall;
      try {
        const value = await this.#call(call, signal);
        this.#responded();
        return value;
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof FailedCall)) throw error;
        failure = error;
      }
      this.#checkCertificate(failure);
      this.#checkSilence(call, failure);
      const delay = backoffMs(attempt, FIRST_RETRY_MS, LAST_RETRY_MS, random);
      await pause(clock, Math.max(delay, failure.retryAfterMs), signal);
      // Another call may have renewed it.
      if (call.token === undefined && failure.token === this.#session) await this.#renew(signal);
    }
  }

  async #call<T>(
    { method, path, token, body, silenceMs = SILENCE_MS, read }: Call<T>,
    signal: AbortSignal,
  ): Promise<T> {
    const sent = await body?.();
    let bearer: string;
    let response: IncomingMessage;
    try {
      bearer = token === undefined ? this.#session : await token();
      response = await this.#connection.send({ method, path, token: bearer, body: sent, silenceMs, signal });
    } catch (error) {
      throw repeatable(error);
    }
    const { statusCode: status = 0, headers } = response;
    try {
      if (status >= 200 && status < 300) return await read(response);
    } catch (error) {
      response.destroy();
      throw repeatable(error);
    }
    const reply: unknown = await readJson(response, MAX_REPLY_BYTES).catch(() => ({}));
    const what = `${method} ${path}`;
    if (status === 410) throw this.#noted(new GoneError(new RejectedCall(what, status, reply).message));
    if (status === 401) throw new FailedCall(new RejectedCall(what, status, reply).message, { token: bearer });
    if (status >= 500 || status === 429 || status === 408) {
      throw new FailedCall(`${what} was answered with status ${status}`, {
        retryAfterMs: retryAfter(headers['retry-after']),
      });
    }
    throw this.#noted(new RejectedCall(what, status, reply));
  }

  #noted<E extends Error>(error: E): E {
    this.#responded();
    return error;
  }

  #responded(): void {
    this.#respondedAt = this.#options.clock.now();
    if (this.#isComplaining) this.#options.log.info('Dais responds again');
    this.#isComplaining = false;
  }

  /** A certificate that was never accepted needs a change of the target. Later, the command continues until it is accepted again. */
  #checkCertificate({ cause }: FailedCall): void {
    if (this.#respondedAt > 0 || this.#silence.limitMs === Number.POSITIVE_INFINITY) return;
    const problem = certificateProblem(cause, this.#connection.origin);
    if (problem !== undefined) throw problem;
  }

  #checkSilence({ method, path }: Pick<Call<unknown>, 'method' | 'path'>, failure: FailedCall): void {
    const { clock, log } = this.#options;
    const { limitMs, since } = this.#silence;
    // Once for an outage, not for each repetition.
    if (!this.#isComplaining) {
      log.warn('a call to Dais failed and is repeated', { method, path, url: this.#connection.origin, error: failure });
    }
    this.#isComplaining = true;
    if (clock.now() - Math.max(this.#respondedAt, since) < limitMs) return;
    throw new SilenceError(`Dais has not responded for ${limitMs} ms: ${failure.message}`, { cause: failure });
  }

  /** Gets another session: the key of the installation was replaced. */
  async #renew(signal: AbortSignal): Promise<void> {
    this.#renewal ??= this.begin(true, signal)
      .then(({ session }) => this.#options.renewed(session))
      .finally(() => (this.#renewal = undefined));
    await this.#renewal;
  }
}

/** A connection error, a response that ended early, or one that cannot be read. */
function repeatable(error: unknown): unknown {
  if (error instanceof LocalProblem || error instanceof FailedCall) return error;
  return new FailedCall(error instanceof Error ? error.message : String(error), { cause: error });
}

/** Seconds, at most a minute. The other form, a date, is not used by what is between the agent and Dais. */
function retryAfter(header: string | undefined): number {
  const seconds = Number(header ?? 0);
  return Number.isFinite(seconds) ? Math.min(Math.max(0, seconds) * 1000, MAX_RETRY_AFTER_MS) : 0;
}

function json(message: object): Buffer {
  return Buffer.from(JSON.stringify(message));
}

async function readJson(response: IncomingMessage, maxBytes: number): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw new Error(`the response has more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  if (typeof value !== 'object' || value === null) throw new Error('the response is no object');
  return value;
}

async function ignore(response: IncomingMessage): Promise<void> {
  response.resume();
  await finished(response);
}
