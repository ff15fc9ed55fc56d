import type { Migration } from '#engines/database/contract.ts';

/** Definitions in formats of other systems, byte for byte. Times are milliseconds since 1970. */
export const definitionTables: Migration = {
  id: '0001-definitions',
  sql: `
create table definitions.definition (
  project_id uuid not null,
  format text collate "C" not null,
  type text collate "C" not null,
  name text collate "C" not null,
  body bytea not null,
  refers_to text[] not null,
  created_at bigint not null,
  updated_at bigint not null,
  primary key (project_id, format, type, name)
);
select dais.protect('definitions.definition');
`,
};
