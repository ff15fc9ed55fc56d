import type { Migration } from '#engines/database/contract.ts';

/**
 * The lineage graph. Ends of an edge are keys (`run:…`), not row numbers: writers of edges need no lookup, and records of
 * other ledgers need no row here. Times are milliseconds since 1970.
 */
export const lineageTables: Migration = {
  id: '0001-lineage',
  sql: `
-- Nodes that no other ledger stores: datasets, commits and jobs of other systems, and names of deleted records.
create table lineage.node (
  project_id uuid not null,
  key text collate "C" not null,
  name text,
  data jsonb not null,
  at bigint not null,
  -- Time of the newest report about it.
  updated_at bigint not null,
  -- Reported by another system. Retention deletes it after a period without reports.
  external boolean not null,
  primary key (project_id, key)
);
create index node_external on lineage.node (updated_at) where external;
select dais.protect('lineage.node');

create table lineage.edge (
  project_id uuid not null,
  source text collate "C" not null,
  target text collate "C" not null,
  relation text collate "C" not null,
  at bigint not null,
  external boolean not null,
  primary key (project_id, source, target)
);
create index edge_target on lineage.edge (project_id, target, source);
create index edge_external on lineage.edge (at) where external;
select dais.protect('lineage.edge');
`,
};
