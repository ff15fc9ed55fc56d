/** Tokens with which new nodes join an installation: made by an administrator, used by data folders at their first start. */
import { randomUUID } from 'node:crypto';
import { DaisError, eventTypes } from '@dais/api';
import { NODE_TOKEN_LIMITS, type NodeRole, type NodeToken } from '@dais/api/access';
import type { Sql } from '#engines/database/contract.ts';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import type { Principal } from '#kernel/principal.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { secretDigest } from '#lib/crypto/digests.ts';
import { randomBytes } from '#lib/crypto/random-bytes.ts';

const RANDOM_BYTES = 24;
/** With the prefix, secret scanners recognize it. */
const PREFIX = 'dais_join_';

export interface NodeTokenRequest {
  readonly roles: readonly NodeRole[];
  readonly uses: number;
  readonly expiresInSeconds: number;
}

interface TokenRow {
  readonly id: string;
  readonly roles: string[];
  readonly uses: number;
  readonly used: number;
  readonly createdBy: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/** @throws DaisError `quota_exceeded` when too many tokens are valid. */
export async function createNodeToken(
  tx: Transaction,
  { roles, uses, expiresInSeconds }: NodeTokenRequest,
  { type, id: name }: Pick<Principal, 'type' | 'id'>,
): Promise<{ readonly token: string; readonly entry: NodeToken }> {
  const { sql } = tx;
  await sql.query(
    'delete from nodes.token where expires_at < clock_timestamp() or used >= uses',
    [],
    'drop_invalid_node_tokens',
  );
  const [valid] = await sql.query<{ n: number }>('select count(*)::int as n from nodes.token', [], 'count_node_tokens');
  if ((valid?.n ?? 0) >= NODE_TOKEN_LIMITS.maxTokens) {
    throw new DaisError(
      'quota_exceeded',
      `${NODE_TOKEN_LIMITS.maxTokens} node tokens are valid, which is the limit. Revoke unused ones with \`dais admin revoke-node-token ID\`.`,
    );
  }
  const token = `${PREFIX}${randomBytes(RANDOM_BYTES).toString('base64url')}`;
  const [row] = await sql.query<TokenRow>(
    `insert into nodes.token (id, digest, roles, uses, created_by, expires_at)
     values ($1, $2, $3::text[], $4, $5, clock_timestamp() + make_interval(secs => $6))
     returning id, roles, uses, used, created_by as "createdBy", created_at as "createdAt", expires_at as "expiresAt"`,
    [randomUUID(), secretDigest(token), [...new Set(roles)], uses, `${type}:${name}`, expiresInSeconds],
    'create_node_token',
  );
  if (row === undefined) throw new Error('the insert returned no row');
  const entry = presentToken(row);
  tx.emit({
    type: eventTypes.nodeTokenCreated,
    projectId: ORGANIZATION,
    data: { token: entry.id, roles: entry.roles, uses, expiresAt: entry.expiresAt },
  });
  return { token, entry };
}

const LIST = 'node tokens';
/** Separates time and id in a cursor. */
const SEPARATOR = ' ';

/** Returns a page of the tokens that are valid, newest first. @throws DaisError `invalid_cursor`. */
export async function listNodeTokens(
  { sql }: Transaction,
  { limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined },
): Promise<{ readonly items: readonly NodeToken[]; readonly nextCursor?: string }> {
  const [at, id] = decodePageCursor(LIST, cursor)?.split(SEPARATOR) ?? [];
  if (cursor !== undefined && (Number.isNaN(Date.parse(at ?? '')) || id === undefined)) {
    throw new DaisError('invalid_cursor', 'The cursor is not valid, or it belongs to another list.');
  }
  const rows = await sql.query<TokenRow>(
    `select id, roles, uses, used, created_by as "createdBy", created_at as "createdAt", expires_at as "expiresAt"
     from nodes.token where expires_at >= clock_timestamp() and used < uses
       and ($1::timestamptz is null or (date_trunc('milliseconds', created_at), id::text) < ($1::timestamptz, $2::text))
     order by date_trunc('milliseconds', created_at) desc, id::text desc limit $3`,
    [at ?? null, id ?? null, limit + 1],
    'list_node_tokens',
  );
  const { page, next } = cutPage(rows, limit, LIST, (row) => `${row.createdAt.toISOString()}${SEPARATOR}${row.id}`);
  return { items: page.map(presentToken), ...next };
}

/** @throws DaisError `not_found`. */
export async function revokeNodeToken(tx: Transaction, id: string): Promise<void> {
  const [gone] = await tx.sql.query<{ id: string }>(
    'delete from nodes.token where id = $1 returning id',
    [id],
    'revoke_node_token',
  );
  if (gone === undefined) throw new DaisError('not_found', `No node token has the id ${id}.`);
  tx.emit({ type: eventTypes.nodeTokenRevoked, projectId: ORGANIZATION, data: { token: id } });
}

export interface UsedToken {
  readonly id: string;
  readonly createdBy: string;
}

/** Uses a token once. Returns why it cannot be used for a node of this role; never a part of the token. */
export async function useNodeToken(
  sql: Sql,
  token: string,
  role: string,
): Promise<UsedToken | { readonly problem: string }> {
  const [found] = await sql.query<{ id: string; createdBy: string; roles: string[]; isOver: boolean; isUsed: boolean }>(
    `select id, created_by as "createdBy", roles, expires_at < clock_timestamp() as "isOver", used >= uses as "isUsed"
     from nodes.token where digest = $1 for update`,
    [secretDigest(token)],
    'find_node_token',
  );
  if (found === undefined) return { problem: 'its token is unknown or was revoked' };
  if (found.isOver) return { problem: 'its token has expired' };
  if (found.isUsed) return { problem: 'its token was used by as many nodes as it permits' };
  if (!found.roles.includes(role)) {
    return {
      problem: `its token permits nodes with the role ${found.roles.join(' or ')}, and this node has the role ${role}`,
    };
  }
  await sql.query('update nodes.token set used = used + 1 where id = $1', [found.id], 'use_node_token');
  return { id: found.id, createdBy: found.createdBy };
}

function presentToken({ id, roles, uses, used, createdBy, createdAt, expiresAt }: TokenRow): NodeToken {
  return {
    id,
    roles: roles as NodeRole[],
    uses,
    used,
    createdBy,
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
  };
}
