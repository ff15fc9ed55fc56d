/** Links by which a person gets an account, or a new password: 256 random bits, used once. */
import type { Actor } from '@dais/api';
import type { Sql } from '#engines/database/contract.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { uuidv7 } from '#lib/ids.ts';
import { secretDigest, type RandomSource } from '#lib/crypto/digests.ts';

export interface NewInvitation {
  readonly email: string;
  readonly userName: string;
  /** The user of a password reset; absent for a new user. */
  readonly userUid?: string;
  readonly administrator: boolean;
  readonly createdBy: Actor;
  readonly lifeMs: number;
}

export interface Invitation {
  readonly id: string;
  readonly email: string;
  readonly userName: string;
  readonly userUid: string | undefined;
  readonly administrator: boolean;
  readonly createdBy: Actor;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

const SECRET_BYTES = 32;

export async function insertInvitation(
  tx: Transaction,
  input: NewInvitation,
  random: RandomSource,
): Promise<{ readonly id: string; readonly secret: string; readonly expiresAt: Date }> {
  const id = uuidv7();
  const secret = random(SECRET_BYTES).toString('base64url');
  const [row] = await tx.sql.query<{ expires_at: Date }>(
    `insert into policy.invitation (id, digest, email, user_uid, user_name, admin, created_by, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, clock_timestamp() + $8 * interval '1 millisecond') returning expires_at`,
    [
      id,
      secretDigest(secret),
      input.email,
      input.userUid ?? null,
      input.userName,
      input.administrator,
      JSON.stringify({ type: input.createdBy.type, id: input.createdBy.id }),
      input.lifeMs,
    ],
  );
  if (row === undefined) throw new Error('the insert of an invitation returned no row');
  return { id, secret, expiresAt: row.expires_at };
}

const OPEN = 'accepted_at is null and revoked_at is null and expires_at > clock_timestamp()';
const COLUMNS = 'id, email, user_uid, user_name, admin, created_by, created_at, expires_at';

/** Returns the open invitation with a secret. `lock`: other transactions cannot accept it until this one ends. */
export async function findInvitation(sql: Sql, secret: string, lock: boolean): Promise<Invitation | undefined> {
  const [row] = await sql.query<Row>(
    `select ${COLUMNS} from policy.invitation where digest = $1 and ${OPEN} ${lock ? 'for update' : ''}`,
    [secretDigest(secret)],
  );
  return row === undefined ? undefined : invitationOf(row);
}

export async function listInvitations(sql: Sql): Promise<readonly Invitation[]> {
  const rows = await sql.query<Row>(
    `select ${COLUMNS} from policy.invitation where ${OPEN} order by created_at desc, id desc limit 1000`,
  );
  return rows.map(invitationOf);
}

export async function acceptInvitation(tx: Transaction, id: string): Promise<void> {
  await tx.sql.query('update policy.invitation set accepted_at = clock_timestamp() where id = $1', [id]);
}

/** False when there is none that is open. */
export async function revokeInvitation(tx: Transaction, id: string): Promise<boolean> {
  const rows = await tx.sql.query(
    `update policy.invitation set revoked_at = clock_timestamp() where id = $1 and ${OPEN} returning 1`,
    [id],
  );
  return rows.length > 0;
}

/** Ends all open invitations of a user or address, because a newer one replaces them. */
export async function replaceInvitations(tx: Transaction, userName: string): Promise<void> {
  await tx.sql.query(`update policy.invitation set revoked_at = clock_timestamp() where user_name = $1 and ${OPEN}`, [
    userName,
  ]);
}

interface Row {
  id: string;
  email: string;
  user_uid: string | null;
  user_name: string;
  admin: boolean;
  created_by: Actor;
  created_at: Date;
  expires_at: Date;
}

function invitationOf(row: Row): Invitation {
  return {
    id: row.id,
    email: row.email,
    userName: row.user_name,
    userUid: row.user_uid ?? undefined,
    administrator: row.admin,
    createdBy: row.created_by,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  };
}
