/** What happens to credentials when the account changes that they belong to. */
import { eventTypes } from '@dais/api';
import { ORGANIZATION } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { endSessionsOf } from '#policy/identity/sessions/sessions.ts';
import { revokeTokensOf } from '#policy/identity/tokens/tokens.ts';
import { bumpVersion } from '#policy/state.ts';

export interface AccountSubject {
  readonly kind: 'User' | 'ServiceAccount';
  readonly uid: string;
  readonly name: string;
}

/** Ends every session and token of an account, including concurrently created ones, in the transaction of the cause. */
export async function endCredentials(
  tx: Transaction,
  account: AccountSubject,
  reason: 'password' | 'suspended' | 'deleted' | 'provider',
): Promise<void> {
  // This runs first: a concurrent creation of a session either commits before and is found, or sees the change.
  await bumpVersion(tx);
  const sessions = await endSessionsOf(tx, account.uid);
  const tokens = await revokeTokensOf(tx, account.uid);
  // A command line that was let in and has not yet fetched its token gets none.
  await tx.sql.query(
    'update policy.device_grant set approved = false where user_uid = $1',
    [account.uid],
    'deny_device_grants',
  );
  const common = { projectId: ORGANIZATION, subject: { kind: account.kind, name: account.name, uid: account.uid } };
  if (sessions > 0) tx.emit({ ...common, type: eventTypes.sessionEnded, data: { reason, count: sessions } });
  if (tokens > 0) tx.emit({ ...common, type: eventTypes.tokenRevoked, data: { reason, count: tokens } });
}

/** Assigns an email address to a user. Returns undefined, or the uid of the user who already has it. */
export async function claimEmail(tx: Transaction, email: string, userUid: string): Promise<string | undefined> {
  const address = email.toLowerCase();
  await tx.sql.query('delete from policy.email where user_uid = $1 and address <> $2', [userUid, address]);
  const [row] = await tx.sql.query<{ user_uid: string }>(
    `insert into policy.email (address, user_uid) values ($1, $2)
     on conflict (address) do update set address = excluded.address returning user_uid`,
    [address, userUid],
    'claim_email',
  );
  return row === undefined || row.user_uid === userUid ? undefined : row.user_uid;
}

/** The same without taking it. */
export async function findEmailOwner(tx: Transaction, email: string): Promise<string | undefined> {
  const [row] = await tx.sql.query<{ user_uid: string }>('select user_uid from policy.email where address = $1', [
    email.toLowerCase(),
  ]);
  return row?.user_uid;
}

/** Deletes the data of a deleted user: password, email address, invitation links, and its link to a provider (SCIM). */
export async function forgetUser(tx: Transaction, userUid: string): Promise<void> {
  await tx.sql.query('delete from policy.password where user_uid = $1', [userUid]);
  await tx.sql.query('delete from policy.email where user_uid = $1', [userUid]);
  await tx.sql.query('delete from policy.provisioned_user where user_uid = $1', [userUid]);
  await tx.sql.query(
    'update policy.invitation set revoked_at = clock_timestamp() where user_uid = $1 and revoked_at is null',
    [userUid],
  );
}
