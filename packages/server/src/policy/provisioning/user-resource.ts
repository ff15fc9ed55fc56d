/** The User of a provisioned user. */
import { DaisError } from '@dais/api';
import { requireManifest } from '#kernel/manifest-check.ts';
import { writeStatus } from '#kernel/reconciler.ts';
import type { KindRegistry } from '#kernel/registry.ts';
import { readByUid, readResource, type ResourceRow } from '#kernel/store.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { decideWrites, performWrites } from '#kernel/write.ts';
import { findEmailOwner } from '#policy/identity/credentials.ts';
import type { UserAttributes } from './provisioned-users.ts';

/** What the provider determines about a User. */
export interface UserFacts {
  readonly email: string;
  readonly displayName: string | undefined;
  readonly active: boolean;
}

interface Described extends UserAttributes {
  readonly userName: string;
  readonly active: boolean;
}

const ADDRESS = /^[^@\s]+@[^@\s]+$/;

/** @throws DaisError `invalid_request` if there is no email address. */
export function userFacts({ userName, active, displayName, name, emails = [] }: Described): UserFacts {
  const email = (emails.find(({ primary }) => primary === true) ?? emails[0])?.value ?? userName;
  if (!ADDRESS.test(email)) {
    throw new DaisError('invalid_request', `The user "${userName}" has no email address.`, {
      issues: [{ path: 'emails', message: 'is missing, and `userName` is no email address' }],
    });
  }
  const parts = [name?.givenName, name?.familyName].filter((part) => part !== undefined && part !== '').join(' ');
  const shown = [displayName, name?.formatted, parts].find((text) => text !== undefined && text !== '');
  return { email: email.toLowerCase(), displayName: shown, active };
}

/** The User that has the email address. */
export async function findUserByEmail(tx: Transaction, email: string): Promise<ResourceRow | undefined> {
  const uid = await findEmailOwner(tx, email);
  if (uid === undefined) return undefined;
  const [row] = await readByUid(tx.sql, [uid]);
  return row?.deletion_at === null ? row : undefined;
}

/**
 * Creates the User, or changes it; what the provider does not determine stays. Suspending it ends its sessions and
 * tokens in this transaction.
 * @throws DaisError `already_exists` for an email address or a name of another User.
 */
export async function writeUser(
  tx: Transaction,
  kinds: KindRegistry,
  before: ResourceRow | undefined,
  facts: UserFacts,
): Promise<ResourceRow> {
  const { email, displayName, active } = facts;
  const owner = await findEmailOwner(tx, email);
  if (owner !== undefined && owner !== before?.uid) throw taken(`Another User has the email address ${email}`);
  const name = before?.name ?? email;
  if (before === undefined && (await readResource(tx.sql, ORGANIZATION, 'User', name)) !== undefined) {
    throw taken(`The User named ${name} has another email address`);
  }
  const { suspended: _, ...kept }: Readonly<Record<string, unknown>> = before?.spec ?? {};
  const spec = {
    ...kept,
    email,
    ...(displayName !== undefined && { displayName }),
    ...(!active && { suspended: true }),
  };
  const manifest = requireManifest(kinds, { apiVersion: 'dais.dev/v1', kind: 'User', metadata: { name }, spec });
  const operation = before === undefined ? 'create' : 'update';
  const desired = {
    kind: 'User',
    name,
    labels: before?.labels ?? {},
    annotations: before?.annotations ?? {},
    origin: before?.origin ?? 'manifest',
    owner: before?.owner ?? undefined,
    spec: manifest.spec,
  };
  const tenant = { id: ORGANIZATION, name: '' };
  const options = { allow: operation, takeOver: true, operation, dryRun: false } as const;
  const [outcome] = await decideWrites(tx, kinds, tenant, [desired], options);
  if (outcome === undefined) throw new Error('one desired resource, but no outcome');
  if ('error' in outcome) throw outcome.error;
  await performWrites(tx, kinds, tenant, [outcome.write], operation);
  const row = await readResource(tx.sql, ORGANIZATION, 'User', name);
  if (row === undefined) throw new Error('a User that was just written does not exist');
  return row;
}

/** Shows in the status of the User who provisions it; undefined: nobody. */
export async function showProvider(tx: Transaction, user: ResourceRow, provider: string | undefined): Promise<void> {
  await writeStatus(tx, user.uid, Number(user.generation), [], { provisionedBy: provider });
}

function taken(reason: string): DaisError {
  return new DaisError('already_exists', `${reason}.`);
}
