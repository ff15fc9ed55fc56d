import type { Migration } from '#engines/database/contract.ts';

/**
 * Label sets, tasks, annotations and reviews. The output of a labeling tool is stored as text (`json`), unchanged except for
 * white space, so that an export equals the import. Times are milliseconds since 1970.
 */
export const labelTables: Migration = {
  id: '0001-labeling',
  sql: `
create table labeling.label_set (
  id bigint generated always as identity primary key,
  project_id uuid not null,
  name text collate "C" not null,
  -- Uid and name of the Dataset resource.
  dataset uuid not null,
  dataset_name text collate "C" not null,
  -- Reference to its version, as the user wrote it.
  version text collate "C",
  control text,
  level text collate "C" not null,
  config text not null,
  guideline int not null default 0,
  last_task int not null default 0,
  created_at bigint not null,
  created_by jsonb not null,
  unique (project_id, name)
);
create index label_set_dataset on labeling.label_set (dataset);
select dais.protect('labeling.label_set');

create table labeling.guideline (
  label_set bigint not null references labeling.label_set (id) on delete cascade,
  number int not null,
  project_id uuid not null,
  text text not null,
  at bigint not null,
  by jsonb not null,
  primary key (label_set, number)
);
select dais.protect('labeling.guideline');

create table labeling.task (
  label_set bigint not null references labeling.label_set (id) on delete cascade,
  number int not null,
  project_id uuid not null,
  external text collate "C" not null,
  -- Without annotations and predictions.
  body json not null,
  predictions json not null,
  state text collate "C" not null default 'open',
  -- Whether its labels differ.
  disagreed boolean not null default false,
  primary key (label_set, number),
  unique (label_set, external)
);
create index task_state on labeling.task (label_set, state, number);
select dais.protect('labeling.task');

create table labeling.annotation (
  id uuid not null,
  version int not null,
  label_set bigint not null,
  task int not null,
  project_id uuid not null,
  external text collate "C" not null,
  -- Position among the annotations of its task.
  position int not null,
  replaced boolean not null default false,
  annotator text not null,
  guideline int not null,
  label text[] not null,
  canceled boolean not null,
  ground_truth boolean not null,
  seconds double precision,
  labeled_at bigint,
  imported_at bigint not null,
  imported_by jsonb not null,
  body json not null,
  -- Digest of the fields that identify a revision.
  digest text collate "C" not null,
  primary key (id, version),
  foreign key (label_set, task) references labeling.task (label_set, number) on delete cascade
);
create unique index annotation_current on labeling.annotation (label_set, task, external) where not replaced;
select dais.protect('labeling.annotation');

create table labeling.review (
  annotation uuid not null,
  version int not null,
  seq bigint generated always as identity,
  project_id uuid not null,
  decision text collate "C" not null,
  by jsonb not null,
  at bigint not null,
  reason text not null,
  primary key (annotation, version, seq),
  foreign key (annotation, version) references labeling.annotation (id, version) on delete cascade
);
select dais.protect('labeling.review');

create table labeling.publication (
  id uuid primary key,
  label_set bigint not null references labeling.label_set (id) on delete cascade,
  project_id uuid not null,
  dataset text collate "C" not null,
  message text not null,
  state text collate "C" not null default 'pending',
  labels int not null,
  version int,
  error text,
  created_at bigint not null,
  created_by jsonb not null
);
create index publication_newest on labeling.publication (label_set, created_at desc);
select dais.protect('labeling.publication');
`,
};
