import { DaisError } from '@dais/api';
import type { Sql } from '#engines/database/contract.ts';
import type { Principal } from '#kernel/principal.ts';
import { findAccount, type Account } from '#policy/identity/users.ts';

/**
 * Returns the account of the caller. @throws DaisError `unauthenticated` for anonymous callers; `invalid_state` for the
 * owner token, which belongs to no account; `forbidden` for a suspended or deleted account.
 */
export async function requireOwnAccount(sql: Sql, principal: Principal): Promise<Account> {
  const { type, id, via } = principal;
  if (via === undefined || via.method === 'none') throw new DaisError('unauthenticated', 'Sign in first.');
  if (via.method === 'owner-token' || via.method === 'solo') {
    throw new DaisError(
      'invalid_state',
      'The owner token belongs to no account. Sign in with your account. To create the first account, run `dais user invite EMAIL --admin`.',
    );
  }
  const account = await findAccount(sql, type === 'service' ? 'ServiceAccount' : 'User', id);
  if (account === undefined || account.suspended) throw new DaisError('forbidden', `The account "${id}" is suspended.`);
  return account;
}

/** True for the session of a browser: tokens lack some permissions of their user. */
export function isBySession({ via }: Principal): boolean {
  return via?.method === 'password' || via?.method === 'oidc' || via?.method === 'saml';
}
