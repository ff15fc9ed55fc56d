/** Records lineage edges in the transaction of their cause, with the round trip of its next statement. */
import type { LineageRelation } from '@dais/api/lineage';
import type { Transaction } from '#kernel/transaction.ts';

/** A node that no other ledger stores, or whose name must remain after its deletion. */
export interface NotedNode {
  readonly key: string;
  readonly name: string;
  readonly data?: Readonly<Record<string, string>>;
}

/** An edge from an input or origin to a later object. */
export interface NotedEdge {
  readonly from: string;
  readonly to: string;
  readonly relation: LineageRelation;
}

export interface NotedLineage {
  readonly nodes?: readonly NotedNode[];
  readonly edges: readonly NotedEdge[];
}

/** All transactions use the same order, so that they cannot deadlock. */
function inOrder<T>(items: readonly T[], keyOf: (item: T) => string): readonly T[] {
  const byKey = new Map(items.toReversed().map((item) => [keyOf(item), item]));
  return byKey.size < 2
    ? [...byKey.values()]
    : [...byKey].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item);
}

function orderedNodes<Node extends NotedNode>(nodes: readonly Node[]): readonly Node[] {
  return inOrder(nodes, ({ key }) => key);
}

function orderedEdges(edges: readonly NotedEdge[]): readonly NotedEdge[] {
  return inOrder(edges, ({ from, to }) => `${from}\n${to}`);
}

const EDGES = `insert into lineage.edge (project_id, source, target, relation, at, external)
  select $1, t.*, $2, false from unnest($3::text[], $4::text[], $5::text[]) t on conflict do nothing`;
const NODES = `insert into lineage.node (project_id, key, name, data, at, updated_at, external)
  select $1, t.key, t.name, t.data::jsonb, $2, $2, false from unnest($6::text[], $7::text[], $8::text[]) t (key, name, data)
  on conflict do nothing`;
const NODES_AND_EDGES = `with made as (${NODES}) ${EDGES}`;

/**
 * Records nodes and edges in the project of the transaction. Existing ones are unchanged. `now` is in milliseconds since
 * 1970.
 */
export function noteLineage({ sql, projectId }: Transaction, { nodes = [], edges }: NotedLineage, now: number): void {
  if (edges.length === 0) return;
  const ordered = orderedEdges(edges);
  const ends = [ordered.map(({ from }) => from), ordered.map(({ to }) => to), ordered.map(({ relation }) => relation)];
  if (nodes.length === 0) {
    sql.defer(EDGES, [projectId, now, ...ends], 'note_edges');
    return;
  }
  const named = orderedNodes(nodes);
  const about = [
    named.map(({ key }) => key),
    named.map(({ name }) => name),
    named.map(({ data = {} }) => JSON.stringify(data)),
  ];
  sql.defer(NODES_AND_EDGES, [projectId, now, ...ends, ...about], 'note_lineage');
}

export interface ExternalLineage extends NotedLineage {
  readonly nodes: readonly NotedNode[];
  /** Time of the event in the other system, in milliseconds since 1970. */
  readonly at: number;
}

/** Records the event. For each attribute of a node, the newest event that contains it counts. */
export async function recordExternal({ sql, projectId }: Transaction, lineage: ExternalLineage): Promise<void> {
  const nodes = orderedNodes(lineage.nodes);
  const edges = orderedEdges(lineage.edges);
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
      lineage.at,
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
