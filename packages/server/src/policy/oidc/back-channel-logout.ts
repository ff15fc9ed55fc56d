/** OpenID Connect Back-Channel Logout 1.0: a provider reports that a user signed out or was signed out. */
import { DaisError, eventTypes } from '@dais/api';
import type { Sql } from '#engines/database/contract.ts';
import { readByUid } from '#kernel/store.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { Sessions } from '#policy/identity/sessions/sessions.ts';
import { verifyForeignToken, type VerifyDependencies } from './federation/foreign-token.ts';
import type { Person } from './person-claims.ts';
import type { ProviderSettings } from './provider-settings.ts';
import { spendToken } from './federation/spent-tokens.ts';

const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';

/** The sessions to end: all of a user, or those of one session at the provider. */
export interface Logout {
  readonly issuer: string;
  readonly subject: string | undefined;
  readonly providerSession: string | undefined;
  readonly tokenId: string;
  readonly expiresAt: number;
}

/** @throws DaisError `unauthenticated`, `upstream_failed`. */
export async function readLogoutToken(
  token: string,
  settings: Pick<ProviderSettings, 'issuer' | 'clientId'>,
  dependencies: VerifyDependencies,
): Promise<Logout> {
  const { issuer, audiences, all, id, expiresAt } = await verifyForeignToken(token, settings.issuer, dependencies);
  const { events, nonce, sid, sub } = all;
  if (!audiences.includes(settings.clientId)) throw refused('it has another audience');
  const isLogout = typeof events === 'object' && events !== null && Object.hasOwn(events, LOGOUT_EVENT);
  // An ID token never has the one and can always have the other: the two types cannot be confused.
  if (!isLogout || nonce !== undefined) throw refused('it is not a logout token');
  const providerSession = typeof sid === 'string' ? sid : undefined;
  if (sub === undefined && providerSession === undefined) throw refused('it has neither a subject nor a session');
  return { issuer, subject: sub, providerSession, tokenId: id, expiresAt };
}

/** Stores the session at the provider for a session of Dais. */
export async function recordProviderSession(sql: Sql, sessionId: string, person: Person): Promise<void> {
  await sql.query(
    'insert into policy.provider_session (session_id, issuer, subject, provider_session) values ($1, $2, $3, $4)',
    [sessionId, person.issuer, person.subject, person.providerSession ?? null],
    'note_provider_session',
  );
}

/** Ends them; how many. @throws DaisError `unauthenticated` for a token that was used before. */
export async function endSessionsNamed(tx: Transaction, logout: Logout, sessions: Sessions): Promise<number> {
  if (!(await spendToken(tx.sql, logout.issuer, logout.tokenId, logout.expiresAt))) {
    throw refused('it was used before');
  }
  const rows = await tx.sql.query<{ id: string; user_uid: string }>(
    `select s.id, s.user_uid from policy.provider_session p join policy.session s on s.id = p.session_id
     where p.issuer = $1 and ($2::text is null or p.subject = $2) and ($3::text is null or p.provider_session = $3)
       and s.ended_at is null`,
    [logout.issuer, logout.subject ?? null, logout.providerSession ?? null],
    'named_sessions',
  );
  const users = await readByUid(tx.sql, [...new Set(rows.map((row) => row.user_uid))]);
  let ended = 0;
  for (const { id, user_uid } of rows) {
    if (!(await sessions.end(tx, id))) continue;
    ended++;
    const user = users.find(({ uid }) => uid === user_uid);
    tx.emit({
      type: eventTypes.sessionEnded,
      projectId: ORGANIZATION,
      ...(user !== undefined && { subject: { kind: 'User', name: user.name, uid: user.uid } }),
      data: { session: id, reason: 'provider' },
    });
  }
  return ended;
}

function refused(reason: string): DaisError {
  return new DaisError('unauthenticated', `The logout token is not accepted: ${reason}.`);
}
