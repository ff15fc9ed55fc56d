/** Rows of `policy.device_grant`: sign-ins of command lines that wait for approval. All times are of the database. */
import type { Sql } from '#engines/database/contract.ts';
import { uuidv7 } from '#lib/ids.ts';
import { secretDigest } from '#lib/crypto/digests.ts';

export const GRANT_SECONDS = 600;
export const POLL_SECONDS = 5;

export interface DeviceGrant {
  readonly id: string;
  readonly machine: string;
  readonly program: string;
  readonly address: string | null;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly holds: boolean;
  readonly approved: boolean | null;
  readonly user: { readonly uid: string; readonly name: string; readonly mfa: boolean } | undefined;
  /** Seconds that the command line must wait between polls. */
  readonly interval: number;
  /** It waited less than that. */
  readonly tooSoon: boolean;
}

interface GrantRow {
  id: string;
  machine: string;
  program: string;
  address: string | null;
  created_at: Date;
  expires_at: Date;
  holds: boolean;
  approved: boolean | null;
  user_uid: string | null;
  user_name: string | null;
  mfa: boolean | null;
  interval_seconds: number;
  too_soon: boolean;
}

// A second of grace: what a timer and a network make of an interval.
const COLUMNS = `id, machine, program, address, created_at, expires_at, expires_at > clock_timestamp() as holds,
  approved, user_uid, user_name, mfa, interval_seconds,
  coalesce(polled_at > clock_timestamp() - (interval_seconds - 1) * interval '1 second', false) as too_soon`;

function grantOf(row: GrantRow): DeviceGrant {
  const { user_uid: uid, user_name: name, mfa } = row;
  return {
    id: row.id,
    machine: row.machine,
    program: row.program,
    address: row.address,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    holds: row.holds,
    approved: row.approved,
    user: uid === null || name === null || mfa === null ? undefined : { uid, name, mfa },
    interval: row.interval_seconds,
    tooSoon: row.too_soon,
  };
}

export async function insertGrant(
  sql: Sql,
  grant: {
    readonly deviceCode: string;
    readonly userCode: string;
    readonly machine: string;
    readonly program: string;
    readonly address: string | undefined;
  },
): Promise<void> {
  await sql.query(
    `insert into policy.device_grant (id, device_digest, code_digest, machine, program, address, interval_seconds, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, clock_timestamp() + $8 * interval '1 second')`,
    [
      uuidv7(),
      secretDigest(grant.deviceCode),
      secretDigest(grant.userCode),
      grant.machine,
      grant.program,
      grant.address ?? null,
      POLL_SECONDS,
      GRANT_SECONDS,
    ],
    'insert_device_grant',
  );
}

/** Finds a grant by its device code; locked until the transaction ends. */
export async function lockGrant(sql: Sql, deviceCode: string): Promise<DeviceGrant | undefined> {
  const [row] = await sql.query<GrantRow>(
    `select ${COLUMNS} from policy.device_grant where device_digest = $1 for update`,
    [secretDigest(deviceCode)],
    'lock_device_grant',
  );
  return row === undefined ? undefined : grantOf(row);
}

/** Finds a grant by its user code while it can still be decided. */
export async function findUndecided(sql: Sql, userCode: string, lock: boolean): Promise<DeviceGrant | undefined> {
  const [row] = await sql.query<GrantRow>(
    `select ${COLUMNS} from policy.device_grant
     where code_digest = $1 and approved is null and expires_at > clock_timestamp() ${lock ? 'for update' : ''}`,
    [secretDigest(userCode)],
    lock ? 'lock_undecided_grant' : 'find_undecided_grant',
  );
  return row === undefined ? undefined : grantOf(row);
}

export async function decideGrant(
  sql: Sql,
  id: string,
  user: NonNullable<DeviceGrant['user']> | undefined,
): Promise<void> {
  await sql.query(
    'update policy.device_grant set approved = $2, user_uid = $3, user_name = $4, mfa = $5 where id = $1',
    [id, user !== undefined, user?.uid ?? null, user?.name ?? null, user?.mfa ?? null],
    'decide_device_grant',
  );
}

/** Records a poll; `slower` increases the interval by five seconds, as in RFC 8628 §3.5. Returns the interval. */
export async function recordPoll(sql: Sql, grant: DeviceGrant, slower: boolean): Promise<number> {
  const interval = slower ? grant.interval + POLL_SECONDS : grant.interval;
  await sql.query(
    'update policy.device_grant set polled_at = clock_timestamp(), interval_seconds = $2 where id = $1',
    [grant.id, interval],
    'note_device_poll',
  );
  return interval;
}

export async function deleteGrant(sql: Sql, id: string): Promise<void> {
  await sql.query('delete from policy.device_grant where id = $1', [id], 'delete_device_grant');
}
