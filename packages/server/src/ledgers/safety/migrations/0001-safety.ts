import type { Migration } from '#engines/database/contract.ts';

/** Scans of model files and their findings. Times are milliseconds since 1970. */
export const safetyTables: Migration = {
  id: '0001-safety',
  sql: `
-- One scan per version, by its lineage key, because models can be renamed.
create table safety.scan (
  version_key text collate "C" primary key,
  project_id uuid not null,
  -- Uid of the Model resource.
  model uuid not null,
  version int not null,
  state text collate "C" not null,
  -- Version of the scanner.
  scanner int not null default 0,
  files int not null default 0,
  bytes bigint not null default 0,
  error text,
  requested_at bigint not null,
  ended_at bigint
);
create index scan_model on safety.scan (model, version desc);
select dais.protect('safety.scan');

create table safety.finding (
  id uuid primary key,
  project_id uuid not null,
  version_key text collate "C" not null references safety.scan (version_key) on delete cascade,
  file text collate "C" not null,
  rule text collate "C" not null,
  severity text collate "C" not null,
  detail text collate "C" not null,
  state text collate "C" not null default 'open',
  reason text,
  decided_by jsonb,
  decided_at bigint,
  unique (version_key, file, rule, detail)
);
select dais.protect('safety.finding');
`,
};
