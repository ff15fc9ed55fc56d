import { DaisError } from '@dais/api';
import { teamKind } from '@dais/api/access';
import type { AdmitResult, AdmittedChange, KindDefinition } from '#kernel/kind.ts';
import { readResource } from '#kernel/store.ts';
import type { Transaction } from '#kernel/transaction.ts';

/** Interface: notifies, in the same transaction, that decisions can change. Such changes are serialized. */
type Changed = (tx: Transaction) => Promise<void>;

export function team(dependencies: { readonly changed: Changed }): KindDefinition {
  return { spec: teamKind, admit: async (tx, change) => await admit(tx, change, dependencies.changed) };
}

/** @throws DaisError `invalid_manifest` when a team would be above itself. */
async function admit(tx: Transaction, change: AdmittedChange, changed: Changed): Promise<AdmitResult> {
  if (!change.dryRun) await changed(tx);
  const parent = change.spec?.['parent'] as string | undefined;
  if (parent === undefined) return {};
  await refuseCircle(tx, change, parent);
  // Several documents of one apply can create a cycle together, so the check runs again after all are written.
  if (!change.dryRun) tx.checkAtEnd(`team ${change.uid}`, () => refuseCircle(tx, change, parent));
  return {};
}

async function refuseCircle(tx: Transaction, { name, projectId }: AdmittedChange, parent: string): Promise<void> {
  await tx.enter(projectId);
  const path = [name];
  for (let above: string | undefined = parent; above !== undefined;) {
    if (above === name) {
      throw new DaisError(
        'invalid_manifest',
        `Team "${name}" would be its own ancestor: ${[...path, name].join(' → ')}.`,
        {
          issues: [
            { path: 'spec.parent', message: `leads back to "${name}"`, expected: 'a team that is not a descendant' },
          ],
        },
      );
    }
    // A cycle without this team is reported for its own teams.
    if (path.includes(above)) return;
    path.push(above);
    const row = await readResource(tx.sql, projectId, 'Team', above);
    above = row?.spec['parent'] as string | undefined;
  }
}
