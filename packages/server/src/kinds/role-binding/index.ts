import { roleBindingKind, organizationRoleBindingKind } from '@dais/api/access';
import type { AdmitResult, AdmittedChange, KindDefinition } from '#kernel/kind.ts';
import type { Transaction } from '#kernel/transaction.ts';

/** Interface: notifies, in the same transaction, that decisions can change. */
type Changed = (tx: Transaction) => Promise<void>;

async function noted(tx: Transaction, change: AdmittedChange, changed: Changed): Promise<AdmitResult> {
  if (!change.dryRun) await changed(tx);
  return {};
}

export function roleBindings(dependencies: { readonly changed: Changed }): readonly KindDefinition[] {
  return [roleBindingKind, organizationRoleBindingKind].map((spec) => ({
    spec,
    admit: async (tx, change) => await noted(tx, change, dependencies.changed),
  }));
}
