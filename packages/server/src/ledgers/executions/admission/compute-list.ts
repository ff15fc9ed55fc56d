/** Lists the compute usage of each project. */
import { listComputeOperation, type ProjectCompute } from '@dais/api';
import { entry, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import { transact } from '#kernel/transaction.ts';
import type { ExecutionParts } from '../execution-parts.ts';
import { presentLimits, presentUse, readComputeLoad } from './compute-use.ts';
import { limitsOf } from './quota-rows.ts';
import type { Amounts } from './requests.ts';

type ListParts = Pick<ExecutionParts, 'database' | 'limits'>;

export function computeList(parts: ListParts): readonly OperationEntry[] {
  return [entry(listComputeOperation, { perform: async (call) => await listCompute(parts, call) })];
}

interface ProjectRow {
  readonly id: string;
  readonly name: string;
  readonly queued: number;
  readonly resources: Amounts | null;
  readonly running_steps: number | null;
  readonly queued_steps: number | null;
  readonly weight: number;
}

async function listCompute({ database, limits: defaults }: ListParts, { input }: CallOf<typeof listComputeOperation>) {
  const filter = ['compute'];
  const after = decodePageCursor(filter, input.cursor) ?? '';
  return await transact(database, { mode: 'read', projectId: 'all' }, async ({ sql }) => {
    const load = await readComputeLoad(sql);
    const rows = await sql.query<ProjectRow>(
      `select t.id, t.name, q.resources, q.running_steps, q.queued_steps, coalesce(q.weight, 1) as weight,
         (select count(*)::int from executions.node n where n.project_id = t.id and n.state = 'ready')
         + (select count(*)::int from executions.node n where n.project_id = t.id and n.state = 'delayed') as queued
       from kernel.tenant t left join executions.quota q on q.project_id = t.id
       where t.name > $1 and t.name <> '' order by t.name limit $2`,
      [after, input.limit + 1],
      'compute_projects',
    );
    const { page, next } = cutPage(rows, input.limit, filter, ({ name }) => name);
    const items = page.map((row): ProjectCompute => {
      const { resources } = row;
      const quota = resources === null ? undefined : { ...row, resources, project_id: row.id };
      return {
        project: row.name,
        use: presentUse(load.ofProject(row.id), row.queued),
        limits: presentLimits(limitsOf(quota, defaults)),
        share: load.shareOf(row.id),
      };
    });
    return { items, ...next, nodes: load.presentNodes() };
  });
}
