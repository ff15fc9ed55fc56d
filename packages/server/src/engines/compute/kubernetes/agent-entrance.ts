/**
 * What every call of an agent passes before Dais opens its target: anybody who reaches the HTTP port can send one. A session must have a valid
 * signature. A start must have a token that names this installation; only the API server of the target can verify it, so that few are verified at a time.
 */
import { Readable } from 'node:stream';
import { DaisError } from '@dais/api/errors';
import type { Clock } from '#lib/clock.ts';
import { Semaphore } from '#lib/concurrency/semaphore.ts';
import { classifyFailure } from '#lib/kubernetes/classify-failure.ts';
import type { Log } from '#lib/log.ts';
import type { AgentCall, AgentCalls, AgentReply } from '../model/target.ts';
import { AGENT_PATHS } from './agent-api.ts';
import { MessageProblem, readBounded } from './agent-messages.ts';
import { AgentSessions } from './agent-sessions.ts';
import { tokenAudience } from './plan/names.ts';

/** Where an agent belongs to, as its URL names it. */
export interface AgentAddress {
  readonly target: string;
  readonly project: string;
}

export interface AgentEntranceOptions {
  /** Called for each call. `sessionKey`: 32 bytes that all processes of the installation share. */
  readonly identity: () => Promise<{ readonly installation: string; readonly sessionKey: Buffer }>;
  /** Undefined when there is no such target or project. */
  readonly resolve: (address: AgentAddress) => Promise<AgentCalls | undefined>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Starts that are verified at the same time. */
const STARTS = 32;
/** Starts that wait for that. */
const MAX_WAITING = 1000;
const MAX_START_BYTES = 64 << 10;
/** Time for the body of a start. */
const START_BODY_MS = 10_000;
/** By which the clock of the API server may be behind. */
const SKEW_MS = 300_000;
/** Between two log entries about targets that do not respond. */
const COMPLAINT_MS = 60_000;

export class AgentEntrance {
  readonly #options: AgentEntranceOptions;
  readonly #starts = new Semaphore(STARTS);
  #waiting = 0;
  #complainedAt = -Infinity;

  constructor(options: AgentEntranceOptions) {
    this.#options = options;
  }

  /** Undefined when there is no such target or project. @throws DaisError when Dais cannot answer now */
  async handle(address: AgentAddress, call: AgentCall): Promise<AgentReply | undefined> {
    try {
      return call.method === 'POST' && call.path === AGENT_PATHS.begin
        ? await this.#begin(address, call)
        : await this.#continue(address, call);
    } catch (error) {
      if (error instanceof MessageProblem) return refusal(error.status, error.message);
      if (call.signal?.aborted === true && error === call.signal.reason) {
        throw new DaisError('shutting_down', 'The call ended before its turn came.');
      }
      throw this.#readable(error, address);
    }
  }

  async #continue(address: AgentAddress, call: AgentCall): Promise<AgentReply | undefined> {
    const { identity, resolve } = this.#options;
    const { sessionKey } = await identity();
    if (new AgentSessions(sessionKey).read(call.token) === undefined) return refusal(401, 'The session is not valid.');
    return await (await resolve(address))?.handle(call);
  }

  async #begin(address: AgentAddress, call: AgentCall): Promise<AgentReply | undefined> {
    const { identity, resolve, clock } = this.#options;
    const { installation } = await identity();
    if (!isTokenFor(call.token, installation, clock.now())) {
      return refusal(401, 'The token is not one of a pod of this installation.');
    }
    // Before it waits, so that a slow sender occupies no place.
    const body = await this.#readStart(call.body);
    if (this.#waiting >= MAX_WAITING) {
      throw new DaisError('overloaded', 'Too many tasks start at the same time.', { retryAfter: 5 });
    }
    this.#waiting += 1;
    try {
      return await this.#starts.run(async () => {
        return await (await resolve(address))?.handle({ ...call, body: Readable.from([body], { objectMode: false }) });
      }, call.signal);
    } finally {
      this.#waiting -= 1;
    }
  }

  /** @throws MessageProblem; DaisError `request_timeout` */
  async #readStart(body: Readable): Promise<Buffer> {
    const cancel = this.#options.clock.after(START_BODY_MS, () => {
      body.destroy(new DaisError('request_timeout', `The body did not arrive within ${START_BODY_MS / 1000} s.`));
    });
    try {
      return await readBounded(body, MAX_START_BYTES);
    } finally {
      cancel();
    }
  }

  /** The cluster is away, or refuses Dais: the agent repeats the call. The reason is for operators: the caller may be anybody. */
  #readable(error: unknown, { target, project }: AgentAddress): unknown {
    const isKnown = error instanceof DaisError && error.code === 'target_unavailable';
    const failure = isKnown ? error : classifyFailure(error);
    if (failure === undefined) return error;
    const { clock, log } = this.#options;
    if (clock.now() - this.#complainedAt >= COMPLAINT_MS) {
      this.#complainedAt = clock.now();
      log.warn('a call of an agent waits for its cluster', { target, project, reason: failure.message });
    }
    return new DaisError('target_unavailable', 'The cluster of the target does not respond.', {
      retryAfter: 1,
      cause: error,
    });
  }
}

/** Whether a token claims to be for an attempt of this installation, and not to be expired. This proves nothing. */
function isTokenFor(token: string, installation: string, now: number): boolean {
  const [, payload = '', signature = '', ...rest] = token.split('.');
  if (signature === '' || rest.length > 0) return false;
  let claims: unknown;
  try {
    claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
  } catch {
    return false;
  }
  const { aud, exp } = (claims ?? {}) as { readonly aud?: unknown; readonly exp?: unknown };
  const isOfInstallation = [aud]
    .flat()
    .some((audience) => typeof audience === 'string' && audience.startsWith(tokenAudience(installation, '')));
  return isOfInstallation && typeof exp === 'number' && exp * 1000 > now - SKEW_MS;
}

function refusal(status: number, reason: string): AgentReply {
  return { status, json: { reason } };
}
