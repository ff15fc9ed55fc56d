/** Signing in at an identity provider with a browser: OpenID Connect, code flow with PKCE. */
import { DaisError, eventTypes } from '@dais/api';
import {
  endFromProviderOperation,
  finishSignInOperation,
  leaveProviderOperation,
  startSignInOperation,
} from '@dais/api/access';
import type { CallContext } from '#kernel/context.ts';
import type { CallOf, OperationEntry } from '#kernel/entry.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { authEntry, type AuthResultOf } from '#policy/auth-result.ts';
import { addressGroup, countAttempt } from '#policy/identity/attempts.ts';
import { requireAccounts } from '#policy/identity/identity-dependencies.ts';
import { startSession } from '#policy/identity/sessions/session-start.ts';
import { recordSignIn } from '#policy/identity/users.ts';
import { holdVersion } from '#policy/state.ts';
import { accountOf } from './account-linking.ts';
import { putLink, sealContext } from './identity-links.ts';
import type { Grant, ProviderClient } from './provider-client.ts';
import type { SealedValue } from './sealer.ts';
import {
  ATTEMPT_SECONDS,
  BROWSER_COOKIE,
  challengeOf,
  makeAttempt,
  insertAttempt,
  consumeAttempt,
} from './sign-in-attempts.ts';
import { endSessionsNamed, recordProviderSession, readLogoutToken } from './back-channel-logout.ts';
import type { SignInDependencies } from './dependencies.ts';

/** Sign-ins that one address may start in ten minutes; it can be the address of a whole company. Each costs a row. */
const MOST_STARTS = 600;

export function providerEntries(dependencies: SignInDependencies): readonly OperationEntry[] {
  return [
    authEntry(startSignInOperation, { perform: async (call) => await start(dependencies, call) }),
    authEntry(finishSignInOperation, { perform: async (call) => await finish(dependencies, call) }),
    authEntry(leaveProviderOperation, { perform: async (call) => await leave(dependencies, call) }),
    authEntry(endFromProviderOperation, { perform: async (call) => await endFromProvider(dependencies, call) }),
  ];
}

async function start(
  dependencies: SignInDependencies,
  { input, context }: CallOf<typeof startSignInOperation>,
): Promise<AuthResultOf<typeof startSignInOperation>> {
  requireAccounts(dependencies);
  const client = providerOf(dependencies, input.provider);
  await limitStarts(dependencies, context);
  const attempt = makeAttempt(dependencies.random);
  const location = await client.authorizationUrl(attempt.challenge, callbackUrl(dependencies, input.provider));
  await transact(dependencies.database, { mode: 'write', projectId: ORGANIZATION }, async ({ sql }) => {
    await insertAttempt(sql, attempt, { provider: input.provider, next: returnPath(input.next) });
  });
  return {
    body: { location },
    redirect: location,
    cookies: [{ name: BROWSER_COOKIE, value: attempt.browser, maxAgeSeconds: ATTEMPT_SECONDS }],
  };
}

async function finish(
  dependencies: SignInDependencies,
  { input, context }: CallOf<typeof finishSignInOperation>,
): Promise<AuthResultOf<typeof finishSignInOperation>> {
  const client = providerOf(dependencies, input.provider);
  const state = new URLSearchParams(input.answer).get('state');
  const next =
    state === null || input.browser === undefined
      ? undefined
      : await takeOnce(dependencies, state, input.browser, input.provider);
  if (state === null || input.browser === undefined || next === undefined) {
    // The cause is a link that someone else prepared, a replayed response, or another browser.
    throw new DaisError(
      'unauthenticated',
      `The sign-in is not valid: this browser did not start it, already completed it, or took longer than ${ATTEMPT_SECONDS / 60} minutes. Sign in again.`,
    );
  }
  const answer = new URL(`${callbackUrl(dependencies, input.provider)}?${input.answer}`);
  const grant = await client.exchange(answer, challengeOf(state, input.browser));
  const { user, cookie } = await admit(dependencies, client, grant, context);
  return {
    body: { user, next },
    redirect: next,
    cookies: [cookie, { name: BROWSER_COOKIE, maxAgeSeconds: 0 }],
  };
}

/** In a separate transaction: it is consumed whatever happens next. */
async function takeOnce(dependencies: SignInDependencies, state: string, browser: string, provider: string) {
  return await transact(
    dependencies.database,
    { mode: 'write', projectId: ORGANIZATION },
    async ({ sql }) => await consumeAttempt(sql, state, browser, provider),
  );
}

/** Signs in a user whom the provider authenticated. */
async function admit(dependencies: SignInDependencies, client: ProviderClient, grant: Grant, context: CallContext) {
  const { person } = grant;
  const { settings } = client;
  const refreshToken = await sealToken(dependencies, grant);
  const by = { ...context, principal: { type: 'user', id: person.email ?? person.subject } as const };
  const work = async (tx: Transaction) => {
    await holdVersion(tx);
    const user = await accountOf(tx, person, settings, dependencies.kinds);
    const { issuer, subject } = person;
    const link = { issuer, subject, userUid: user.uid, userName: user.name, provider: settings.name, refreshToken };
    await putLink(tx.sql, link);
    await recordSignIn(tx, { userUid: user.uid, provider: settings.name, groups: person.groups });
    const { mfa } = person;
    const start = { user, method: 'oidc', provider: settings.name, mfa } as const;
    const { session, cookie } = await startSession(tx, dependencies.sessions, context, start);
    await recordProviderSession(tx.sql, session.id, person);
    return { user: user.name, cookie };
  };
  try {
    return await transact(dependencies.database, { mode: 'write', projectId: ORGANIZATION, by }, work);
  } catch (error) {
    if (error instanceof DaisError && error.code === 'unauthenticated') {
      await transact(dependencies.database, { mode: 'write', projectId: ORGANIZATION, by }, async (tx) => {
        tx.emit({ type: eventTypes.sessionRefused, projectId: ORGANIZATION, data: { reason: 'provider' } });
      });
    }
    throw error;
  }
}

/** Outside any transaction: the key store may be far away. */
async function sealToken(
  dependencies: SignInDependencies,
  { person, refreshToken }: Grant,
): Promise<SealedValue | undefined> {
  if (refreshToken === undefined) return undefined;
  return await dependencies.sealer.seal(Buffer.from(refreshToken, 'utf8'), sealContext(person));
}

async function leave(
  dependencies: SignInDependencies,
  { input }: CallOf<typeof leaveProviderOperation>,
): Promise<AuthResultOf<typeof leaveProviderOperation>> {
  const client = providerOf(dependencies, input.provider);
  const location = (await client.endSessionUrl(`${dependencies.url}/`)) ?? '/';
  return { body: { location }, redirect: location };
}

async function endFromProvider(
  dependencies: SignInDependencies,
  { input, context }: CallOf<typeof endFromProviderOperation>,
): Promise<AuthResultOf<typeof endFromProviderOperation>> {
  const { settings } = providerOf(dependencies, input.provider);
  const logout = await readLogoutToken(input.logout_token, settings, {
    keys: dependencies.providerKeys,
    clock: dependencies.clock,
  });
  const ended = await transact(
    dependencies.database,
    { mode: 'write', projectId: ORGANIZATION, by: context },
    async (tx) => await endSessionsNamed(tx, logout, dependencies.sessions),
  );
  return { body: { ended } };
}

function providerOf(dependencies: SignInDependencies, name: string): ProviderClient {
  const client = dependencies.providers.get(name);
  if (client !== undefined) return client;
  throw new DaisError('not_found', `There is no identity provider "${name}".`);
}

function callbackUrl(dependencies: SignInDependencies, provider: string): string {
  return `${dependencies.url}/auth/oidc/${encodeURIComponent(provider)}/callback`;
}

/** @throws DaisError `rate_limited`. */
export async function limitStarts(
  dependencies: Pick<SignInDependencies, 'database'>,
  { client }: CallContext,
): Promise<void> {
  const key = `sign-in start ${addressGroup(client?.address ?? '')}`;
  const refused = await countAttempt(dependencies.database, [{ key, most: MOST_STARTS, windowMs: 600_000 }]);
  if (refused !== undefined) throw refused.error;
}

/**
 * Returns the path of a browser after sign-in: a path of this server, or `/` for anything else. Rejects everything that
 * a browser could interpret as another host: `//host`, `/\host`, control characters that it drops (`/\t/host`),
 * schemes.
 */
export function returnPath(next: string | undefined): string {
  if (next === undefined || next.length > 2048) return '/';
  if (!next.startsWith('/') || /^\/[/\\]/.test(next) || /[\u0000-\u0020\u007f-\u009f\\]/.test(next)) return '/';
  const base = 'http://dais.invalid';
  const url = URL.canParse(next, base) ? new URL(next, base) : undefined;
  // `/..//host` is a path of this server until it has been resolved.
  if (url?.origin !== base || url.pathname.startsWith('//')) return '/';
  // What signs in or out is no place to come back to.
  return url.pathname.startsWith('/auth/') ? '/' : `${url.pathname}${url.search}${url.hash}`;
}
