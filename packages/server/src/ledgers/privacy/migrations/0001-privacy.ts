import type { Migration } from '#engines/database/contract.ts';

/** Findings and scans of datasets, and pseudonym keys. Times are milliseconds since 1970. */
export const privacyTables: Migration = {
  id: '0001-privacy',
  sql: `
create table privacy.finding (
  id uuid primary key,
  project_id uuid not null,
  -- Uid and name of the Dataset resource.
  dataset uuid not null,
  name text collate "C" not null,
  "column" text collate "C" not null,
  entity text collate "C" not null,
  confidence real not null,
  share real not null,
  evidence text collate "C" not null,
  -- Redacted example.
  example text,
  state text collate "C" not null,
  mask text collate "C",
  first_version int not null,
  last_version int not null,
  found_at bigint not null,
  decided_by jsonb,
  decided_at bigint,
  reason text,
  expires_at bigint,
  unique (dataset, "column", entity)
);
create index finding_newest on privacy.finding (project_id, found_at desc, id desc);
select dais.protect('privacy.finding');

-- One row per scanned version.
create table privacy.scan (
  version uuid primary key,
  project_id uuid not null,
  dataset uuid not null,
  number int not null,
  state text collate "C" not null,
  columns int not null default 0,
  rows int not null default 0,
  findings int not null default 0,
  error text,
  requested_at bigint not null,
  ended_at bigint
);
create index scan_dataset on privacy.scan (dataset, number desc);
select dais.protect('privacy.scan');

create table privacy.pseudonym_key (
  project_id uuid not null,
  number int not null,
  -- For salts: uid and name of the Dataset resource.
  dataset uuid,
  name text collate "C",
  state text collate "C" not null,
  -- Encrypted key; all null after its destruction.
  key_id text,
  key_fingerprint text,
  wrapped bytea,
  iv bytea,
  ciphertext bytea,
  tag bytea,
  created_at bigint not null,
  destroyed_at bigint,
  primary key (project_id, number)
);
create unique index pseudonym_key_current on privacy.pseudonym_key (project_id, coalesce(dataset, project_id))
  where state = 'current';
select dais.protect('privacy.pseudonym_key');
`,
};
