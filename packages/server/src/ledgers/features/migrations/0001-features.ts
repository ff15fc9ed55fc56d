import type { Migration } from '#engines/database/contract.ts';

export const featureTables: Migration = {
  id: '0001-features',
  sql: `
-- Grows with each change of an entity, view or service of the project: what was compiled before no longer counts.
create table features.catalog (
  project_id uuid primary key,
  version bigint not null
);
select dais.protect('features.catalog');

-- Beside each view and service, written by its admission: what the lineage calls it.
create table features.definition (
  uid uuid primary key,
  project_id uuid not null,
  kind text collate "C" not null,
  name text collate "C" not null,
  created_at timestamptz not null default clock_timestamp()
);
select dais.protect('features.definition');

-- What packed rows were packed with. Never changed: rows name it by its number.
create table features.packing (
  id bigint generated always as identity primary key,
  project_id uuid not null,
  -- Uid of the FeatureView.
  view uuid not null,
  digest text collate "C" not null,
  -- [{name, type}]
  columns jsonb not null,
  unique (view, digest)
);
select dais.protect('features.packing');

create table features.materialization (
  id uuid primary key,
  project_id uuid not null,
  view uuid not null,
  view_name text collate "C" not null,
  mode text collate "C" not null,
  state text collate "C" not null,
  -- Microseconds since 1970; both bounds are included.
  start_time bigint,
  end_time bigint not null,
  -- Id of the version that is read of each Dataset; the same in every attempt.
  versions jsonb,
  dataset text,
  entities bigint not null default 0,
  written bigint not null default 0,
  error text,
  actor_type text collate "C" not null,
  actor_id text collate "C" not null,
  created_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz
);
-- Ids are made in the order of time.
create index materialization_newest on features.materialization (project_id, id);
create index materialization_of_name on features.materialization (project_id, view_name, id);
create index materialization_of_view on features.materialization (view, id);
-- One at a time for each view.
create unique index materialization_open on features.materialization (view) where state in ('waiting', 'running');
select dais.protect('features.materialization');

-- Beside each FeatureView that has ever been brought online.
create table features.online_view (
  view uuid primary key,
  project_id uuid not null,
  materialized_to bigint,
  materialized_at timestamptz,
  entities bigint not null default 0
);
select dais.protect('features.online_view');

create table features.build (
  id uuid primary key,
  project_id uuid not null,
  state text collate "C" not null,
  -- As it was asked.
  request jsonb not null,
  dataset text collate "C" not null,
  -- Ids of the versions that are read, by name; the same in every attempt.
  versions jsonb not null,
  version_id uuid,
  version int,
  rows bigint,
  query text,
  error text,
  actor_type text collate "C" not null,
  actor_id text collate "C" not null,
  created_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz
);
create index build_newest on features.build (project_id, id);
select dais.protect('features.build');

-- Rows that were pushed and are not yet part of a version of the view's dataset.
create table features.pushed (
  id bigint generated always as identity primary key,
  project_id uuid not null,
  view uuid not null,
  rows int not null,
  -- Columns with their values, canonical.
  batch jsonb not null,
  created_at timestamptz not null default clock_timestamp()
);
create index pushed_of_view on features.pushed (view, id);
select dais.protect('features.pushed');
`,
};
