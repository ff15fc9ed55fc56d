import type { Migration } from '#engines/database/contract.ts';

export const featureTables: Migration = {
  id: '0001-features',
  sql: `
-- Incremented by each change of an entity, view or service of the project, which invalidates compiled definitions.
create table features.catalog (
  project_id uuid primary key,
  version bigint not null
);
select dais.protect('features.catalog');

-- Lineage names of views and services, created by their admission.
create table features.definition (
  uid uuid primary key,
  project_id uuid not null,
  kind text collate "C" not null,
  name text collate "C" not null,
  created_at timestamptz not null default clock_timestamp()
);
select dais.protect('features.definition');

-- Schemas of packed rows. They never change, because rows refer to them by number.
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
  -- Microseconds since 1970, inclusive.
  start_time bigint,
  end_time bigint not null,
  -- Id of the version of each Dataset that every attempt reads.
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
-- Ids are ordered by time.
create index materialization_newest on features.materialization (project_id, id);
create index materialization_of_name on features.materialization (project_id, view_name, id);
create index materialization_of_view on features.materialization (view, id);
-- At most one active materialization per view.
create unique index materialization_open on features.materialization (view) where state in ('pending', 'running');
select dais.protect('features.materialization');

-- The online state of each materialized FeatureView.
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
  -- The request of the client.
  request jsonb not null,
  dataset text collate "C" not null,
  -- Ids of the versions that every attempt reads, by name.
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

-- Pushed rows that are not yet in a version of the dataset of the view.
create table features.pushed (
  id bigint generated always as identity primary key,
  project_id uuid not null,
  view uuid not null,
  rows int not null,
  -- Columns with their values, as canonical JSON.
  batch jsonb not null,
  created_at timestamptz not null default clock_timestamp()
);
create index pushed_of_view on features.pushed (view, id);
select dais.protect('features.pushed');
`,
};
