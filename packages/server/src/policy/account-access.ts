/** Accounts mode: sessions of people in browsers, tokens of people and programs, and the owner's token as the way in for emergencies. */
import { DaisError } from '@dais/api';
import type { Database, Sql } from '#engines/database/contract.ts';
import { ANONYMOUS, type Principal, type CredentialCheck } from '#kernel/principal.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import { transact } from '#kernel/transaction.ts';
import type { Clock } from '#lib/clock.ts';
import { Coalescer } from '#lib/concurrency/coalesce.ts';
import { cookieName, cookieValue } from '#lib/http/cookies.ts';
import type { Log } from '#lib/log.ts';
import { secretDigestText } from '#lib/crypto/digests.ts';
import type { Access, AccessRequest, AccessRequirement } from '#policy/access.ts';
import { bearerToken } from '#policy/authorization-header.ts';
import { CredentialCache } from '#policy/identity/credential-cache.ts';
import { isSessionSecret, SESSION_COOKIE, type LiveSession, type Sessions } from './identity/sessions/sessions.ts';
import { tokenForm } from '#policy/identity/tokens/token-text.ts';
import { TokenUses } from '#policy/identity/tokens/token-uses.ts';
import { findToken, type LiveToken } from '#policy/identity/tokens/tokens.ts';
import { OWNER_BY_TOKEN, OwnerToken } from '#policy/owner-token.ts';
import { RequestGate, type GateDependencies } from '#policy/request-gate.ts';
import { identifyStep, type FindStep } from '#policy/step-access.ts';
import { findStepToken } from '#policy/identity/tokens/step-tokens.ts';
import { readVersion } from '#policy/state.ts';

export interface AccountAccessDependencies extends GateDependencies {
  readonly database: Database;
  readonly sessions: Sessions;
  /** The content of the owner's token file. */
  readonly token: string;
  /** People reach the server over HTTPS even where it sees plain HTTP. */
  readonly behindHttps: boolean;
  readonly clock: Clock;
  readonly log: Log;
}

/** A valid credential, with its caller: made once for all requests until its row is read again. */
interface Credential<T> {
  readonly found: T;
  readonly leftMs: number;
  readonly principal: Principal;
  /** The same caller, for operations: their authorizer checks the version of the credential. */
  readonly dispatched: Principal;
}

/** One form of credential. The cache and the reads know only digests, never the secrets. */
interface CredentialSource<T> {
  readonly cache: CredentialCache<Credential<T>>;
  readonly read: (sql: Sql, digest: Buffer) => Promise<T | undefined>;
  readonly principalOf: (found: T) => Principal;
  /** The message when the credential has ended. */
  readonly ended: string;
}

/** The prefix of owner tokens. */
const OWNER_PREFIX = 'dais_own_';
/** Cached credentials: about 500 bytes each. */
const CACHED = 10_000;
/** A session's last use is written down when it is this old. */
const TOUCH_AFTER_MS = 55_000;
/**
 * Identical for all reasons, so that the response does not reveal whether a token, session or account exists or
 * existed.
 */
const WRONG_TOKEN = 'The token is not valid: it is misspelled, expired or revoked.';
const SIGN_IN = 'Sign in, or send a token as `Authorization: Bearer …`.';

export class AccountAccess implements Access {
  readonly #dependencies: AccountAccessDependencies;
  readonly #gate: RequestGate;
  readonly #ownerToken: OwnerToken;
  readonly #tokens: CredentialSource<LiveToken>;
  readonly #sessions: CredentialSource<LiveSession>;
  readonly #uses: TokenUses;
  readonly #findStep: FindStep = async (text) => await this.#read((sql) => findStepToken(sql, text));
  /** All requests that wait share the next read. */
  readonly #version = new Coalescer<undefined, bigint>(10_000, async (_key, items) => {
    const value = await this.#read(readVersion);
    return items.map(() => ({ value }));
  });

  constructor(dependencies: AccountAccessDependencies) {
    this.#dependencies = dependencies;
    this.#gate = new RequestGate(dependencies);
    this.#ownerToken = new OwnerToken(dependencies.token);
    this.#tokens = {
      cache: new CredentialCache(CACHED, dependencies.clock),
      read: findToken,
      principalOf: ({ principal }) => principal,
      ended: WRONG_TOKEN,
    };
    this.#sessions = {
      cache: new CredentialCache(CACHED, dependencies.clock),
      read: (sql, digest) => dependencies.sessions.find(sql, digest),
      principalOf: ({ user, via }) => ({ type: 'user', id: user.name, via }),
      ended: SIGN_IN,
    };
    this.#uses = new TokenUses(dependencies.database, dependencies.clock, dependencies.log);
  }

  async identify(
    request: AccessRequest,
    { anonymous, byTicket, fromOtherSites, dispatched }: AccessRequirement,
  ): Promise<Principal> {
    if (fromOtherSites === true) {
      this.#gate.check({ ...request, origin: undefined });
      return ANONYMOUS;
    }
    this.#gate.check(request);
    if (byTicket === true) {
      this.#gate.checkWriteByAnybody(request);
      return ANONYMOUS;
    }
    const step = await identifyStep(request, this.#findStep);
    if (step !== undefined) return step;
    // An explicit token takes precedence over credentials that a browser adds automatically.
    if (request.authorization !== undefined)
      return await this.#byToken(request.authorization, request.address, dispatched);
    const secret = this.#sessionSecret(request);
    if (secret !== undefined) {
      const known = await this.#session(secret, request.address, dispatched);
      if (known !== undefined) {
        this.#gate.checkWriteByCookie(request);
        return dispatched ? known.dispatched : known.principal;
      }
    }
    if (!anonymous) throw new DaisError('unauthenticated', SIGN_IN);
    this.#gate.checkWriteByAnybody(request);
    return ANONYMOUS;
  }

  async close(): Promise<void> {
    await this.#uses.flush();
  }

  async #byToken(authorization: string, address: string, dispatched: boolean): Promise<Principal> {
    const text = bearerToken(authorization);
    if (text === undefined) {
      throw new DaisError(
        'unauthenticated',
        'The Authorization header is neither `Bearer TOKEN` nor `Basic` with a token as password.',
      );
    }
    if (text.startsWith(OWNER_PREFIX) && this.#ownerToken.matches(text)) return OWNER_BY_TOKEN;
    const key = secretDigestText(text);
    // The checksum is verified before the lookup, so a token that was found needs no second check.
    if (!this.#tokens.cache.has(key) && tokenForm(text) === undefined)
      throw new DaisError('unauthenticated', WRONG_TOKEN);
    const known = (await this.#cached(this.#tokens, key, dispatched)) ?? (await this.#fetch(this.#tokens, key));
    if (known === undefined) throw new DaisError('unauthenticated', WRONG_TOKEN);
    this.#uses.note(known.found.id, address);
    return dispatched ? known.dispatched : known.principal;
  }

  async #session(secret: string, address: string, dispatched: boolean): Promise<Credential<LiveSession> | undefined> {
    const { sessions, database } = this.#dependencies;
    const key = secretDigestText(secret);
    const cached = await this.#cached(this.#sessions, key, dispatched);
    if (cached !== undefined) return cached;
    const known = isSessionSecret(secret) ? await this.#fetch(this.#sessions, key) : undefined;
    if (known !== undefined && known.found.unusedMs >= TOUCH_AFTER_MS) {
      await transact(database, { mode: 'write', projectId: ORGANIZATION }, ({ sql }) =>
        sessions.touch(sql, known.found.id, address),
      );
    }
    return known;
  }

  /**
   * A cached credential is valid if its version is the current one. The check runs here, or in the authorizer of the
   * operation, which reads the version anyway.
   */
  async #cached<T extends LiveToken | LiveSession>(
    { cache }: CredentialSource<T>,
    key: string,
    dispatched: boolean,
  ): Promise<Credential<T> | undefined> {
    const kept = cache.get(key);
    if (kept === undefined || dispatched) return kept;
    return kept.found.version === (await this.#version.run('', undefined)) ? kept : undefined;
  }

  async #fetch<T extends LiveToken | LiveSession>(
    source: CredentialSource<T>,
    key: string,
  ): Promise<Credential<T> | undefined> {
    return await this.#read((sql) => this.#renew(source, key, sql));
  }

  /** Reads the credential again and caches it, or forgets it if it has ended. */
  async #renew<T extends LiveToken | LiveSession>(
    source: CredentialSource<T>,
    key: string,
    sql: Sql,
  ): Promise<Credential<T> | undefined> {
    const { cache, read, principalOf, ended } = source;
    const found = await read(sql, Buffer.from(key, 'base64'));
    if (found === undefined) {
      cache.delete(key);
      return undefined;
    }
    const principal = principalOf(found);
    const credentialCheck: CredentialCheck = {
      // Evaluated lazily, because the check can replace it.
      get leftMs() {
        return cache.leftMs(key);
      },
      check: async (version, inOperation) => {
        if (found.version === version || (await this.#renew(source, key, inOperation)) !== undefined) return;
        throw new DaisError('unauthenticated', ended);
      },
    };
    const credential = { found, leftMs: found.leftMs, principal, dispatched: { ...principal, credentialCheck } };
    cache.set(key, credential);
    return credential;
  }

  #sessionSecret({ cookie, scheme }: AccessRequest): string | undefined {
    const secure = scheme === 'https' || this.#dependencies.behindHttps;
    const value = cookieValue(cookie, cookieName(SESSION_COOKIE, secure));
    return value === '' ? undefined : value;
  }

  async #read<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    return await transact(this.#dependencies.database, { mode: 'read', projectId: ORGANIZATION }, ({ sql }) =>
      work(sql),
    );
  }
}
