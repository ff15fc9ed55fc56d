/** Checks whether a project may queue more steps, before any row of a submitted run is written. */
import { DaisError } from '@dais/api';
import { tenantNames } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { byteText } from '#lib/formats/byte-text.ts';
import type { Graph } from '../machine/plan.ts';
import { limitsOf, type DefaultLimits, type QuotaRow } from './quota-rows.ts';
import { exceededResource, type Amounts } from './requests.ts';

/** The quota of a project, whose resources are null when the project has none, and the number of its queued steps. */
interface SubmissionRow extends Pick<QuotaRow, 'running_steps' | 'queued_steps' | 'weight'> {
  readonly resources: Amounts | null;
  readonly queued: number;
}

/**
 * Steps that the run adds are not counted: a project exceeds its limit by one run at most for each submission at the same
 * moment. @throws DaisError `quota_exceeded` when a step of the plan requests more than the whole quota, or the queue of
 * the project is full.
 */
export async function checkSubmission(tx: Transaction, plan: Graph, defaults: DefaultLimits): Promise<void> {
  const [row] = await tx.sql.query<SubmissionRow>(
    `select q.resources, q.running_steps, q.queued_steps, coalesce(q.weight, 1) as weight,
       (select count(*)::int from (select 1 from executions.node where project_id = $1 and state = 'ready'
         limit m.most) r) +
       (select count(*)::int from (select 1 from executions.node where project_id = $1 and state = 'delayed'
         limit m.most) d) as queued
     from (select 1) one left join executions.quota q on q.project_id = $1
     cross join lateral (select coalesce(q.queued_steps, $2::int) as most) m`,
    [tx.projectId, defaults.queuedSteps],
    'quota_submission',
  );
  if (row === undefined) throw new Error('the quota query returned no row');
  const { resources } = row;
  const limits = limitsOf(resources === null ? undefined : { ...row, resources }, defaults);
  const large = findStep(plan, limits.resources);
  if (large !== undefined) throw await tooLarge(tx, large, limits.resources);
  if (row.queued < limits.queuedSteps) return;
  const name = await projectName(tx);
  throw new DaisError(
    'quota_exceeded',
    `Project "${name}" has ${row.queued.toLocaleString('en')} queued steps, and the limit is ` +
      `${limits.queuedSteps.toLocaleString('en')}. Wait until some steps start, cancel pipeline runs or jobs, or raise ` +
      '`spec.quotas.compute.queuedSteps` in the project.',
  );
}

interface LargeStep {
  readonly path: string;
  readonly resource: string;
  readonly amount: number;
}

function findStep(graph: Graph, quota: Amounts, below = ''): LargeStep | undefined {
  if (Object.keys(quota).length === 0) return undefined;
  for (const [name, { body }] of Object.entries(graph.tasks)) {
    const path = `${below}${name}`;
    if ('graph' in body) {
      const found = findStep(body.graph, quota, `${path}/`);
      if (found !== undefined) return found;
      continue;
    }
    const { resources } = body.step;
    const resource = exceededResource(resources, quota);
    if (resource !== undefined) return { path, resource, amount: resources[resource] ?? 0 };
  }
  return undefined;
}

async function tooLarge(tx: Transaction, { path, resource, amount }: LargeStep, quota: Amounts): Promise<DaisError> {
  const name = await projectName(tx);
  const limit = quota[resource] ?? 0;
  const [asked, has] = [amountText(resource, amount), amountText(resource, limit)];
  return new DaisError(
    'quota_exceeded',
    `Step "${path}" requests ${asked} of ${resource}, but the quota of project "${name}" is ${has}. Request less in ` +
      `\`resources\` of the step, or raise \`spec.quotas.compute.resources\` in the project.`,
  );
}

function amountText(resource: string, amount: number): string {
  return resource === 'memory' || resource === 'disk' ? byteText(amount) : amount.toLocaleString('en');
}

async function projectName({ sql, projectId }: Transaction): Promise<string> {
  return (await tenantNames(sql, [projectId])).get(projectId) ?? projectId;
}
