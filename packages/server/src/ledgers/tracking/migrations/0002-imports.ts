import type { Migration } from '#engines/database/contract.ts';

/** What was brought here from another server: what it is called there and here, and its state there at that time. */
export const importTables: Migration = {
  id: '0002-imports',
  sql: `
create table tracking.imported (
  project_id uuid not null,
  source text collate "C" not null,
  kind text collate "C" not null,
  source_id text collate "C" not null,
  id text collate "C" not null,
  -- Empty until all of it is here.
  state text not null,
  primary key (project_id, source, kind, source_id)
);
select dais.protect('tracking.imported');
`,
};
