import type { Migration } from '#engines/database/contract.ts';

/**
 * A row for each data folder on which a process tree runs or has run. `holder` is the control process that runs on it, as in
 * leases. All times are of the database, so that clocks of machines do not matter.
 */
export const nodesTables: Migration = {
  id: '0001-nodes',
  sql: `
create table nodes.node (
  id uuid primary key,
  holder uuid not null,
  host text not null,
  role text not null,
  version text not null,
  gateway int not null unique check (gateway between 0 and 4095),
  cores int,
  busy_cores float8,
  memory_bytes bigint,
  started_at timestamptz not null,
  contacted_at timestamptz not null,
  stopped boolean not null default false
);
grant select, insert, update, delete on nodes.node to dais_app;
`,
};
