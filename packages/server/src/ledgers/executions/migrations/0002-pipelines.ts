import type { Migration } from '#engines/database/contract.ts';

/** Versions of pipelines, what starts runs by itself, and what runs say of where they come from. */
export const pipelineTables: Migration = {
  id: '0002-pipelines',
  sql: `
alter table executions.run
  -- Uid of the Pipeline; the run outlives it.
  add column pipeline uuid,
  add column pipeline_version uuid,
  -- Of executions.schedule; the run outlives it.
  add column schedule uuid,
  -- Where other ledgers keep what it measures; opaque here.
  add column experiment_id text collate "C",
  -- What the front end that submitted it wants to find again; opaque here.
  add column about jsonb,
  add column archived_at timestamptz,
  add column description text,
  -- What its compiler had to say.
  add column warnings text[] not null default '{}',
  -- Of runs that go on under the id of an earlier one: that id. The one that goes on no longer is superseded.
  add column thread uuid,
  add column superseded boolean not null default false;
create index run_of_pipeline on executions.run (pipeline, created_at desc, id desc) where pipeline is not null;
create index run_of_schedule on executions.run (schedule, created_at desc, id desc) where schedule is not null;
create index run_of_experiment on executions.run (project_id, experiment_id, created_at desc, id desc)
  where experiment_id is not null;

-- Beside each resource of the kind Pipeline, written by its admission.
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
  -- Who can make a plan of it.
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

-- What starts runs by itself: at times, or because something happened.
create table executions.schedule (
  id uuid primary key,
  project_id uuid not null references kernel.tenant (id),
  -- Whose words made it; those of the kind Schedule have the uid of the resource as their id.
  origin text collate "C" not null,
  name text collate "C" not null,
  description text,
  -- What starts: a version of a pipeline, its newest one, or a document of its own.
  pipeline uuid,
  pipeline_version uuid,
  format text collate "C",
  document text,
  parameters jsonb not null default '{}',
  priority int not null default 0,
  experiment_id text collate "C",
  about jsonb,
  -- cron, interval, event or webhook; what exactly, as data.
  kind text collate "C" not null,
  trigger jsonb not null,
  starts_at timestamptz,
  ends_at timestamptz,
  catch_up boolean not null default false,
  -- What happens when runs of it are still going: allow, wait, forbid or replace.
  overlap text collate "C" not null,
  most_at_once int not null default 1,
  enabled boolean not null default true,
  actor_type text collate "C" not null,
  actor_id text collate "C" not null,
  -- The next time that has not become a fire.
  next_at timestamptz,
  -- When it must be looked at again; null: when something happens.
  look_at timestamptz,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp()
);
create index schedule_due on executions.schedule (look_at) where look_at is not null;
create index schedule_newest on executions.schedule (project_id, created_at desc, id desc);
create index schedule_event on executions.schedule (project_id) where kind = 'event' and enabled;
create index schedule_of_pipeline on executions.schedule (pipeline) where pipeline is not null;
select dais.protect('executions.schedule');

-- Each time, event or call that a schedule answers, once.
create table executions.fire (
  schedule uuid not null references executions.schedule (id) on delete cascade,
  project_id uuid not null,
  -- The time as text, the place of the event, the id of the call.
  cause text collate "C" not null,
  fire_time timestamptz not null,
  -- waiting, started, skipped or failed.
  state text collate "C" not null default 'waiting',
  run uuid,
  error text,
  -- What the cause says to the run.
  data jsonb,
  created_at timestamptz not null default clock_timestamp(),
  primary key (schedule, cause)
);
create index fire_newest on executions.fire (schedule, fire_time desc, cause desc);
create index fire_waiting on executions.fire (schedule, fire_time, cause) where state = 'waiting';
create index fire_old on executions.fire (created_at) where state <> 'waiting';
select dais.protect('executions.fire');
`,
};
