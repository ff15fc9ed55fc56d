import type { Migration } from '#engines/database/contract.ts';

/** Profiles and checks of dataset versions. Times are milliseconds since 1970. */
export const qualityTables: Migration = {
  id: '0001-quality',
  sql: `
create table quality.profile (
  -- Id of the dataset version in the data ledger, which deletes the profile.
  version uuid primary key,
  project_id uuid not null,
  profile jsonb not null,
  created_at bigint not null
);
select dais.protect('quality.profile');

create table quality.check (
  -- UUIDv7, ordered by time.
  id uuid primary key,
  project_id uuid not null,
  dataset text collate "C" not null,
  version uuid not null,
  number int not null,
  state text collate "C" not null,
  -- Whether the check decides if the version becomes ready.
  gate boolean not null,
  expectations jsonb not null,
  -- Contain values of rows, which are masked for each reader.
  results jsonb not null default '[]',
  passed int not null default 0,
  failed int not null default 0,
  warned int not null default 0,
  message text,
  created_at bigint not null,
  created_by jsonb,
  ended_at bigint,
  seconds real
);
create index check_dataset on quality.check (project_id, dataset, id desc);
create index check_version on quality.check (version, id desc);
select dais.protect('quality.check');
`,
};
