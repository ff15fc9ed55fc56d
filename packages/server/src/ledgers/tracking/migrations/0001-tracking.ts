import type { Migration } from '#engines/database/contract.ts';

/**
 * Experiments, runs and logged data. Times are milliseconds since 1970, as clients send them. Keys inside are
 * bigint: a run's text id would cost 33 bytes in each row and index entry of its parameters, tags and metrics.
 *
 * Parameters, tags and metrics carry no foreign key to their run, and writing them takes no lock on it: both would cost as
 * much as the rows themselves. A deleted run takes no writes, and whoever removes its rows for good waits, after the
 * deletion, longer than a transaction can last.
 */
export const trackingTables: Migration = {
  id: '0001-tracking',
  sql: `
create table tracking.experiment (
  id bigint generated always as identity primary key,
  -- All other rows belong to an experiment, so nothing is written to a deleted project.
  project_id uuid not null references kernel.tenant (id),
  name text collate "C" not null,
  -- The default experiment of runs, shown as 0. Created on first use.
  is_default boolean not null default false,
  -- null: in Dais
  artifact_location text collate "C",
  created_at bigint not null,
  updated_at bigint not null,
  deleted_at bigint,
  unique (project_id, name)
);
create unique index experiment_default on tracking.experiment (project_id) where is_default;
select dais.protect('tracking.experiment');

create table tracking.experiment_tag (
  experiment bigint not null references tracking.experiment (id) on delete cascade,
  key text collate "C" not null,
  project_id uuid not null,
  value text not null,
  primary key (experiment, key)
);
select dais.protect('tracking.experiment_tag');

create table tracking.run (
  num bigint generated always as identity primary key,
  project_id uuid not null,
  id text collate "C" not null,
  experiment bigint not null references tracking.experiment (id),
  name text collate "C" not null,
  user_name text collate "C" not null,
  status text collate "C" not null,
  started_at bigint not null,
  ended_at bigint,
  deleted_at bigint,
  -- Deleted with its experiment, and restored with it.
  deleted_with_experiment boolean not null default false,
  unique (project_id, id)
);
-- Callers already know the number of the run. This function checks that the run still accepts writes.
create function tracking.require_active_run(which bigint, missing text, deleted text) returns void language plpgsql as $$
declare
  gone boolean;
begin
  select deleted_at is not null into gone from tracking.run where num = which;
  if gone is null then raise exception using errcode = 'DA000', detail = 'not_found', message = missing; end if;
  if gone then raise exception using errcode = 'DA000', detail = 'invalid_state', message = deleted; end if;
end $$;
create index run_started on tracking.run (experiment, started_at desc, id);
select dais.protect('tracking.run');

-- As for metrics: searching an experiment must not read the parameters of all others. Values are too long for an index;
-- their hash serves equality, and equal ones share an entry. It is a column because row security lets no condition with a
-- function reach an index.
create table tracking.param (
  run bigint not null,
  key text collate "C" not null,
  project_id uuid not null,
  experiment bigint not null,
  value text collate "C" not null,
  hash int not null generated always as (hashtext(value)) stored,
  primary key (run, key)
);
create index param_value on tracking.param (experiment, key, hash);
select dais.protect('tracking.param');

create table tracking.tag (
  run bigint not null,
  key text collate "C" not null,
  project_id uuid not null,
  experiment bigint not null,
  value text collate "C" not null,
  hash int not null generated always as (hashtext(value)) stored,
  primary key (run, key)
);
create index tag_value on tracking.tag (experiment, key, hash);
select dais.protect('tracking.tag');

-- One metric of one run, with its latest point: of the highest step, then time, then value. Points after it
-- are new; earlier points may exist already and are looked up.
create table tracking.metric (
  series bigint generated always as identity,
  project_id uuid not null,
  run bigint not null,
  experiment bigint not null,
  key text collate "C" not null,
  value double precision not null,
  step bigint not null,
  ts bigint not null,
  -- Its lowest point, by step, then time.
  first_step bigint not null,
  first_ts bigint not null,
  -- Of all its points; null while all of them are NaN.
  min double precision,
  max double precision,
  n bigint not null,
  -- Number of points in the tail.
  tail_n int not null,
  -- No query filters by series, and each point would update the index.
  primary key (run, key)
);
-- Includes all columns that a search and row-level security need, for index-only scans.
create index metric_value on tracking.metric (experiment, key, value) include (run, project_id);
select dais.protect('tracking.metric');

-- Points that are not in a chunk yet. The key is the point itself, so it is unique.
create table tracking.metric_tail (
  series bigint not null,
  step bigint not null,
  ts bigint not null,
  value double precision not null,
  project_id uuid not null,
  primary key (series, step, ts, value)
);
select dais.protect('tracking.metric_tail');

-- Up to 1,000 points of one series, by time, step and value. Chunks may overlap; no point is in two.
create table tracking.metric_chunk (
  series bigint not null,
  first_ts bigint not null,
  seq bigint generated always as identity,
  project_id uuid not null,
  last_ts bigint not null,
  min_step bigint not null,
  max_step bigint not null,
  n int not null,
  -- Of its points that are numbers; null without numbers.
  min double precision,
  max double precision,
  sum double precision not null,
  nans int not null,
  -- Value of its last point.
  last double precision not null,
  -- Whether steps never decrease. Then the last point is the last one by time and by step.
  steps_ascending boolean not null,
  data bytea not null,
  primary key (series, first_ts, seq)
);
-- Already compressed.
alter table tracking.metric_chunk alter column data set storage external;
select dais.protect('tracking.metric_chunk');

create table tracking.dataset (
  id bigint generated always as identity primary key,
  project_id uuid not null,
  experiment bigint not null references tracking.experiment (id) on delete cascade,
  name text collate "C" not null,
  digest text collate "C" not null,
  source_type text not null,
  source text not null,
  schema text,
  profile text,
  unique (experiment, name, digest)
);
select dais.protect('tracking.dataset');

create table tracking.dataset_input (
  run bigint not null,
  dataset bigint not null references tracking.dataset (id) on delete cascade,
  project_id uuid not null,
  -- Tags of the client that describe the use of the dataset.
  tags jsonb not null,
  -- The tag by which searches find inputs.
  context text collate "C",
  primary key (run, dataset)
);
create index dataset_input_dataset on tracking.dataset_input (dataset);
select dais.protect('tracking.dataset_input');

create table tracking.logged_model (
  num bigint generated always as identity primary key,
  project_id uuid not null,
  id text collate "C" not null,
  experiment bigint not null references tracking.experiment (id),
  name text collate "C" not null,
  type text collate "C",
  -- Id of the run that created it, as the client reports.
  source_run text collate "C",
  status text collate "C" not null,
  status_message text,
  created_at bigint not null,
  updated_at bigint not null,
  deleted_at bigint,
  deleted_with_experiment boolean not null default false,
  unique (project_id, id)
);
create index logged_model_created on tracking.logged_model (experiment, created_at desc, id);
create index logged_model_source on tracking.logged_model (project_id, source_run) where source_run is not null;
select dais.protect('tracking.logged_model');

create table tracking.logged_model_param (
  model bigint not null,
  key text collate "C" not null,
  project_id uuid not null,
  value text collate "C" not null,
  primary key (model, key)
);
select dais.protect('tracking.logged_model_param');

create table tracking.logged_model_tag (
  model bigint not null,
  key text collate "C" not null,
  project_id uuid not null,
  value text collate "C" not null,
  primary key (model, key)
);
select dais.protect('tracking.logged_model_tag');

-- Metrics of logged models, with the dataset.
create table tracking.logged_model_metric (
  model bigint not null,
  key text collate "C" not null,
  ts bigint not null,
  step bigint not null,
  run bigint not null,
  project_id uuid not null,
  experiment bigint not null,
  value double precision not null,
  dataset_name text collate "C",
  dataset_digest text collate "C",
  primary key (model, key, ts, step, run)
);
create index logged_model_metric_run on tracking.logged_model_metric (run);
create index logged_model_metric_value on tracking.logged_model_metric (experiment, key, value);
select dais.protect('tracking.logged_model_metric');

-- Input and output models of a run, by id. Clients may refer to a model before it exists.
create table tracking.model_input (
  run bigint not null,
  model text collate "C" not null,
  project_id uuid not null,
  primary key (run, model)
);
create index model_input_model on tracking.model_input (project_id, model);
select dais.protect('tracking.model_input');

create table tracking.model_output (
  run bigint not null,
  model text collate "C" not null,
  project_id uuid not null,
  step bigint not null,
  primary key (run, model)
);
create index model_output_model on tracking.model_output (project_id, model);
select dais.protect('tracking.model_output');
`,
};
