/**
 * Maps an identity of a provider to a User. A known identity is matched by issuer and subject only, because email
 * addresses change owners. A new identity is matched by an email address that the provider verified and whose domain
 * the operator allows.
 */
import { DaisError, eventTypes } from '@dais/api';
import type { KindRegistry } from '#kernel/registry.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { endCredentials } from '#policy/identity/credentials.ts';
import { replaceInvitations } from '#policy/identity/invitations.ts';
import { findProvisionedUid } from '#policy/provisioning/provisioned-users.ts';
import { findAccount, findAccountByUid, makeUser, type Account } from '#policy/identity/users.ts';
import { isLinked, lockLink } from './identity-links.ts';
import { isAllowedDomain, type Person } from './person-claims.ts';
import type { ProviderSettings } from './provider-settings.ts';

/** What the configuration says about the accounts of a provider. */
export type AccountSettings = Pick<ProviderSettings, 'name' | 'allowedDomains' | 'createUsers' | 'matchProvisioned'>;

/**
 * @throws DaisError `unauthenticated` with the reason why this identity cannot sign in; it is already authenticated.
 */
export async function accountOf(
  tx: Transaction,
  person: Person,
  settings: AccountSettings,
  kinds: KindRegistry,
): Promise<Account> {
  const known = await lockLink(tx.sql, person.issuer, person.subject);
  const linked = known === undefined ? undefined : await findAccountByUid(tx.sql, known.userUid);
  const user = linked ?? (await firstTime(tx, person, settings, kinds));
  if (user.suspended) throw refused(`The account "${user.name}" is suspended`);
  return user;
}

async function firstTime(
  tx: Transaction,
  person: Person,
  settings: AccountSettings,
  kinds: KindRegistry,
): Promise<Account> {
  const provisioned = await provisionedUser(tx, person, settings);
  if (provisioned !== undefined) return await linkTo(tx, provisioned, person, settings, false);
  const { email } = person;
  if (email === undefined) throw refused(`"${settings.name}" reports no verified email address for you`);
  if (!isAllowedDomain(email, settings.allowedDomains)) {
    throw refused(`"${settings.name}" may not sign in email addresses such as ${email}`);
  }
  const owner = await ownerOfAddress(tx, email);
  const user =
    owner === undefined ? await createUser(tx, person, email, settings, kinds) : await findAccountByUid(tx.sql, owner);
  if (user === undefined) throw refused(`The account of ${email} is being deleted`);
  return await linkTo(tx, user, person, settings, owner === undefined);
}

/** The user that the provider provisioned for this person, by the configured attribute. */
async function provisionedUser(
  tx: Transaction,
  { matchValue }: Person,
  { name, matchProvisioned }: AccountSettings,
): Promise<Account | undefined> {
  if (matchProvisioned === undefined || matchValue === undefined) return undefined;
  const uid = await findProvisionedUid(tx.sql, name, matchProvisioned.attribute, matchValue);
  return uid === undefined ? undefined : await findAccountByUid(tx.sql, uid);
}

async function linkTo(
  tx: Transaction,
  user: Account,
  person: Person,
  settings: AccountSettings,
  created: boolean,
): Promise<Account> {
  if (await isLinked(tx.sql, user.uid)) throw refused(`The account "${user.name}" is linked to another identity`);
  if (!created) {
    // The previous user of this account had not verified the address, so all of their credentials end.
    await tx.sql.query('delete from policy.password where user_uid = $1', [user.uid]);
    await replaceInvitations(tx, user.name);
    await endCredentials(tx, { kind: 'User', uid: user.uid, name: user.name }, 'provider');
  }
  tx.emit({
    type: eventTypes.identityLinked,
    projectId: ORGANIZATION,
    subject: { kind: 'User', name: user.name, uid: user.uid },
    data: { provider: settings.name, issuer: person.issuer, created },
  });
  return user;
}

async function createUser(
  tx: Transaction,
  person: Person,
  email: string,
  settings: AccountSettings,
  kinds: KindRegistry,
): Promise<Account | undefined> {
  if (!settings.createUsers) throw refused(`No account exists for ${email}`);
  // A user with this name but another email address is another person.
  if ((await findAccount(tx.sql, 'User', email)) !== undefined) {
    throw refused(`The account named ${email} has another email address`);
  }
  const displayName = person.displayName?.slice(0, 256);
  return await findAccountByUid(tx.sql, await makeUser(tx, kinds, { name: email, email, displayName }));
}

async function ownerOfAddress(tx: Transaction, email: string): Promise<string | undefined> {
  const [row] = await tx.sql.query<{ user_uid: string }>('select user_uid from policy.email where address = $1', [
    email,
  ]);
  return row?.user_uid;
}

function refused(reason: string): DaisError {
  return new DaisError('unauthenticated', `${reason}. Ask an administrator of this installation.`);
}
