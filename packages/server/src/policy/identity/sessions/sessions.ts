/**
 * Sessions of users who signed in with a browser: 256 random bits in a cookie, their digest in a row. A session expires
 * after `idleMs` without use, and always after `absoluteMs`. All times are of the database.
 */
import type { Sql } from '#engines/database/contract.ts';
import type { Client, Via } from '#kernel/principal.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { uuidv7 } from '#lib/ids.ts';
import { secretDigest, type RandomSource } from '#lib/crypto/digests.ts';
import { bumpVersion } from '#policy/state.ts';

/** Name of the session cookie, without the prefix for HTTPS. */
export const SESSION_COOKIE = 'dais_sid';

export interface SessionLife {
  readonly idleMs: number;
  readonly absoluteMs: number;
}

export interface NewSession {
  readonly user: { readonly uid: string; readonly name: string };
  readonly method: Extract<Via['method'], 'password' | 'oidc' | 'saml'>;
  /** Name of the identity provider. */
  readonly provider?: string | undefined;
  readonly mfa: boolean;
  readonly client?: Client | undefined;
}

export interface CreatedSession {
  readonly id: string;
  /** The value of the cookie: sent to the browser once, never stored. */
  readonly secret: string;
  readonly maxAgeSeconds: number;
}

/** A valid session, as used by the authentication of requests. */
export interface LiveSession {
  readonly id: string;
  readonly user: { readonly uid: string; readonly name: string };
  readonly via: Via;
  /** Milliseconds until it ends unless it is used again. */
  readonly leftMs: number;
  /** Milliseconds since its last use was written down. */
  readonly unusedMs: number;
  /** The version of policy.state under which it was read. */
  readonly version: bigint;
}

/** A session as its owner and administrators see it. */
export interface SessionEntry {
  readonly id: string;
  readonly method: string;
  readonly provider: string | null;
  readonly mfa: boolean;
  readonly address: string | null;
  readonly userAgent: string | null;
  readonly createdAt: Date;
  readonly usedAt: Date;
  readonly expiresAt: Date;
}

const SECRET_BYTES = 32;
const SECRET = /^[A-Za-z0-9_-]{43}$/;

/** Whether a cookie has the form of a secret of a session. */
export function isSessionSecret(text: string): boolean {
  return SECRET.test(text);
}

export class Sessions {
  readonly #life: SessionLife;
  readonly #random: RandomSource;

  constructor(life: SessionLife, random: RandomSource) {
    this.#life = life;
    this.#random = random;
  }

  /** Always creates a new secret: a secret from the client never becomes a session. Does not increase the version. */
  async create(tx: Transaction, input: NewSession): Promise<CreatedSession> {
    const id = uuidv7();
    const secret = this.#random(SECRET_BYTES).toString('base64url');
    const { user, client } = input;
    await tx.sql.query(
      `insert into policy.session (id, digest, user_uid, user_name, method, provider, mfa, address, user_agent, used_address, expires_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $8, clock_timestamp() + $10 * interval '1 millisecond')`,
      [
        id,
        secretDigest(secret),
        user.uid,
        user.name,
        input.method,
        input.provider ?? null,
        input.mfa,
        client?.address ?? null,
        client?.userAgent ?? null,
        this.#life.absoluteMs,
      ],
      'insert_session',
    );
    return { id, secret, maxAgeSeconds: Math.floor(this.#life.absoluteMs / 1000) };
  }

  /** Returns the session with this digest of its secret; undefined if none exists, it has ended or was idle for too long. */
  async find(sql: Sql, digest: Buffer): Promise<LiveSession | undefined> {
    const [row] = await sql.query<LiveRow>(
      `select s.id, s.user_uid, s.user_name, s.method, s.mfa, p.version,
         extract(epoch from s.expires_at - clock_timestamp())::float8 * 1000 as left_ms,
         extract(epoch from clock_timestamp() - s.used_at)::float8 * 1000 as unused_ms
       from policy.session s cross join policy.state p
       where s.digest = $1 and s.ended_at is null and s.expires_at > clock_timestamp()
         and s.used_at > clock_timestamp() - $2 * interval '1 millisecond'`,
      [digest, this.#life.idleMs],
      'find_session',
    );
    if (row === undefined) return undefined;
    return {
      id: row.id,
      user: { uid: row.user_uid, name: row.user_name },
      via: { method: row.method, credential: row.id, mfa: row.mfa },
      leftMs: Math.min(row.left_ms, this.#life.idleMs - row.unused_ms),
      unusedMs: row.unused_ms,
      version: row.version,
    };
  }

  /** Records its use, unless it ended concurrently. */
  async touch(sql: Sql, id: string, address: string): Promise<void> {
    await sql.query(
      `update policy.session set used_at = clock_timestamp(), used_address = $2 where id = $1 and ended_at is null`,
      [id, address],
      'touch_session',
    );
  }

  /** Returns the active sessions of one user, newest first. */
  async list(sql: Sql, userUid: string): Promise<readonly SessionEntry[]> {
    const rows = await sql.query<EntryRow>(
      `select id, method, provider, mfa, used_address, user_agent, created_at, used_at, expires_at from policy.session
       where user_uid = $1 and ended_at is null and expires_at > clock_timestamp()
         and used_at > clock_timestamp() - $2 * interval '1 millisecond'
       order by created_at desc, id desc limit 1000`,
      [userUid, this.#life.idleMs],
      'list_sessions',
    );
    return rows.map((row) => ({
      id: row.id,
      method: row.method,
      provider: row.provider,
      mfa: row.mfa,
      address: row.used_address,
      userAgent: row.user_agent,
      createdAt: row.created_at,
      usedAt: row.used_at,
      expiresAt: row.expires_at,
    }));
  }

  /** Ends one session of a user immediately on all replicas. Returns false if no active session has this id. */
  async end(tx: Transaction, id: string, userUid?: string): Promise<boolean> {
    const rows = await tx.sql.query(
      `update policy.session set ended_at = clock_timestamp()
       where id = $1 and ended_at is null and ($2::uuid is null or user_uid = $2) returning 1`,
      [id, userUid ?? null],
      'end_session',
    );
    if (rows.length > 0) await bumpVersion(tx);
    return rows.length > 0;
  }
}

/** Ends the sessions of a user that started before the `most` newest; returns their number. Increases the version. */
export async function endOldestSessions(tx: Transaction, userUid: string, most: number): Promise<number> {
  const rows = await tx.sql.query(
    `update policy.session set ended_at = clock_timestamp() where id in (
       select id from policy.session where user_uid = $1 and ended_at is null and expires_at > clock_timestamp()
       order by created_at desc, id desc offset $2) returning 1`,
    [userUid, most],
    'end_oldest_sessions',
  );
  if (rows.length > 0) await bumpVersion(tx);
  return rows.length;
}

/** Ends all sessions of a user but `except`; how many. Bumps the version. */
export async function endSessionsOf(tx: Transaction, userUid: string, except?: string): Promise<number> {
  const rows = await tx.sql.query(
    `update policy.session set ended_at = clock_timestamp()
     where user_uid = $1 and ended_at is null and ($2::uuid is null or id <> $2) returning 1`,
    [userUid, except ?? null],
    'end_sessions',
  );
  if (rows.length > 0) await bumpVersion(tx);
  return rows.length;
}

interface LiveRow {
  id: string;
  user_uid: string;
  user_name: string;
  method: NewSession['method'];
  mfa: boolean;
  version: bigint;
  left_ms: number;
  unused_ms: number;
}

interface EntryRow {
  id: string;
  method: string;
  provider: string | null;
  mfa: boolean;
  used_address: string | null;
  user_agent: string | null;
  created_at: Date;
  used_at: Date;
  expires_at: Date;
}
