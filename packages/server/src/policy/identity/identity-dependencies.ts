import { DaisError, type Operation } from '@dais/api';
import type { Database } from '#engines/database/contract.ts';
import type { Principal } from '#kernel/principal.ts';
import type { KindRegistry } from '#kernel/registry.ts';
import type { CallContext } from '#kernel/context.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import type { RandomSource } from '#lib/crypto/digests.ts';
import type { PasswordHasher } from '#policy/identity/passwords/password-hash.ts';
import type { Sessions } from '#policy/identity/sessions/sessions.ts';

/** Dependencies of the identity operations. */
export interface IdentityDependencies {
  readonly database: Database;
  readonly kinds: KindRegistry;
  readonly sessions: Sessions;
  readonly hasher: PasswordHasher;
  readonly random: RandomSource;
  readonly settings: IdentitySettings;
  /** Where people reach the server, without a slash at the end. */
  readonly url: string;
  /** Every operation of this program; known once the kernel is there. */
  readonly operations: () => readonly Operation[];
  /** Identity providers that people may sign in at. */
  readonly providers: readonly { readonly name: string; readonly protocol: 'oidc' | 'saml'; readonly title: string }[];
}

export interface IdentitySettings {
  readonly mode: 'solo' | 'accounts';
  /** Whether people may sign in with passwords. */
  readonly passwords: boolean;
  readonly tokenDays: number;
  readonly maxTokenDays: number;
}

/** @throws DaisError `invalid_state` if the installation has no accounts. */
export function requireAccounts({ settings }: { readonly settings: Pick<IdentitySettings, 'mode'> }): void {
  if (settings.mode === 'accounts') return;
  throw new DaisError(
    'invalid_state',
    'This installation has one owner and no accounts. To add users and service accounts, start it with `authentication.mode: accounts` (DAIS_AUTHENTICATION_MODE=accounts).',
  );
}

/** Writes as a principal other than the caller of the route: a user who has just authenticated. */
export async function writeAs<T>(
  { database }: IdentityDependencies,
  context: CallContext,
  principal: Principal,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  const { client, requestId, origin } = context;
  const by = { principal, requestId, origin, ...(client !== undefined && { client }) };
  return await transact(database, { mode: 'write', projectId: ORGANIZATION, by }, work);
}

/** The subject of events about a user or service account. */
export function subjectOf(account: { readonly kind: string; readonly name: string; readonly uid: string }) {
  return { kind: account.kind, name: account.name, uid: account.uid };
}
