import { DaisError } from '@dais/api';
import { userKind } from '@dais/api/access';
import type { KindDefinition, AdmitResult, AdmittedChange } from '#kernel/kind.ts';
import type { Transaction } from '#kernel/transaction.ts';

export function user(credentials: UserCredentials): KindDefinition {
  return { spec: userKind, admit: async (tx, change) => await admitUser(tx, change, credentials) };
}

/** Names of the owner-token principal in events and logs, which no user may have. */
const RESERVED: ReadonlySet<string> = new Set(['owner', 'anonymous']);

interface Subject {
  readonly kind: 'User';
  readonly uid: string;
  readonly name: string;
}

/** Port: dependents of a user elsewhere. All changes are in the same transaction. */
export interface UserCredentials {
  /** Notifies that decisions can change. */
  changed(tx: Transaction): Promise<void>;
  /** Ends every session and token. */
  end(tx: Transaction, subject: Subject, reason: 'suspended' | 'deleted'): Promise<void>;
  /** Assigns the email address to the user; returns the uid of another user who already has it. */
  claimEmail(tx: Transaction, email: string, uid: string): Promise<string | undefined>;
  /** The uid of the user with the address. */
  findEmailOwner(tx: Transaction, email: string): Promise<string | undefined>;
  /** Forgets password and address. */
  forget(tx: Transaction, uid: string): Promise<void>;
}

/**
 * Suspending and deleting end what the user has in hand. @throws DaisError `invalid_manifest` (email of another user).
 */
async function admitUser(tx: Transaction, change: AdmittedChange, credentials: UserCredentials): Promise<AdmitResult> {
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
    throw new DaisError('invalid_manifest', `"${name}" cannot be the name of a user: the name is reserved.`, {
      issues: [{ path: 'metadata.name', message: `is "${name}", which is reserved`, expected: 'another name' }],
    });
  }
  const { email, suspended } = spec as { readonly email: string; readonly suspended?: boolean };
  const other = dryRun ? await credentials.findEmailOwner(tx, email) : await credentials.claimEmail(tx, email, uid);
  if (other !== undefined && other !== uid) {
    throw new DaisError('invalid_manifest', `User "${name}": another user has the email address ${email}.`, {
      issues: [
        { path: 'spec.email', message: 'is the email address of another user', expected: 'a unique email address' },
      ],
    });
  }
  if (suspended === true && !dryRun) await credentials.end(tx, subject, 'suspended');
  return {};
}
