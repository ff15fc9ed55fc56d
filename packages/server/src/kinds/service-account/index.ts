import { serviceAccountKind } from '@dais/api/access';
import type { AdmitResult, AdmittedChange, KindDefinition } from '#kernel/kind.ts';
import type { Transaction } from '#kernel/transaction.ts';

/** Port: dependents of a service account elsewhere, in the transaction of the change. */
export interface ServiceCredentials {
  /** Notifies that decisions can change. */
  changed(tx: Transaction): Promise<void>;
  /** Ends every token. */
  end(
    tx: Transaction,
    subject: { readonly kind: 'ServiceAccount'; readonly uid: string; readonly name: string },
    reason: 'suspended' | 'deleted',
  ): Promise<void>;
}

export function serviceAccount(credentials: ServiceCredentials): KindDefinition {
  return { spec: serviceAccountKind, admit: async (tx, change) => await admit(tx, change, credentials) };
}

async function admit(tx: Transaction, change: AdmittedChange, credentials: ServiceCredentials): Promise<AdmitResult> {
  if (change.dryRun) return {};
  await credentials.changed(tx);
  const subject = { kind: 'ServiceAccount', uid: change.uid, name: change.name } as const;
  if (change.action === 'delete') await credentials.end(tx, subject, 'deleted');
  else if (change.spec?.['suspended'] === true) await credentials.end(tx, subject, 'suspended');
  return {};
}
