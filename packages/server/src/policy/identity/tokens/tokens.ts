/** Tokens of users and service accounts: shown once, stored as digests, limited in permissions, project and time. */
import type { Actor } from '@dais/api';
import type { Sql } from '#engines/database/contract.ts';
import type { Principal, Via } from '#kernel/principal.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { uuidv7 } from '#lib/ids.ts';
import { secretDigest, type RandomSource } from '#lib/crypto/digests.ts';
import { makeTokenText, type TokenForm } from '#policy/identity/tokens/token-text.ts';
import { bumpVersion, notifyAccessChange } from '#policy/state.ts';

/** The owner of the token: a User or a ServiceAccount. */
export interface TokenOwner {
  readonly type: 'user' | 'service';
  readonly uid: string;
  readonly name: string;
}

export interface NewToken {
  readonly form: TokenForm;
  /** What its owner calls it. */
  readonly name: string;
  readonly owner: TokenOwner;
  /** Patterns of actions (`secret:read`, `secret:*`); absent: whatever the owner may do. */
  readonly scopes?: readonly string[] | undefined;
  /** Only for this project. */
  readonly project?: string | undefined;
  readonly method: Extract<Via['method'], 'token' | 'federation'>;
  /** The sign-in that created the token used a second factor. */
  readonly mfa: boolean;
  readonly createdBy: Actor;
  readonly lifeMs: number;
}

export interface CreatedToken {
  readonly id: string;
  /** The token: returned to its owner once, never stored. */
  readonly text: string;
  readonly expiresAt: Date;
}

/** A valid token, as used by the authentication of requests. */
export interface LiveToken {
  readonly id: string;
  readonly ownerUid: string;
  readonly principal: Principal;
  readonly leftMs: number;
  /** The version of policy.state under which it was read. */
  readonly version: bigint;
}

/** A token as its owner and administrators see it. */
export interface TokenEntry {
  readonly id: string;
  readonly form: TokenForm;
  readonly ending: string;
  readonly name: string;
  readonly owner: { readonly type: 'user' | 'service'; readonly name: string };
  readonly scopes: readonly string[] | null;
  readonly project: string | null;
  readonly createdBy: Actor;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly usedAt: Date | null;
  readonly usedAddress: string | null;
}

/** Does not bump the version: what did not exist cannot have been cached. */
export async function createToken(tx: Transaction, input: NewToken, random: RandomSource): Promise<CreatedToken> {
  const id = uuidv7();
  const text = makeTokenText(input.form, random);
  const { owner } = input;
  const [row] = await tx.sql.query<{ expires_at: Date }>(
    `insert into policy.token
       (id, digest, form, suffix, name, owner_type, owner_uid, owner_name, scopes, project, method, mfa, created_by, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, clock_timestamp() + $14 * interval '1 millisecond')
     returning expires_at`,
    [
      id,
      secretDigest(text),
      input.form,
      text.slice(-4),
      input.name,
      owner.type,
      owner.uid,
      owner.name,
      input.scopes ?? null,
      input.project ?? null,
      input.method,
      input.mfa,
      JSON.stringify({ type: input.createdBy.type, id: input.createdBy.id }),
      input.lifeMs,
    ],
    'insert_token',
  );
  if (row === undefined) throw new Error('the insert of a token returned no row');
  // Caches of decisions need a notification.
  notifyAccessChange(tx);
  return { id, text, expiresAt: row.expires_at };
}

/** Returns the valid token with this digest of its text, or undefined. */
export async function findToken(sql: Sql, digest: Buffer): Promise<LiveToken | undefined> {
  const [row] = await sql.query<LiveRow>(
    `select t.id, t.owner_type, t.owner_uid, t.owner_name, t.scopes, t.project, t.method, t.mfa, p.version,
       extract(epoch from t.expires_at - clock_timestamp())::float8 * 1000 as left_ms
     from policy.token t cross join policy.state p
     where t.digest = $1 and t.revoked_at is null and t.expires_at > clock_timestamp()`,
    [digest],
    'find_token',
  );
  if (row === undefined) return undefined;
  return {
    id: row.id,
    ownerUid: row.owner_uid,
    principal: principalOf(row),
    leftMs: row.left_ms,
    version: row.version,
  };
}

/** All valid tokens, for caches of decisions. */
export async function listLiveTokens(
  sql: Sql,
): Promise<readonly { readonly digest: Buffer; readonly principal: Principal; readonly expiresAt: Date }[]> {
  const rows = await sql.query<Omit<LiveRow, 'version' | 'left_ms'> & { digest: Buffer; expires_at: Date }>(
    `select id, digest, owner_type, owner_uid, owner_name, scopes, project, method, mfa, expires_at from policy.token
     where revoked_at is null and expires_at > clock_timestamp() order by id`,
    [],
    'list_live_tokens',
  );
  return rows.map((row) => ({ digest: row.digest, principal: principalOf(row), expiresAt: row.expires_at }));
}

/** Changes when a token is created, unlike the version of decisions; fast to read. */
export async function newestToken(sql: Sql): Promise<string> {
  const [row] = await sql.query<{ id: string }>(
    'select id from policy.token order by id desc limit 1',
    [],
    'newest_token',
  );
  return row?.id ?? '';
}

/** Returns the limits of a token; undefined if it has ended. */
export async function readTokenLimits(
  sql: Sql,
  id: string,
): Promise<{ readonly form: TokenForm; readonly leftMs: number } | undefined> {
  const [row] = await sql.query<{ form: TokenForm; left_ms: number }>(
    `select form, extract(epoch from expires_at - clock_timestamp())::float8 * 1000 as left_ms from policy.token
     where id = $1 and revoked_at is null and expires_at > clock_timestamp()`,
    [id],
    'token_limits',
  );
  return row === undefined ? undefined : { form: row.form, leftMs: row.left_ms };
}

/** Returns the number of valid tokens of an owner, without one-hour tokens from exchanges. */
export async function countTokens(sql: Sql, ownerUid: string): Promise<number> {
  const [row] = await sql.query<{ n: number }>(
    `select count(*)::int as n from policy.token
     where owner_uid = $1 and method <> 'federation' and revoked_at is null and expires_at > clock_timestamp()`,
    [ownerUid],
    'count_tokens',
  );
  return row?.n ?? 0;
}

/**
 * Returns the valid tokens of one owner, newest first, then the one-hour tokens: at most 1000, so that no other is
 * omitted.
 */
export async function listTokens(sql: Sql, ownerUid: string): Promise<readonly TokenEntry[]> {
  const rows = await sql.query<EntryRow>(
    `select id, form, suffix, name, owner_type, owner_name, scopes, project, created_by, created_at, expires_at, used_at,
       used_address
     from policy.token where owner_uid = $1 and revoked_at is null and expires_at > clock_timestamp()
     order by method = 'federation', created_at desc, id desc limit 1000`,
    [ownerUid],
    'list_tokens',
  );
  return rows.map((row) => ({
    id: row.id,
    form: row.form,
    ending: row.suffix,
    name: row.name,
    owner: { type: row.owner_type, name: row.owner_name },
    scopes: row.scopes,
    project: row.project,
    createdBy: row.created_by,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    usedAt: row.used_at,
    usedAddress: row.used_address,
  }));
}

/**
 * Ends one token of an owner immediately on all replicas; returns its name, or undefined if no valid token has this id.
 */
export async function revokeToken(tx: Transaction, id: string, ownerUid: string): Promise<string | undefined> {
  const [row] = await tx.sql.query<{ name: string }>(
    `update policy.token set revoked_at = clock_timestamp()
     where id = $1 and owner_uid = $2 and revoked_at is null returning name`,
    [id, ownerUid],
    'revoke_token',
  );
  if (row !== undefined) await bumpVersion(tx);
  return row?.name;
}

/** Ends all tokens of an owner; how many. Bumps the version. */
export async function revokeTokensOf(tx: Transaction, ownerUid: string): Promise<number> {
  const rows = await tx.sql.query(
    'update policy.token set revoked_at = clock_timestamp() where owner_uid = $1 and revoked_at is null returning 1',
    [ownerUid],
    'revoke_tokens',
  );
  if (rows.length > 0) await bumpVersion(tx);
  return rows.length;
}

/** When and from where a token was last used. */
export interface TokenUse {
  readonly id: string;
  readonly atMs: number;
  readonly address: string;
}

/** Records many uses in one statement. */
export async function recordTokenUses(sql: Sql, uses: readonly TokenUse[]): Promise<void> {
  await sql.query(
    `update policy.token t set used_at = greatest(t.used_at, to_timestamp(u.at / 1000)), used_address = u.address
     from unnest($1::uuid[], $2::float8[], $3::text[]) u(id, at, address) where t.id = u.id`,
    [uses.map((use) => use.id), uses.map((use) => use.atMs), uses.map((use) => use.address)],
    'note_token_uses',
  );
}

interface LiveRow {
  id: string;
  owner_type: 'user' | 'service';
  owner_uid: string;
  owner_name: string;
  scopes: string[] | null;
  project: string | null;
  method: NewToken['method'];
  mfa: boolean;
  version: bigint;
  left_ms: number;
}

interface EntryRow {
  id: string;
  form: TokenForm;
  suffix: string;
  name: string;
  owner_type: 'user' | 'service';
  owner_name: string;
  scopes: string[] | null;
  project: string | null;
  created_by: Actor;
  created_at: Date;
  expires_at: Date;
  used_at: Date | null;
  used_address: string | null;
}

function principalOf(row: Omit<LiveRow, 'version' | 'left_ms'>): Principal {
  return {
    type: row.owner_type,
    id: row.owner_name,
    ...(row.scopes !== null && { scopes: row.scopes }),
    ...(row.project !== null && { project: row.project }),
    via: { method: row.method, credential: row.id, mfa: row.mfa },
  };
}
