/** Signing in with a password, out, and a new password. */
import { DaisError, eventTypes } from '@dais/api';
import { changePasswordOperation, currentSessionOperation, loginOperation, logoutOperation } from '@dais/api/access';
import type { CallOf, OperationEntry } from '#kernel/entry.ts';
import type { Principal } from '#kernel/principal.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { authEntry, type AuthResultOf } from '#policy/auth-result.ts';
import { addressGroup, countAttempt, creditAttempt, type AttemptLimit } from '#policy/identity/attempts.ts';
import { describeCaller } from '#policy/identity/sessions/current-session.ts';
import {
  requireAccounts,
  subjectOf,
  writeAs,
  type IdentityDependencies,
} from '#policy/identity/identity-dependencies.ts';
import { isBySession, requireOwnAccount } from '#policy/identity/own-account.ts';
import { checkNewPassword } from '#policy/identity/passwords/password-rules.ts';
import { MISSING_USER_UID, readPasswordHash, writePasswordHash } from '#policy/identity/passwords/passwords.ts';
import { NO_SESSION, startSession } from '#policy/identity/sessions/session-start.ts';
import { endSessionsOf } from '#policy/identity/sessions/sessions.ts';
import { findAccount, findLogin, type Account } from '#policy/identity/users.ts';
import { returnPath } from '#policy/oidc/sign-in.ts';
import { bumpVersion, holdVersion } from '#policy/state.ts';

const QUARTER_HOUR_MS = 900_000;

/** The same whatever was wrong: an unknown name, no password, a wrong one, a suspended account. */
const WRONG = 'The user name or the password is incorrect.';

export function signInEntries(dependencies: IdentityDependencies): readonly OperationEntry[] {
  return [
    authEntry(loginOperation, { perform: (call) => login(dependencies, call) }),
    authEntry(logoutOperation, (tx, call) => logout(tx, dependencies, call)),
    authEntry(currentSessionOperation, async (tx, { context }) => ({
      body: await describeCaller(tx.sql, dependencies, context.principal),
    })),
    authEntry(changePasswordOperation, { perform: (call) => changePassword(dependencies, call) }),
  ];
}

/** Guesses for one account, from one place, and from everywhere; guesses from one place for whatever accounts. */
function loginLimits(name: string, address: string): readonly [AttemptLimit, AttemptLimit, AttemptLimit] {
  const account = name.trim().toLowerCase();
  const addressKey = addressGroup(address);
  return [
    { key: `login pair ${addressKey} ${account}`, most: 10, windowMs: QUARTER_HOUR_MS },
    { key: `login account ${account}`, most: 50, windowMs: QUARTER_HOUR_MS },
    { key: `login address ${addressKey}`, most: 100, windowMs: QUARTER_HOUR_MS },
  ];
}

async function login(
  dependencies: IdentityDependencies,
  call: CallOf<typeof loginOperation>,
): Promise<AuthResultOf<typeof loginOperation>> {
  requireAccounts(dependencies);
  if (!dependencies.settings.passwords) {
    throw new DaisError('forbidden', 'Sign-in with a password is disabled. Sign in with an identity provider.');
  }
  const { database, hasher, sessions } = dependencies;
  const { context, input } = call;
  const limits = loginLimits(input.name, context.client?.address ?? '');
  const [pair, everywhere, byAddress] = limits;
  // The limit of the address comes first: a client that tries many names does not add a row for each.
  const tooMany = (await countAttempt(database, [byAddress])) ?? (await countAttempt(database, [pair, everywhere]));
  const { account, hash } = await transact(database, { mode: 'read', projectId: ORGANIZATION }, async ({ sql }) => {
    const account = await findLogin(sql, input.name);
    return { account, hash: await readPasswordHash(sql, account?.uid ?? MISSING_USER_UID) };
  });
  const refuse = async (reason: 'credentials' | 'suspended' | 'attempts') => {
    await writeAs(dependencies, context, context.principal, async (tx) => {
      const subject = account === undefined ? {} : { subject: subjectOf(account) };
      tx.emit({ type: eventTypes.sessionRefused, projectId: ORGANIZATION, ...subject, data: { reason } });
    });
  };
  if (tooMany !== undefined) {
    // Emits an event only for the first attempt over the limit, so that a flood of attempts does not fill the events.
    if (tooMany.first) await refuse('attempts');
    throw tooMany.error;
  }
  const matches = await hasher.verify(hash, input.password);
  if (!matches || account === undefined || hash === undefined || account.suspended) {
    await refuse(account?.suspended === true && matches ? 'suspended' : 'credentials');
    throw new DaisError('unauthenticated', WRONG);
  }
  const better = (await hasher.isOutdated(hash)) ? await hasher.hash(input.password) : undefined;
  const answer = await writeAs(dependencies, context, personOf(account), async (tx) => {
    await holdVersion(tx);
    // Between the two transactions the account may have been suspended, or have got another password.
    const now = await findAccount(tx.sql, 'User', account.name);
    const same = now?.uid === account.uid && !now.suspended && (await readPasswordHash(tx.sql, account.uid)) === hash;
    if (!same) throw new DaisError('unauthenticated', WRONG);
    if (better !== undefined) await writePasswordHash(tx.sql, account.uid, better);
    const start = { user: account, method: 'password', mfa: false } as const;
    const { cookie, principal } = await startSession(tx, sessions, context, start);
    return { body: await describeCaller(tx.sql, dependencies, principal), cookies: [cookie] };
  });
  await creditAttempt(database, { forget: [pair, everywhere], refund: [byAddress] });
  return input.next === undefined ? answer : { ...answer, redirect: returnPath(input.next) };
}

function personOf({ name }: Account): Principal {
  return { type: 'user', id: name, via: { method: 'password', mfa: false } };
}

async function logout(
  tx: Transaction,
  { sessions }: IdentityDependencies,
  { context, input }: CallOf<typeof logoutOperation>,
): Promise<AuthResultOf<typeof logoutOperation>> {
  const session = isBySession(context.principal) ? context.principal.via?.credential : undefined;
  if (session !== undefined && (await sessions.end(tx, session))) {
    const account = await findAccount(tx.sql, 'User', context.principal.id);
    const subject = account === undefined ? {} : { subject: subjectOf(account) };
    const data = { session, reason: 'logout' };
    tx.emit({ type: eventTypes.sessionEnded, projectId: ORGANIZATION, ...subject, data });
  }
  const redirect = input.next === undefined ? {} : { redirect: returnPath(input.next) };
  return { body: {}, cookies: [NO_SESSION], ...redirect };
}

async function changePassword(
  dependencies: IdentityDependencies,
  { context, input }: CallOf<typeof changePasswordOperation>,
): Promise<AuthResultOf<typeof changePasswordOperation>> {
  requireAccounts(dependencies);
  const { database, hasher, sessions } = dependencies;
  const { principal } = context;
  const { account, hash } = await transact(database, { mode: 'read', projectId: ORGANIZATION }, async ({ sql }) => {
    const account = await requireOwnAccount(sql, principal);
    return { account, hash: await readPasswordHash(sql, account.uid) };
  });
  if (!isBySession(principal)) {
    throw new DaisError('forbidden', 'A token cannot change a password. Sign in with a browser.');
  }
  const limit: AttemptLimit = { key: `password ${account.uid}`, most: 10, windowMs: QUARTER_HOUR_MS };
  const tooMany = await countAttempt(database, [limit]);
  if (tooMany !== undefined) throw tooMany.error;
  if (!(await hasher.verify(hash, input.old))) {
    const issues = [{ path: 'old', message: 'is not the current password' }];
    throw new DaisError('invalid_request', 'The current password is incorrect.', { issues });
  }
  checkNewPassword(input.new, { name: account.name, email: account.email ?? '' });
  const next = await hasher.hash(input.new);
  const cookie = await writeAs(dependencies, context, principal, async (tx) => {
    await bumpVersion(tx);
    const now = await requireOwnAccount(tx.sql, principal);
    if (now.uid !== account.uid || (await readPasswordHash(tx.sql, account.uid)) !== hash) {
      throw new DaisError('conflict', 'Another request changed the password. Retry with the new password.');
    }
    await writePasswordHash(tx.sql, account.uid, next);
    const common = { projectId: ORGANIZATION, subject: subjectOf(account) };
    tx.emit({ ...common, type: eventTypes.passwordChanged, data: { by: 'user' } });
    const ended = await endSessionsOf(tx, account.uid, principal.via?.credential);
    if (ended > 0) tx.emit({ ...common, type: eventTypes.sessionEnded, data: { reason: 'password', count: ended } });
    const before = principal.via?.method;
    const via = before === 'oidc' || before === 'saml' ? before : 'password';
    const start = { user: account, method: via, mfa: principal.via?.mfa ?? false } as const;
    return (await startSession(tx, sessions, context, start)).cookie;
  });
  await creditAttempt(database, { forget: [limit], refund: [] });
  return { body: {}, cookies: [cookie] };
}
