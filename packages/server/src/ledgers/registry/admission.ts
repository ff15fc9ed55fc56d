import { DaisError } from '@dais/api';
import type { Stage } from '@dais/api/registry';
import type { AdmittedChange } from '#kernel/kind.ts';
import type { Transaction } from '#kernel/transaction.ts';

interface AdmittedSpec {
  readonly type?: string;
  readonly description?: string;
}

/**
 * Maintains the record of a Model resource, in the transaction of its change. Every change locks the row, so that a
 * rule does not change while an alias moves. @throws DaisError `still_referenced` for a model with versions.
 */
export async function admitModel(tx: Transaction, change: AdmittedChange, now: number): Promise<void> {
  const { projectId, uid, name, spec } = change;
  if (spec === undefined) {
    await refuseWithVersions(tx, change);
    if (change.dryRun) return;
    await tx.sql.query('delete from registry.model where project_id = $1 and uid = $2', [projectId, uid], 'drop_model');
    return;
  }
  if (change.dryRun) return;
  const { type = 'model', description } = spec as AdmittedSpec;
  await tx.sql.query(
    `insert into registry.model as m (project_id, uid, name, type, spec_description, created_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, $6)
     on conflict (project_id, name) do update
       set uid = excluded.uid, spec_description = excluded.spec_description, updated_at = excluded.updated_at
       where (m.uid, m.spec_description) is distinct from (excluded.uid, excluded.spec_description)`,
    [projectId, uid, name, type, description ?? null, now],
    'admit_model',
  );
}

/** Removal from a manifest set must not delete versions, which cannot be restored. */
async function refuseWithVersions(tx: Transaction, { projectId, uid, name }: AdmittedChange): Promise<void> {
  const rows = await tx.sql.query<{ version: number; stage: Stage }>(
    `select v.version, v.stage from registry.version v join registry.model m on m.id = v.model
     where m.project_id = $1 and m.uid = $2 order by v.version desc limit 20`,
    [projectId, uid],
    'versions_of_deleted',
  );
  if (rows.length === 0) return;
  throw new DaisError(
    'still_referenced',
    `Model "${name}" has versions. Delete the model together with its versions in the registry (registeredModel.delete).`,
    { holders: rows.map(({ version }) => `version ${version}`) },
  );
}
