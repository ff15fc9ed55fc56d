import type { CurrentSession } from '@dais/api/access';
import type { Sql } from '#engines/database/contract.ts';
import type { Principal } from '#kernel/principal.ts';
import type { IdentityDependencies } from '#policy/identity/identity-dependencies.ts';
import { findAccount } from '#policy/identity/users.ts';

/** The identity of the caller, as shown to users and tools; also for anonymous callers. */
export async function describeCaller(
  sql: Sql,
  dependencies: IdentityDependencies,
  principal: Principal,
): Promise<CurrentSession> {
  const { mode, passwords } = dependencies.settings;
  const signIn = { passwords: mode === 'accounts' && passwords, providers: [...dependencies.providers] };
  const { type, id, via, scopes, project } = principal;
  if (via === undefined || via.method === 'none') return { mode, signIn };
  const account = type === 'user' ? await findAccount(sql, 'User', id) : undefined;
  return {
    mode,
    actor: { type, id },
    ...(account?.displayName !== undefined && { displayName: account.displayName }),
    ...(account?.email !== undefined && { email: account.email }),
    method: via.method,
    ...(via.credential !== undefined && { session: via.credential }),
    mfa: via.mfa,
    ...(scopes !== undefined && { scopes: [...scopes] }),
    ...(project !== undefined && { project }),
    signIn,
  };
}
