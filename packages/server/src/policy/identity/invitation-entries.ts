/** Invitations: users get accounts, and only they know their passwords. */
import { DaisError, eventTypes } from '@dais/api';
import {
  acceptInvitationOperation,
  createInvitationOperation,
  inviteAdministratorOperation,
  listInvitationsOperation,
  readInvitationOperation,
  resetPasswordOperation,
  revokeInvitationOperation,
} from '@dais/api/access';
import { entry, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import type { Principal } from '#kernel/principal.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { authEntry, type AuthResultOf } from '#policy/auth-result.ts';
import { addressGroup, countAttempt } from '#policy/identity/attempts.ts';
import { findEmailOwner } from '#policy/identity/credentials.ts';
import { endCredentials } from '#policy/identity/credentials.ts';
import { describeCaller } from '#policy/identity/sessions/current-session.ts';
import {
  requireAccounts,
  subjectOf,
  writeAs,
  type IdentityDependencies,
} from '#policy/identity/identity-dependencies.ts';
import {
  acceptInvitation,
  findInvitation,
  insertInvitation,
  listInvitations,
  replaceInvitations,
  revokeInvitation,
  type Invitation,
  type NewInvitation,
} from '#policy/identity/invitations.ts';
import { checkNewPassword } from '#policy/identity/passwords/password-rules.ts';
import { removePassword, writePasswordHash } from '#policy/identity/passwords/passwords.ts';
import { requireUser } from '#policy/identity/sessions/session-entries.ts';
import { startSession } from '#policy/identity/sessions/session-start.ts';
import { endSessionsOf } from '#policy/identity/sessions/sessions.ts';
import { countTokens } from '#policy/identity/tokens/tokens.ts';
import { findAccount, findAccountByUid, makeAdministrator, makeUser, type Account } from '#policy/identity/users.ts';
import { bumpVersion } from '#policy/state.ts';

const HOUR_MS = 3_600_000;
const DEFAULT_HOURS = 72;

export function invitationEntries(dependencies: IdentityDependencies): readonly OperationEntry[] {
  return [
    // `perform`, so that no response with a link is stored for idempotency.
    entry(createInvitationOperation, { perform: (call) => invite(dependencies, call, false) }),
    entry(inviteAdministratorOperation, { perform: (call) => invite(dependencies, call, true) }),
    entry(resetPasswordOperation, { perform: (call) => reset(dependencies, call) }),
    entry(listInvitationsOperation, async (tx) => {
      requireAccounts(dependencies);
      return { items: (await listInvitations(tx.sql)).map(present) };
    }),
    entry(revokeInvitationOperation, async (tx, { input }) => {
      requireAccounts(dependencies);
      if (!(await revokeInvitation(tx, input.id))) throw new DaisError('not_found', 'Invitation not found.');
      tx.emit({ type: eventTypes.invitationRevoked, projectId: ORGANIZATION, data: { invitation: input.id } });
      return {};
    }),
    authEntry(readInvitationOperation, {
      perform: async ({ context, input }) => {
        await countOpening(dependencies, context.client?.address);
        const found = await transact(dependencies.database, { mode: 'read', projectId: ORGANIZATION }, ({ sql }) =>
          findInvitation(sql, input.secret, false),
        );
        if (found === undefined) throw ended();
        const { email, userName: name, userUid, expiresAt } = found;
        return { body: { email, name, reset: userUid !== undefined, expiresAt: expiresAt.toISOString() } };
      },
    }),
    authEntry(acceptInvitationOperation, { perform: (call) => accept(dependencies, call) }),
  ];
}

function ended(): DaisError {
  return new DaisError(
    'not_found',
    'The invitation link is not valid: it was used, revoked or has expired. Ask for a new invitation.',
  );
}

/** A link cannot be guessed. The limit only prevents excessive password hashing. */
async function countOpening({ database }: IdentityDependencies, address = ''): Promise<void> {
  const limit = { key: `invitation ${addressGroup(address)}`, most: 60, windowMs: HOUR_MS };
  const tooMany = await countAttempt(database, [limit]);
  if (tooMany !== undefined) throw tooMany.error;
}

async function invite(
  dependencies: IdentityDependencies,
  { context, input }: CallOf<typeof createInvitationOperation>,
  administrator: boolean,
) {
  requireAccounts(dependencies);
  const email = input.email.toLowerCase();
  const userName = input.name ?? email;
  return await writeAs(dependencies, context, context.principal, async (tx) => {
    if ((await findAccount(tx.sql, 'User', userName)) !== undefined) {
      throw new DaisError('already_exists', `User "${userName}" already exists.`);
    }
    if ((await findEmailOwner(tx, email)) !== undefined) {
      throw new DaisError('already_exists', `Another user has the email address ${email}.`);
    }
    const { principal } = context;
    return await makeLink(tx, dependencies, {
      email,
      userName,
      administrator,
      ...life(input.hours),
      createdBy: principal,
    });
  });
}

async function reset(dependencies: IdentityDependencies, { context, input }: CallOf<typeof resetPasswordOperation>) {
  requireAccounts(dependencies);
  return await writeAs(dependencies, context, context.principal, async (tx) => {
    const { uid, name, email = '' } = await requireUser(tx, input.name);
    if (input.endAccess === true) {
      await endCredentials(tx, { kind: 'User', uid, name }, 'password');
      await removePassword(tx.sql, uid);
    }
    const whom = { email, userName: name, userUid: uid, administrator: false };
    const link = await makeLink(tx, dependencies, { ...whom, ...life(input.hours), createdBy: context.principal });
    return { ...link, tokens: await countTokens(tx.sql, uid) };
  });
}

function life(hours = DEFAULT_HOURS): { readonly lifeMs: number } {
  return { lifeMs: hours * HOUR_MS };
}

async function makeLink(tx: Transaction, { random, url }: IdentityDependencies, input: NewInvitation) {
  await replaceInvitations(tx, input.userName);
  const { id, secret, expiresAt } = await insertInvitation(tx, input, random);
  const data = {
    invitation: id,
    email: input.email,
    reset: input.userUid !== undefined,
    administrator: input.administrator,
    expiresAt: expiresAt.toISOString(),
  };
  tx.emit({ type: eventTypes.invitationCreated, projectId: ORGANIZATION, data });
  // Browsers do not send the fragment after `#`.
  return { id, link: `${url}/invitation#${secret}`, expiresAt: expiresAt.toISOString() };
}

/** Everything or nothing: the user, the password, the role, the session, and the link used up. */
async function accept(
  dependencies: IdentityDependencies,
  { context, input }: CallOf<typeof acceptInvitationOperation>,
): Promise<AuthResultOf<typeof acceptInvitationOperation>> {
  requireAccounts(dependencies);
  const { database, hasher, sessions } = dependencies;
  await countOpening(dependencies, context.client?.address);
  const found = await transact(database, { mode: 'read', projectId: ORGANIZATION }, ({ sql }) =>
    findInvitation(sql, input.secret, false),
  );
  if (found === undefined) throw ended();
  checkNewPassword(input.password, { name: found.userName, email: found.email });
  const hash = await hasher.hash(input.password);
  const invited: Principal = { type: 'user', id: found.userName, via: { method: 'password', mfa: false } };
  return await writeAs(dependencies, context, invited, async (tx) => {
    await bumpVersion(tx);
    const invitation = await findInvitation(tx.sql, input.secret, true);
    if (invitation === undefined) throw ended();
    const user = await userOf(tx, dependencies, invitation, input.displayName);
    await writePasswordHash(tx.sql, user.uid, hash);
    await acceptInvitation(tx, invitation.id);
    const common = { projectId: ORGANIZATION, subject: subjectOf(user) };
    tx.emit({ ...common, type: eventTypes.invitationAccepted, data: { invitation: invitation.id } });
    tx.emit({ ...common, type: eventTypes.passwordChanged, data: { by: 'invitation' } });
    const count = await endSessionsOf(tx, user.uid);
    if (count > 0) tx.emit({ ...common, type: eventTypes.sessionEnded, data: { reason: 'password', count } });
    const { cookie, principal } = await startSession(tx, sessions, context, { user, method: 'password', mfa: false });
    return { body: await describeCaller(tx.sql, dependencies, principal), cookies: [cookie] };
  });
}

async function userOf(
  tx: Transaction,
  dependencies: IdentityDependencies,
  { userUid, userName, email, administrator }: Invitation,
  displayName: string | undefined,
): Promise<Account> {
  if (userUid === undefined) {
    // `makeUser` keeps an existing user: the invitation must not give access to the account of another user with this
    // name.
    if ((await findAccount(tx.sql, 'User', userName)) !== undefined) {
      throw new DaisError('already_exists', `User "${userName}" already exists. Ask for another invitation.`);
    }
    const uid = await makeUser(tx, dependencies.kinds, { name: userName, email, displayName });
    if (administrator) await makeAdministrator(tx, dependencies.kinds, { uid, name: userName });
  }
  const account =
    userUid === undefined ? await findAccount(tx.sql, 'User', userName) : await findAccountByUid(tx.sql, userUid);
  if (account === undefined || account.suspended) throw ended();
  return account;
}

function present(invitation: Invitation) {
  return {
    id: invitation.id,
    email: invitation.email,
    user: invitation.userName,
    reset: invitation.userUid !== undefined,
    administrator: invitation.administrator,
    createdBy: invitation.createdBy,
    createdAt: invitation.createdAt.toISOString(),
    expiresAt: invitation.expiresAt.toISOString(),
  };
}
