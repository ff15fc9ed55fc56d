/** Sessions as their owners and administrators list and end them. */
import { DaisError, eventTypes } from '@dais/api';
import {
  listSessionsOperation,
  listUserSessionsOperation,
  revokeSessionOperation,
  revokeUserSessionOperation,
} from '@dais/api/access';
import { entry, type OperationEntry } from '#kernel/entry.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { requireAccounts, subjectOf, type IdentityDependencies } from '#policy/identity/identity-dependencies.ts';
import { requireOwnAccount } from '#policy/identity/own-account.ts';
import type { SessionEntry } from '#policy/identity/sessions/sessions.ts';
import { findAccount, type Account } from '#policy/identity/users.ts';

export function sessionEntries(dependencies: IdentityDependencies): readonly OperationEntry[] {
  return [
    entry(
      listSessionsOperation,
      async (tx, { context }) =>
        await list(
          tx,
          dependencies,
          await requireOwnAccount(tx.sql, context.principal),
          context.principal.via?.credential,
        ),
    ),
    entry(
      revokeSessionOperation,
      async (tx, { context, input }) =>
        await revoke(tx, dependencies, await requireOwnAccount(tx.sql, context.principal), input.id),
    ),
    entry(
      listUserSessionsOperation,
      async (tx, { context, input }) =>
        await list(tx, dependencies, await requireUser(tx, input.name), context.principal.via?.credential),
    ),
    entry(
      revokeUserSessionOperation,
      async (tx, { input }) => await revoke(tx, dependencies, await requireUser(tx, input.name), input.id),
    ),
  ];
}

/** @throws DaisError `not_found`. */
export async function requireUser(tx: Transaction, name: string): Promise<Account> {
  const account = await findAccount(tx.sql, 'User', name);
  if (account === undefined) throw new DaisError('not_found', `There is no User "${name}".`);
  return account;
}

async function list(
  tx: Transaction,
  dependencies: IdentityDependencies,
  account: Account,
  current: string | undefined,
) {
  requireAccounts(dependencies);
  const items = await dependencies.sessions.list(tx.sql, account.uid);
  return { items: items.map((session) => present(session, current)) };
}

async function revoke(tx: Transaction, dependencies: IdentityDependencies, account: Account, id: string) {
  requireAccounts(dependencies);
  if (!(await dependencies.sessions.end(tx, id, account.uid))) {
    throw new DaisError('not_found', `"${account.name}" has no session ${id}.`);
  }
  tx.emit({
    type: eventTypes.sessionEnded,
    projectId: ORGANIZATION,
    subject: subjectOf(account),
    data: { session: id, reason: 'revoked' },
  });
  return {};
}

function present(session: SessionEntry, current: string | undefined) {
  const { id, method, provider, mfa, address, userAgent } = session;
  return {
    id,
    current: id === current,
    method,
    ...(provider !== null && { provider }),
    mfa,
    ...(address !== null && { address }),
    ...(userAgent !== null && { userAgent }),
    createdAt: session.createdAt.toISOString(),
    usedAt: session.usedAt.toISOString(),
    expiresAt: session.expiresAt.toISOString(),
  };
}
