import { eventTypes } from '@dais/api';
import type { CallContext } from '#kernel/context.ts';
import type { Principal, Via } from '#kernel/principal.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { CookieAttributes } from '#lib/http/cookies.ts';
import { isBySession } from '#policy/identity/own-account.ts';
import { SESSION_COOKIE, endOldestSessions, type CreatedSession, type Sessions } from './sessions.ts';

/** Fewer than a list shows, so that every one can be seen and ended. */
const MOST_SESSIONS = 100;

export interface SessionStart {
  readonly user: { readonly uid: string; readonly name: string };
  readonly method: Extract<Via['method'], 'password' | 'oidc' | 'saml'>;
  readonly provider?: string;
  readonly mfa: boolean;
}

/**
 * Starts a session and ends the previous session of the browser, so that a planted session becomes useless (session
 * fixation). The caller first calls `holdVersion` and reads the user in the same transaction.
 */
export async function startSession(
  tx: Transaction,
  sessions: Sessions,
  context: CallContext,
  start: SessionStart,
): Promise<{ readonly session: CreatedSession; readonly cookie: CookieAttributes; readonly principal: Principal }> {
  const { user, method, provider, mfa } = start;
  const before = isBySession(context.principal) ? context.principal.via?.credential : undefined;
  if (before !== undefined && (await sessions.end(tx, before))) {
    tx.emit({
      type: eventTypes.sessionEnded,
      projectId: ORGANIZATION,
      data: { session: before, reason: 'replaced' },
    });
  }
  const session = await sessions.create(tx, { ...start, client: context.client });
  const ended = await endOldestSessions(tx, user.uid, MOST_SESSIONS);
  const subject = { kind: 'User', name: user.name, uid: user.uid };
  if (ended > 0) {
    tx.emit({
      type: eventTypes.sessionEnded,
      projectId: ORGANIZATION,
      subject,
      data: { reason: 'replaced', count: ended },
    });
  }
  tx.emit({
    type: eventTypes.sessionStarted,
    projectId: ORGANIZATION,
    subject,
    data: { session: session.id, method, ...(provider !== undefined && { provider }), mfa },
  });
  return {
    session,
    cookie: { name: SESSION_COOKIE, value: session.secret, maxAgeSeconds: session.maxAgeSeconds },
    principal: { type: 'user', id: user.name, via: { method, credential: session.id, mfa } },
  };
}

/** Deletes the cookie. */
export const NO_SESSION: CookieAttributes = { name: SESSION_COOKIE, maxAgeSeconds: 0 };
