/** Rows of compute quotas, written with the Project. */
import type { ComputeQuota } from '@dais/api';
import type { Sql } from '#engines/database/contract.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { notifyWorkers } from '../executions-events.ts';
import type { ProjectLimits } from './requests.ts';

/** Limits from the configuration for projects without a quota. */
export interface DefaultLimits {
  readonly runningSteps: number;
  readonly queuedSteps: number;
}

export interface QuotaRow {
  readonly project_id: string;
  readonly resources: Readonly<Record<string, number>>;
  readonly running_steps: number | null;
  readonly queued_steps: number | null;
  readonly weight: number;
}

export function limitsOf(
  row: Omit<QuotaRow, 'project_id'> | undefined,
  { runningSteps, queuedSteps }: DefaultLimits,
): ProjectLimits {
  return {
    resources: row?.resources ?? {},
    runningSteps: row?.running_steps ?? runningSteps,
    queuedSteps: row?.queued_steps ?? queuedSteps,
    weight: row?.weight ?? 1,
  };
}

/** Returns the compute quota in the spec of a project. */
export function computeQuotaOf(spec: Readonly<Record<string, unknown>>): ComputeQuota | undefined {
  return (spec as { readonly quotas?: { readonly compute?: ComputeQuota } }).quotas?.compute;
}

/** Writes the quota of a created or changed project, at the end of the transaction. */
export function writeComputeQuota(tx: Transaction, projectId: string, quota: ComputeQuota | undefined): void {
  tx.checkAtEnd(`compute quota of ${projectId}`, async () => {
    await tx.enter(projectId);
    if (quota === undefined) {
      tx.sql.defer('delete from executions.quota where project_id = $1', [projectId], 'quota_gone');
    } else {
      const { resources = {}, runningSteps = null, queuedSteps = null, weight = 1 } = quota;
      tx.sql.defer(
        `insert into executions.quota (project_id, resources, running_steps, queued_steps, weight)
         values ($1, $2::jsonb, $3, $4, $5)
         on conflict (project_id) do update set resources = excluded.resources, running_steps = excluded.running_steps,
           queued_steps = excluded.queued_steps, weight = excluded.weight`,
        [projectId, JSON.stringify(resources), runningSteps, queuedSteps, weight],
        'quota_write',
      );
    }
    // A larger quota may let queued steps start.
    notifyWorkers(tx);
  });
}

export async function readLimits(sql: Sql, projectId: string, defaults: DefaultLimits): Promise<ProjectLimits> {
  const [row] = await sql.query<QuotaRow>(
    'select project_id, resources, running_steps, queued_steps, weight from executions.quota where project_id = $1',
    [projectId],
    'quota_read',
  );
  return limitsOf(row, defaults);
}
