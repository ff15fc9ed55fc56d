/** Lineage from other systems. Events can arrive late, twice and in any order. */
import type { Transaction } from '#kernel/transaction.ts';
import { orderedEdges, orderedNodes, type NotedLineage, type NotedNode } from './note.ts';

export interface ExternalLineage extends NotedLineage {
  readonly nodes: readonly NotedNode[];
  /** Time of the event in the other system, in milliseconds since 1970. */
  readonly at: number;
}

/** Records the event. For each attribute of a node, the newest event that contains it counts. */
export async function recordExternal({ sql, projectId }: Transaction, told: ExternalLineage): Promise<void> {
  const nodes = orderedNodes(told.nodes);
  const edges = orderedEdges(told.edges);
  await sql.query(
    `with made as (
       insert into lineage.node as n (project_id, key, name, data, at, updated_at, external)
       select $1, t.key, t.name, t.data::jsonb, $2, $2, true
       from unnest($3::text[], $4::text[], $5::text[]) t (key, name, data)
       on conflict (project_id, key) do update set
         name = case when excluded.updated_at >= n.updated_at then excluded.name else n.name end,
         data = case when excluded.updated_at >= n.updated_at then n.data || excluded.data else excluded.data || n.data end,
         at = least(n.at, excluded.at), updated_at = greatest(n.updated_at, excluded.updated_at)
       where n.external
     )
     insert into lineage.edge (project_id, source, target, relation, at, external)
     select $1, t.*, $2, true from unnest($6::text[], $7::text[], $8::text[]) t on conflict do nothing`,
    [
      projectId,
      told.at,
      nodes.map(({ key }) => key),
      nodes.map(({ name }) => name),
      nodes.map(({ data = {} }) => JSON.stringify(data)),
      edges.map(({ from }) => from),
      edges.map(({ to }) => to),
      edges.map(({ relation }) => relation),
    ],
    'record_external',
  );
}
