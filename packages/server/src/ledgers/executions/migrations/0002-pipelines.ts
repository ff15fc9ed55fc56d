import type { Migration } from '#engines/database/contract.ts';

/** Versions of pipelines, schedules, and the origin of runs. */
export const pipelineTables: Migration = {
  id: '0002-pipelines',
  sql: `
alter table executions.run
  -- Uid of the Pipeline. The run outlives it.
  add column pipeline uuid,
  add column pipeline_version uuid,
  -- Id in executions.schedule. The run outlives it.
  add column schedule uuid,
  -- Experiment id of another ledger, opaque here.
  add column experiment_id text collate "C",
  -- Metadata of the client that submitted the run, opaque here.
  add column client_metadata jsonb,
  add column archived_at timestamptz,
  add column description text,
  -- Warnings of the compiler.
  add column warnings text[] not null default '{}',
  -- Runs that continue under the id of an earlier run: that id. The earlier run is superseded.
  add column thread uuid,
  add column superseded boolean not null default false;
create index run_of_pipeline on executions.run (pipeline, created_at desc, id desc) where pipeline is not null;
create index run_of_schedule on executions.run (schedule, created_at desc, id desc) where schedule is not null;
create index run_of_experiment on executions.run (project_id, experiment_id, created_at desc, id desc)
  where experiment_id is not null;

-- One row per Pipeline resource, created by its admission.
create table executions.pipeline (
  uid uuid primary key,
  project_id uuid not null references kernel.tenant (id),
  name text collate "C" not null,
  display_name text,
  description text,
  tags jsonb not null default '{}',
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  unique (project_id, name)
);
create index pipeline_newest on executions.pipeline (project_id, created_at desc, uid desc);
select dais.protect('executions.pipeline');

create table executions.pipeline_version (
  id uuid primary key,
  project_id uuid not null,
  pipeline uuid not null references executions.pipeline (uid) on delete cascade,
  n int not null,
  name text collate "C" not null,
  display_name text,
  description text,
  source_url text,
  tags jsonb not null default '{}',
  -- The format, which selects the compiler.
  format text collate "C" not null,
  -- Canonical JSON: never changed after it was written.
  document text not null,
  digest text collate "C" not null,
  actor_type text collate "C" not null,
  actor_id text collate "C" not null,
  created_at timestamptz not null default clock_timestamp(),
  unique (pipeline, n),
  unique (pipeline, name)
);
create index pipeline_version_newest on executions.pipeline_version (project_id, pipeline, n desc);
select dais.protect('executions.pipeline_version');

-- Schedules start runs at times, or for events and calls.
create table executions.schedule (
  id uuid primary key,
  project_id uuid not null references kernel.tenant (id),
  -- The API that created it. Schedules of the kind Schedule have the uid of the resource as their id.
  origin text collate "C" not null,
  name text collate "C" not null,
  description text,
  -- Starts a version of a pipeline, its newest version, or a separate document.
  pipeline uuid,
  pipeline_version uuid,
  format text collate "C",
  document text,
  parameters jsonb not null default '{}',
  priority int not null default 0,
  experiment_id text collate "C",
  client_metadata jsonb,
  -- cron, interval, event or webhook, with its settings in trigger.
  kind text collate "C" not null,
  trigger jsonb not null,
  starts_at timestamptz,
  ends_at timestamptz,
  catch_up boolean not null default false,
  -- Policy for overlapping runs: allow, wait, forbid or replace.
  overlap text collate "C" not null,
  max_concurrency int not null default 1,
  enabled boolean not null default true,
  actor_type text collate "C" not null,
  actor_id text collate "C" not null,
  -- The next time without a fire.
  next_at timestamptz,
  -- Time of the next check; null: after an event.
  next_check_at timestamptz,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp()
);
create index schedule_due on executions.schedule (next_check_at) where next_check_at is not null;
create index schedule_newest on executions.schedule (project_id, created_at desc, id desc);
create index schedule_event on executions.schedule (project_id) where kind = 'event' and enabled;
create index schedule_of_pipeline on executions.schedule (pipeline) where pipeline is not null;
select dais.protect('executions.schedule');

-- One row per time, event or call of a schedule.
create table executions.fire (
  schedule uuid not null references executions.schedule (id) on delete cascade,
  project_id uuid not null,
  -- The time as text, the position of the event, or the id of the call.
  cause text collate "C" not null,
  fire_time timestamptz not null,
  -- pending, started, skipped or failed.
  state text collate "C" not null default 'pending',
  run uuid,
  error text,
  -- Data of the cause for the run.
  data jsonb,
  created_at timestamptz not null default clock_timestamp(),
  primary key (schedule, cause)
);
create index fire_newest on executions.fire (schedule, fire_time desc, cause desc);
create index fire_pending on executions.fire (schedule, fire_time, cause) where state = 'pending';
create index fire_old on executions.fire (created_at) where state <> 'pending';
select dais.protect('executions.fire');
`,
};
