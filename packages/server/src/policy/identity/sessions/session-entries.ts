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
import { requireAccounts, subjectOf, type IdentityParts } from '#policy/identity/identity-parts.ts';
import { requireOwnAccount } from '#policy/identity/own-account.ts';
import type { SessionEntry } from '#policy/identity/sessions/sessions.ts';
import { findAccount, type Account } from '#policy/identity/users.ts';

export function sessionEntries(parts: IdentityParts): readonly OperationEntry[] {
  return [
    entry(
      listSessionsOperation,
      async (tx, { context }) =>
        await list(tx, parts, await requireOwnAccount(tx.sql, context.principal), context.principal.via?.credential),
    ),
    entry(
      revokeSessionOperation,
      async (tx, { context, input }) =>
        await revoke(tx, parts, await requireOwnAccount(tx.sql, context.principal), input.id),
    ),
    entry(
      listUserSessionsOperation,
      async (tx, { context, input }) =>
        await list(tx, parts, await requireUser(tx, input.name), context.principal.via?.credential),
    ),
    entry(
      revokeUserSessionOperation,
      async (tx, { input }) => await revoke(tx, parts, await requireUser(tx, input.name), input.id),
    ),
  ];
}

/** @throws DaisError `not_found`. */
export async function requireUser(tx: Transaction, name: string): Promise<Account> {
  const account = await findAccount(tx.sql, 'User', name);
  if (account === undefined) throw new DaisError('not_found', `There is no User "${name}".`);
  return account;
}

async function list(tx: Transaction, parts: IdentityParts, account: Account, current: string | undefined) {
  requireAccounts(parts);
  const items = await parts.sessions.list(tx.sql, account.uid);
  return { items: items.map((session) => present(session, current)) };
}

async function revoke(tx: Transaction, parts: IdentityParts, account: Account, id: string) {
  requireAccounts(parts);
  if (!(await parts.sessions.end(tx, id, account.uid))) {
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
