import type { Migration } from '#engines/database/contract.ts';

/**
 * What came from what. Ends of an edge are texts (`run:…`), not numbers of rows: whoever notes an edge then needs no look
 * for them, and an edge of what other ledgers keep needs no row here at all. Times are milliseconds since 1970.
 */
export const lineageTables: Migration = {
  id: '0001-lineage',
  sql: `
-- What no other ledger keeps: datasets, commits, jobs of other systems; and names that must outlive what they were of.
create table lineage.node (
  project_id uuid not null,
  key text collate "C" not null,
  name text,
  data jsonb not null,
  at bigint not null,
  -- The newest that is known of it.
  updated_at bigint not null,
  -- Another system told of it: it goes when nobody has told of it for long.
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
