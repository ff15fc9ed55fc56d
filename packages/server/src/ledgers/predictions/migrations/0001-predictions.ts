import type { Migration } from '#engines/database/contract.ts';

/** Prediction files, positions in segments, erasures and labels. Times are milliseconds since 1970. */
export const predictionTables: Migration = {
  id: '0001-predictions',
  sql: `
create table predictions.file (
  id uuid primary key,
  project_id uuid not null,
  -- Uid and name of the Endpoint resource.
  endpoint uuid not null,
  name text collate "C" not null,
  -- The endpoint part of prediction ids.
  mark bigint not null,
  hour bigint not null,
  predictions int not null,
  rows int not null,
  erased int not null default 0,
  bytes bigint not null,
  columns jsonb not null,
  models text[] not null,
  -- Times of its first and last prediction.
  first_at bigint not null,
  last_at bigint not null,
  created_at bigint not null
);
create index file_hour on predictions.file (project_id, name, hour desc, id);
create index file_mark on predictions.file (project_id, mark, hour);
create index file_age on predictions.file (last_at);
select dais.protect('predictions.file');

-- Read position of each segment, committed with the files created from it.
create table predictions.segment (
  name text collate "C" primary key,
  project_id uuid not null,
  read_bytes bigint not null,
  lost_bytes bigint not null default 0,
  ended boolean not null default false,
  updated_at bigint not null
);
select dais.protect('predictions.segment');

create table predictions.erasure (
  id uuid primary key,
  project_id uuid not null,
  endpoint text collate "C" not null,
  "column" text collate "C" not null,
  -- Null after completion.
  value text,
  state text collate "C" not null,
  files int not null default 0,
  rows int not null default 0,
  -- The last processed file.
  last_file uuid,
  error text,
  -- Hosts of nodes that did not run.
  missing_nodes jsonb not null default '[]',
  reason text not null,
  by jsonb not null,
  requested_at bigint not null,
  ended_at bigint
);
select dais.protect('predictions.erasure');

-- Until when each node has collected the predictions of its gateway, by the clock of the database.
create table predictions.collection (
  node uuid primary key,
  collected_until timestamptz not null
);
grant select, insert, update, delete on predictions.collection to dais_app;

create table predictions.label (
  id uuid primary key,
  project_id uuid not null,
  endpoint text collate "C" not null,
  prediction uuid,
  key_column text collate "C",
  key_value text collate "C",
  "row" int not null,
  value text not null,
  observed_at bigint,
  at bigint not null,
  by jsonb not null,
  source text not null
);
create index label_newest on predictions.label (project_id, endpoint, id desc);
create index label_prediction on predictions.label (project_id, prediction) where prediction is not null;
select dais.protect('predictions.label');
`,
};
