/** Produces the authorization of requests, and renews it before it expires and when the API server rejects it. */
import type { Clock } from '#lib/clock.ts';
import { isBearerToken } from './bearer-token.ts';
import type { ClusterConfig, Credential } from './cluster-config.ts';
import { CredentialError, runExecPlugin, type Authorization, type ExecCredential } from './exec-credential.ts';

export interface CredentialDependencies {
  readonly clock: Clock;
  /** Environment of credential programs; the caller chooses which of its variables they get. */
  readonly environment: Readonly<Record<string, string>>;
  /** Time limit of a credential program; default 30 s. */
  readonly execTimeoutMs?: number;
}

/** Kubernetes renews mounted tokens long before they expire. */
const FILE_MAX_AGE_MS = 60_000;
/** A credential is renewed this long before it expires, or after half of its life if that is short. */
const EXPIRY_MARGIN_MS = 60_000;
/** Minimum time between two renewals after a 401: a user without access must not start a program for each request. */
const MIN_REJECTION_MS = 5_000;

export class Credentials {
  readonly #produce: (() => Promise<Produced>) | undefined;
  readonly #fixed: Authorization;
  readonly #clock: Clock;
  #current: Produced | undefined;
  #rejectedAt = Number.NEGATIVE_INFINITY;
  #running: Promise<Authorization> | undefined;

  constructor({ credential }: Pick<ClusterConfig, 'credential'>, dependencies: CredentialDependencies) {
    this.#clock = dependencies.clock;
    this.#fixed = fixedAuthorization(credential);
    this.#produce = producerOf(credential, dependencies);
  }

  /** Concurrent calls share one run of the program, or one read of the file. @throws CredentialError */
  async authorization(): Promise<Authorization> {
    const produce = this.#produce;
    if (produce === undefined) return this.#fixed;
    const current = this.#current;
    if (current !== undefined && this.#clock.now() < current.renewAt) return current.authorization;
    this.#running ??= this.#renew(produce).finally(() => {
      this.#running = undefined;
    });
    return await this.#running;
  }

  /**
   * Reports that the API server responded with 401 to `rejected`. Returns whether `authorization` can now return another
   * one.
   */
  reject(rejected: Authorization): boolean {
    if (this.#produce === undefined) return false;
    const current = this.#current;
    // Another request has renewed it, or is doing so.
    if (current === undefined || current.authorization !== rejected) return true;
    if (this.#clock.now() - this.#rejectedAt < MIN_REJECTION_MS) return false;
    this.#rejectedAt = this.#clock.now();
    this.#current = undefined;
    return true;
  }

  async #renew(produce: () => Promise<Produced>): Promise<Authorization> {
    const produced = await produce();
    this.#current = produced;
    return produced.authorization;
  }
}

interface Produced {
  readonly authorization: Authorization;
  readonly renewAt: number;
}

function fixedAuthorization(credential: Credential): Authorization {
  if (credential.type === 'token') return { token: credential.token };
  return credential.type === 'certificate' ? { certificate: credential.certificate } : {};
}

function producerOf(
  credential: Credential,
  { clock, environment, execTimeoutMs }: CredentialDependencies,
): (() => Promise<Produced>) | undefined {
  if (credential.type === 'token-file') return fileProducer(credential, clock);
  if (credential.type !== 'exec') return undefined;
  return async () => {
    const timeout = execTimeoutMs === undefined ? {} : { timeoutMs: execTimeoutMs };
    const produced = await runExecPlugin(credential.plugin, { environment, now: clock.now(), ...timeout });
    return { authorization: produced.authorization, renewAt: renewalTime(produced, clock.now()) };
  };
}

function renewalTime({ expiresAt }: ExecCredential, now: number): number {
  if (expiresAt === undefined) return Number.POSITIVE_INFINITY;
  return expiresAt - Math.min(EXPIRY_MARGIN_MS, (expiresAt - now) / 2);
}

function fileProducer({ path, read }: Extract<Credential, { type: 'token-file' }>, clock: Clock) {
  let last: string | undefined;
  return async (): Promise<Produced> => {
    const renewAt = clock.now() + FILE_MAX_AGE_MS;
    try {
      const token = (await read(path)).trim();
      if (isBearerToken(token)) last = token;
      else if (last === undefined) throw new Error('it contains no token');
    } catch (cause) {
      // The previous token is often still valid while the file is being replaced.
      if (last === undefined) {
        const why = cause instanceof Error ? cause.message : String(cause);
        const message = `The token file ${path} cannot be used: ${why.replace(/\.$/, '')}.`;
        throw new CredentialError(message, { isRetryable: true, cause });
      }
    }
    return { authorization: { token: last }, renewAt };
  };
}
