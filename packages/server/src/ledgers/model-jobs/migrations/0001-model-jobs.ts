import type { Migration } from '#engines/database/contract.ts';

/** Long-running work on model versions, and its finished shards. Times are milliseconds since 1970. */
export const modelJobTables: Migration = {
  id: '0001-model-jobs',
  sql: `
create table model_jobs.job (
  -- Also the id of the kernel job, which stores the lease and epoch.
  id uuid primary key,
  project_id uuid not null,
  kind text collate "C" not null,
  state text collate "C" not null,
  -- Uid and name of the Model resource, and the version number.
  model uuid not null,
  model_name text collate "C" not null,
  version int not null,
  -- Id in serving.model, which lists the files.
  files text collate "C" not null,
  request jsonb not null,
  phase text collate "C" not null default '',
  shards int not null default 0,
  shards_completed int not null default 0,
  rows bigint not null default 0,
  rows_completed bigint not null default 0,
  rejected bigint not null default 0,
  errors jsonb not null default '[]',
  result jsonb,
  error text,
  attempts int not null default 0,
  created_by jsonb not null,
  created_at bigint not null,
  started_at bigint,
  ended_at bigint
);
create index job_newest on model_jobs.job (project_id, id desc);
create index job_of_model on model_jobs.job (project_id, model_name, id desc);
create index job_age on model_jobs.job (ended_at);
select dais.protect('model_jobs.job');

-- A completed shard. Its rows are content of the job until the job has ended.
create table model_jobs.shard (
  job uuid not null references model_jobs.job on delete cascade,
  number int not null,
  project_id uuid not null,
  rows bigint not null,
  rejected bigint not null,
  primary key (job, number)
);
select dais.protect('model_jobs.shard');

-- Feature importance of a version. It outlives its job.
create table model_jobs.importance (
  id uuid primary key,
  project_id uuid not null,
  model uuid not null,
  model_name text collate "C" not null,
  version int not null,
  data text collate "C" not null,
  method text collate "C" not null,
  scale text collate "C" not null,
  sample int not null,
  background int not null,
  seed bigint not null,
  features jsonb not null,
  created_by jsonb not null,
  created_at bigint not null
);
create index importance_of_model on model_jobs.importance (project_id, model_name, id desc);
select dais.protect('model_jobs.importance');
`,
};
