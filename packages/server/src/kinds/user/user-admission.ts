import { DaisError } from '@dais/api';
import type { AdmitResult, AdmittedChange } from '#kernel/kind.ts';
import type { Transaction } from '#kernel/transaction.ts';

/** Names that events and logs give to whoever holds the owner’s token, and to nobody. */
const RESERVED: ReadonlySet<string> = new Set(['owner', 'anonymous']);

interface Subject {
  readonly kind: 'User';
  readonly uid: string;
  readonly name: string;
}

/** Port: what hangs on a user elsewhere. All of it happens in the transaction of the change. */
export interface UserCredentials {
  /** Tells that decisions may come out differently from now on. */
  changed(tx: Transaction): Promise<void>;
  /** Ends every session and token. */
  end(tx: Transaction, subject: Subject, reason: 'suspended' | 'deleted'): Promise<void>;
  /** Gives the address to the user; the uid of whoever has it already, if that is somebody else. */
  claimEmail(tx: Transaction, email: string, uid: string): Promise<string | undefined>;
  /** The uid of whoever has the address. */
  whoseEmail(tx: Transaction, email: string): Promise<string | undefined>;
  /** Forgets password and address. */
  forget(tx: Transaction, uid: string): Promise<void>;
}

/** Suspending and deleting end what the user has in hand. @throws DaisError `invalid_manifest` (e-mail of another user). */
export async function admitUser(
  tx: Transaction,
  change: AdmittedChange,
  credentials: UserCredentials,
): Promise<AdmitResult> {
  const { uid, name, spec, dryRun } = change;
  const subject = { kind: 'User', uid, name } as const;
  if (!dryRun) await credentials.changed(tx);
  if (change.action === 'delete' || spec === undefined) {
    if (dryRun) return {};
    await credentials.end(tx, subject, 'deleted');
    await credentials.forget(tx, uid);
    return {};
  }
  if (change.action === 'create' && RESERVED.has(name.toLowerCase())) {
    throw new DaisError('invalid_manifest', `"${name}" cannot be the name of a user: Dais itself uses it.`, {
      issues: [{ path: 'metadata.name', message: `is "${name}", which Dais itself uses`, expected: 'another name' }],
    });
  }
  const { email, suspended } = spec as { readonly email: string; readonly suspended?: boolean };
  const other = dryRun ? await credentials.whoseEmail(tx, email) : await credentials.claimEmail(tx, email, uid);
  if (other !== undefined && other !== uid) {
    throw new DaisError('invalid_manifest', `User "${name}": another user has the email address ${email}.`, {
      issues: [{ path: 'spec.email', message: 'is the address of another user', expected: 'an address of their own' }],
    });
  }
  if (suspended === true && !dryRun) await credentials.end(tx, subject, 'suspended');
  return {};
}
