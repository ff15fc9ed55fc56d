/** The provider that a request is about, and the order of changes. */
import { DaisError } from '@dais/api';
import type { CallContext } from '#kernel/context.ts';
import { readResource } from '#kernel/store.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';

/**
 * A service account with `provisions` manages that provider only. Other callers with the permission name the provider.
 * @throws DaisError `forbidden`, `invalid_request`
 */
export async function providerOfCall(
  tx: Transaction,
  { principal }: CallContext,
  named: string | undefined,
): Promise<string> {
  const own = principal.type === 'service' ? await provisionsOf(tx, principal.id) : undefined;
  if (own !== undefined && named !== undefined && own !== named) {
    throw new DaisError('forbidden', `The service account "${principal.id}" provisions "${own}", not "${named}".`);
  }
  const provider = own ?? named;
  if (provider !== undefined) return provider;
  throw new DaisError(
    'invalid_request',
    `The request names no identity provider. Set \`provisions\` of the service account "${principal.id}", or name the provider.`,
    { issues: [{ path: 'provider', message: 'is required' }] },
  );
}

async function provisionsOf(tx: Transaction, account: string): Promise<string | undefined> {
  const row = await readResource(tx.sql, ORGANIZATION, 'ServiceAccount', account);
  return row?.spec['provisions'] as string | undefined;
}

/** Any number; other advisory locks of transactions have others. */
const CHANGES = 76_437_644;

/**
 * Makes changes of provisioned users and groups follow each other, so that checks for unique names hold. It is locked
 * before any resource: a change of a User locks its row, and then the version of decisions.
 */
export async function lockProvisioning(tx: Transaction): Promise<void> {
  await tx.sql.query('select pg_advisory_xact_lock($1)', [CHANGES], 'lock_provisioning');
}

/** @throws DaisError `precondition_failed` */
export function requireVersion(what: string, row: { readonly version: bigint }, ifVersion: string | undefined): void {
  if (ifVersion === undefined || ifVersion === String(row.version)) return;
  throw new DaisError('precondition_failed', `${what} has version ${row.version}, not ${ifVersion}.`);
}
