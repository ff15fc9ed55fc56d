import type { Migration } from '#engines/database/contract.ts';

/** Evaluation datasets and scorers. JSON is stored as text, because no query filters by it. */
export const evaluationTables: Migration = {
  id: '0004-evaluation',
  sql: `
create table tracking.evaluation_dataset (
  num bigint generated always as identity primary key,
  project_id uuid not null references kernel.tenant (id),
  id text collate "C" not null,
  name text collate "C" not null,
  digest text collate "C" not null,
  -- JSON: fields of its records and their types; null without records.
  schema text,
  records bigint not null default 0,
  created_at bigint not null,
  updated_at bigint not null,
  created_by text collate "C",
  updated_by text collate "C",
  unique (project_id, id)
);
create index evaluation_dataset_created on tracking.evaluation_dataset (project_id, created_at desc, id desc);
select dais.protect('tracking.evaluation_dataset');

create table tracking.evaluation_dataset_tag (
  dataset bigint not null references tracking.evaluation_dataset (num) on delete cascade,
  key text collate "C" not null,
  project_id uuid not null,
  value text collate "C" not null,
  primary key (dataset, key)
);
select dais.protect('tracking.evaluation_dataset_tag');

create table tracking.evaluation_dataset_experiment (
  dataset bigint not null references tracking.evaluation_dataset (num) on delete cascade,
  experiment bigint not null references tracking.experiment (id) on delete cascade,
  project_id uuid not null,
  primary key (dataset, experiment)
);
create index evaluation_dataset_of_experiment on tracking.evaluation_dataset_experiment (experiment);
select dais.protect('tracking.evaluation_dataset_experiment');

create table tracking.evaluation_record (
  num bigint generated always as identity primary key,
  project_id uuid not null,
  dataset bigint not null references tracking.evaluation_dataset (num) on delete cascade,
  id text collate "C" not null,
  -- SHA-256 of the inputs as canonical JSON, unique in the dataset.
  hash bytea not null,
  inputs text not null,
  outputs text not null,
  expectations text,
  tags text not null,
  source text,
  created_at bigint not null,
  updated_at bigint not null,
  created_by text,
  updated_by text,
  unique (dataset, hash)
);
create index evaluation_record_order on tracking.evaluation_record (dataset, num);
select dais.protect('tracking.evaluation_record');

create table tracking.scorer (
  num bigint generated always as identity primary key,
  project_id uuid not null,
  id text collate "C" not null,
  experiment bigint not null references tracking.experiment (id) on delete cascade,
  name text collate "C" not null,
  -- The highest assigned number. Numbers are not reused.
  last_version int not null,
  unique (experiment, name)
);
select dais.protect('tracking.scorer');

create table tracking.scorer_version (
  scorer bigint not null references tracking.scorer (num) on delete cascade,
  version int not null,
  project_id uuid not null,
  definition text not null,
  created_at bigint not null,
  primary key (scorer, version)
);
select dais.protect('tracking.scorer_version');

-- Which share of the traces of the experiment a program is to score with the scorer.
create table tracking.online_scoring (
  scorer bigint primary key references tracking.scorer (num) on delete cascade,
  project_id uuid not null,
  id text collate "C" not null,
  sample_rate float8 not null,
  filter text
);
select dais.protect('tracking.online_scoring');

create table tracking.issue (
  num bigint generated always as identity primary key,
  project_id uuid not null,
  id text collate "C" not null,
  experiment bigint not null references tracking.experiment (id) on delete cascade,
  name text collate "C" not null,
  description text not null,
  status text collate "C" not null,
  severity text collate "C",
  root_causes text[] not null,
  categories text[] not null,
  source_run text collate "C",
  metadata jsonb not null,
  created_at bigint not null,
  updated_at bigint not null,
  seen_at bigint not null,
  created_by text,
  updated_by text,
  unique (project_id, id)
);
create index issue_created on tracking.issue (project_id, created_at desc, id desc);
create index issue_of_experiment on tracking.issue (experiment);
create index assessment_issue on tracking.assessment (project_id, name) where kind = 'issue';
select dais.protect('tracking.issue');

create table tracking.label_schema (
  project_id uuid not null,
  id text collate "C" not null,
  experiment bigint not null references tracking.experiment (id) on delete cascade,
  name text collate "C" not null,
  type text collate "C" not null,
  instruction text,
  comments boolean not null,
  input jsonb not null,
  created_at bigint not null,
  updated_at bigint not null,
  primary key (project_id, id),
  unique (experiment, name)
);
select dais.protect('tracking.label_schema');

create table tracking.review_queue (
  num bigint generated always as identity primary key,
  project_id uuid not null,
  id text collate "C" not null,
  experiment bigint not null references tracking.experiment (id) on delete cascade,
  name text not null,
  type text collate "C" not null,
  users text[] not null,
  label_schemas text[] not null,
  owner text,
  created_at bigint not null,
  updated_at bigint not null,
  unique (project_id, id)
);
create unique index review_queue_name on tracking.review_queue (experiment, lower(name));
select dais.protect('tracking.review_queue');

create table tracking.review_item (
  queue bigint not null references tracking.review_queue (num) on delete cascade,
  trace bigint not null references tracking.trace (num) on delete cascade,
  project_id uuid not null,
  status text collate "C" not null,
  completed_by text,
  completed_at bigint,
  created_at bigint not null,
  updated_at bigint not null,
  primary key (queue, trace)
);
create index review_item_trace on tracking.review_item (trace);
select dais.protect('tracking.review_item');
`,
};
