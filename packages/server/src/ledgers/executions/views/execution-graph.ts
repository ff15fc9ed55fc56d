/** The graph of a run for display: a summary of each node, and afterwards only changed nodes. */
import {
  listExecutionEdgesOperation,
  readExecutionGraphOperation,
  type ExecutionEdge,
  type ExecutionMark,
} from '@dais/api/executions';
import { entry, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { requireRun } from './execution-rows.ts';

export const executionGraph: readonly OperationEntry[] = [
  entry(readExecutionGraphOperation, readGraph),
  entry(listExecutionEdgesOperation, listEdges),
];

/**
 * Transactions commit in a different order than they take their sequence numbers. Transactions that started this long ago
 * have committed. Changes within this period can be reported twice, with the same content.
 */
const SETTLED_MS = 10_000;

interface MarkRow {
  readonly path: string;
  readonly kind: ExecutionMark['kind'];
  readonly state: ExecutionMark['state'];
  readonly source: 'cache' | 'reused' | null;
  readonly attempts: number;
  readonly iterations: number;
  readonly started_at: Date | null;
  readonly ended_at: Date | null;
}

async function readGraph({ sql, projectId }: Transaction, { input }: CallOf<typeof readExecutionGraphOperation>) {
  const { id, since, limit, cursor } = input;
  const run = await requireRun(sql, projectId, id);
  // Read before the rows, so that changes in between are reported again rather than missed.
  const [settled] = await sql.query<{ seq: bigint }>(
    `select coalesce(max(seq), 0)::bigint as seq from executions.transition
     where run = $1 and at < clock_timestamp() - $2 * interval '1 millisecond'`,
    [run.id, SETTLED_MS],
    'execution_settled',
  );
  const filter = [projectId, run.id, 'graph', since ?? ''];
  // Nodes are created when their parent starts or, in a loop, while it runs, so a new node may have no transition yet.
  const rows = await sql.query<MarkRow>(
    `select n.path, n.kind, n.state, n.source, n.iterations, n.started_at, n.ended_at,
       (select count(*)::int from executions.attempt a where a.node = n.id) as attempts
     from executions.node n where n.run = $1 and n.path > $2 and n.path <> '' and ($3::bigint is null
       or n.id in (select t.node from executions.transition t where t.run = $1 and t.seq > $3)
       or n.parent in (select t.node from executions.transition t
         where t.run = $1 and t.seq > $3 and t.state = 'running'))
     order by n.path limit $4`,
    [run.id, decodePageCursor(filter, cursor) ?? '', since ?? null, limit + 1],
    'execution_graph',
  );
  const { page, next } = cutPage(rows, limit, filter, ({ path }) => path);
  return { items: page.map(presentMark), ...next, place: String(settled?.seq ?? 0) };
}

function presentMark(row: MarkRow): ExecutionMark {
  return {
    path: row.path,
    kind: row.kind,
    state: row.state,
    ...(row.source !== null && { source: row.source }),
    attempts: row.attempts,
    ...(row.kind === 'loop' && { items: row.iterations }),
    ...(row.started_at !== null && { startedAt: row.started_at.getTime() }),
    ...(row.ended_at !== null && { endedAt: row.ended_at.getTime() }),
  };
}

async function listEdges({ sql, projectId }: Transaction, { input }: CallOf<typeof listExecutionEdgesOperation>) {
  const { id, group, limit, cursor } = input;
  const run = await requireRun(sql, projectId, id);
  const filter = [projectId, run.id, 'edges', group];
  // Task names contain no slash.
  const [from = '', to = ''] = decodePageCursor(filter, cursor)?.split('/') ?? [];
  const rows = await sql.query<ExecutionEdge>(
    `select s.name as "from", t.name as "to" from executions.node p join executions.node s on s.parent = p.id
     join executions.edge e on e.source = s.id join executions.node t on t.id = e.target
     where p.run = $1 and p.path = $2 and (s.name, t.name) > ($3, $4) order by s.name, t.name limit $5`,
    [run.id, group, from, to, limit + 1],
    'execution_group_edges',
  );
  const { page, next } = cutPage(rows, limit, filter, (edge) => `${edge.from}/${edge.to}`);
  return { items: page.map((edge): ExecutionEdge => ({ from: edge.from, to: edge.to })), ...next };
}
