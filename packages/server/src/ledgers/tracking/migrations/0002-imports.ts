import type { Migration } from '#engines/database/contract.ts';

/** Imported records: their ids on the source server and here, and their state on the source server. */
export const importTables: Migration = {
  id: '0002-imports',
  sql: `
create table tracking.imported (
  project_id uuid not null,
  source text collate "C" not null,
  kind text collate "C" not null,
  source_id text collate "C" not null,
  id text collate "C" not null,
  -- Empty until the import is complete.
  state text not null,
  primary key (project_id, source, kind, source_id)
);
select dais.protect('tracking.imported');
`,
};
