/** The part of the ledger in the transaction of a change of an endpoint. */
import { endpointSpec } from '@dais/api/serving';
import type { AdmittedChange } from '#kernel/kind.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { notifyPublishers } from './endpoint-rows.ts';

/** The manifest names the same model, at the same server. */
const SAME_MODEL = `e.spec->>'model' = excluded.spec->>'model' and e.spec->'servers' is not distinct from excluded.spec->'servers'`;

export async function admitEndpoint(tx: Transaction, change: AdmittedChange): Promise<void> {
  if (change.dryRun) return;
  if (change.spec === undefined) {
    // Rollouts are deleted too; the events remain.
    await tx.sql.query('delete from serving.endpoint where uid = $1', [change.uid], 'drop_endpoint');
    await tx.sql.query(
      'delete from serving.usage where project_id = $1 and endpoint = $2',
      [change.projectId, change.name],
      'drop_usage',
    );
    notifyPublishers(tx);
    return;
  }
  const { principal } = tx.by;
  const request = { by: `${principal.type}:${principal.id}`, cause: 'deploy' };
  await tx.sql.query(
    `insert into serving.endpoint as e (uid, project_id, name, spec, request)
     values ($1, $2, $3, $4::jsonb, $5::jsonb)
     on conflict (uid) do update set spec = excluded.spec, revision = e.revision + 1,
       request = case when ${SAME_MODEL} then e.request else excluded.request end,
       rejected = case when ${SAME_MODEL} then e.rejected end`,
    [
      change.uid,
      change.projectId,
      change.name,
      JSON.stringify(endpointSpec.parse(change.spec)),
      JSON.stringify(request),
    ],
    'admit_endpoint',
  );
  notifyPublishers(tx);
}

/** Deletes all rows of a deleted project; its endpoints are already deleted. */
export async function deleteServing(tx: Transaction, projectId: string): Promise<void> {
  const home = tx.projectId;
  await tx.enter(projectId);
  for (const table of ['endpoint', 'model', 'usage', 'gateway_minute']) {
    await tx.sql.query(`delete from serving.${table} where project_id = $1`, [projectId], `forget_serving_${table}s`);
  }
  await tx.enter(home);
}
