/** Rows of `policy.identity_link`: the User of an identity at a provider. */
import type { Sql } from '#engines/database/contract.ts';
import type { SealedValue } from './sealer.ts';

export interface IdentityLink {
  readonly issuer: string;
  readonly subject: string;
  readonly userUid: string;
  readonly userName: string;
  readonly provider: string;
  readonly refreshToken: SealedValue | undefined;
}

interface LinkRow {
  issuer: string;
  subject: string;
  user_uid: string;
  user_name: string;
  provider: string;
  key_id: string | null;
  key_fingerprint: string | null;
  wrapped: Buffer | null;
  iv: Buffer | null;
  ciphertext: Buffer | null;
  tag: Buffer | null;
}

const COLUMNS = `issuer, subject, user_uid, user_name, provider, key_id, key_fingerprint, wrapped, iv, ciphertext, tag`;

/** Returns undefined when there is no refresh token: then all its columns are null. */
function sealedOf(row: LinkRow): SealedValue | undefined {
  const { key_id: keyId, key_fingerprint: fingerprint, wrapped, iv, ciphertext, tag } = row;
  if (keyId === null || fingerprint === null || wrapped === null) return undefined;
  if (iv === null || ciphertext === null || tag === null) return undefined;
  return { v: 1, keyId, fingerprint, wrapped, iv, ciphertext, tag };
}

function linkOf(row: LinkRow): IdentityLink {
  return {
    issuer: row.issuer,
    subject: row.subject,
    userUid: row.user_uid,
    userName: row.user_name,
    provider: row.provider,
    refreshToken: sealedOf(row),
  };
}

/** The identity of the refresh token, as authenticated by its seal. */
export function sealContext(link: Pick<IdentityLink, 'issuer' | 'subject'>): string {
  return `policy/identity-link/${JSON.stringify([link.issuer, link.subject])}`;
}

/** Locks the link, so that two sign-ins of one person follow each other. */
export async function lockLink(sql: Sql, issuer: string, subject: string): Promise<IdentityLink | undefined> {
  const [row] = await sql.query<LinkRow>(
    `select ${COLUMNS} from policy.identity_link where issuer = $1 and subject = $2 for update`,
    [issuer, subject],
    'lock_identity_link',
  );
  return row === undefined ? undefined : linkOf(row);
}

export async function isLinked(sql: Sql, userUid: string): Promise<boolean> {
  const rows = await sql.query('select 1 from policy.identity_link where user_uid = $1 limit 1', [userUid]);
  return rows.length > 0;
}

/** After a successful sign-in or check: replaces the previous token. */
export async function putLink(sql: Sql, link: IdentityLink): Promise<void> {
  const sealed = link.refreshToken;
  await sql.query(
    `insert into policy.identity_link
       (issuer, subject, user_uid, user_name, provider, key_id, key_fingerprint, wrapped, iv, ciphertext, tag)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
     on conflict (issuer, subject) do update set user_uid = excluded.user_uid, user_name = excluded.user_name,
       provider = excluded.provider, key_id = excluded.key_id, key_fingerprint = excluded.key_fingerprint,
       wrapped = excluded.wrapped, iv = excluded.iv, ciphertext = excluded.ciphertext, tag = excluded.tag,
       signed_in_at = clock_timestamp(), checked_at = clock_timestamp(), attempted_at = clock_timestamp(), ended_at = null`,
    [
      link.issuer,
      link.subject,
      link.userUid,
      link.userName,
      link.provider,
      sealed?.keyId ?? null,
      sealed?.fingerprint ?? null,
      sealed?.wrapped ?? null,
      sealed?.iv ?? null,
      sealed?.ciphertext ?? null,
      sealed?.tag ?? null,
    ],
    'put_identity_link',
  );
}

export interface Due {
  /** Not checked for so long; without a refresh token: not signed in for `uncheckedMs`. */
  readonly queryIntervalMs: number;
  readonly uncheckedMs: number;
  readonly limit: number;
}

/**
 * Claims links that are due, of users with a valid session or token, and marks them as checked so that other workers
 * skip them. The longest unchecked come first.
 */
export async function claimDueLinks(sql: Sql, { queryIntervalMs, uncheckedMs, limit }: Due): Promise<IdentityLink[]> {
  const rows = await sql.query<LinkRow>(
    `with due as (
       select l.issuer as i, l.subject as s from policy.identity_link l
       where l.ended_at is null and l.attempted_at < clock_timestamp() - $1 * interval '1 millisecond'
         and (l.key_id is not null or l.checked_at < clock_timestamp() - $2 * interval '1 millisecond')
         and (exists (select 1 from policy.session where user_uid = l.user_uid and ended_at is null and expires_at > clock_timestamp())
           or exists (select 1 from policy.token where owner_uid = l.user_uid and revoked_at is null and expires_at > clock_timestamp()))
       order by l.attempted_at limit $3 for update of l skip locked
     )
     update policy.identity_link set attempted_at = clock_timestamp() from due where issuer = due.i and subject = due.s
     returning ${COLUMNS}`,
    [queryIntervalMs, uncheckedMs, limit],
    'claim_identity_links',
  );
  return rows.map(linkOf);
}

/** Makes links due again, because the provider did not respond. */
export async function scheduleRecheck(sql: Sql, links: readonly IdentityLink[]): Promise<void> {
  await sql.query(
    `update policy.identity_link set attempted_at = '-infinity'
     from unnest($1::text[], $2::text[]) u(i, s) where issuer = u.i and subject = u.s`,
    [links.map((link) => link.issuer), links.map((link) => link.subject)],
    'schedule_identity_links',
  );
}

/**
 * Stores the new refresh token of a link, if the link still has the token that was used. Returns false if a sign-in
 * replaced it concurrently.
 */
export async function renewLink(sql: Sql, request: IdentityLink, refreshToken: SealedValue): Promise<boolean> {
  const { keyId, fingerprint, wrapped, iv, ciphertext, tag } = refreshToken;
  const rows = await sql.query(
    `update policy.identity_link set key_id = $4, key_fingerprint = $5, wrapped = $6, iv = $7, ciphertext = $8, tag = $9,
       checked_at = clock_timestamp()
     where issuer = $1 and subject = $2 and ciphertext is not distinct from $3 returning 1`,
    [
      request.issuer,
      request.subject,
      request.refreshToken?.ciphertext ?? null,
      keyId,
      fingerprint,
      wrapped,
      iv,
      ciphertext,
      tag,
    ],
    'renew_identity_link',
  );
  return rows.length > 0;
}

/** Deletes the token of a link that the provider has ended. Returns false if a sign-in replaced it concurrently. */
export async function endLink(sql: Sql, request: IdentityLink): Promise<boolean> {
  const rows = await sql.query(
    `update policy.identity_link set key_id = null, key_fingerprint = null, wrapped = null, iv = null, ciphertext = null, tag = null,
       ended_at = clock_timestamp()
     where issuer = $1 and subject = $2 and ciphertext is not distinct from $3 returning 1`,
    [request.issuer, request.subject, request.refreshToken?.ciphertext ?? null],
    'end_identity_link',
  );
  return rows.length > 0;
}
