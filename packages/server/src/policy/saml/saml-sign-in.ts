/**
 * Sign-in with SAML 2.0. The response arrives as a form from a page of the provider, which carries no cookie of Dais: it
 * is verified and stored, and a redirect to `finish` starts the session in the browser that has the cookie.
 */
import { DaisError, eventTypes } from '@dais/api';
import {
  finishSamlOperation,
  readSamlMetadataOperation,
  receiveSamlOperation,
  startSamlOperation,
} from '@dais/api/access';
import type { CallContext } from '#kernel/context.ts';
import type { CallOf, OperationEntry } from '#kernel/entry.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { authEntry, type AuthResultOf } from '#policy/auth-result.ts';
import { requireAccounts } from '#policy/identity/identity-dependencies.ts';
import { startSession } from '#policy/identity/sessions/session-start.ts';
import { recordSignIn } from '#policy/identity/users.ts';
import { accountOf } from '#policy/oidc/account-linking.ts';
import type { SignInDependencies } from '#policy/oidc/dependencies.ts';
import { spendToken } from '#policy/oidc/federation/spent-tokens.ts';
import { putLink } from '#policy/oidc/identity-links.ts';
import type { Person } from '#policy/oidc/person-claims.ts';
import { ATTEMPT_SECONDS, BROWSER_COOKIE, insertAttempt, makeAttempt } from '#policy/oidc/sign-in-attempts.ts';
import { limitStarts, returnPath } from '#policy/oidc/sign-in.ts';
import { holdVersion } from '#policy/state.ts';
import { isAwaited, putAnswer, requestIdOf, takeAnswer } from './saml-attempts.ts';
import { personOf } from './saml-person.ts';
import { samlMetadata, samlRequestUrl, verifyResponse } from './saml-response.ts';
import { samlUrls, type SamlSettings } from './saml-settings.ts';

export interface SamlDependencies extends Pick<
  SignInDependencies,
  'database' | 'kinds' | 'sessions' | 'random' | 'settings' | 'url'
> {
  readonly samlProviders: readonly SamlSettings[];
}

export function samlEntries(dependencies: SamlDependencies): readonly OperationEntry[] {
  return [
    authEntry(startSamlOperation, { perform: async (call) => await start(dependencies, call) }),
    authEntry(receiveSamlOperation, { perform: async (call) => await receive(dependencies, call) }),
    authEntry(finishSamlOperation, { perform: async (call) => await finish(dependencies, call) }),
    authEntry(readSamlMetadataOperation, {
      perform: async ({ input }) => await metadata(dependencies, input.provider),
    }),
  ];
}

async function start(
  dependencies: SamlDependencies,
  { input, context }: CallOf<typeof startSamlOperation>,
): Promise<AuthResultOf<typeof startSamlOperation>> {
  requireAccounts(dependencies);
  const settings = settingsOf(dependencies, input.provider);
  await limitStarts(dependencies, context);
  const attempt = makeAttempt(dependencies.random);
  const { state } = attempt.challenge;
  const location = await samlRequestUrl(settings, samlUrls(dependencies.url, settings.name), {
    requestId: requestIdOf(state),
    relayState: state,
  });
  await transact(dependencies.database, { mode: 'write', projectId: ORGANIZATION }, async ({ sql }) => {
    await insertAttempt(sql, attempt, { provider: settings.name, next: returnPath(input.next) });
  });
  const cookie = { name: BROWSER_COOKIE, value: attempt.browser, maxAgeSeconds: ATTEMPT_SECONDS };
  return { body: { location }, redirect: location, cookies: [cookie] };
}

const NOT_AWAITED = `The sign-in is not valid: Dais did not start it, it is already completed, or it took longer than ${ATTEMPT_SECONDS / 60} minutes. Sign in again.`;

async function receive(
  dependencies: SamlDependencies,
  { input, context }: CallOf<typeof receiveSamlOperation>,
): Promise<AuthResultOf<typeof receiveSamlOperation>> {
  const settings = settingsOf(dependencies, input.provider);
  const { database, url } = dependencies;
  const state = input.RelayState ?? '';
  const read = { mode: 'read', projectId: ORGANIZATION } as const;
  // A response that nobody waits for is not parsed. Sign-ins that a provider starts have no request.
  if (!(await transact(database, read, async ({ sql }) => await isAwaited(sql, state, settings.name))))
    throw new DaisError('unauthenticated', NOT_AWAITED);
  try {
    const assertion = await verifyResponse(
      input.SAMLResponse,
      settings,
      samlUrls(url, settings.name),
      requestIdOf(state),
    );
    const person = personOf(assertion, settings);
    await transact(database, { mode: 'write', projectId: ORGANIZATION }, async ({ sql }) => {
      if (!(await spendToken(sql, settings.entityId, assertion.id, assertion.expiresAt)))
        throw new DaisError('unauthenticated', 'The response of the identity provider was used before.');
      if (!(await putAnswer(sql, state, settings.name, person))) throw new DaisError('unauthenticated', NOT_AWAITED);
    });
  } catch (error) {
    await recordRefusal(dependencies, context, error);
    throw error;
  }
  const location = `/auth/saml/${encodeURIComponent(settings.name)}/finish?state=${encodeURIComponent(state)}`;
  return { body: { location }, redirect: location };
}

async function finish(
  dependencies: SamlDependencies,
  { input, context }: CallOf<typeof finishSamlOperation>,
): Promise<AuthResultOf<typeof finishSamlOperation>> {
  const settings = settingsOf(dependencies, input.provider);
  const { browser, state } = input;
  const taken =
    browser === undefined
      ? undefined
      : await transact(dependencies.database, { mode: 'write', projectId: ORGANIZATION }, async ({ sql }) =>
          takeAnswer(sql, { state, browser, provider: settings.name }),
        );
  if (taken === undefined) throw new DaisError('unauthenticated', NOT_AWAITED);
  const { person, next } = taken;
  const { user, cookie } = await admit(dependencies, settings, person, context);
  return { body: { user, next }, redirect: next, cookies: [cookie, { name: BROWSER_COOKIE, maxAgeSeconds: 0 }] };
}

/** Signs in a user whom the provider authenticated. */
async function admit(dependencies: SamlDependencies, settings: SamlSettings, person: Person, context: CallContext) {
  const by = { ...context, principal: { type: 'user', id: person.email ?? person.subject } as const };
  const work = async (tx: Transaction) => {
    await holdVersion(tx);
    const user = await accountOf(tx, person, settings, dependencies.kinds);
    const { issuer, subject, groups, mfa } = person;
    const { name: provider } = settings;
    await putLink(tx.sql, {
      issuer,
      subject,
      userUid: user.uid,
      userName: user.name,
      provider,
      refreshToken: undefined,
    });
    await recordSignIn(tx, { userUid: user.uid, provider, groups });
    const { cookie } = await startSession(tx, dependencies.sessions, context, { user, method: 'saml', provider, mfa });
    return { user: user.name, cookie };
  };
  try {
    return await transact(dependencies.database, { mode: 'write', projectId: ORGANIZATION, by }, work);
  } catch (error) {
    await recordRefusal(dependencies, by, error);
    throw error;
  }
}

async function recordRefusal({ database }: SamlDependencies, by: CallContext, error: unknown): Promise<void> {
  if (!(error instanceof DaisError) || error.code !== 'unauthenticated') return;
  await transact(database, { mode: 'write', projectId: ORGANIZATION, by }, async (tx) => {
    await Promise.resolve();
    tx.emit({ type: eventTypes.sessionRefused, projectId: ORGANIZATION, data: { reason: 'provider' } });
  });
}

async function metadata(
  dependencies: SamlDependencies,
  provider: string,
): Promise<AuthResultOf<typeof readSamlMetadataOperation>> {
  const settings = settingsOf(dependencies, provider);
  const urls = samlUrls(dependencies.url, settings.name);
  const document = { type: 'application/samlmetadata+xml', text: await samlMetadata(settings, urls) };
  return { body: { entityId: urls.entityId }, document };
}

function settingsOf({ samlProviders }: SamlDependencies, name: string): SamlSettings {
  const settings = samlProviders.find((one) => one.name === name);
  if (settings !== undefined) return settings;
  throw new DaisError('not_found', `There is no identity provider "${name}".`);
}
